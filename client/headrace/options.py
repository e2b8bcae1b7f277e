"""What a task and a call may ask for, and what that is in the API's terms; pure: it must not know apps or HTTP."""

import re
from asyncio import CancelledError
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, Final, Literal, TypeAlias

from headrace.context import RESERVED
from headrace.durations import Seconds, milliseconds, seconds
from headrace.elsewhere import check_call_options, check_task_options
from headrace.exceptions import Discard, MaxRetriesExceeded, Reject, Retry
from headrace.models import RetryPolicy, SharedOptions, Unique
from headrace.operating import Rate
from headrace.words import Backoff

Errors: TypeAlias = Sequence[type[BaseException]]

_BACKSTOP_S: Final = 5.0  # the server ends a run this much after the hard limit, should the worker not have done so
_FIRST_WAIT_S: Final = 1.0  # of retry_backoff=True, as in Celery
_MOST_ATTEMPTS: Final = 1000  # the server's limit
_MOST_LIMITS: Final = 4  # keys on one job: the server's limit
_PER_MS: Final = {"s": 1000, "m": 60_000, "h": 3_600_000}
_RATE: Final = re.compile(r"(\d+)(?:/([smh]))?")


@dataclass(frozen=True, kw_only=True)
class TaskOptions:
    """What every job of a task asks for; what is None follows `app.conf` and the server's defaults.

    Times are seconds or timedeltas.
    """

    queue: str | None = None
    priority: int | None = None  # 0..255, higher first
    max_retries: int | None = None  # runs after the first one: n retries are n + 1 attempts
    autoretry_for: Errors | None = None  # only these are tried again; None: every Exception
    dont_autoretry_for: Sequence[type[BaseException] | str] | None = None  # dead at once; or names, with `*`
    default_retry_delay: Seconds | None = None  # wait after the first failure
    retry_backoff: bool | float | Backoff | str | None = None  # True: doubling from 1 s; n: from n s; False: constant
    retry_backoff_max: Seconds | None = None  # cap of the wait
    retry_jitter: bool | None = None  # True: the wait is uniform in 0..wait
    retry_for: Seconds | None = None  # no retry that would be due later than this after the call
    on_exhausted: Literal["dead", "discard"] | None = None  # discard: the record of the dead job goes at once
    time_limit: Seconds | None = None  # the worker kills a longer run: a failed attempt
    soft_time_limit: Seconds | None = None  # SoftTimeLimitExceeded is raised in a longer run
    max_runtime: Seconds | None = None  # the server takes a longer run away: a failed attempt
    rate_limit: str | float | None = None  # runs of this task: "10/m", "100/s", "5/h", or a number per second
    ignore_result: bool | None = None  # True: the result is not stored
    result_ttl: Seconds | None = None  # how long the result is kept; 0: it is not stored
    expires: Seconds | None = None  # not started by then: cancelled
    serializer: str | None = None  # json, msgpack, pickle, or one that was registered
    unique: Unique | str | bool | None = None  # a key; True: the same task and arguments
    tags: Mapping[str, str] | None = None  # to find the jobs by
    limits: Sequence[str] | None = None  # keys with a concurrency and rate of their own, at most 4
    fairness_key: str | None = None  # the jobs of a queue go by turns of this key
    weight: int | None = None  # 1..100, of the fairness key at its turn
    ordering_key: str | None = None  # one at a time, first in first out
    on_dead: Literal["next", "hold"] | None = None  # what a dead job does to the next ones of its ordering key
    lease: Seconds | None = None  # how long a worker may be silent, 1 s .. 12 h
    retention: Seconds | None = None  # how long the record outlives the end, >= 60 s
    max_crashes: int | None = None  # lost leases until the job is dead

    def __post_init__(self) -> None:
        if self.rate_limit is not None:
            rate_of(self.rate_limit)
        soft, hard = seconds(self.soft_time_limit), seconds(self.time_limit)
        if any(limit is not None and limit <= 0 for limit in (soft, hard)):
            raise ValueError("a time limit is more than 0 seconds")
        if soft is not None and hard is not None and soft >= hard:
            raise ValueError("soft_time_limit must be shorter than time_limit: it leaves the task time to tidy up")
        if self.max_retries is not None and not 0 <= self.max_retries < _MOST_ATTEMPTS:
            raise ValueError(f"max_retries is a number from 0 to {_MOST_ATTEMPTS - 1}, not {self.max_retries}")
        if isinstance(self.retry_backoff, str) and self.retry_backoff not in list(Backoff):
            raise ValueError(
                f"retry_backoff {self.retry_backoff!r}: write True, False, seconds or {', '.join(Backoff)}"
            )

    def given(self) -> dict[str, Any]:
        """Return the options that were given, by name."""
        values = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: value for name, value in values if value is not None}

    def retries(self, error: BaseException) -> bool:
        """Return whether a run that raised `error` is to be tried again, attempts permitting."""
        if isinstance(error, MaxRetriesExceeded | Reject | Discard):
            return False
        if isinstance(error, Retry | CancelledError) or not isinstance(error, Exception):
            return True  # an exit, an interrupt: nothing that a list of errors was meant for
        if any(_is_of(error, never) for never in self.dont_autoretry_for or ()):
            return False
        return self.autoretry_for is None or isinstance(error, tuple(self.autoretry_for))

    def retry_policy(self) -> RetryPolicy | None:
        """Return the retry fields in the API's terms, or None where nothing was asked for."""
        backoff, first_s = _backoff(self.retry_backoff, seconds(self.default_retry_delay))
        never = self.dont_autoretry_for
        policy = RetryPolicy(
            max_attempts=None if self.max_retries is None else self.max_retries + 1,
            backoff=backoff,
            initial_ms=milliseconds(first_s),
            max_ms=milliseconds(self.retry_backoff_max),
            jitter=self.retry_jitter,
            max_elapsed_ms=milliseconds(self.retry_for),
            non_retryable=None if never is None else [_error_name(error) for error in never],
            on_exhausted=self.on_exhausted,
        )
        return None if policy == RetryPolicy() else policy


