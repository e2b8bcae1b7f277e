"""What the engine is asked and what it answers; HTTP and other protocols translate to and from these."""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from headrace_server.domain.jobs import Body, IdempotencyKey, Job, Leased, NewJob, Receipt
from headrace_server.domain.lifecycle import State


class EnqueueGroup(msgspec.Struct, frozen=True, gc=False):
    """Jobs of one group of queues that are written together or not at all; at most MAX_ATOMIC_JOBS.

    Or, with `each`, jobs of one shard that each stand for themselves, at most as many as one script takes; the key is
    that of them all.
    """

    jobs: Sequence[NewJob]  # or `Alike`
    key: IdempotencyKey | None = None
    each: bool = False
    brief: bool = False  # of jobs that are written, the answer has receipts


class EnqueueStatus(StrEnum):
    """How an enqueue ended."""

    CREATED = "created"
    REPLAYED = "replayed"  # the same key and request came before; nothing was written
    KEY_MISMATCH = "idempotency_mismatch"  # the same key with another request; nothing was written
    EXPIRED = "expired"  # `expires_at` of a job is in the past by the store's clock; nothing was written
    CONFLICT = "unique_conflict"  # a unique key is taken and may not be shared; nothing was written
    FULL = "queue_full"  # a queue is at the depth or bytes that its settings allow; nothing was written
    DRAINING = "queue_draining"  # a queue takes no new jobs; nothing was written


class Placed(StrEnum):
    """What became of one job of a group that was written."""

    CREATED = "created"
    DEDUPLICATED = "deduplicated"  # another job has its unique key: that one's id is in its place
    REPLACED = "replaced"  # another job has its unique key, and took over payload and options
    REPLAYED = "replayed"  # where each job stands for itself: the same key and request came before, and made this one
    REFUSED = "refused"  # where each job stands for itself: it was not written


