"""The nouns as clients see them: frozen, typed, and patient with servers that are newer than this package.

Instants are aware datetimes in UTC; durations are integers in milliseconds and say so in their name. An unknown field
of a reply is ignored and an unknown word becomes a member made on the spot, so an old client survives a new server.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from headrace.words import ABSENT, Backoff, State, Status


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
    retry: RetryPolicy | None = None
    meta: Mapping[str, Any] | None = None  # handed to the worker
    idempotency_key: str | None = None  # 1..255 visible ASCII; of this job alone


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job as it was when the server answered."""

    id: str
    state: State
    task: str = ""  # empty only for a replayed job that is gone
    queue: str = ""
    priority: int = 0
    attempt: int = 1  # number of the current run, 1 at first
    max_attempts: int = 1
    delivery: int = 0  # leases so far
    crashes: int = 0  # leases that ran out
    enqueued_at: datetime | None = None  # None only for a job that is gone
    run_at: datetime | None = None  # scheduled and retrying only
    expires_at: datetime | None = None
    deadline: datetime | None = None  # leased only
    worker: str | None = None  # who holds it, or held it last
    started_at: datetime | None = None  # start of the last lease
    finished_at: datetime | None = None  # final states only
    reason: str | None = None  # why dead or cancelled; why released
    fence: int | None = None  # of the last lease; grows with each
    payload: Any = None
    result: Any = None  # succeeded only; None also when the worker sent none
    error: JobError | None = None  # of the last failed attempt
    meta: Mapping[str, Any] = field(default_factory=dict)
    trace: Mapping[str, str] = field(default_factory=dict)  # traceparent, tracestate, baggage
    deduplicated: bool = False  # an earlier request with the same Idempotency-Key made it


@dataclass(frozen=True, kw_only=True)
class Leased:
    """One job in the hands of a worker."""

    id: str
    task: str
    queue: str
    token: str = field(repr=False)  # proof of this lease: 32 hex digits
    deadline: datetime  # by the server's clock: compare with `Grant.server_time`
    attempt: int
    delivery: int
    fence: int  # grows with every lease of this job: hand it to systems that can refuse an older one
    max_attempts: int = 1
    priority: int = 0
    enqueued_at: datetime | None = None
    payload: Any = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    trace: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Settled:
    """The answer to one settle, extend or heartbeat item."""

    status: Status
    job_id: str = ""  # as it was sent; empty for an item whose id was no text
    state: State | None = None  # of the job now; None: not found
    attempt: int | None = None
    run_at: datetime | None = None  # scheduled and retrying
    deadline: datetime | None = None  # leased
    server_time: datetime | None = None  # single calls only; lists carry it once
    code: str | None = None  # the cause, where status is not_done or unknown
    errors: tuple[Fault, ...] = ()  # where status is invalid


@dataclass(frozen=True, kw_only=True)
class Grant:
    """The answer to a lease: jobs, and how the completions sent along ended (in their order)."""

    jobs: tuple[Leased, ...] = ()
    completed: tuple[Settled, ...] = ()
    server_time: datetime
    replayed: bool = False  # the same key came before: these are its live leases, no new job was taken


@dataclass(frozen=True, kw_only=True)
class Completed:
    """The answer to a list of settles, in their order."""

    items: tuple[Settled, ...]
    server_time: datetime


@dataclass(frozen=True, kw_only=True)
class Heartbeat:
    """The answer to a heartbeat: one item for each lease, in their order."""

    leases: tuple[Settled, ...]
    server_time: datetime


@dataclass(frozen=True, kw_only=True)
class Completion:
    """One settle: an Ack, a Nack, a Release or a Snooze."""

    job_id: str
    token: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Ack(Completion):
    """The job is done."""

    result: Any = ABSENT


@dataclass(frozen=True, kw_only=True)
class Nack(Completion):
    """The attempt failed."""

    error: JobError
    retryable: bool = True  # False: dead at once
    retry_in_ms: int | None = None  # the worker's choice instead of the backoff


@dataclass(frozen=True, kw_only=True)
class Release(Completion):
    """Back to its place in the queue; no attempt is counted."""

    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Snooze(Completion):
    """Again after a while; no attempt is counted."""

    delay_ms: int


@dataclass(frozen=True, kw_only=True)
class Held:
    """One lease that a heartbeat keeps alive."""

    job_id: str
    token: str = field(repr=False)
    extend_ms: int | None = None  # None: the length it was given at first


@dataclass(frozen=True, kw_only=True)
class QueueStats:
    """How full a queue is, at one moment."""

    queue: str
    counts: Mapping[State, int]
    backlog: int = 0  # ready + leased: the work that wants a slot now
    oldest_ready_age_ms: int | None = None  # None: nothing is ready


@dataclass(frozen=True, kw_only=True)
class QueuePage:
    """Some queues, by name."""

    queues: tuple[QueueStats, ...]
    next_after: str | None = None  # ask again with after=this; None: the end


@dataclass(frozen=True, kw_only=True)
class StoreInfo:
    """The store behind a server."""

    server: str = ""  # valkey or redis
    version: str = ""
    embedded: bool = False


@dataclass(frozen=True, kw_only=True)
class ServerInfo:
    """What a server says about itself."""

    version: str
    durability: str = ""  # relaxed, fsync, replica, fsync+replica
    store: StoreInfo = field(default_factory=StoreInfo)
    shards: int = 1
    limits: Mapping[str, int] = field(default_factory=dict)
    server_time: datetime | None = None
