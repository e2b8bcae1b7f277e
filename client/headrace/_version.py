"""The version of the whole distribution; hatchling reads it from here."""

__version__ = "0.1.0"
