"""The repository tests its own habits."""
