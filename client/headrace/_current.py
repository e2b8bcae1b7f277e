"""Which app a shared task belongs to where it is called; it must not know tasks."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.app import App

_current: "App | None" = None


def set_current(app: "App") -> None:
    """Make an app the one that shared tasks are sent by."""
    global _current  # noqa: PLW0603 - one per process, as a shared task has no other way to its app
    _current = app


def current_app() -> "App":
    """Return the app that was made last, or chosen by `App.set_current`; where there is none, one by HEADRACE_URL."""
    if _current is None:
        from headrace.app import App  # which imports us

        return App()
    return _current
