"""What workers say of themselves, and how others look for them."""

from typing import Annotated, TypeAlias

from msgspec import UNSET, Meta, UnsetType, field

from headrace_server.api.shapes.fields import Body, Cursor, Instant, Item, Name, Tags
from headrace_server.domain import limits
from headrace_server.domain.fleet import Directive, WorkerState

Number: TypeAlias = Annotated[int, Meta(ge=0, le=limits.MAX_INTEGER - 1)]
Names: TypeAlias = Annotated[list[Name], Meta(max_length=limits.MAX_WORKER_NAMES)]


class CountsInput(Body):
    """What came of the jobs that a worker has run since it started."""

    succeeded: Number | UnsetType = UNSET
    failed: Number | UnsetType = UNSET
    retried: Number | UnsetType = UNSET


class WorkerInfoInput(Body):
    """What a worker says of itself."""

    host: Annotated[str, Meta(max_length=limits.MAX_HOST_CHARS)] | UnsetType = UNSET
    pid: Number | UnsetType = UNSET
    state: Directive | UnsetType = UNSET
    queues: Names | UnsetType = UNSET
    slots: Number | UnsetType = UNSET
    busy: Number | UnsetType = UNSET
    processes: Number | UnsetType = UNSET
    tasks: Names | UnsetType = UNSET
    versions: Tags | UnsetType = UNSET
    rss_bytes: Number | UnsetType = UNSET
    started_at: Instant | UnsetType = UNSET
    counts: CountsInput | UnsetType = UNSET
    labels: Tags | UnsetType = UNSET


class HeartbeatInput(Body):
    """The body of POST /v1/workers/{id}/heartbeat."""

    leases: Annotated[list[Item], Meta(max_length=limits.MAX_BATCH_ITEMS)] = field(default_factory=list)
    info: WorkerInfoInput | UnsetType = UNSET
    next_ms: Annotated[int, Meta(ge=limits.MIN_NEXT_MS, le=limits.MAX_NEXT_MS)] | UnsetType = UNSET
    final: bool = False


class WorkersQuery(Body):
    """The query of GET /v1/workers."""

    state: WorkerState | UnsetType = UNSET
    queue: Name | UnsetType = UNSET
    task: Name | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=limits.MAX_LISTED_WORKERS)] = 50
    cursor: Cursor | UnsetType = UNSET
