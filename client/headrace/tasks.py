"""A function that can be sent away: its name, its options, and how a call becomes a job."""

import functools
import inspect
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, Literal, ParamSpec, Protocol, TypedDict, TypeVar, Unpack, cast

from headrace._codec import NotWritable
from headrace.calls import argument_name, payload_of
from headrace.models import RetryPolicy, Unique
from headrace.results import AsyncJobHandle, JobHandle
from headrace.words import Backoff

P = ParamSpec("P")
R = TypeVar("R")

Seconds = float | timedelta


@dataclass(frozen=True, kw_only=True)
class TaskOptions:
    """What every job of a task asks for; what is None follows the server's defaults. Times in seconds or timedeltas."""

    queue: str | None = None
    priority: int | None = None  # 0..255, higher first
    max_retries: int | None = None  # runs after the first one: n retries are n + 1 attempts
    retry_backoff: Backoff | str | None = None  # exponential, linear or constant
    retry_delay: Seconds | None = None  # wait after the first failure
    retry_max_delay: Seconds | None = None  # cap of the wait
    retry_jitter: bool | None = None  # True: the wait is uniform in 0..wait
    retry_for: Seconds | None = None  # no retry that would be due later than this after the call
    non_retryable: Sequence[type[BaseException] | str] | None = None  # errors (or their names, with `*`): dead at once
    on_exhausted: Literal["dead", "discard"] | None = None  # discard: the record of the dead job goes at once
    expires: Seconds | None = None  # not started by then: cancelled
    max_runtime: Seconds | None = None  # a longer run is a failed attempt
    result_ttl: Seconds | None = None  # how long the result is kept; 0: it is not stored
    tags: Mapping[str, str] | None = None  # to find the jobs by
    limits: Sequence[str] | None = None  # keys with a concurrency and rate of their own, at most 4
    fairness_key: str | None = None  # the jobs of a queue go by turns of this key
    weight: int | None = None  # 1..100, of the fairness key at its turn
    ordering_key: str | None = None  # one at a time, first in first out
    on_dead: Literal["next", "hold"] | None = None  # what a dead job does to the next ones of its ordering key
    unique: Unique | str | bool | None = None  # a key; True: the same task and arguments
    lease: Seconds | None = None  # how long a worker may be silent, 1 s .. 12 h
    retention: Seconds | None = None  # how long the record outlives the end, >= 60 s
    max_crashes: int | None = None  # lost leases until the job is dead

    def retry_policy(self) -> RetryPolicy | None:
        """Return the retry fields in the API's terms, or None where nothing was asked for."""
        policy = RetryPolicy(
            max_attempts=None if self.max_retries is None else self.max_retries + 1,
            backoff=self.retry_backoff,
            initial_ms=_ms(self.retry_delay),
            max_ms=_ms(self.retry_max_delay),
            jitter=self.retry_jitter,
            max_elapsed_ms=_ms(self.retry_for),
            non_retryable=None if self.non_retryable is None else [_error_name(e) for e in self.non_retryable],
            on_exhausted=self.on_exhausted,
        )
        return None if policy == RetryPolicy() else policy


class CallOptions(TypedDict, total=False):
    """What one call asks for, over the options of its task. Times in seconds or timedeltas, as in Celery."""

    countdown: Seconds | None  # start this much later; excludes eta
    eta: datetime | None  # aware; not before
    expires: Seconds | datetime | None  # not started by then (from now, or aware): cancelled
    queue: str | None
    priority: int | None
    max_runtime: Seconds | None  # a longer run is a failed attempt
    result_ttl: Seconds | None  # how long the result is kept; 0: it is not stored
    tags: Mapping[str, str] | None  # to find the job by; over those of the task, one by one
    limits: Sequence[str] | None  # keys with a concurrency and rate of their own, at most 4
    fairness_key: str | None  # the jobs of a queue go by turns of this key
    weight: int | None  # 1..100, of the fairness key at its turn
    ordering_key: str | None  # one at a time, first in first out
    on_dead: Literal["next", "hold"] | None  # what a dead job does to the next ones of its ordering key
    unique: Unique | str | bool | None  # a key; True: the same task and arguments; False: not even if its task says so
    idempotency_key: str | None  # the same key again gives the same job, for 24 h
    meta: Mapping[str, Any] | None  # handed to the worker beside the payload


class Sender(Protocol):
    """Who carries jobs to the server for a task: an `App`."""

    def submit(self, name: str, payload: Any, options: TaskOptions, call: CallOptions) -> JobHandle[Any]:
        """Enqueue, blocking."""
        ...

    async def asubmit(self, name: str, payload: Any, options: TaskOptions, call: CallOptions) -> AsyncJobHandle[Any]:
        """Enqueue, awaiting."""
        ...


