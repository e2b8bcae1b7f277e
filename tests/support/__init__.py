"""What tests of several folders share: stores, server processes, waiting; nothing here may import from a test."""
