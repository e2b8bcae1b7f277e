"""When a failed job is tried again: the policy and its wait; it must not know the job, the clock or the store.

The nack script holds the same rule, because only it sees the attempt; `tests/unit/test_retry.py` compares the two.
"""

import re
from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache

import msgspec


class Backoff(StrEnum):
    """How the wait grows with the attempt."""

    EXPONENTIAL = "exponential"  # initial * factor ** (attempt - 1)
    LINEAR = "linear"  # initial * attempt
    CONSTANT = "constant"  # initial


class OnExhausted(StrEnum):
    """What becomes of a job that will not be tried again."""

    DEAD = "dead"  # kept among the dead letters
    DISCARD = "discard"  # dead, and its record goes at once


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A job's own wishes; a field that is absent (None) is taken from the queue's settings, then from
    the server's defaults, field by field."""

    max_attempts: int | None = None  # runs of the handler in all, >= 1
    backoff: Backoff | None = None
    initial_ms: int | None = None  # wait after the first failure
    factor: float | None = None  # 1..10, exponential only
    max_ms: int | None = None  # cap of the wait
    jitter: bool | None = None  # full jitter: the wait is uniform in 0..wait
    max_elapsed_ms: int | None = None  # no retry that would be due later than this after the run was opened
    non_retryable: tuple[str, ...] | None = None  # types of errors, `*` for any characters: dead at once
    on_exhausted: OnExhausted | None = None


def wait_ms(
    *,
    attempt: int,
    backoff: Backoff,
    initial_ms: int,
    factor: float,
    max_ms: int,
    jitter: float | None,
) -> int:
    """Return how long to wait after the failure of run number `attempt` (1 at first); `jitter` in 0..1, None: none."""
    match backoff:
        case Backoff.EXPONENTIAL:
            # 64 doublings pass any cap; without the bound a float overflows at attempt 1025
            wait = initial_ms * factor ** min(attempt - 1, 64)
        case Backoff.LINEAR:
            wait = float(initial_ms * attempt)
        case Backoff.CONSTANT:
            wait = float(initial_ms)
    wait = min(wait, float(max_ms))
    return int(wait if jitter is None else wait * jitter)


def is_non_retryable(error_type: str, patterns: Iterable[str]) -> bool:
    """Return whether a type of error is among the patterns: `*` stands for any characters, all else for itself."""
    return any(_glob(pattern).fullmatch(error_type) for pattern in patterns)


@lru_cache(maxsize=1024)
def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in pattern.split("*")), re.DOTALL)
