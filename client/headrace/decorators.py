"""The types of `@app.task(...)` and `@shared_task(...)`: which task a function becomes."""

from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, overload

from headrace.tasks import AsyncTask, Task

P = ParamSpec("P")
R = TypeVar("R")


class Decorator(Protocol):
    """Turns a function into a task of the same parameters."""

    # A coroutine function is also a function: the overlap is meant, the first match counts.
    @overload
    def __call__(self, fn: Callable[P, Coroutine[Any, Any, R]], /) -> AsyncTask[P, R]: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, fn: Callable[P, R], /) -> Task[P, R]: ...


class BindingDecorator(Protocol):
    """Turns a function into a task of the same parameters but the first, which is the task itself (`bind=True`)."""

    @overload
    def __call__(
        self, fn: Callable[Concatenate[AsyncTask[..., Any], P], Coroutine[Any, Any, R]], /
    ) -> AsyncTask[P, R]: ...
    @overload
    def __call__(self, fn: Callable[Concatenate[Task[..., Any], P], R], /) -> Task[P, R]: ...
