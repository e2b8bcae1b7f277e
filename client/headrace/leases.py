"""The nouns of workers: leased jobs, and what is said about them; it must not know HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from headrace.models import Fault, JobError, ScheduleSlot
from headrace.words import ABSENT, Directive, State, Status


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
    checkpoint: Any = None  # what an earlier delivery left
    max_runtime_ms: int | None = None  # of this delivery; no lease lasts longer
    schedule: ScheduleSlot | None = None  # None: somebody enqueued it


@dataclass(frozen=True, kw_only=True)
class Settled:
    """The answer to one settle, extend or heartbeat item."""

    status: Status
    job_id: str = ""  # as it was sent; empty for an item whose id was no text
    state: State | None = None  # of the job now; None: not found
    attempt: int | None = None
    run_at: datetime | None = None  # scheduled and retrying
    deadline: datetime | None = None  # leased
    cancel_requested: bool = False  # still leased, and to be ended
    server_time: datetime | None = None  # single calls only; lists carry it once
    code: str | None = None  # the cause, where status is not_done or unknown
    errors: tuple[Fault, ...] = ()  # where status is invalid
    index: int | None = None  # which item of the request it is of, where others are left out (`minimal`)


@dataclass(frozen=True, kw_only=True)
class Grant:
    """The answer to a lease: jobs, and how the completions sent along ended (in their order)."""

    jobs: tuple[Leased, ...] = ()
    completed: tuple[Settled, ...] = ()  # with `minimal` only those that are not as asked
    server_time: datetime
    replayed: bool = False  # the same key came before: these are its live leases, no new job was taken
    directive: Directive | None = None  # what the worker is told; None: not known at the moment, or it gave no id


@dataclass(frozen=True, kw_only=True)
class Completed:
    """The answer to a list of settles, in their order; with `minimal` only those that are not as asked."""

    items: tuple[Settled, ...]
    server_time: datetime


@dataclass(frozen=True, kw_only=True)
class Completion:
    """One settle: an Ack, a Nack, a Release or a Snooze."""

    job_id: str
    token: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Ack(Completion):
    """The job is done."""

    result: Any = ABSENT  # any value, or a Raw: bytes of a media type of their own
    result_ttl_ms: int | None = None  # how long the result is kept; 0: it is not stored


@dataclass(frozen=True, kw_only=True)
class Nack(Completion):
    """The attempt failed."""

    error: JobError
    retryable: bool = True  # False: dead at once
    retry_in_ms: int | None = None  # the worker's choice instead of the backoff
    discard: bool = False  # dead whatever the other fields say, and its record goes at once


@dataclass(frozen=True, kw_only=True)
class Release(Completion):
    """Back to its place in the queue; no attempt is counted."""

    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Snooze(Completion):
    """Again after a while; no attempt is counted."""

    delay_ms: int
    reason: str | None = None
    checkpoint: Any = ABSENT  # for the next delivery; ABSENT: what was there stays


@dataclass(frozen=True, kw_only=True)
class Held:
    """One lease that a heartbeat keeps alive."""

    job_id: str
    token: str = field(repr=False)
    extend_ms: int | None = None  # None: the length it was given at first
    progress: Any = ABSENT  # for whoever looks at the job; ABSENT: what was there stays
    checkpoint: Any = ABSENT  # for the next delivery
