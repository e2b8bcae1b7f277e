"""What the engine is asked and what it answers; HTTP and other protocols translate to and from these."""

from enum import StrEnum

import msgspec

from headrace_server.domain.jobs import Body, IdempotencyKey, Job, Leased, NewJob
from headrace_server.domain.lifecycle import State


class EnqueueGroup(msgspec.Struct, frozen=True):
    """Jobs of one group of queues that are written together or not at all; at most MAX_ATOMIC_JOBS."""

    jobs: list[NewJob]
    key: IdempotencyKey | None = None


class EnqueueStatus(StrEnum):
    """How an enqueue ended."""

    CREATED = "created"
    REPLAYED = "replayed"  # the same key and request came before; nothing was written
    KEY_MISMATCH = "idempotency_mismatch"  # the same key with another request; nothing was written
    EXPIRED = "expired"  # `expires_at` of a job is in the past by the store's clock; nothing was written


class Enqueued(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one EnqueueGroup."""

    status: EnqueueStatus
    now_ms: int
    jobs: list[Job] = []  # created: all of them, in order
    ids: list[bytes] = []  # created and replayed: the ids, in order (a replayed job may be gone by now)
    expired: list[int] = []  # expired: the indexes of the jobs whose expires_at is past


class LeaseAsk(msgspec.Struct, frozen=True, kw_only=True):
    """A wish for jobs."""

    queues: list[str]  # strict order
    max_jobs: int = 1
    max_bytes: int = 4 * 1024 * 1024  # of payloads; the first job comes whatever its size
    lease_ms: int | None = None
    worker: str | None = None
    key: bytes | None = None  # digest of the Idempotency-Key; needs `worker`


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a LeaseAsk."""

    jobs: list[Leased]
    now_ms: int
    replayed: bool = False  # the same key came before: these are its live leases, no new job was taken


class Ack(msgspec.Struct, frozen=True, kw_only=True):
    """The job is done."""

    job_id: bytes
    token: bytes
    result: Body | None = None


class Nack(msgspec.Struct, frozen=True, kw_only=True):
    """The attempt failed."""

    job_id: bytes
    token: bytes
    error: bytes  # JSON object: type, message, stack?, details?
    retryable: bool = True
    retry_in_ms: int | None = None  # the worker's choice instead of the backoff


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """Back to its place in the queue; no attempt is counted."""

    job_id: bytes
    token: bytes
    reason: str = ""


class Snooze(msgspec.Struct, frozen=True, kw_only=True):
    """Again after a while; no attempt is counted."""

    job_id: bytes
    token: bytes
    delay_ms: int


class Extend(msgspec.Struct, frozen=True, kw_only=True):
    """Keep the lease until at least now + lease_ms; never shortens."""

    job_id: bytes
    token: bytes
    lease_ms: int | None = None  # None: the length this lease was given at first


Settle = Ack | Nack | Release | Snooze | Extend


class SettleStatus(StrEnum):
    """The verdict on one token; the table is in tokens.py."""

    OK = "ok"
    LATE = "late"  # past the deadline, and nobody had the job since: it counts
    REPEATED = "repeated"  # this token settled with the same verb before; nothing changed
    LEASE_LOST = "lease_lost"
    NOT_FOUND = "not_found"


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one settle or extend."""

    job_id: bytes
    status: SettleStatus
    now_ms: int
    state: State | None = None  # the job's state now; absent: not found
    attempt: int | None = None
    run_at_ms: int | None = None  # scheduled and retrying
    deadline_ms: int | None = None  # leased


class CancelStatus(StrEnum):
    """How a cancel ended."""

    CANCELLED = "cancelled"  # now, or before: asking twice is the same
    LEASED = "leased"  # somebody holds it; nothing was changed
    FINAL = "final"  # it had succeeded or died before
    NOT_FOUND = "not_found"


class Cancelled(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one cancel."""

    job_id: bytes
    status: CancelStatus
    now_ms: int
    state: State | None = None


class QueuePage(msgspec.Struct, frozen=True, kw_only=True):
    """Names of queues, in alphabetical order."""

    queues: list[str]
    next_after: str | None  # ask again with after=this; None: the end
