"""Monitors and check-ins, as Sentry calls schedules and their slots: slugs, and when a check-in is expected; pure."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from headrace.schedules import ScheduleRecord

SLUG_CHARS: Final = 50
_DIGEST_CHARS: Final = 8
_SLUG: Final = re.compile(r"(?![0-9]+$)[a-z0-9_-]{1,50}")  # digits alone could be an id
_NO_SLUG: Final = re.compile(r"[^a-z0-9_-]+")
_MINUTE_MS: Final = 60_000  # nothing happens more often to a monitor
_UNITS: Final = (("week", 10_080), ("day", 1_440), ("hour", 60), ("minute", 1))  # in minutes
_MACROS: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_FIELDS: Final = 5  # of a crontab without seconds


@dataclass(frozen=True, kw_only=True)
class Monitor:
    """A schedule in Sentry's words."""

    slug: str
    config: dict[str, Any] | None = None  # None: not known now; Sentry goes on with what it has


class Status(StrEnum):
    """What Sentry knows."""

    IN_PROGRESS = "in_progress"
    OK = "ok"
    ERROR = "error"


@dataclass(frozen=True, kw_only=True)
class CheckIn:
    """One thing to tell."""

    schedule: str
    job_id: str
    status: Status
    took_s: float | None = None  # of the last run


Send = Callable[[CheckIn, Monitor], None]


def slug_of(name: str) -> str:
    """Return the name of a schedule as a slug; of one that is none, what is alike, with a digest of the name."""
    if _SLUG.fullmatch(name):
        return name
    digest = hashlib.blake2b(name.encode(), digest_size=_DIGEST_CHARS // 2).hexdigest()
    plain = _NO_SLUG.sub("-", name.lower())[: SLUG_CHARS - _DIGEST_CHARS - 1]
    return f"{plain}-{digest}"


def monitor_of(record: ScheduleRecord) -> Monitor | None:
    """Return the monitor of a schedule; None: of what comes once, or several times in a minute, Sentry has none."""
    timing = _crontab(record.cron) if record.cron is not None else _interval(record.every_ms)
    if timing is None:
        return None
    config: dict[str, Any] = {"schedule": timing, "timezone": record.timezone or "UTC"}
    if record.jitter_ms:
        config["checkin_margin"] = 1 + -(-record.jitter_ms // _MINUTE_MS)  # minutes; else what is set in Sentry
    return Monitor(slug=slug_of(record.name), config=config)


def _crontab(cron: str) -> dict[str, Any] | None:
    fields = _MACROS.get(cron.strip().lower(), cron).split()
    if len(fields) > _FIELDS:
        second, *fields = fields
        if not second.isdecimal():
            return None
    return {"type": "crontab", "value": " ".join(fields)}


def _interval(every_ms: int | None) -> dict[str, Any] | None:
    if every_ms is None or every_ms < _MINUTE_MS:
        return None
    minutes = -(-every_ms // _MINUTE_MS)  # rounded up: an early check-in is no fault, a missed one is
    unit, size = next((unit, size) for unit, size in _UNITS if minutes % size == 0)
    return {"type": "interval", "value": minutes // size, "unit": unit}
