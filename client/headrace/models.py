"""The nouns as clients see them: frozen, typed, and patient with servers that are newer than this package.

Instants are aware datetimes in UTC; durations are integers in milliseconds and say so in their name. An unknown field
of a reply is ignored and an unknown word becomes a member made on the spot, so an old client survives a new server.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum
from typing import Any, Final, Self


class Absent(Enum):
    """The type of ABSENT, which says "not given" where None is a value of its own."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent.ABSENT


class OpenEnum(StrEnum):
    """Words that the server may add to: `State("paused")` is a member too, equal to the string."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = value.upper()
        member._value_ = value
        return member


class State(OpenEnum):
    """Where a job is."""

    SCHEDULED = "scheduled"  # not before a chosen time
    READY = "ready"  # may be leased now
    LEASED = "leased"  # a worker holds it
    RETRYING = "retrying"  # failed, waiting out its backoff
    SUCCEEDED = "succeeded"  # final
    DEAD = "dead"  # final: out of attempts, or of crashes
    CANCELLED = "cancelled"  # final: by request, or expired
    GONE = "gone"  # it was there, and its record is pruned

    @property
    def is_final(self) -> bool:
        """Whether nothing can happen to the job any more."""
        return self in _FINAL


_FINAL: Final = frozenset({State.SUCCEEDED, State.DEAD, State.CANCELLED, State.GONE})


class Status(OpenEnum):
    """How one settle, extend or heartbeat item ended."""

    OK = "ok"
    LATE = "late"  # past the deadline, and nobody had the job since: it counts
    REPEATED = "repeated"  # this token settled the same way before; nothing changed
    LEASE_LOST = "lease_lost"  # the token is no proof any more; nothing changed
    NOT_FOUND = "not_found"
    INVALID = "invalid"  # `errors` says why
    NOT_DONE = "not_done"  # it never happened; send the item again
    UNKNOWN = "unknown"  # it may have happened; send the item again, the token makes that safe

    @property
    def counts(self) -> bool:
        """Whether the settle is in force: now, late, or since an earlier call."""
        return self in (Status.OK, Status.LATE, Status.REPEATED)


class Backoff(OpenEnum):
    """How the wait grows with the attempt."""

    EXPONENTIAL = "exponential"  # initial * factor ** (attempt - 1)
    LINEAR = "linear"  # initial * attempt
    CONSTANT = "constant"  # initial


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
    details: Any = None  # whatever the worker added


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

    job_id: str
    status: Status
    state: State | None = None  # of the job now; None: not found
    attempt: int | None = None
    run_at: datetime | None = None  # scheduled and retrying
    deadline: datetime | None = None  # leased
    server_time: datetime | None = None  # single calls only; lists carry it once
    code: str | None = None  # the cause, where status is not_done or unknown
    errors: tuple[Mapping[str, str], ...] = ()  # pointer and detail, where status is invalid


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
class Ack:
    """The job is done."""

    job_id: str
    token: str = field(repr=False)
    result: Any = ABSENT


@dataclass(frozen=True, kw_only=True)
class Nack:
    """The attempt failed."""

    job_id: str
    token: str = field(repr=False)
    error: JobError
    retryable: bool = True  # False: dead at once
    retry_in_ms: int | None = None  # the worker's choice instead of the backoff


@dataclass(frozen=True, kw_only=True)
class Release:
    """Back to its place in the queue; no attempt is counted."""

    job_id: str
    token: str = field(repr=False)
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Snooze:
    """Again after a while; no attempt is counted."""

    job_id: str
    token: str = field(repr=False)
    delay_ms: int


Completion = Ack | Nack | Release | Snooze


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
