"""What a job or worker gets that asks for nothing; the engine writes these numbers into its scripts."""

import msgspec

from headrace_server.domain.limits import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from headrace_server.domain.retry import Backoff


class Defaults(msgspec.Struct, frozen=True, kw_only=True):
    """The server's defaults, in force where neither the request nor the job says otherwise."""

    lease_ms: int = 30 * SECOND_MS
    priority: int = 100
    max_attempts: int = 3
    backoff: Backoff = Backoff.EXPONENTIAL
    initial_ms: int = 1 * SECOND_MS
    factor: float = 2.0
    max_ms: int = 10 * MINUTE_MS
    jitter: bool = True
    max_crashes: int = 5
    succeeded_retention_ms: int = 1 * HOUR_MS
    dead_retention_ms: int = 14 * DAY_MS
    cancelled_retention_ms: int = 1 * HOUR_MS
    worker_timeout_ms: int = 100 * SECOND_MS  # two heartbeats of an idle worker, and ten seconds
