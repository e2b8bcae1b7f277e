"""Tasks of a library that knows no app: `@shared_task` gives them to every app of the process."""

import inspect
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, Literal, ParamSpec, TypeVar, Unpack, overload

from headrace._current import current_app
from headrace.decorators import BindingDecorator, Decorator
from headrace.naming import checked_name, default_name
from headrace.options import TaskKeywords, TaskOptions, task_options
from headrace.tasks import AsyncTask, BaseTask, Task

__all__ = ["SHARED", "current_app", "make_task", "shared_task"]

P = ParamSpec("P")
R = TypeVar("R")

SHARED: Final[dict[str, "Definition"]] = {}  # by name; grows with imports


@dataclass(frozen=True)
class Definition:
    """What the decorator was told, for apps that are made later."""

    fn: Callable[..., Any]
    name: str
    options: TaskOptions
    bind: bool

    def __post_init__(self) -> None:
        """Refuse what no worker could run: its call makes an object, and does nothing."""
        if inspect.isgeneratorfunction(self.fn) or inspect.isasyncgenfunction(self.fn):
            raise TypeError(f"task {self.name!r} yields, and a task returns its result: return a list instead")
        if isinstance(self.fn, type):
            raise TypeError(f"task {self.name!r} is a class: write a function, with bind=True for what hung on self")


# A coroutine function is also a function: the overlap is meant, the first match counts.
@overload
def shared_task(fn: Callable[P, Coroutine[Any, Any, R]], /) -> AsyncTask[P, R]: ...  # type: ignore[overload-overlap]
@overload
def shared_task(fn: Callable[P, R], /) -> Task[P, R]: ...
@overload
def shared_task(
    *, name: str | None = None, bind: Literal[True], **options: Unpack[TaskKeywords]
) -> BindingDecorator: ...
@overload
def shared_task(
    *, name: str | None = None, bind: Literal[False] = False, **options: Unpack[TaskKeywords]
) -> Decorator: ...
def shared_task(
    fn: Callable[..., Any] | None = None, *, name: str | None = None, bind: bool = False, **options: Any
) -> Any:
    """Make a function a task of every app in this process, as `@app.task` does for one app.

    What is called through the function's own name is sent by the current app (`current_app`). An app's own task of the
    same name goes first. Raises ValueError for a name that another shared task has, or that has other characters than
    letters, digits, `_`, `.` and `-`.
    """
    if fn is None:
        return lambda function: _share(function, name, task_options(options), bind)
    return _share(fn, name, task_options(options), bind)


def make_task(definition: Definition, app: Any = None) -> BaseTask[Any, Any]:
    """Return the task of a definition: of an app, or (None) of whichever app is the current one."""
    kind: type[BaseTask[Any, Any]] = AsyncTask if inspect.iscoroutinefunction(definition.fn) else Task
    return kind(definition.fn, definition.name, definition.options, bind=definition.bind, app=app)


def _share(fn: Callable[..., Any], name: str | None, options: TaskOptions, bind: bool) -> BaseTask[Any, Any]:
    definition = Definition(fn, checked_name(name or default_name(fn)), options, bind)
    there = SHARED.get(definition.name)
    if there is not None and _place(there.fn) != _place(fn):  # a module that is imported anew may say it again
        raise ValueError(f"there is a shared task {definition.name!r} already; give one of them another name=")
    SHARED[definition.name] = definition
    return make_task(definition)


def _place(fn: Callable[..., Any]) -> tuple[str, str]:
    return fn.__module__, fn.__qualname__
