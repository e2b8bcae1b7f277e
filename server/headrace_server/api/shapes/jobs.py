"""What is said about jobs: when they are made, and while nobody holds them."""

from enum import StrEnum
from typing import Annotated, Final

from msgspec import UNSET, Meta, UnsetType

from headrace_server.api.shapes.fields import (
    Binary,
    Body,
    Crashes,
    DelayMs,
    ErrorPattern,
    Instant,
    Item,
    JobId,
    Key,
    LaneKey,
    LeaseMs,
    LimitKeys,
    MediaType,
    Name,
    Object,
    OpenQueue,
    Priority,
    Reason,
    ResultTtlMs,
    RetentionMs,
    RuntimeMs,
    Tags,
    Value,
)
from headrace_server.api.shapes.rules import Distinct, NeededWhen, Needs, OnlyWhen, Pair, Some, Table
from headrace_server.domain import limits
from headrace_server.domain.jobs import OnConflict, OnDead, UniqueUntil
from headrace_server.domain.requests import CancelMode
from headrace_server.domain.retry import Backoff, OnExhausted


class Retry(Body):
    """When a failed job is tried again."""

    max_attempts: Annotated[int, Meta(ge=1, le=limits.MAX_ATTEMPTS)] | UnsetType = UNSET
    backoff: Backoff | UnsetType = UNSET
    initial_ms: DelayMs | UnsetType = UNSET
    factor: Annotated[float, Meta(ge=1, le=10)] | UnsetType = UNSET
    max_ms: DelayMs | UnsetType = UNSET
    jitter: bool | UnsetType = UNSET
    max_elapsed_ms: DelayMs | UnsetType = UNSET
    non_retryable: Annotated[list[ErrorPattern], Meta(max_length=limits.MAX_NON_RETRYABLE)] | UnsetType = UNSET
    on_exhausted: OnExhausted | UnsetType = UNSET


class UniqueBy(StrEnum):
    """What of a job makes it another one."""

    QUEUE = "queue"
    TASK = "task"
    PAYLOAD = "payload"


class Unique(Body):
    """At most one job of a key, or of the same chosen fields, in a group of queues."""

    key: Key | UnsetType = UNSET
    by: Annotated[list[UniqueBy], Meta(min_length=1, max_length=len(UniqueBy))] | UnsetType = UNSET
    until: UniqueUntil = UniqueUntil.FINISH
    ttl_ms: Annotated[int, Meta(ge=1, le=limits.MAX_TTL_MS)] | UnsetType = UNSET
    on_conflict: OnConflict = OnConflict.RETURN


class JobOptions(Body, gc=False):
    """What every new job may ask for, whoever makes it."""

    payload: Value | UnsetType = UNSET
    queue: OpenQueue | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    expires_in_ms: Annotated[int, Meta(ge=1, le=limits.MAX_DELAY_MS)] | UnsetType = UNSET
    lease_ms: LeaseMs | UnsetType = UNSET
    max_runtime_ms: RuntimeMs | UnsetType = UNSET
    result_ttl_ms: ResultTtlMs | UnsetType = UNSET
    retention_ms: RetentionMs | UnsetType = UNSET
    max_crashes: Crashes | UnsetType = UNSET
    meta: Object | UnsetType = UNSET
    retry: Retry | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    fairness_key: LaneKey | UnsetType = UNSET
    weight: Annotated[int, Meta(ge=1, le=limits.MAX_WEIGHT)] | UnsetType = UNSET
    ordering_key: LaneKey | UnsetType = UNSET
    on_dead: OnDead | UnsetType = UNSET
    limits: LimitKeys | UnsetType = UNSET
    unique: Unique | UnsetType = UNSET


class JobDefaults(JobOptions, gc=False):
    """What a batch may say once for all its jobs."""

    task: Name | UnsetType = UNSET
    delay_ms: DelayMs | UnsetType = UNSET
    run_at: Instant | UnsetType = UNSET
    expires_at: Instant | UnsetType = UNSET


class JobFields(JobDefaults, gc=False):
    """A job of a batch: `task` may come from the defaults."""

    idempotency_key: Key | UnsetType = UNSET
    payload_raw: Binary | UnsetType = UNSET
    payload_type: MediaType | UnsetType = UNSET


class JobInput(JobFields, kw_only=True, gc=False):
    """The body of POST /v1/jobs."""

    task: Name


class BatchInput(Body):
    """The body of POST /v1/jobs/batch."""

    jobs: Annotated[list[Item], Meta(min_length=1, max_length=limits.MAX_BATCH_ITEMS)]
    defaults: JobDefaults | UnsetType = UNSET
    atomic: bool = True


class PayloadItem(Body, gc=False):
    """A job of a batch that has nothing of its own but a payload."""

    payload: Value | UnsetType = UNSET


class AlikeInput(Body):
    """The body of POST /v1/jobs/batch, where all jobs are such ones."""

    jobs: Annotated[list[PayloadItem], Meta(min_length=1, max_length=limits.MAX_BATCH_ITEMS)]
    defaults: JobDefaults
    atomic: bool = True


class CancelInput(Body):
    """The body of POST /v1/jobs/{id}/cancel; may be left out."""

    reason: Reason = ""
    mode: CancelMode = CancelMode.SOFT


class WaitMode(StrEnum):
    """How many jobs must have ended."""

    ALL = "all"
    ANY = "any"


class WaitInput(Body):
    """The body of POST /v1/jobs/wait."""

    ids: Annotated[list[JobId], Meta(min_length=1, max_length=limits.MAX_WAIT_JOBS)]
    mode: WaitMode = WaitMode.ALL
    wait_ms: Annotated[int, Meta(ge=0, le=limits.MAX_WAIT_MS)] | UnsetType = UNSET
    summary: bool = False


class RetryInput(Body):
    """The body of POST /v1/jobs/{id}/retry; may be left out."""

    queue: Name | UnsetType = UNSET


class PatchInput(Body):
    """The body of PATCH /v1/jobs/{id}."""

    priority: Priority | UnsetType = UNSET
    run_at: Instant | UnsetType = UNSET
    delay_ms: DelayMs | UnsetType = UNSET
    queue: Name | UnsetType = UNSET


JOB_PAIRS: Final = (Pair("delay_ms", "run_at"), Pair("expires_in_ms", "expires_at"))
PAYLOAD_PAIR: Final = Pair("payload", "payload_raw")
_RAW: Final = (PAYLOAD_PAIR, Needs("payload_raw", "payload_type"), Needs("payload_type", "payload_raw"))
# of a job of a batch only once the defaults are laid below it
WHOLE_JOB: Final = (Needs("weight", "fairness_key"), Needs("on_dead", "ordering_key"))
RULES: Final[Table] = {
    JobDefaults: (*JOB_PAIRS, Distinct("limits")),
    JobFields: (*JOB_PAIRS, *_RAW, Distinct("limits")),
    JobInput: (*JOB_PAIRS, *_RAW, Distinct("limits"), *WHOLE_JOB),
    Unique: (
        Some(("key", "by")),
        Pair("key", "by"),
        Distinct("by"),
        NeededWhen("ttl_ms", "until", ("ttl",)),
        OnlyWhen("ttl_ms", "until", ("ttl",), default="finish"),
    ),
    PatchInput: (Some(("priority", "run_at", "delay_ms", "queue")), Pair("delay_ms", "run_at")),
}
