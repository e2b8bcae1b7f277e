"""Tests of the Python client: pure ones first, then real servers, then a real server behind a bad network."""
