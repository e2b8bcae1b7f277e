"""What is told of jobs, queues, tasks and the store as numbers; it must not know how metrics are called or written."""

import msgspec

from headrace_server.domain.jobs import QueueStats


class Times(msgspec.Struct, frozen=True, gc=False):
    """How long something took, as it was counted."""

    sum_ms: int
    buckets: tuple[int, ...]  # how many fell between two bounds; the last one: above all of them


class QueueMetrics(msgspec.Struct, frozen=True, gc=False):
    """A queue at one moment, and what was counted since its first job."""

    stats: QueueStats
    counted: tuple[int, ...]
    polled: bool  # somebody asked for its jobs lately


class TaskMetrics(msgspec.Struct, frozen=True, gc=False):
    """What was counted about the jobs of one task."""

    task: str
    counted: tuple[int, ...]
    wait: Times
    run: Times
    total: Times


class JobMetrics(msgspec.Struct, frozen=True):
    """All of it, each read at a moment of its own."""

    queues: list[QueueMetrics]  # by name; no more than have series of their own
    queue_count: int  # all that there are
    tasks: list[TaskMetrics]  # by name
    now_ms: int


class StoreHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How a store says that it is."""

    server: str  # valkey or redis
    version: str
    fsync: str  # always, everysec or no; off: no append-only file; unknown: it does not tell
    latency_s: float  # of a PING
    memory_bytes: int
    memory_max_bytes: int  # 0: as much as there is
    persistence_ok: bool  # its last writes to disk went well
