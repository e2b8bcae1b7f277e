"""What an operator says about a queue or a limit, and what the store says back; it must not know who enforces it."""

import msgspec

from headrace_server.domain.jobs import QueueStats
from headrace_server.domain.retry import RetryPolicy


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """A token bucket: in any span of t ms at most burst + t * count / per_ms leases."""

    count: int
    per_ms: int
    burst: int


class QueueSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for the jobs of a queue that do not say otherwise, and its limits; None: as the server has it."""

    lease_ms: int | None = None
    max_runtime_ms: int | None = None
    priority: int | None = None  # read at the enqueue and at each later move into ready
    max_crashes: int | None = None
    retry: RetryPolicy | None = None
    succeeded_retention_ms: int | None = None
    dead_retention_ms: int | None = None
    cancelled_retention_ms: int | None = None
    result_ttl_ms: int | None = None
    max_depth: int | None = None  # jobs that have not ended; an enqueue beyond it is refused
    max_bytes: int | None = None  # of their payloads, counted since the limit was set
    concurrency: int | None = None  # live leases
    rate: Rate | None = None  # of leases


class QueueView(msgspec.Struct, frozen=True, kw_only=True):
    """A queue as it is now."""

    stats: QueueStats
    settings: QueueSettings
    paused: bool
    paused_until_ms: int | None  # None while paused: until somebody resumes it
    draining: bool  # takes no new jobs


class LimitSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for each limit key that begins with a name; None: no such bound."""

    concurrency: int | None = None  # live leases of one key
    rate: Rate | None = None  # of leases of one key


class LimitView(msgspec.Struct, frozen=True, kw_only=True):
    """A limit as it is now."""

    name: str
    settings: LimitSettings | None  # None: no settings under exactly this name
    leased: int  # live leases of exactly this key
    held_until_ms: int | None  # nothing is leased before; set by a back-off
    now_ms: int


class LimitPage(msgspec.Struct, frozen=True, kw_only=True):
    """Limits that have settings or are held back, in alphabetical order."""

    limits: list[LimitView]
    next_after: str | None
