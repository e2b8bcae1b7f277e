"""The nouns as clients see them: frozen, typed, and patient with servers that are newer than this package.

Instants are aware datetimes in UTC; durations are integers in milliseconds and say so in their name. An unknown field
of a reply is ignored and an unknown word becomes a member made on the spot, so an old client survives a new server.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypedDict

from headrace.words import ABSENT, Backoff, State


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault of a request: where it is, and what to do about it."""

    detail: str
    pointer: str = ""  # JSON pointer (RFC 6901) into the body; "" is the body itself


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """When a failed job is tried again; what is None follows the server's defaults, field by field."""

    max_attempts: int | None = None  # runs of the handler in all, >= 1
    backoff: Backoff | str | None = None
    initial_ms: int | None = None  # wait after the first failure
    factor: float | None = None  # 1..10, exponential only
    max_ms: int | None = None  # cap of the wait
    jitter: bool | None = None  # True: the wait is uniform in 0..wait
    max_elapsed_ms: int | None = None  # no retry that would be due later than this after the enqueue (or the redrive)
    non_retryable: Sequence[str] | None = None  # types of errors, `*` for any characters: dead at once
    on_exhausted: Literal["dead", "discard"] | None = None  # discard: the record of the dead job goes at once


@dataclass(frozen=True, kw_only=True)
class Unique:
    """At most one job of a key in a group of queues; give `key`, or `by`."""

    key: str | None = None  # 1..255 visible ASCII
    by: Sequence[Literal["queue", "task", "payload"]] | None = None  # jobs that are equal in these have the same key
    until: Literal["start", "finish", "ttl"] | None = None  # how long it keeps others out; None: finish
    ttl_ms: int | None = None  # with ttl
    on_conflict: Literal["reject", "return", "replace"] | None = None  # None: return the job that is there


@dataclass(frozen=True)
class Raw:
    """A payload or result in a format that this client cannot turn into a value."""

    data: bytes
    media_type: str


@dataclass(frozen=True, kw_only=True)
class JobError:
    """The error of a failed attempt, as the worker told it."""

    type: str = ""  # name of the exception's class
    message: str = ""
    stack: str | None = None  # the worker's traceback
    details: Mapping[str, Any] | None = None  # whatever the worker added


@dataclass(frozen=True, kw_only=True)
class NewJob:
    """A job to be enqueued; what is None follows the server's defaults."""

    task: str  # [A-Za-z0-9_.-]{1,128}
    payload: Any = ABSENT  # any JSON (or msgpack) value
    queue: str | None = None  # "default" where None
    priority: int | None = None  # 0..255, higher first
    delay_ms: int | None = None  # from the enqueue; excludes run_at
    run_at: datetime | None = None  # aware; in the past: ready at once
    expires_in_ms: int | None = None  # from the enqueue; excludes expires_at
    expires_at: datetime | None = None  # aware; not started by then: cancelled
    lease_ms: int | None = None  # 1 s .. 12 h
    retention_ms: int | None = None  # how long the record outlives its final state, >= 60 s
    max_crashes: int | None = None  # lost leases until it is dead
    max_runtime_ms: int | None = None  # 1 s .. 30 days, of one delivery; longer is a failed attempt
    result_ttl_ms: int | None = None  # how long the result is kept; 0: it is not stored
    retry: RetryPolicy | None = None
    unique: Unique | None = None
    tags: Mapping[str, str] | None = None  # at most 16, to find the job by
    limits: Sequence[str] | None = (
        None  # at most 4 keys, each with a concurrency and rate of its own: "stripe:tenant-7"
    )
    fairness_key: str | None = None  # the jobs of a queue go by turns of this key: a tenant
    weight: int | None = None  # 1..100, of its fairness key at its turn
    ordering_key: str | None = None  # one at a time, first in first out
    on_dead: Literal["next", "hold"] | None = None  # what a dead job does to the next ones of its ordering key
    meta: Mapping[str, Any] | None = None  # handed to the worker
    idempotency_key: str | None = None  # 1..255 visible ASCII; of this job alone


class SharedOptions(TypedDict, total=False):
    """What jobs, tasks and calls ask for in the same words: where a job goes, and whose turn it is there."""

    queue: str | None
    priority: int | None  # 0..255, higher first
    tags: Mapping[str, str] | None  # to find the job by; those of a call over those of its task, one by one
    limits: Sequence[str] | None  # keys with a concurrency and rate of their own, at most 4
    fairness_key: str | None  # the jobs of a queue go by turns of this key
    weight: int | None  # 1..100, of the fairness key at its turn
    ordering_key: str | None  # one at a time, first in first out
    on_dead: Literal["next", "hold"] | None  # what a dead job does to the next ones of its ordering key


class JobOptions(SharedOptions, total=False):
    """What many jobs may ask for at once: every field of `NewJob` but task, payload and key."""

    delay_ms: int | None
    run_at: datetime | None
    expires_in_ms: int | None
    expires_at: datetime | None
    lease_ms: int | None
    retention_ms: int | None
    max_crashes: int | None
    max_runtime_ms: int | None
    result_ttl_ms: int | None
    retry: RetryPolicy | None
    unique: Unique | None
    meta: Mapping[str, Any] | None


@dataclass(frozen=True, kw_only=True)
class ScheduleSlot:
    """For which slot of which schedule a job was made."""

    name: str
    slot: datetime  # of one that was triggered by hand: when it was


@dataclass(frozen=True, kw_only=True)
class JobSummary:
    """A job as lists show it: without payload, result and whatever else may be large."""

    id: str
    state: State
    task: str = ""  # empty only for a job that is gone
    queue: str = ""
    priority: int = 0
    attempt: int = 1  # number of the current run, 1 at first
    max_attempts: int = 1
    delivery: int = 0  # leases so far
    crashes: int = 0  # leases that ran out
    max_crashes: int = 0
    run: int = 1  # grows with each retry of the dead job
    enqueued_at: datetime | None = None  # None only for a job that is gone
    run_at: datetime | None = None  # scheduled and retrying only
    expires_at: datetime | None = None
    deadline: datetime | None = None  # leased only
    worker: str | None = None  # who holds it, or held it last
    started_at: datetime | None = None  # start of the last lease
    finished_at: datetime | None = None  # final states only
    reason: str | None = None  # why dead or cancelled; why released
    cancel_requested: bool = False  # leased, and told to end
    fence: int | None = None  # of the last lease; grows with each
    error: JobError | None = None  # of the last failed attempt; in lists its type and message
    max_runtime_ms: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    limits: tuple[str, ...] = ()
    fairness_key: str | None = None
    weight: int | None = None
    ordering_key: str | None = None
    on_dead: str | None = None
    schedule: ScheduleSlot | None = None  # None: somebody enqueued it


@dataclass(frozen=True, kw_only=True)
class Job(JobSummary):
    """A job as it was when the server answered."""

    payload: Any = None
    result: Any = None  # succeeded only; None also when the worker sent none, or its time is over
    progress: Any = None  # as the worker last said
    checkpoint: Any = None  # handed to the next attempt
    meta: Mapping[str, Any] = field(default_factory=dict)
    trace: Mapping[str, str] = field(default_factory=dict)  # traceparent, tracestate, baggage
    deduplicated: bool = False  # it was there before: the same Idempotency-Key or unique key made it
    replaced: bool = False  # it was there before, and took over payload and options
    abridged: bool = False  # of many that were waited for: payload, result and the like were left out
