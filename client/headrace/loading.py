"""From `module:app` on a command line to the app with all its tasks; it must not know what it is for."""

import importlib
import os
import sys
import traceback
from typing import Any, Final

from headrace.app import App

_NOT_THE_APP: Final = (
    "__main__",
    "headrace.",
    "headrace_worker.",
    "importlib",
    "_frozen_importlib",
)  # modules on the way to it


class AppNotFound(Exception):
    """`module:app` leads nowhere; the text says where it ends and what to write instead."""


def load(path: str) -> App:
    """Import `module:app` (from the current folder, too) and return the app. Raises AppNotFound.

    An error inside of the module itself is not turned into another one: its traceback is what the author needs.
    """
    module_name, colon, attribute = path.partition(":")
    if not (module_name and colon and attribute):
        raise AppNotFound(f"{path!r} does not name an app; write module:app, for instance shop.tasks:app")
    module = _import(module_name)
    try:
        app = _follow(module, attribute)
    except AttributeError:
        raise AppNotFound(f"module {module_name!r} has no {attribute!r}; it has {_apps_in(module)}") from None
    if not isinstance(app, App):
        raise AppNotFound(f"{path} is a {type(app).__name__}, not a headrace.App; the module has {_apps_in(module)}")
    app.load_tasks()
    return app


def import_error(error: BaseException) -> str:
    """Return an error of `load` as its author wants to see it: with a traceback that begins in the app."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals.get("__name__", "").startswith(_NOT_THE_APP):
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace)).rstrip()


def _import(name: str) -> Any:
    here = os.getcwd()  # noqa: PTH109 - sys.path holds strings
    if here not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or name
        if not (name == missing or name.startswith(missing + ".")):
            raise  # the module was found; something that it imports was not
        raise AppNotFound(f"there is no module {name!r} in {here} or where Python looks for modules") from None


def _follow(module: Any, attribute: str) -> Any:
    found = module
    for part in attribute.split("."):
        found = getattr(found, part)
    return found


def _apps_in(module: Any) -> str:
    names = sorted(name for name, value in vars(module).items() if isinstance(value, App))
    return "the apps " + ", ".join(names) if names else "no headrace.App at its top level"
