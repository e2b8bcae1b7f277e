"""The nouns: a job before, during and after its life. Times are integer milliseconds of the store's clock.

What comes by the thousand is kept from the garbage collector (`gc=False`): it refers to nothing that refers back, and
looking at it again and again took a fifth of the time of a large batch.
"""

from enum import StrEnum

import msgspec

from headrace_server.domain.lifecycle import State
from headrace_server.domain.retry import RetryPolicy


class Format(StrEnum):
    """How the bytes of a payload or result are written."""

    JSON = "json"
    MSGPACK = "msgpack"


class Body(msgspec.Struct, frozen=True, gc=False):
    """A payload or a result: opaque bytes, kept exactly as they came, and the format they are in."""

    data: bytes
    format: Format = Format.JSON
    media: str | None = None  # raw bytes of this media type: `format` says nothing then


class UniqueUntil(StrEnum):
    """How long a unique key keeps other jobs out."""

    START = "start"  # until the job is leased for the first time
    FINISH = "finish"  # until it has ended
    TTL = "ttl"  # for a time, whatever becomes of the job


class OnConflict(StrEnum):
    """What an enqueue does that meets a job of the same unique key."""

    REJECT = "reject"
    RETURN = "return"  # the job that is there
    REPLACE = "replace"  # payload and options of the job that is there, unless it has been leased: then reject


class Unique(msgspec.Struct, frozen=True, kw_only=True):
    """At most one job of a key in a group of queues."""

    digest: bytes  # 16 bytes over (group, key) or the chosen fields
    until: UniqueUntil = UniqueUntil.FINISH
    ttl_ms: int | None = None  # with `ttl` only
    on_conflict: OnConflict = OnConflict.RETURN


class OnDead(StrEnum):
    """What a dead job of an ordering key does to the next ones."""

    NEXT = "next"  # they go on
    HOLD = "hold"  # they wait until it is redriven or gone


class ScheduleSlot(msgspec.Struct, frozen=True, gc=False):
    """For which slot of which schedule a job was made."""

    name: str
    slot_ms: int  # unix ms; of one that was triggered by hand, when it was


class NewJob(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A job to be enqueued; everything absent (None) follows the server's defaults."""

    id: bytes  # 16 bytes, made by the server (`Engine.new_id`); names the shard of `queue`
    task: str
    queue: str
    payload: Body
    priority: int | None = None  # 0..255, higher first
    delay_ms: int | None = None  # from the moment of the enqueue; excludes run_at_ms
    run_at_ms: int | None = None  # unix ms; in the past: ready at once
    expires_in_ms: int | None = None  # from the moment of the enqueue; excludes expires_at_ms
    expires_at_ms: int | None = None  # unix ms
    lease_ms: int | None = None
    retention_ms: int | None = None  # how long the record outlives its final state
    max_crashes: int | None = None
    max_runtime_ms: int | None = None  # of one delivery; ends it as a failed attempt
    result_ttl_ms: int | None = None  # 0: the result is not stored
    retry: RetryPolicy | None = None
    tags: dict[str, str] | None = None
    fairness_key: str | None = None
    weight: int = 1  # of its fairness key, at its turn
    ordering_key: str | None = None
    on_dead: OnDead = OnDead.NEXT
    limits: tuple[str, ...] = ()
    unique: Unique | None = None
    meta: bytes | None = None  # a JSON object, handed to the worker
    trace: bytes | None = None  # a JSON object: traceparent, tracestate, baggage as they came
    schedule: ScheduleSlot | None = None  # that it is a run of


class IdempotencyKey(msgspec.Struct, frozen=True):
    """What makes a request repeatable for 24 h."""

    digest: bytes  # 16 bytes over (queue, key)
    fingerprint: bytes  # 16 bytes over method, path, type and body


class Job(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A job as it is now."""

    id: bytes
    task: str
    queue: str
    state: State
    rev: int  # grows with every change of any job of the shard: the ETag
    payload: Body
    priority: int
    attempt: int  # number of the current run, 1 at first
    max_attempts: int
    delivery: int  # leases so far
    crashes: int  # leases that ran out
    enqueued_at_ms: int
    run_at_ms: int | None = None  # scheduled and retrying only
    expires_at_ms: int | None = None
    deadline_ms: int | None = None  # leased only
    worker: str | None = None  # who holds it, or held it last
    fence: int | None = None  # of the last lease; absent before the first
    started_at_ms: int | None = None  # start of the last lease
    finished_at_ms: int | None = None  # final states only
    reason: str | None = None  # why dead or cancelled; why released
    meta: bytes | None = None
    trace: bytes | None = None
    result: Body | None = None  # succeeded only, absent when the ack carried none
    error: bytes | None = None  # JSON object of the last failed attempt of any run: type, message, stack, details
    max_crashes: int = 0
    run: int = 1  # grows with each redrive
    max_runtime_ms: int | None = None
    tags: dict[str, str] | None = None
    fairness_key: str | None = None
    weight: int = 1
    ordering_key: str | None = None
    on_dead: OnDead = OnDead.NEXT
    limits: tuple[str, ...] = ()
    cancel_requested: bool = False  # leased, and told to end
    progress: bytes | None = None  # a JSON value, as the worker last said
    checkpoint: bytes | None = None  # a JSON value, handed to the next attempt
    schedule: ScheduleSlot | None = None  # that it is a run of


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """That a job was written, for a producer that wants no more of it."""

    id: bytes
    state: State


class LeaseFacts(msgspec.Struct, frozen=True, gc=False):
    """What jobs that are handed out together mostly share: read once, written once, and held by all of them."""

    task: str
    queue: str
    priority: int
    attempt: int
    delivery: int
    max_attempts: int
    enqueued_at_ms: int
    fence: int
    deadline_ms: int
    max_runtime_ms: int | None = None


class Leased(msgspec.Struct, frozen=True, gc=False):
    """One job handed to a worker."""

    id: bytes
    token: bytes  # 16 bytes: the proof of this lease
    payload: Body
    facts: LeaseFacts
    meta: bytes | None = None
    trace: bytes | None = None
    checkpoint: bytes | None = None  # a JSON value that an earlier delivery left
    schedule: ScheduleSlot | None = None  # that it is a run of


class QueueStats(msgspec.Struct, frozen=True, kw_only=True):
    """How full a queue is, at one moment."""

    queue: str
    counts: dict[State, int]
    backlog: int  # ready + leased: the work that wants a slot now; a flat number for autoscalers
    oldest_ready_age_ms: int | None  # since its enqueue; None when nothing is ready
    now_ms: int
    paused: bool = False
    draining: bool = False  # takes no new jobs
