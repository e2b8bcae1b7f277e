"""The documents that operators read, as types: jobs found and looked into, queues, limits, operations, events.

`openapi.yaml` has the same fields. Optional ones are left out, never null.
"""

from typing import Any

import msgspec
from msgspec import UNSET

from headrace_server.api.replies import Absent, StatsDocument, SummaryDocument


class PageDocument(msgspec.Struct, kw_only=True):
    """A page of jobs; without a cursor the last one."""

    jobs: list[SummaryDocument]
    cursor: str | Absent = UNSET
    scanned: int
    server_time: str


class AttemptDocument(msgspec.Struct, kw_only=True):
    """One delivery that was worked on."""

    attempt: int
    delivery: int
    outcome: str
    worker: str | Absent = UNSET
    started_at: str | Absent = UNSET
    ended_at: str | Absent = UNSET
    error: Any = UNSET


class AttemptsDocument(msgspec.Struct, kw_only=True):
    """The attempts of a job, oldest first."""

    job_id: str
    attempts: list[AttemptDocument]


class ReasonDocument(msgspec.Struct, kw_only=True):
    """One fact about why a job is where it is."""

    code: str
    detail: str  # a sentence, and what to do
    key: str | Absent = UNSET
    until: str | Absent = UNSET
    in_use: int | Absent = UNSET
    limit: int | Absent = UNSET
    position: int | Absent = UNSET
    job_id: str | Absent = UNSET
    seen_at: str | Absent = UNSET


class ExplanationDocument(msgspec.Struct, kw_only=True):
    """Why a job is where it is."""

    job_id: str
    state: str
    summary: str
    reasons: list[ReasonDocument]
    server_time: str


class QueueSummaryDocument(StatsDocument, kw_only=True):
    """A queue of a list."""

    paused: bool
    draining: bool


class QueueDocument(QueueSummaryDocument, kw_only=True):
    """A queue as it is now."""

    paused_until: str | Absent = UNSET
    settings: "QueueSettingsDocument"


class RateDocument(msgspec.Struct, kw_only=True):
    """A token bucket."""

    count: int
    per_ms: int
    burst: int


class RetryDocument(msgspec.Struct, kw_only=True):
    """What a queue says about retries."""

    max_attempts: int | Absent = UNSET
    backoff: str | Absent = UNSET
    initial_ms: int | Absent = UNSET
    factor: float | Absent = UNSET
    max_ms: int | Absent = UNSET
    jitter: bool | Absent = UNSET
    max_elapsed_ms: int | Absent = UNSET
    non_retryable: tuple[str, ...] | Absent = UNSET
    on_exhausted: str | Absent = UNSET


class QueueSettingsDocument(msgspec.Struct, kw_only=True):
    """What was set."""

    lease_ms: int | Absent = UNSET
    max_runtime_ms: int | Absent = UNSET
    priority: int | Absent = UNSET
    max_crashes: int | Absent = UNSET
    retry: RetryDocument | Absent = UNSET
    succeeded_retention_ms: int | Absent = UNSET
    dead_retention_ms: int | Absent = UNSET
    cancelled_retention_ms: int | Absent = UNSET
    result_ttl_ms: int | Absent = UNSET
    max_depth: int | Absent = UNSET
    max_bytes: int | Absent = UNSET
    concurrency: int | Absent = UNSET
    rate: RateDocument | Absent = UNSET


class QueuesDocument(msgspec.Struct, kw_only=True):
    """A page of queues in alphabetical order."""

    queues: list[QueueSummaryDocument]
    next_after: str | Absent = UNSET


class LimitDocument(msgspec.Struct, kw_only=True):
    """A limit as it is now."""

    name: str
    concurrency: int | Absent = UNSET
    rate: RateDocument | Absent = UNSET
    leased: int
    held_until: str | Absent = UNSET
    server_time: str


class LimitsDocument(msgspec.Struct, kw_only=True):
    """A page of limits in alphabetical order."""

    limits: list[LimitDocument]
    next_after: str | Absent = UNSET


class CountsDocument(msgspec.Struct, kw_only=True):
    """Jobs that a worker has run."""

    succeeded: int | Absent = UNSET
    failed: int | Absent = UNSET
    retried: int | Absent = UNSET


class WorkerInfoDocument(msgspec.Struct, kw_only=True):
    """What a worker says of itself."""

    host: str | Absent = UNSET
    pid: int | Absent = UNSET
    state: str | Absent = UNSET
    queues: tuple[str, ...] | Absent = UNSET
    slots: int | Absent = UNSET
    busy: int | Absent = UNSET
    processes: int | Absent = UNSET
    tasks: tuple[str, ...] | Absent = UNSET
    versions: dict[str, str] | Absent = UNSET
    rss_bytes: int | Absent = UNSET
    started_at: str | Absent = UNSET
    counts: CountsDocument | Absent = UNSET
    labels: dict[str, str] | Absent = UNSET


class WorkerDocument(msgspec.Struct, kw_only=True):
    """A worker as it is known."""

    id: str
    state: str
    directive: str
    registered_at: str
    last_seen_at: str
    lost_at: str
    leased: int
    job_ids: list[str]
    info: WorkerInfoDocument | Absent = UNSET
    server_time: str | Absent = UNSET  # a list has one for all


class WorkersDocument(msgspec.Struct, kw_only=True):
    """A page of workers in the order of their ids."""

    workers: list[WorkerDocument]
    cursor: str | Absent = UNSET
    scanned: int
    server_time: str


class TagDocument(msgspec.Struct, kw_only=True):
    """One tag."""

    name: str
    value: str


class FilterDocument(msgspec.Struct, kw_only=True):
    """Which jobs an operation means."""

    queue: str | Absent = UNSET
    state: list[str] | Absent = UNSET
    task: str | Absent = UNSET
    error_type: str | Absent = UNSET
    tag: TagDocument | Absent = UNSET
    enqueued_after: str | Absent = UNSET
    enqueued_before: str | Absent = UNSET
    finished_after: str | Absent = UNSET
    finished_before: str | Absent = UNSET


class OperationDocument(msgspec.Struct, kw_only=True):
    """A bulk operation as it is now."""

    id: str
    action: str
    filter: FilterDocument
    dry_run: bool
    rate_per_s: int | Absent = UNSET
    target_queue: str | Absent = UNSET
    state: str
    scanned: int
    matched: int
    done: int
    skipped: int
    sample: list[str]
    created_at: str
    finished_at: str | Absent = UNSET
    server_time: str


class OperationsDocument(msgspec.Struct, kw_only=True):
    """The newest operations."""

    operations: list[OperationDocument]


class EventDocument(msgspec.Struct, kw_only=True):
    """One state change, or a gap."""

    type: str
    cursor: str
    job_id: str | Absent = UNSET
    queue: str | Absent = UNSET
    task: str | Absent = UNSET
    was: str | Absent = UNSET
    state: str | Absent = UNSET
    attempt: int | Absent = UNSET
    worker: str | Absent = UNSET
    reason: str | Absent = UNSET
    rev: int | Absent = UNSET
    at: str | Absent = UNSET


class EventsDocument(msgspec.Struct, kw_only=True):
    """Events, and where to go on."""

    events: list[EventDocument]
    cursor: str
    server_time: str
