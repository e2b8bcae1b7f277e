"""Headrace's part of a framework's settings; it must not know which framework."""

from collections.abc import Mapping
from typing import Any, Final

NAME: Final = "HEADRACE"  # a dict of all of them, and the first part of the name of each alone
PREFIX: Final = NAME + "_"


class WrongSettings(Exception):
    """Headrace's part of the settings cannot be read."""


def read(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return Headrace's settings by their names in `app.conf`, lower case; `HEADRACE_X` wins over `HEADRACE["X"]`.

    Raises WrongSettings when HEADRACE is no dict.
    """
    together = settings.get(NAME, {})
    if not isinstance(together, Mapping):
        raise WrongSettings(f"{NAME} is a dict of settings, not {together!r}; the server's address is its key URL")
    alone = {name.removeprefix(PREFIX): value for name, value in settings.items() if name.startswith(PREFIX)}
    return {str(name).lower(): value for name, value in {**together, **alone}.items()}
