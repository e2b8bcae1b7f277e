"""What is said about schedules: when, and which job."""

from typing import Annotated, Final, TypeAlias

from msgspec import UNSET, Meta, UnsetType

from headrace_server.api.shapes.fields import (
    After,
    Binary,
    Body,
    Crashes,
    Instant,
    LaneKey,
    LeaseMs,
    LimitKeys,
    MediaType,
    Name,
    Object,
    Priority,
    ResultTtlMs,
    RetentionMs,
    RuntimeMs,
    Tags,
    Value,
)
from headrace_server.api.shapes.jobs import PAYLOAD_PAIR, WHOLE_JOB, Retry, Unique
from headrace_server.api.shapes.rules import Distinct, Needs, Pair, Some, Table
from headrace_server.domain import limits
from headrace_server.domain.jobs import OnDead
from headrace_server.domain.schedules import CatchUp, Overlap
from headrace_server.domain.timing import MAX_CRON_CHARS, MAX_EVERY_MS, MAX_ZONE_CHARS, MIN_EVERY_MS

Expression: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_CRON_CHARS)]
Zone: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_ZONE_CHARS)]
EveryMs: TypeAlias = Annotated[int, Meta(ge=MIN_EVERY_MS, le=MAX_EVERY_MS)]
Slots: TypeAlias = Annotated[int, Meta(ge=1, le=limits.MAX_PREVIEW)]


class ScheduledJobInput(Body, kw_only=True):
    """The job of each slot: a new job, but for what its slot decides."""

    task: Name
    payload: Value | UnsetType = UNSET
    payload_raw: Binary | UnsetType = UNSET
    payload_type: MediaType | UnsetType = UNSET
    queue: Name | UnsetType = UNSET
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


class TimingInput(Body, kw_only=True):
    """When a schedule has its slots."""

    cron: Expression | UnsetType = UNSET
    timezone: Zone | UnsetType = UNSET
    every_ms: EveryMs | UnsetType = UNSET
    at: Instant | UnsetType = UNSET
    starts_at: Instant | UnsetType = UNSET
    ends_at: Instant | UnsetType = UNSET


class ScheduleInput(TimingInput, kw_only=True):
    """The body of PUT /v1/schedules/{name}."""

    job: ScheduledJobInput
    overlap: Overlap = Overlap.ALLOW
    catch_up: CatchUp = CatchUp.LAST
    max_catch_up: Annotated[int, Meta(ge=1, le=limits.MAX_CATCH_UP)] = 100
    jitter_ms: Annotated[int, Meta(ge=0, le=limits.MAX_JITTER_MS)] = 0
    paused: bool | UnsetType = UNSET
    owner: Name | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=limits.MAX_DESCRIPTION_CHARS)] | UnsetType = UNSET


class PreviewInput(TimingInput, kw_only=True):
    """The body of POST /v1/schedules/preview."""

    n: Slots = 10


class PreviewQuery(Body):
    """The query of GET /v1/schedules/{name}/preview."""

    n: Slots = 10


class SchedulesQuery(Body):
    """The query of GET /v1/schedules."""

    after: After | UnsetType = UNSET
    owner: Name | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=limits.MAX_LISTED_SCHEDULES)] = 50


_TIMING: Final = (
    Some(("cron", "every_ms", "at")),
    Pair("cron", "every_ms"),
    Pair("cron", "at"),
    Pair("every_ms", "at"),
    Needs("timezone", "cron"),
)
_RAW: Final = (PAYLOAD_PAIR, Needs("payload_raw", "payload_type"), Needs("payload_type", "payload_raw"))
RULES: Final[Table] = {
    ScheduledJobInput: (*_RAW, Distinct("limits"), *WHOLE_JOB),
    ScheduleInput: _TIMING,
    PreviewInput: _TIMING,
}
