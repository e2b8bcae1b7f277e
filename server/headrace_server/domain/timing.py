"""When a schedule fires: cron expressions, grids of intervals, single instants; pure: instants are unix milliseconds.

A cron expression of five fields behaves as Debian's cron where clocks are changed: a job at a fixed hour runs once a
day, also on the day that has this hour twice or not at all. With a `*` for minutes or hours it follows real time.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from cronsim import CronSim, CronSimError

MACROS: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
MIN_EVERY_MS: Final = 1_000
MAX_EVERY_MS: Final = 366 * 24 * 3_600_000
MAX_CRON_CHARS: Final = 200
MAX_ZONE_CHARS: Final = 64
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MS: Final = 253_370_764_800_000  # the year 9999: what a datetime can say
_ZONE: Final = re.compile(r"[A-Za-z0-9_+\-]+(/[A-Za-z0-9_+\-]+)*")


class BadTiming(ValueError):
    """A timing that cannot be; the text says why and what to write instead."""

    def __init__(self, why: str, *, is_zone: bool = False) -> None:
        super().__init__(why)
        self.is_zone = is_zone  # it is the time zone that is unknown


class Cron(msgspec.Struct, frozen=True, tag=True):
    """At the instants that an expression names on the clocks of a time zone."""

    expression: str
    timezone: str = "UTC"


class Every(msgspec.Struct, frozen=True, tag=True):
    """On a grid: at `anchor_ms` and every so many milliseconds before and after it. No restart moves it."""

    every_ms: int
    anchor_ms: int = 0


class Once(msgspec.Struct, frozen=True, tag=True):
    """At one instant."""

    at_ms: int


Timing = Cron | Every | Once


def check(timing: Timing) -> None:
    """Raise BadTiming for a timing that names no instant at all, or none that can be understood."""
    if isinstance(timing, Every) and not MIN_EVERY_MS <= timing.every_ms <= MAX_EVERY_MS:
        raise BadTiming(f"an interval is from {MIN_EVERY_MS} to {MAX_EVERY_MS} ms")
    if isinstance(timing, Cron):
        _zone(timing.timezone)
        _walk(timing, 0)
        if next_ms(timing, 0) is None:
            raise BadTiming(f"{timing.expression!r} names no instant: no month has such a day")


def next_ms(timing: Timing, after_ms: int) -> int | None:
    """Return the first instant after `after_ms`; None when there is none any more."""
    if isinstance(timing, Once):
        return timing.at_ms if timing.at_ms > after_ms else None
    if isinstance(timing, Every):
        return timing.anchor_ms + ((after_ms - timing.anchor_ms) // timing.every_ms + 1) * timing.every_ms
    return next(_walk(timing, after_ms), None)


def instants(timing: Timing, after_ms: int, until_ms: int, most: int) -> list[int]:
    """Return the instants after `after_ms` up to `until_ms` (included), the first `most` of them."""
    found: list[int] = []
    if isinstance(timing, Cron):
        for at_ms in islice(_walk(timing, after_ms), most):
            if at_ms > until_ms:
                break
            found.append(at_ms)
        return found
    slot_ms = next_ms(timing, after_ms)
    while len(found) < most and slot_ms is not None and slot_ms <= until_ms:
        found.append(slot_ms)
        slot_ms = next_ms(timing, slot_ms)
    return found


def explain(timing: Timing) -> str:
    """Return the timing as an English sentence."""
    if isinstance(timing, Once):
        return "once"
    if isinstance(timing, Every):
        return f"every {timedelta(milliseconds=timing.every_ms)}"
    told = str(CronSim(expand(timing.expression), _EPOCH).explain())
    return f"{told} ({timing.timezone})"


def expand(expression: str) -> str:
    """Return an expression of fields for a macro, and any other expression as it is. Raises BadTiming."""
    text = expression.strip()
    if not text.startswith("@"):
        return text
    try:
        return MACROS[text.lower()]
    except KeyError:
        raise BadTiming(f"{expression!r} is none of {', '.join(MACROS)}") from None


def _walk(cron: Cron, after_ms: int) -> Iterator[int]:
    if len(cron.expression) > MAX_CRON_CHARS:
        raise BadTiming(f"a cron expression has at most {MAX_CRON_CHARS} characters")
    after = (_EPOCH + timedelta(milliseconds=max(0, min(after_ms, _LAST_MS)))).astimezone(_zone(cron.timezone))
    try:
        walk = CronSim(expand(cron.expression), after)
    except CronSimError as error:
        fields = "five fields (minute hour day month weekday) or six (second first)"
        raise BadTiming(f"{cron.expression!r} is no cron expression: {error}; write {fields}") from None
    return (_ms(at) for at in walk if _ms(at) > after_ms)


def _ms(at: datetime) -> int:
    return (at.astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1)


@lru_cache(maxsize=1_000)
def _zone(name: str) -> ZoneInfo:
    if _ZONE.fullmatch(name):
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, OSError, ValueError):
            pass
    raise BadTiming(
        f"{name!r} is no time zone; write one of the IANA database, for instance Europe/Berlin or UTC", is_zone=True
    )