class Enqueued(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The answer to one EnqueueGroup."""

    status: EnqueueStatus
    now_ms: int
    # of jobs that are alike and all new, in a brief answer: their state; the answer has nothing else of them then
    state: State | None = None
    # created: in order; None where `placed` is not `created`: read it by its id
    jobs: list[Job | Receipt | None] = []
    ids: list[bytes] = []  # created and replayed: the ids, in order (an older job may be gone by now)
    placed: list[Placed] = []  # created: in order
    # expired, unique_conflict, queue_full, queue_draining: indexes of the jobs that were in the way
    refused: list[int] = []
    conflicts: list[bytes] = []  # unique_conflict: ids of the jobs that have the keys, in the order of `refused`
    refusals: dict[int, "Enqueued"] = {}  # where each job stands for itself: by index, as if it had come alone


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


class Ack(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The job is done."""

    job_id: bytes
    token: bytes
    result: Body | None = None
    result_ttl_ms: int | None = None  # else the job's, the queue's; 0: not stored


class Nack(msgspec.Struct, frozen=True, kw_only=True):
    """The attempt failed."""

    job_id: bytes
    token: bytes
    error: bytes  # JSON object: type, message, stack?, details?
    error_type: str = ""  # the same `type`, for `non_retryable` and for filters
    retryable: bool = True
    retry_in_ms: int | None = None  # the worker's choice instead of the backoff
    discard: bool = False  # dead whatever the other fields say, and its record goes at once


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
    reason: str = ""
    checkpoint: bytes | None = None  # a JSON value; None: what was there stays


class Extend(msgspec.Struct, frozen=True, kw_only=True):
    """Keep the lease until at least now + lease_ms; never shortens."""

    job_id: bytes
    token: bytes
    lease_ms: int | None = None  # None: the length this lease was given at first
    progress: bytes | None = None  # a JSON value; None: what was there stays
    checkpoint: bytes | None = None


Settle = Ack | Nack | Release | Snooze | Extend


class SettleStatus(StrEnum):
    """The verdict on one token; the table is in tokens.py."""

    OK = "ok"
    LATE = "late"  # past the deadline, and nobody had the job since: it counts
    REPEATED = "repeated"  # this token settled with the same verb before; nothing changed
    LEASE_LOST = "lease_lost"
    JOB_CANCELLED = "job_cancelled"  # somebody else ended the job while this token was current; nothing changed
    NOT_FOUND = "not_found"


class Settled(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The answer to one settle or extend; one object for all items of a script that ended alike."""

    status: SettleStatus
    now_ms: int
    state: State | None = None  # the job's state now; absent: not found
    attempt: int | None = None
    run_at_ms: int | None = None  # scheduled and retrying
    deadline_ms: int | None = None  # leased
    cancel_requested: bool = False  # still leased, and to be ended


class CancelMode(StrEnum):
    """What a cancel does to a job that somebody holds."""

    SOFT = "soft"  # asks its holder, who is told by the next heartbeat and settle
    HARD = "hard"  # ends the lease at once


class CancelAsk(msgspec.Struct, frozen=True, kw_only=True):
    """A wish that a job ends."""

    job_id: bytes
    reason: str = ""
    mode: CancelMode = CancelMode.SOFT


class CancelStatus(StrEnum):
    """How a cancel ended."""

    CANCELLED = "cancelled"  # now, or before: asking twice is the same
    REQUESTED = "requested"  # somebody holds it, and will be told
    FINAL = "final"  # it had succeeded or died before
    NOT_FOUND = "not_found"


class Cancelled(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one cancel."""

    job_id: bytes
    status: CancelStatus
    now_ms: int
    state: State | None = None


class Redrive(msgspec.Struct, frozen=True, kw_only=True):
    """Open another run of a dead job."""

    job_id: bytes
    queue: str | None = None  # of the same group; None: where it was


class RedriveStatus(StrEnum):
    """How a redrive ended."""

    READY = "ready"
    NOT_DEAD = "not_dead"
    CONFLICT = "unique_conflict"  # another job has its unique key
    DRAINING = "queue_draining"  # its queue takes no new jobs
    OTHER_GROUP = "other_group"
    NOT_FOUND = "not_found"


class Redriven(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one redrive."""

    job_id: bytes
    status: RedriveStatus
    now_ms: int
    state: State | None = None
    conflict: bytes | None = None  # unique_conflict: the job that has the key


class Patch(msgspec.Struct, frozen=True, kw_only=True):
    """New options for a job that nobody holds; None: as it was."""

    job_id: bytes
    priority: int | None = None
    run_at_ms: int | None = None  # in the past: ready at once; excludes delay_ms
    delay_ms: int | None = None
    queue: str | None = None  # of the same group


class PatchStatus(StrEnum):
    """How a patch ended."""

    PATCHED = "patched"
    LEASED = "leased"
    FINAL = "final"
    DRAINING = "queue_draining"
    OTHER_GROUP = "other_group"
    NOT_FOUND = "not_found"


class Patched(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one patch."""

    job_id: bytes
    status: PatchStatus
    now_ms: int
    state: State | None = None


class WaitAsk(msgspec.Struct, frozen=True, kw_only=True):
    """A wish to know when jobs have ended."""

    ids: list[bytes]
    any_of: bool = False  # one that has ended is enough
    summary: bool = False  # as lists show them, also those that have ended


class WaitedJob(msgspec.Struct, frozen=True, kw_only=True):
    """One of the jobs that somebody waited for."""

    job: Job | None  # None: not there, never or not any more
    abridged: bool  # as lists show it: without payload, result and whatever else may be large


class Waited(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a WaitAsk."""

    jobs: list[WaitedJob]  # in the order asked
    done: bool  # else the time was over, or the server drains


class DeleteStatus(StrEnum):
    """How the removal of a record ended."""

    DELETED = "deleted"
    NOT_FINAL = "not_final"
    NOT_FOUND = "not_found"


class Deleted(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one removal."""

    job_id: bytes
    status: DeleteStatus
    now_ms: int
    state: State | None = None


class QueuePage(msgspec.Struct, frozen=True, kw_only=True):
    """Names of queues, in alphabetical order."""

    queues: list[str]
    next_after: str | None  # ask again with after=this; None: the end
