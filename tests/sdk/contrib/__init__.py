"""Headrace in web frameworks."""
