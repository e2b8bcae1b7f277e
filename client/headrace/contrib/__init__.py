"""Headrace in web frameworks; each module here imports its framework, and nothing else of Headrace imports them."""
