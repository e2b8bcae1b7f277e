"""The code that stands in the documentation, run as it stands there."""