class TaskKeywords(SharedOptions, total=False):
    """The fields of `TaskOptions` as keywords of `@app.task(...)`."""

    max_retries: int | None
    autoretry_for: Errors | None
    dont_autoretry_for: Sequence[type[BaseException] | str] | None
    default_retry_delay: Seconds | None
    retry_backoff: bool | float | Backoff | str | None
    retry_backoff_max: Seconds | None
    retry_jitter: bool | None
    retry_for: Seconds | None
    on_exhausted: Literal["dead", "discard"] | None
    time_limit: Seconds | None
    soft_time_limit: Seconds | None
    max_runtime: Seconds | None
    rate_limit: str | float | None
    ignore_result: bool | None
    result_ttl: Seconds | None
    expires: Seconds | None
    serializer: str | None
    unique: Unique | str | bool | None
    lease: Seconds | None
    retention: Seconds | None
    max_crashes: int | None


class CallOptions(SharedOptions, total=False):
    """What one call asks for, over the options of its task. Times in seconds or timedeltas, as in Celery."""

    countdown: Seconds | None  # start this much later; excludes eta
    eta: datetime | None  # aware; not before
    expires: Seconds | datetime | None  # not started by then (from now, or aware): cancelled
    time_limit: Seconds | None  # the worker kills a longer run: a failed attempt
    soft_time_limit: Seconds | None  # SoftTimeLimitExceeded is raised in a longer run
    max_runtime: Seconds | None  # the server takes a longer run away: a failed attempt
    ignore_result: bool | None  # True: the result is not stored
    result_ttl: Seconds | None  # how long the result is kept; 0: it is not stored
    serializer: str | None  # json, msgpack, pickle, or one that was registered
    unique: Unique | str | bool | None  # a key; True: the same task and arguments; False: not even if its task says so
    idempotency_key: str | None  # the same key again gives the same job, for 24 h
    headers: Mapping[str, Any] | None  # `request.headers` of the run
    meta: Mapping[str, Any] | None  # handed to the worker beside the payload


TASK_NAMES: Final = frozenset(TaskKeywords.__annotations__)
CALL_NAMES: Final = frozenset(CallOptions.__annotations__)


def task_options(given: Mapping[str, Any]) -> TaskOptions:
    """Return the options of a task that were given by name.

    Raises TypeError for a name that is none, ValueError for a value that cannot be.
    """
    check_task_options(given, TASK_NAMES)
    return TaskOptions(**given)


