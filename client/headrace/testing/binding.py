"""The app under test: found by its name, and bound to the test server for a while."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from headrace.app import App


class WrongApp(Exception):
    """The setting headrace_app leads to no app; the text says where it ends."""


def find(path: str) -> App:
    """Return the app that `module:app` names; a new one for an empty path. Raises WrongApp."""
    if not path:
        return App()
    module, _, attribute = path.partition(":")
    found: Any = importlib.import_module(module)
    for part in attribute.split("."):
        found = getattr(found, part, None)
    if not isinstance(found, App):
        raise WrongApp(f"headrace_app = {path!r} leads to {found!r}, not to a headrace.App; write module:app")
    return found


@contextmanager
def bound(app: App, url: str) -> Iterator[App]:
    """Let an app talk to the server at `url`; what it was set to before comes back at the end."""
    before = app.conf.url, app.conf.token
    app.close()
    app.conf.update(url=url, token=None)
    app.set_current()  # shared tasks, too
    try:
        yield app
    finally:
        app.close()
        app.conf.url, app.conf.token = before
