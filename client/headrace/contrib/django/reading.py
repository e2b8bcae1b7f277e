"""Headrace's part of Django's settings; it must not make or use an app."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from headrace.contrib.settings import NAME, PREFIX, WrongSettings, read

__all__ = ["NAME", "is_ours", "project_settings"]


def is_ours(name: str) -> bool:
    """Return whether a setting of the project is Headrace's."""
    return name == NAME or name.startswith(PREFIX)


def project_settings() -> dict[str, Any]:
    """Return Headrace's settings in the project, by their names in `app.conf`. Raises ImproperlyConfigured."""
    try:
        return read({name: getattr(settings, name) for name in dir(settings) if is_ours(name)})
    except WrongSettings as error:
        raise ImproperlyConfigured(str(error)) from None