class BaseTask(Generic[P, R]):
    """A task: `delay` sends a call away, calling the task itself runs the function here and now."""

    def __init__(self, sender: Sender, fn: Callable[P, Any], name: str, options: TaskOptions) -> None:
        functools.update_wrapper(cast("Any", self), fn)
        self._sender = sender
        self.fn = fn
        self.name = name
        self.options = options

    @property
    def is_async(self) -> bool:
        """Whether the function is a coroutine function."""
        return inspect.iscoroutinefunction(self.fn)

    def delay(self, *args: P.args, **kwargs: P.kwargs) -> JobHandle[R]:
        """Send a call away, with the function's own arguments, and return a handle on its result."""
        return self.apply_async(args, kwargs)

    async def adelay(self, *args: P.args, **kwargs: P.kwargs) -> AsyncJobHandle[R]:
        """Send a call away as `delay` does, awaiting."""
        return await self.aapply_async(args, kwargs)

    def apply_async(
        self, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None, **call: Unpack[CallOptions]
    ) -> JobHandle[R]:
        """Send a call away with options of its own (`CallOptions`) and return a handle on its result.

        Raises TypeError for arguments that the function does not take or JSON cannot write, ValueError for options
        that contradict each other, and whatever `Client.enqueue` raises.
        """
        payload = payload_of(args, kwargs or {}, self.fn)
        with _named_arguments(payload, self.fn):
            return self._sender.submit(self.name, payload, self.options, call)

    async def aapply_async(
        self, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None, **call: Unpack[CallOptions]
    ) -> AsyncJobHandle[R]:
        """Send a call away as `apply_async` does, awaiting."""
        payload = payload_of(args, kwargs or {}, self.fn)
        with _named_arguments(payload, self.fn):
            return await self._sender.asubmit(self.name, payload, self.options, call)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


class Task(BaseTask[P, R]):
    """A task over a plain function."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the function here and now."""
        result: R = self.fn(*args, **kwargs)
        return result


class AsyncTask(BaseTask[P, R]):
    """A task over an `async def` function."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]:
        """Run the function here and now; await it."""
        result: Coroutine[Any, Any, R] = self.fn(*args, **kwargs)
        return result


def job_options(options: TaskOptions, call: CallOptions) -> dict[str, Any]:
    """Return the options of one call in the terms of `Client.enqueue`; the call wins over its task.

    Raises ValueError for countdown beside eta, and for naive datetimes.
    """
    wishes: dict[str, Any] = {**vars(options), **{name: value for name, value in call.items() if value is not None}}
    countdown, eta, expires = wishes.get("countdown"), wishes.get("eta"), wishes["expires"]
    if countdown is not None and eta is not None:
        raise ValueError("give countdown or eta, not both")
    for name, instant in (("eta", eta), ("expires", expires)):
        if isinstance(instant, datetime) and instant.tzinfo is None:
            raise ValueError(f"{name} must be an aware datetime: datetime.now(UTC) or value.astimezone()")
    return {
        "queue": wishes["queue"],
        "priority": wishes["priority"],
        "delay_ms": _ms(countdown),
        "run_at": eta,
        "expires_in_ms": None if isinstance(expires, datetime) else _ms(expires),
        "expires_at": expires if isinstance(expires, datetime) else None,
        "lease_ms": _ms(options.lease),
        "retention_ms": _ms(options.retention),
        "max_crashes": options.max_crashes,
        "max_runtime_ms": _ms(wishes["max_runtime"]),
        "result_ttl_ms": _ms(wishes["result_ttl"]),
        "retry": options.retry_policy(),
        "unique": _unique(wishes["unique"]),
        "tags": {**(options.tags or {}), **(call.get("tags") or {})} or None,
        "limits": wishes["limits"],
        "fairness_key": wishes["fairness_key"],
        "weight": wishes["weight"],
        "ordering_key": wishes["ordering_key"],
        "on_dead": wishes["on_dead"],
        "meta": wishes.get("meta"),
        "idempotency_key": wishes.get("idempotency_key"),
    }


def _unique(wish: Unique | str | bool | None) -> Unique | None:
    if isinstance(wish, str):
        return Unique(key=wish)
    if isinstance(wish, bool):
        return Unique(by=("task", "payload")) if wish else None
    return wish


def _error_name(error: type[BaseException] | str) -> str:
    return error if isinstance(error, str) else error.__name__


@contextmanager
def _named_arguments(payload: Any, fn: Callable[..., Any] | None) -> Iterator[None]:
    """Let the error about a value that cannot travel name the function's argument."""
    try:
        yield
    except NotWritable as error:
        head, *rest = error.path
        if head != "payload" or not rest:
            raise
        inner = "".join(f"[{part!r}]" for part in rest[1:])
        raise TypeError(error.describe(argument_name(payload, rest[0], fn) + inner)) from None


def _ms(time: Seconds | None) -> int | None:
    if time is None:
        return None
    seconds = time.total_seconds() if isinstance(time, timedelta) else time
    return max(0, round(seconds * 1000))
