"""The documents that go out, as types; `openapi.yaml` has the same fields. Optional ones are left out, never null."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

Absent = UnsetType


class ScheduleSlotDocument(msgspec.Struct, gc=False):
    """Which slot of which schedule a job was made for."""

    name: str
    slot: str


class SummaryDocument(msgspec.Struct, kw_only=True, gc=False):
    """A job of a list: what it is and where, without what it carries."""

    id: str
    task: str
    queue: str
    state: str
    priority: int
    attempt: int
    max_attempts: int
    delivery: int
    crashes: int
    max_crashes: int
    enqueued_at: str
    run: int | Absent = UNSET  # from the second one on
    run_at: str | Absent = UNSET
    expires_at: str | Absent = UNSET
    deadline: str | Absent = UNSET
    worker: str | Absent = UNSET
    started_at: str | Absent = UNSET
    finished_at: str | Absent = UNSET
    reason: str | Absent = UNSET
    cancel_requested: bool | Absent = UNSET
    fence: int | Absent = UNSET
    max_runtime_ms: int | Absent = UNSET
    tags: dict[str, str] | Absent = UNSET
    fairness_key: str | Absent = UNSET
    weight: int | Absent = UNSET
    ordering_key: str | Absent = UNSET
    on_dead: str | Absent = UNSET
    limits: tuple[str, ...] | Absent = UNSET
    schedule: ScheduleSlotDocument | Absent = UNSET
    error: Any = UNSET  # of a list: without stack and details


class JobDocument(SummaryDocument, kw_only=True, gc=False):
    """A job as it is now."""

    abridged: bool | Absent = UNSET  # of many that were waited for: as a list shows it
    deduplicated: bool | Absent = UNSET
    replaced: bool | Absent = UNSET
    meta: Any = UNSET
    trace: Any = UNSET
    progress: Any = UNSET
    checkpoint: Any = UNSET
    payload: Raw | Absent = UNSET
    payload_raw: bytes | Absent = UNSET  # of any kind; or of a value that the reader's format cannot hold
    payload_type: str | Absent = UNSET  # the media type of payload_raw
    result: Raw | Absent = UNSET
    result_raw: bytes | Absent = UNSET
    result_type: str | Absent = UNSET


class ReceiptDocument(msgspec.Struct, gc=False):
    """A job that was enqueued, for a producer that wants no more of it."""

    id: str
    state: str
    deduplicated: bool | Absent = UNSET
    replaced: bool | Absent = UNSET


class GoneDocument(msgspec.Struct):
    """What is found of a job whose record was removed."""

    id: str
    state: str = "gone"
    deduplicated: bool | Absent = UNSET  # for a request that comes again or meets its unique key


class JobsDocument(msgspec.Struct):
    """The reply to an atomic batch."""

    jobs: list[JobDocument | GoneDocument | ReceiptDocument]


class WaitDocument(msgspec.Struct, kw_only=True):
    """The reply to a wait for many jobs, in the order of the request."""

    jobs: list[JobDocument | GoneDocument]
    done: bool
    server_time: str


class ClockDocument(msgspec.Struct, kw_only=True):
    """What a test clock shows."""

    now: str
    ahead_ms: int


class TurnedDocument(ClockDocument, kw_only=True):
    """The reply to a wish to set it forward."""

    target: str
    moments: int
    done: bool


class BatchResult(msgspec.Struct, kw_only=True, gc=False):
    """One job of a batch that is not atomic: its status, and either the job or the problem."""

    status: int
    job: JobDocument | GoneDocument | ReceiptDocument | Absent = UNSET
    problem: Any = UNSET
    index: int | Absent = UNSET  # of its job in the request, where others are left out


class BatchDocument(msgspec.Struct):
    """The reply to a batch that is not atomic, in the order of the request."""

    results: list[BatchResult]


class ReceiptsDocument(msgspec.Struct):
    """The reply to a batch whose producer wants no more than receipts."""

    ids: list[str]  # in the order of the request; '' where there is no such job
    state: str  # of each job that `results` does not list: this request has made them
    results: list[BatchResult]  # of the others


class LeasedDocument(msgspec.Struct, gc=False):
    """A job handed to a worker."""

    id: str
    token: str
    task: str
    queue: str
    priority: int
    attempt: int
    delivery: int
    max_attempts: int
    enqueued_at: str
    fence: int
    deadline: str
    max_runtime_ms: int | Absent = UNSET
    payload: Raw | Absent = UNSET
    payload_raw: bytes | Absent = UNSET
    payload_type: str | Absent = UNSET
    meta: Any = UNSET
    trace: Any = UNSET
    checkpoint: Any = UNSET
    schedule: ScheduleSlotDocument | Absent = UNSET


class LeasedAlikeDocument(msgspec.Struct, gc=False):
    """A job handed to a worker who has just read of another one: what is not here is as that one has it."""

    id: str
    token: str
    payload: Raw | Absent = UNSET
    payload_raw: bytes | Absent = UNSET
    payload_type: str | Absent = UNSET
    meta: Any = UNSET
    trace: Any = UNSET
    checkpoint: Any = UNSET
    schedule: ScheduleSlotDocument | Absent = UNSET


class SettledDocument(msgspec.Struct, kw_only=True, gc=False):
    """The outcome of one settle or extend."""

    job_id: str
    status: str
    state: str | Absent = UNSET
    attempt: int | Absent = UNSET
    run_at: str | Absent = UNSET
    deadline: str | Absent = UNSET
    cancel_requested: bool | Absent = UNSET
    code: str | Absent = UNSET  # the cause of not_done and unknown
    errors: Any = UNSET  # the faults of an invalid item
    index: int | Absent = UNSET  # of its item in the request, where others are left out
    server_time: str | Absent = UNSET  # in the reply to a single one


class GrantDocument(msgspec.Struct, kw_only=True):
    """The reply to POST /v1/leases."""

    jobs: Sequence[LeasedDocument | LeasedAlikeDocument]
    completed: list[SettledDocument]
    directive: str | Absent = UNSET
    server_time: str


class CompletionsDocument(msgspec.Struct, kw_only=True):
    """The reply to POST /v1/completions, in the order of the request; of some only what is worth telling."""

    items: list[SettledDocument]
    server_time: str


class HeartbeatDocument(msgspec.Struct, kw_only=True):
    """The reply to a heartbeat, in the order of the request."""

    directive: str | Absent = UNSET
    leases: list[SettledDocument]
    server_time: str


class StatsDocument(msgspec.Struct, kw_only=True):
    """How full a queue is."""

    queue: str
    counts: dict[str, int]
    backlog: int
    oldest_ready_age_ms: int | Absent = UNSET


class StoreDocument(msgspec.Struct, kw_only=True):
    """The store behind the server."""

    server: str
    version: str
    embedded: bool


class ServerDocument(msgspec.Struct, kw_only=True):
    """The reply to GET /v1/server."""

    version: str
    durability: str
    store: StoreDocument
    shards: int
    limits: dict[str, int]
    server_time: str
    test_clock: bool | Absent = UNSET


class HealthDocument(msgspec.Struct):
    """The reply of /livez and /readyz."""

    status: str = "ok"
