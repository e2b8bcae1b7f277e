"""A function that can be sent away: its name, its options, and how a call becomes a job."""

import functools
import inspect
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, ParamSpec, Protocol, TypedDict, TypeVar, Unpack, cast

from headrace._codec import NotWritable
from headrace.calls import argument_name, payload_of
from headrace.models import RetryPolicy
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
        )
        return None if policy == RetryPolicy() else policy


class CallOptions(TypedDict, total=False):
    """What one call asks for, over the options of its task. Times in seconds or timedeltas, as in Celery."""

    countdown: Seconds | None  # start this much later; excludes eta
    eta: datetime | None  # aware; not before
    expires: Seconds | datetime | None  # not started by then (from now, or aware): cancelled
    queue: str | None
    priority: int | None
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
    countdown, eta, expires = call.get("countdown"), call.get("eta"), call.get("expires")
    if countdown is not None and eta is not None:
        raise ValueError("give countdown or eta, not both")
    for name, instant in (("eta", eta), ("expires", expires)):
        if isinstance(instant, datetime) and instant.tzinfo is None:
            raise ValueError(f"{name} must be an aware datetime: datetime.now(UTC) or value.astimezone()")
    until = expires if isinstance(expires, datetime) else None
    queue, priority = call.get("queue"), call.get("priority")
    return {
        "queue": options.queue if queue is None else queue,
        "priority": options.priority if priority is None else priority,
        "delay_ms": _ms(countdown),
        "run_at": eta,
        "expires_in_ms": None if isinstance(expires, datetime) else _ms(expires),
        "expires_at": until,
        "lease_ms": _ms(options.lease),
        "retention_ms": _ms(options.retention),
        "max_crashes": options.max_crashes,
        "retry": options.retry_policy(),
        "meta": call.get("meta"),
        "idempotency_key": call.get("idempotency_key"),
    }


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
