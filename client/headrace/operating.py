"""The nouns of those who look after a server: queues, limits, bulk operations, the server; it must not know HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from headrace.models import RetryPolicy
from headrace.words import OperationState, State


@dataclass(frozen=True, kw_only=True)
class Rate:
    """A token bucket: in any span of t ms at most burst + t * count / per_ms leases."""

    count: int
    per_ms: int
    burst: int | None = None  # None: count


@dataclass(frozen=True, kw_only=True)
class QueueSettings:
    """What holds for the jobs of a queue that do not say otherwise, and its limits; None: as the server has it."""

    lease_ms: int | None = None
    max_runtime_ms: int | None = None
    priority: int | None = None
    max_crashes: int | None = None
    retry: RetryPolicy | None = None
    succeeded_retention_ms: int | None = None
    dead_retention_ms: int | None = None
    cancelled_retention_ms: int | None = None
    result_ttl_ms: int | None = None
    max_depth: int | None = None  # jobs that have not ended; an enqueue beyond it is QueueFull
    max_bytes: int | None = None  # of their payloads, counted since the limit was set
    concurrency: int | None = None  # live leases
    rate: Rate | None = None  # of leases


@dataclass(frozen=True, kw_only=True)
class QueueStats:
    """How full a queue is, at one moment."""

    queue: str
    counts: Mapping[State, int]
    backlog: int = 0  # ready + leased: the work that wants a slot now
    oldest_ready_age_ms: int | None = None  # None: nothing is ready


@dataclass(frozen=True, kw_only=True)
class QueueSummary(QueueStats):
    """A queue as lists show it."""

    paused: bool = False  # gives no jobs
    draining: bool = False  # takes no new jobs


@dataclass(frozen=True, kw_only=True)
class Queue(QueueSummary):
    """A queue as it is now."""

    settings: QueueSettings = field(default_factory=QueueSettings)
    paused_until: datetime | None = None  # None while paused: until somebody resumes it


@dataclass(frozen=True, kw_only=True)
class QueuePage:
    """Some queues, by name."""

    queues: tuple[QueueSummary, ...]
    next_after: str | None = None  # ask again with after=this; None: the end


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A limit as it is now. Its settings hold for each key by itself that is its name or begins with it and `:`."""

    name: str
    leased: int = 0  # live leases of exactly this key
    concurrency: int | None = None  # live leases of one key; None: no such bound
    rate: Rate | None = None  # of leases of one key
    held_until: datetime | None = None  # nothing is leased before: somebody asked for a back-off
    server_time: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class LimitPage:
    """Some limits that have settings or are held back, by name."""

    limits: tuple[Limit, ...]
    next_after: str | None = None  # ask again with after=this; None: the end


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A bulk operation as it is now."""

    id: str
    action: str  # retry, cancel, delete, move or purge
    state: OperationState
    filter: Mapping[str, Any] = field(default_factory=dict)  # which jobs are meant
    dry_run: bool = False  # only counts
    rate_per_s: int | None = None
    target_queue: str | None = None
    scanned: int = 0  # jobs looked at
    matched: int = 0
    done: int = 0  # changed; 0 in a dry run
    skipped: int = 0  # matched, but refused: a unique key is taken, the state has changed, ...
    sample: tuple[str, ...] = ()  # ids of the first that matched
    created_at: datetime | None = None
    finished_at: datetime | None = None
    server_time: datetime | None = None

    @property
    def is_running(self) -> bool:
        """Whether it still works."""
        return self.state is OperationState.RUNNING


@dataclass(frozen=True, kw_only=True)
class StoreInfo:
    """The store behind a server."""

    server: str = ""  # valkey or redis
    version: str = ""
    embedded: bool = False


@dataclass(frozen=True, kw_only=True)
class ServerInfo:
    """What a server says about itself."""

    version: str
    durability: str = ""  # relaxed, fsync, replica, fsync+replica
    store: StoreInfo = field(default_factory=StoreInfo)
    shards: int = 1
    limits: Mapping[str, int] = field(default_factory=dict)
    server_time: datetime | None = None
    test_clock: bool = False  # started with --test-clock, for tests


@dataclass(frozen=True, kw_only=True)
class ClockAdvance:
    """A test clock that was set forward."""

    now: datetime
    ahead_ms: int = 0  # of everybody's clock
    target: datetime
    moments: int = 0  # stops on the way
    done: bool = True  # False: it is on its way still
