"""What operators ask for: settings of queues and limits, bulk operations, filters."""

from enum import StrEnum
from typing import Annotated, Final, TypeAlias

from msgspec import UNSET, Meta, UnsetType

from headrace_server.api.shapes.fields import (
    After,
    Body,
    Concurrency,
    Crashes,
    Cursor,
    DelayMs,
    Instant,
    LeaseMs,
    Name,
    Priority,
    ResultTtlMs,
    RetentionMs,
    RuntimeMs,
    TagName,
    TagPair,
    TagValue,
)
from headrace_server.api.shapes.jobs import Retry
from headrace_server.api.shapes.rules import NeededWhen, OnlyWhen, Pair, Some, Table
from headrace_server.domain import limits
from headrace_server.domain.lifecycle import State


class RateInput(Body):
    """A token bucket."""

    count: Annotated[int, Meta(ge=1, le=limits.MAX_RATE_COUNT)]
    per_ms: Annotated[int, Meta(ge=1, le=limits.MAX_RATE_PER_MS)]
    burst: Annotated[int, Meta(ge=1, le=limits.MAX_RATE_COUNT)] | UnsetType = UNSET


class QueueSettingsInput(Body):
    """The body of PUT /v1/queues/{queue}: all of its settings."""

    lease_ms: LeaseMs | UnsetType = UNSET
    max_runtime_ms: RuntimeMs | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    max_crashes: Crashes | UnsetType = UNSET
    retry: Retry | UnsetType = UNSET
    succeeded_retention_ms: RetentionMs | UnsetType = UNSET
    dead_retention_ms: RetentionMs | UnsetType = UNSET
    cancelled_retention_ms: RetentionMs | UnsetType = UNSET
    result_ttl_ms: ResultTtlMs | UnsetType = UNSET
    max_depth: Annotated[int, Meta(ge=1, le=limits.MAX_DEPTH_JOBS)] | UnsetType = UNSET
    max_bytes: Annotated[int, Meta(ge=1, le=limits.MAX_QUEUE_BYTES)] | UnsetType = UNSET
    concurrency: Concurrency | UnsetType = UNSET
    rate: RateInput | UnsetType = UNSET


class PauseInput(Body):
    """The body of POST /v1/queues/{queue}/pause; may be left out."""

    for_ms: Annotated[int, Meta(ge=1, le=limits.MAX_PAUSE_MS)] | UnsetType = UNSET


class LimitInput(Body):
    """The body of PUT /v1/limits/{name}."""

    concurrency: Concurrency | UnsetType = UNSET
    rate: RateInput | UnsetType = UNSET


class ClockInput(Body):
    """The body of POST /v1/test/clock."""

    advance_ms: DelayMs | UnsetType = UNSET
    to: Instant | UnsetType = UNSET


class BackoffInput(Body):
    """The body of POST /v1/limits/{name}/backoff."""

    for_ms: Annotated[int, Meta(ge=0, le=limits.MAX_BACKOFF_MS)]


class TagInput(Body):
    """A tag that a job must have."""

    name: TagName
    value: TagValue


States: TypeAlias = Annotated[list[State], Meta(min_length=1, max_length=len(State))]
ErrorType: TypeAlias = Annotated[str, Meta(min_length=1, max_length=limits.MAX_ERROR_TYPE_CHARS)]


class FilterInput(Body):
    """Which jobs an operation means."""

    queue: Name | UnsetType = UNSET
    state: State | States | UnsetType = UNSET
    task: Name | UnsetType = UNSET
    error_type: ErrorType | UnsetType = UNSET
    tag: TagInput | UnsetType = UNSET
    enqueued_after: Instant | UnsetType = UNSET
    enqueued_before: Instant | UnsetType = UNSET
    finished_after: Instant | UnsetType = UNSET
    finished_before: Instant | UnsetType = UNSET


class BulkAction(StrEnum):
    """What an operation may do to each job; a purge has a path of its own."""

    RETRY = "retry"
    CANCEL = "cancel"
    DELETE = "delete"
    MOVE = "move"


class OperationInput(Body):
    """The body of POST /v1/operations."""

    action: BulkAction
    filter: FilterInput
    dry_run: bool = False
    rate_per_s: Annotated[int, Meta(ge=1, le=limits.MAX_RATE_PER_S)] | UnsetType = UNSET
    target_queue: Name | UnsetType = UNSET


class PurgeState(StrEnum):
    """The states that a purge removes."""

    SCHEDULED = "scheduled"
    READY = "ready"
    RETRYING = "retrying"


class PurgeInput(Body):
    """The body of POST /v1/queues/{queue}/purge; may be left out."""

    states: Annotated[list[PurgeState], Meta(min_length=1, max_length=len(PurgeState))] | UnsetType = UNSET
    dry_run: bool = False


class ListQuery(Body):
    """The query of GET /v1/jobs, once its texts are laid out as a body."""

    queue: Name | UnsetType = UNSET
    state: States | UnsetType = UNSET
    task: Name | UnsetType = UNSET
    error_type: ErrorType | UnsetType = UNSET
    tag: TagPair | UnsetType = UNSET
    enqueued_after: Instant | UnsetType = UNSET
    enqueued_before: Instant | UnsetType = UNSET
    finished_after: Instant | UnsetType = UNSET
    finished_before: Instant | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=limits.MAX_LISTED_JOBS)] = 50
    cursor: Cursor | UnsetType = UNSET


class EventsQuery(Body):
    """The query of GET /v1/events, but for `wait`, which many operations have."""

    after: Cursor | UnsetType = UNSET
    queue: Name | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=limits.MAX_EVENTS_PAGE)] = 100


class PageQuery(Body):
    """The query of lists in alphabetical order."""

    after: After | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=limits.MAX_PAGE_ITEMS)] = 100


_FILTERS: Final = tuple(FilterInput.__struct_fields__)
RULES: Final[Table] = {
    LimitInput: (Some(("concurrency", "rate")),),
    ClockInput: (Some(("advance_ms", "to")), Pair("advance_ms", "to")),
    FilterInput: (Some(_FILTERS),),
    OperationInput: (
        NeededWhen("target_queue", "action", ("move",)),
        OnlyWhen("target_queue", "action", ("move", "retry")),
    ),
}
