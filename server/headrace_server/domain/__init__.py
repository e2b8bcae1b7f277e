"""Nouns and rules of the field: pure, without a clock and without I/O."""
