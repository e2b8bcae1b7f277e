"""What is said about schedules: when, and which job."""

from typing import Annotated, Final, TypeAlias

from msgspec import UNSET, Meta, UnsetType

from headrace_server.api.shapes.fields import (
    After,
    Binary,
    Body,
    Instant,
    MediaType,
    Name,
)
from headrace_server.api.shapes.jobs import PAYLOAD_PAIR, WHOLE_JOB, JobOptions
from headrace_server.api.shapes.rules import Distinct, Needs, Pair, Some, Table
from headrace_server.domain import limits
from headrace_server.domain.schedules import CatchUp, Overlap
from headrace_server.domain.timing import MAX_CRON_CHARS, MAX_EVERY_MS, MAX_ZONE_CHARS, MIN_EVERY_MS

Expression: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_CRON_CHARS)]
Zone: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_ZONE_CHARS)]
EveryMs: TypeAlias = Annotated[int, Meta(ge=MIN_EVERY_MS, le=MAX_EVERY_MS)]
Slots: TypeAlias = Annotated[int, Meta(ge=1, le=limits.MAX_PREVIEW)]


class ScheduledJobInput(JobOptions, kw_only=True):
    """The job of each slot: a new job, but for what its slot decides."""

    task: Name
    payload_raw: Binary | UnsetType = UNSET
    payload_type: MediaType | UnsetType = UNSET


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
