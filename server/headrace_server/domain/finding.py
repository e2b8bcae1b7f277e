"""How jobs are found and looked into: filters, pages, attempts, explanations; it must not know cursors' contents."""

from enum import StrEnum

import msgspec

from headrace_server.domain.jobs import Job
from headrace_server.domain.lifecycle import State


class CursorInvalid(ValueError):
    """A cursor that was not given out here, or for another filter."""


class JobFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which jobs are meant; what is None does not matter."""

    queue: str | None = None
    states: tuple[State, ...] = ()  # empty: any
    task: str | None = None
    error_type: str | None = None  # of the last failed attempt
    tag: tuple[str, str] | None = None  # name, value
    enqueued_after_ms: int | None = None  # inclusive
    enqueued_before_ms: int | None = None  # exclusive
    finished_after_ms: int | None = None
    finished_before_ms: int | None = None


class JobPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some of the jobs; a page may be empty and yet have a cursor."""

    jobs: list[Job]  # with an empty payload and without result: read those by id
    cursor: str | None  # None: the end
    scanned: int  # jobs and queues looked at


class AttemptOutcome(StrEnum):
    """How one attempt ended."""

    RUNNING = "running"  # it has not
    SUCCEEDED = "succeeded"
    FAILED = "failed"  # nack
    CRASHED = "crashed"  # the lease ran out
    TIMED_OUT = "timed_out"  # max_runtime_ms
    CANCELLED = "cancelled"  # while it ran


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One delivery that was worked on: failed, crashed and timed-out ones, then the last or current one."""

    attempt: int
    delivery: int
    outcome: AttemptOutcome
    worker: str | None
    started_at_ms: int | None
    ended_at_ms: int | None  # None: running
    error: bytes | None = None  # JSON object


class ReasonCode(StrEnum):
    """Why a job is where it is."""

    ENDED = "ended"
    LEASED = "leased"
    NOT_DUE = "not_due"
    QUEUE_PAUSED = "queue_paused"
    QUEUE_CONCURRENCY = "queue_concurrency"
    QUEUE_RATE = "queue_rate"
    LIMIT_CONCURRENCY = "limit_concurrency"
    LIMIT_RATE = "limit_rate"
    LIMIT_HELD = "limit_held"
    ORDERING = "ordering"
    BEHIND = "behind"
    NO_POLLER = "no_poller"
    NO_WORKER = "no_worker"  # workers are known, and none would take the job
    NEXT = "next"


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """One fact that keeps a job from starting (or says that nothing does), with its numbers."""

    code: ReasonCode
    key: str | None = None  # the limit (of limit_held the name that was backed off) or ordering key
    until_ms: int | None = None  # when this one ends by itself
    in_use: int | None = None
    limit: int | None = None
    position: int | None = None  # jobs that go before this one, of the same queue or lane
    job_id: bytes | None = None  # the job in the way
    seen_ms: int | None = None  # when somebody last asked for jobs of the queue


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why a job is not running, or what it does."""

    job: Job
    reasons: list[Reason]
    now_ms: int
