"""The tasks of an app: found by the name of a module, looked up by the name of a task; it must not run any of them."""

import importlib
import inspect
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from headrace import App, BaseTask

DEFAULT_QUEUE: Final = "default"


class AppNotFound(Exception):
    """`module:app` leads nowhere; the text says where it ends and what to write instead."""


@dataclass(frozen=True)
class Handler:
    """A task as the executor needs it."""

    function: Callable[..., Any]
    queue: str  # where jobs of this task are put by default
    is_async: bool
    signature: inspect.Signature | None  # None: a callable that does not tell, so every payload is tried


Handlers = Mapping[str, Handler]


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
    return app


def handlers(app: App) -> dict[str, Handler]:
    """Return what the executor needs of each task of an app, by the task's name."""
    return {name: _handler(task) for name, task in app.tasks.items()}


def _handler(task: BaseTask[Any, Any]) -> Handler:
    try:
        signature = inspect.signature(task.fn)
    except (TypeError, ValueError):
        signature = None
    return Handler(task.fn, task.options.queue or DEFAULT_QUEUE, task.is_async, signature)


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
