"""Work as a value: a verb is a generator that asks for sends and pauses, and two shells carry them out.

So every verb, with its retries and its long polls, is written once and tested without a network; `Client` runs the
steps with blocking calls and `AsyncClient` with awaits. A verb that answers with many things gives them on its way, and
its caller iterates. This module must not do I/O and must not know the verbs.
"""

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeAlias, TypeVar, get_args

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)


@dataclass(frozen=True, kw_only=True)
class Request:
    """One HTTP request, without the address and the credentials, which only the shells know."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One HTTP reply; names of headers in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = field(default=b"", repr=False)


class Loss(Enum):
    """Why there is no reply, by what that says about the request."""

    NOT_SENT = "not_sent"  # no connection: the server never saw it
    CUT = "cut"  # the connection broke after the request had begun: the server may have seen it
    SLOW = "slow"  # no reply in time


@dataclass(frozen=True)
class NoReply:
    """What happened instead of a reply."""

    loss: Loss
    detail: str


@dataclass(frozen=True)
class Send:
    """Send this and tell what came back, after `timeout_s` at the latest."""

    request: Request
    timeout_s: float


@dataclass(frozen=True)
class Pause:
    """Do nothing for a while."""

    seconds: float


@dataclass(frozen=True)
class Together:
    """Carry out calls in their order, `at_once` of them at a time: the next one is made while one is answered.

    Each of them begins with a Send, and keeps what comes of it for itself.
    """

    calls: "Iterator[Steps[None]]"
    at_once: int


@dataclass(frozen=True)
class Give(Generic[T]):
    """Hand this to the caller, and go on when the caller wants more."""

    item: T


Outcome: TypeAlias = Reply | NoReply
Step: TypeAlias = Send | Pause | Together
Steps: TypeAlias = Generator[Step, Outcome | None, R]
Stream: TypeAlias = Generator[Step | Give[T], Outcome | None, None]


def send(request: Request, timeout_s: float) -> Steps[Outcome]:
    """Ask the shell to send, and return what came of it."""
    outcome = yield Send(request, timeout_s)
    if outcome is None:
        raise RuntimeError("a shell must answer a Send with what came of it")
    return outcome


def together(calls: "Iterator[Steps[None]]", at_once: int) -> Steps[None]:
    """Have calls carried out in their order, `at_once` at a time; the next one is asked for when it is due."""
    yield Together(calls, at_once)


def begin(call: "Steps[None]") -> Send:
    """Return what a call begins with."""
    step = next(call)
    if not isinstance(step, Send):
        raise RuntimeError("what is done together begins with a Send")
    return step


def give(items: Iterable[T]) -> Stream[T]:
    """Hand some items to the caller, one by one."""
    for item in items:
        yield Give(item)


def pages(fetch: Callable[[str | None], Steps[V]], split: Callable[[V], tuple[Iterable[T], str | None]]) -> Stream[T]:
    """Hand over what all pages hold; `split` gives what one holds, and from where the next one goes on."""
    place: str | None = None
    while True:
        items, place = split((yield from fetch(place)))
        yield from give(items)
        if place is None:
            return


def next_of(stream: Stream[T]) -> Steps[Give[T] | None]:
    """Return the next thing that a stream gives, or None at its end."""
    outcome: Outcome | None = None
    while True:
        try:
            step = stream.send(outcome)
        except StopIteration:
            return None
        if isinstance(step, Give):
            return step
        outcome = yield step


def at_once(steps: Steps[R]) -> R:
    """Return what steps return that send nothing. Raises RuntimeError for others."""
    try:
        next(steps)
    except StopIteration as stop:
        value: R = stop.value
        return value
    raise RuntimeError("there is no server to be asked")


class Blocking(Protocol[V_co]):
    """An object whose methods block: it has verbs and can run their steps."""

    @property
    def _verbs(self) -> V_co: ...

    def _run(self, steps: Steps[R]) -> R: ...


class Awaiting(Protocol[V_co]):
    """An object whose methods are awaited: it has verbs and can run their steps."""

    @property
    def _verbs(self) -> V_co: ...

    async def _run(self, steps: Steps[R]) -> R: ...


class Iterating(Protocol[V_co]):
    """An object that can also run the steps of a verb which gives many things."""

    @property
    def _verbs(self) -> V_co: ...

    def _walk(self, stream: Stream[T]) -> Iterator[T]: ...


class AsyncIterating(Protocol[V_co]):
    """The same for callers that await."""

    @property
    def _verbs(self) -> V_co: ...

    def _walk(self, stream: Stream[T]) -> AsyncIterator[T]: ...


def blocking(verb: Callable[Concatenate[V, P], Steps[R]]) -> Callable[Concatenate[Blocking[V], P], R]:
    """Return the blocking method of a verb."""

    @functools.wraps(verb)
    def method(self: Blocking[V], /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._run(verb(self._verbs, *args, **kwargs))

    return _described(method, verb, _answer_of(verb))


def awaiting(
    verb: Callable[Concatenate[V, P], Steps[R]],
) -> Callable[Concatenate[Awaiting[V], P], Coroutine[Any, Any, R]]:
    """Return the awaited method of a verb."""

    @functools.wraps(verb)
    async def method(self: Awaiting[V], /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await self._run(verb(self._verbs, *args, **kwargs))

    return _described(method, verb, _answer_of(verb))


def iterating(verb: Callable[Concatenate[V, P], Stream[T]]) -> Callable[Concatenate[Iterating[V], P], Iterator[T]]:
    """Return the blocking method of a verb that gives many things."""

    @functools.wraps(verb)
    def method(self: Iterating[V], /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        return self._walk(verb(self._verbs, *args, **kwargs))

    return _described(method, verb, Iterator[_item_of(verb)])  # type: ignore[misc]  # a type made at run time


def async_iterating(
    verb: Callable[Concatenate[V, P], Stream[T]],
) -> Callable[Concatenate[AsyncIterating[V], P], AsyncIterator[T]]:
    """Return the method for `async for` of a verb that gives many things."""

    @functools.wraps(verb)
    def method(self: AsyncIterating[V], /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
        return self._walk(verb(self._verbs, *args, **kwargs))

    return _described(method, verb, AsyncIterator[_item_of(verb)])  # type: ignore[misc]


F = TypeVar("F", bound=Callable[..., Any])


def _described(method: F, verb: Callable[..., Any], returns: Any) -> F:
    """Show help() and inspect.signature() the verb's parameters and what a caller gets, not the generator."""
    method.__signature__ = inspect.signature(verb).replace(return_annotation=returns)  # type: ignore[attr-defined]
    return method


def _answer_of(verb: Callable[..., Any]) -> Any:
    returns = inspect.signature(verb).return_annotation
    return get_args(returns)[-1] if get_args(returns) else returns


def _item_of(verb: Callable[..., Any]) -> Any:
    steps = get_args(inspect.signature(verb).return_annotation)[0]
    return next(get_args(step)[0] for step in get_args(steps) if get_args(step))