def job_options(options: TaskOptions, call: CallOptions, *, limit_key: str | None = None) -> dict[str, Any]:
    """Return the options of one call in the terms of `Client.enqueue`; the call wins over its task.

    `limit_key`: under which the task's `rate_limit` is counted. Raises TypeError for a name that is no option,
    ValueError for options that contradict each other, and for naive datetimes.
    """
    check_call_options(call, CALL_NAMES, TASK_NAMES)
    wishes: dict[str, Any] = {**vars(options), **{name: value for name, value in call.items() if value is not None}}
    _check_times(wishes)
    expires = wishes["expires"]
    return {
        "queue": wishes["queue"],
        "priority": wishes["priority"],
        "delay_ms": milliseconds(wishes.get("countdown")),
        "run_at": wishes.get("eta"),
        "expires_in_ms": None if isinstance(expires, datetime) else milliseconds(expires),
        "expires_at": expires if isinstance(expires, datetime) else None,
        "lease_ms": milliseconds(options.lease),
        "retention_ms": milliseconds(options.retention),
        "max_crashes": options.max_crashes,
        "max_runtime_ms": _max_runtime_ms(wishes),
        "result_ttl_ms": 0 if wishes["ignore_result"] else milliseconds(wishes["result_ttl"]),
        "retry": options.retry_policy(),
        "unique": _unique(wishes["unique"]),
        "tags": {**(options.tags or {}), **(call.get("tags") or {})} or None,
        "limits": _limits(wishes, limit_key),
        "fairness_key": wishes["fairness_key"],
        "weight": wishes["weight"],
        "ordering_key": wishes["ordering_key"],
        "on_dead": wishes["on_dead"],
        "meta": _meta(call),
        "idempotency_key": wishes.get("idempotency_key"),
    }


def rate_of(limit: str | float) -> Rate:
    """Return a `rate_limit` as the server's Rate: "10/m", "100/s", "5/h", "5" or a number (per second).

    Raises ValueError for anything else, and for 0: pause the queue instead.
    """
    if isinstance(limit, str):
        found = _RATE.fullmatch(limit.strip())
        count, per_ms = (int(found[1]), _PER_MS[found[2] or "s"]) if found else (0, 0)
    else:
        count, per_ms = (round(limit), 1000) if limit >= 1 else (1, round(1000 / limit) if limit > 0 else 0)
    if count < 1 or per_ms < 1:
        raise ValueError(f"rate_limit {limit!r}: write '10/m', '100/s', '5/h', or a number of runs per second above 0")
    return Rate(count=count, per_ms=per_ms)


def _check_times(wishes: Mapping[str, Any]) -> None:
    if wishes.get("countdown") is not None and wishes.get("eta") is not None:
        raise ValueError("give countdown or eta, not both")
    for name in ("eta", "expires"):
        instant = wishes.get(name)
        if isinstance(instant, datetime) and instant.tzinfo is None:
            raise ValueError(f"{name} must be an aware datetime: datetime.now(UTC) or value.astimezone()")


def _backoff(wish: bool | float | Backoff | str | None, delay_s: float | None) -> tuple[str | None, float | None]:
    """Return how the wait grows, and the first wait in seconds."""
    if wish is None or isinstance(wish, str):
        return wish, delay_s
    if wish is False:
        return Backoff.CONSTANT, delay_s
    if wish is True:
        return Backoff.EXPONENTIAL, _FIRST_WAIT_S if delay_s is None else delay_s
    return Backoff.EXPONENTIAL, wish


def _max_runtime_ms(wishes: Mapping[str, Any]) -> int | None:
    runtime: Seconds | None = wishes["max_runtime"]
    hard: float | None = seconds(wishes["time_limit"])
    return milliseconds(runtime if runtime is not None or hard is None else hard + _BACKSTOP_S)


def _limits(wishes: Mapping[str, Any], key: str | None) -> Sequence[str] | None:
    limits: Sequence[str] | None = wishes["limits"]
    if key is None or wishes["rate_limit"] is None:
        return limits
    if len(limits or ()) >= _MOST_LIMITS:
        raise ValueError(f"at most {_MOST_LIMITS} limits on a job, and the rate_limit of its task is one of them")
    return [*(limits or ()), key]


def _meta(call: CallOptions) -> Mapping[str, Any] | None:
    """Return the meta of a job: the caller's own, and what this call tells the worker."""
    meta = call.get("meta")
    if meta is not None and RESERVED in meta:
        raise ValueError(f"meta: the key {RESERVED!r} is taken; for headers there is headers=")
    told = {
        "time_limit": seconds(call.get("time_limit")),
        "soft_time_limit": seconds(call.get("soft_time_limit")),
        "headers": call.get("headers"),
    }
    given = {name: value for name, value in told.items() if value is not None}
    return {**(meta or {}), RESERVED: given} if given else meta


def _unique(wish: Unique | str | bool | None) -> Unique | None:
    if isinstance(wish, str):
        return Unique(key=wish)
    if isinstance(wish, bool):
        return Unique(by=("task", "payload")) if wish else None
    return wish


def _is_of(error: BaseException, kind: type[BaseException] | str) -> bool:
    return fnmatchcase(type(error).__name__, kind) if isinstance(kind, str) else isinstance(error, kind)


def _error_name(error: type[BaseException] | str) -> str:
    return error if isinstance(error, str) else error.__name__
