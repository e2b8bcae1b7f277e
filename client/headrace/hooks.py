"""Code of the application around its tasks: hooks that hear of events, middleware that runs are wrapped in.

Hooks watch and never change how a job ends: their own errors are logged. Middleware is part of the run: what it raises
is the task's failure. Both run on the task's own thread or event loop and in its context, so a contextvar that they set
is seen by the task. This module must not know workers.
"""

import inspect
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager, nullcontext
from types import TracebackType
from typing import Any, Final, Literal, TypeAlias, TypeVar, get_args

from headrace.context import Request
from headrace.exceptions import SoftTimeLimitExceeded

LOGGER: Final = logging.getLogger("headrace.hooks")

Event: TypeAlias = Literal[
    "worker_start",  # once per worker, in its first child, before its first job
    "worker_stop",  # once per worker, in its last child
    "child_start",  # in each child process, before its first job
    "child_stop",  # in each child process that ends in peace
    "before_task",  # request
    "after_task",  # request, outcome, result, error: whichever way it ended, after the events below
    "task_success",  # request, result
    "task_failure",  # request, error: it will not run again, as far as the worker knows
    "task_retry",  # request, error: it will run again
    "task_cancelled",  # request
]
EVENTS: Final[tuple[str, ...]] = get_args(Event)
FACTS: Final = frozenset({"request", "result", "error", "outcome"})  # what hooks may name; not each event has all

# outcome: returned failed discarded snoozed given_back cancelled (by the worker) stopped (by request)
Hook: TypeAlias = Callable[..., object]
Middleware: TypeAlias = Callable[[Request], Iterator[None] | AsyncIterator[None]]
H = TypeVar("H", bound=Hook)
M = TypeVar("M", bound=Middleware)


_NOTHING: Final = nullcontext()  # for both kinds of `with`, any number of times


class Hooks:
    """The hooks and the middleware of one app."""

    def __init__(self) -> None:
        self._hooks: dict[str, list[tuple[Hook, frozenset[str] | None]]] = {event: [] for event in EVENTS}
        self._middleware: list[Middleware] = []
        self.is_empty = True  # neither a hook nor a middleware: whoever is in a hurry need not ask for each event

    def on(self, event: Event, hook: Hook) -> None:
        """Call `hook` at every `event`, with those of its facts that it names as parameters (all, with `**facts`).

        Raises ValueError for an unknown event, TypeError for a coroutine function or a parameter that is no fact.
        """
        if event not in self._hooks:
            raise ValueError(f"there is no event {event!r}; there are {', '.join(EVENTS)}")
        if inspect.iscoroutinefunction(hook):
            raise TypeError(f"{_name(hook)}: a hook is a plain function; middleware may be async")
        self._hooks[event].append((hook, _facts_of(hook)))
        self.is_empty = False

    def use(self, middleware: Middleware) -> None:
        """Put a middleware around every run, inside of those that came before. Raises TypeError for no generator."""
        if not (inspect.isgeneratorfunction(middleware) or inspect.isasyncgenfunction(middleware)):
            raise TypeError(f"{_name(middleware)}: middleware is a generator function; the task runs at its yield")
        self._middleware.append(middleware)
        self.is_empty = False

    def fire(self, event: Event, **facts: Any) -> None:
        """Call the hooks of an event in the order they came; what they raise is logged, and the next one is called.

        Only SoftTimeLimitExceeded gets through: it is meant for the task, wherever it strikes.
        """
        for hook, wanted in self._hooks[event]:
            try:
                hook(**(facts if wanted is None else {name: facts.get(name) for name in wanted}))
            except SoftTimeLimitExceeded:
                raise
            except Exception:
                LOGGER.exception("hook %s of %s failed", _name(hook), event)

    def around(self, request: Request) -> "Around | nullcontext[None]":
        """Return the middleware around one run: `with` for a function, `async with` for a coroutine.

        An async generator takes part in the latter only.
        """
        return Around(self._middleware, request) if self._middleware else _NOTHING


class Around:
    """The middleware around one run; the first one registered is the outermost."""

    def __init__(self, middleware: list[Middleware], request: Request) -> None:
        self._middleware = middleware
        self._request = request
        self._sync = ExitStack()
        self._async = AsyncExitStack()

    def __enter__(self) -> None:
        refused: BaseException | None = None
        with ExitStack() as stack:
            for each in self._middleware:
                if inspect.isgeneratorfunction(each):
                    try:
                        stack.enter_context(contextmanager(each)(self._request))
                    except BaseException as error:
                        refused = error
                        raise
            self._sync = stack.pop_all()
        if refused is not None:
            raise refused  # one further out let it pass, but there is nothing that could run instead

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return self._sync.__exit__(kind, error, trace)

    async def __aenter__(self) -> None:
        refused: BaseException | None = None
        async with AsyncExitStack() as stack:
            for each in self._middleware:
                try:
                    await _enter(stack, each, self._request)
                except BaseException as error:
                    refused = error
                    raise
            self._async = stack.pop_all()
        if refused is not None:
            raise refused

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._async.__aexit__(kind, error, trace)


async def _enter(stack: AsyncExitStack, middleware: Middleware, request: Request) -> None:
    if inspect.isasyncgenfunction(middleware):
        await stack.enter_async_context(asynccontextmanager(middleware)(request))
    elif inspect.isgeneratorfunction(middleware):
        stack.enter_context(contextmanager(middleware)(request))


def _facts_of(hook: Hook) -> frozenset[str] | None:
    """Return the facts that a hook names, None for all. Raises TypeError for a parameter that no event can fill."""
    wanted = set()
    for parameter in inspect.signature(hook).parameters.values():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            return None
        if parameter.name in FACTS:
            wanted.add(parameter.name)
        elif parameter.default is inspect.Parameter.empty:
            known = ", ".join(sorted(FACTS))
            raise TypeError(f"{_name(hook)}: no event has {parameter.name!r}; hooks are called with some of {known}")
    return frozenset(wanted)


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", repr(function))
