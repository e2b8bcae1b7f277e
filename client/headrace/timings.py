"""When a periodic task runs, as Python says it: `crontab(...)`, `every(...)`; it must not know tasks or the server.

`crontab` has the parameters, defaults and meaning of Celery's, and becomes a cron expression, which the server walks.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final, NoReturn, TypeAlias

from headrace.durations import Seconds, milliseconds

Field: TypeAlias = int | str | Iterable[int]  # 7, "*/15", "mon-fri", "1,15", [0, 30]
_Known: TypeAlias = int | str | list[int]

_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TERM: Final = re.compile(r"(?:(?P<star>\*)|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>\d+))?")
_STAR: Final = re.compile(r"\*(?:/\d+)?")
_ZONE: Final = re.compile(r"[A-Za-z0-9_+\-]+(?:/[A-Za-z0-9_+\-]+)*")
_RUN: Final = 3  # so many numbers in a row are written as a range
_LEAST_MS: Final = 1_000  # between two slots: the server's limit


@dataclass(frozen=True)
class _Kind:
    """One field of a crontab: what its numbers are."""

    name: str
    least: int
    most: int
    words: tuple[str, ...] = ()  # for the numbers from `least` on


_MINUTE: Final = _Kind("minute", 0, 59)
_HOUR: Final = _Kind("hour", 0, 23)
_WEEKDAY: Final = _Kind("day_of_week", 0, 6, _DAYS)
_DAY: Final = _Kind("day_of_month", 1, 31)
_MONTH: Final = _Kind("month_of_year", 1, 12, _MONTHS)


@dataclass(frozen=True, init=False, repr=False)
class crontab:  # noqa: N801 - as Celery calls it
    """At the minutes that all five fields name, on the clocks of `timezone` (IANA; None: `app.conf.timezone`).

    A field is a number, numbers, or text as in a crontab: `*/15`, `1,15`, `8-17`, `mon-fri`. Weekdays count from
    Sunday, 0. As in Celery a field that is left out is `*`, so `crontab(hour=7)` is each minute from 7:00 to 7:59, and
    a day must fit `day_of_month` and `day_of_week`. Raises ValueError for a field that cannot be.
    """

    expression: str  # of five fields: minute hour day month weekday
    timezone: str | None

    def __init__(
        self,
        minute: Field = "*",
        hour: Field = "*",
        day_of_week: Field = "*",
        day_of_month: Field = "*",
        month_of_year: Field = "*",
        *,
        timezone: str | tzinfo | None = None,
    ) -> None:
        day, weekday = _days(_listed(day_of_month), _listed(day_of_week))
        clock = f"{_text(_MINUTE, _listed(minute))} {_text(_HOUR, _listed(hour))}"
        object.__setattr__(self, "expression", f"{clock} {day} {_text(_MONTH, _listed(month_of_year))} {weekday}")
        object.__setattr__(self, "timezone", zone_name(timezone))

    @classmethod
    def from_string(cls, text: str) -> "crontab":
        """Return the crontab of five fields in the order of a crontab file: minute hour day month weekday."""
        fields = text.split()
        if len(fields) != 5:
            raise ValueError(f"{text!r} has {len(fields)} fields; a crontab has five: minute hour day month weekday")
        minute, hour, day, month, weekday = fields
        return cls(minute, hour, weekday, day, month)

    def __repr__(self) -> str:
        return f"<crontab {self.expression}{f' {self.timezone}' if self.timezone else ''}>"


@dataclass(frozen=True, init=False, repr=False)
class every:  # noqa: N801 - beside crontab
    """At a grid of instants: `every(30)`, `every(minutes=10)`, `every(timedelta(hours=2))`; a second apart at least.

    The grid begins in 1970, or at the `starts_at` of the entry: no restart and no deploy moves it.
    """

    every_ms: int

    def __init__(
        self, span: Seconds = 0, *, seconds: float = 0, minutes: float = 0, hours: float = 0, days: float = 0
    ) -> None:
        more = timedelta(seconds=seconds, minutes=minutes, hours=hours, days=days)
        object.__setattr__(self, "every_ms", milliseconds(span) + milliseconds(more))
        if self.every_ms < _LEAST_MS:
            raise ValueError("an interval is a second at least: every(30), every(minutes=10)")

    def __repr__(self) -> str:
        return f"<every {timedelta(milliseconds=self.every_ms)}>"


def solar(*_: object, **__: object) -> NoReturn:
    """Refuse: the server knows no sunrise."""
    raise TypeError(
        "there is no solar(): run the task every few minutes and let it look at the sun, "
        "or have an entry for each of the instants to come (a datetime)"
    )


# text: a cron expression of five fields, of six (seconds first), or @daily and its kind; a datetime: once
Timing: TypeAlias = crontab | every | Seconds | datetime | str


def timing_fields(timing: Any, timezone: str | None) -> dict[str, Any]:
    """Return a timing in the terms of `headrace.Schedule`; `timezone`: of a crontab that names none.

    Raises TypeError for what is no timing, ValueError for one that cannot be.
    """
    match timing:
        case crontab():
            return {"cron": timing.expression, "timezone": timing.timezone or timezone}
        case every():
            return {"every_ms": timing.every_ms}
        case str():
            return {"cron": timing, "timezone": timezone}
        case datetime() if timing.tzinfo is None:
            raise ValueError("an instant is an aware datetime: datetime.now(UTC) or value.astimezone()")
        case datetime():
            return {"at": timing}
        case int() | float() | timedelta() if not isinstance(timing, bool):
            return {"every_ms": every(timing).every_ms}
    kind = type(timing)
    if kind.__module__.startswith("celery"):
        raise TypeError(f"this is Celery's {kind.__name__}: from headrace import crontab, every")
    known = "seconds, a timedelta, crontab(...), every(...), a datetime (once), or text as '0 9 * * 1-5' and '@daily'"
    raise TypeError(f"{timing!r} is no timing; there are {known}")


def zone_name(zone: str | tzinfo | None) -> str | None:
    """Return the IANA name of a time zone. Raises ValueError for one that has none."""
    if zone is None:
        return None
    name = str(zone)  # of those of zoneinfo and pytz: their names
    if not _ZONE.fullmatch(name):
        raise ValueError(f"{zone!r} has no name of the IANA database, as 'Europe/Berlin' or 'UTC'")
    return name


def _listed(field: Field) -> _Known:
    return field if isinstance(field, int | str) else list(field)


def _text(kind: _Kind, field: _Known) -> str:
    """Return a field as cron has it: as it was given where it begins with `*`, else its numbers."""
    numbers = _numbers(kind, field)
    if len(numbers) == kind.most - kind.least + 1:
        return "*"
    return field if isinstance(field, str) and _STAR.fullmatch(field) else _written(sorted(numbers))


def _numbers(kind: _Kind, field: _Known) -> set[int]:
    if isinstance(field, str):
        return {number for term in field.split(",") for number in _expanded(kind, term.strip().lower())}
    found = {_number(kind, str(number)) for number in ([field] if isinstance(field, int) else field)}
    if not found:
        raise ValueError(f"crontab: {kind.name} names nothing")
    return found


def _expanded(kind: _Kind, term: str) -> list[int]:
    """Return the numbers of one term; a range may go over the end: fri-mon, 22-2."""
    found = _TERM.fullmatch(term)
    if found is None or (found["step"] and not found["star"] and not found["last"]):
        raise ValueError(f"crontab: {kind.name} {term!r}: write 7, 1-5, */15, 8-18/2, or several of them with commas")
    step = int(found["step"] or 1)
    if step < 1:
        raise ValueError(f"crontab: {kind.name} {term!r}: a step is 1 at least")
    first = kind.least if found["star"] else _number(kind, found["first"])
    last = kind.most if found["star"] else _number(kind, found["last"] or found["first"])
    if last < first:
        return [*range(first, kind.most + 1), *range(kind.least, last + 1)][::step]
    return list(range(first, last + 1, step))


def _number(kind: _Kind, text: str) -> int:
    if text[:3] in kind.words:
        return kind.words.index(text[:3]) + kind.least
    number = int(text) if text.isdecimal() else -1
    if not kind.least <= number <= kind.most:
        raise ValueError(f"crontab: {kind.name} is from {kind.least} to {kind.most}, not {text}")
    return number


def _written(numbers: list[int]) -> str:
    """Return numbers as cron has them: 1-5,9."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    parts = [[f"{run[0]}-{run[-1]}"] if len(run) >= _RUN else map(str, run) for run in runs]
    return ",".join(part for run in parts for part in run)


def _days(days: _Known, weekdays: _Known) -> tuple[str, str]:
    """Return both fields of days so that cron means days that fit both, as Celery does.

    Cron means it where one of the two begins with `*`, and takes days that fit either otherwise. The first Monday and
    the like have words of their own: 1#1. Raises ValueError for what cron cannot say.
    """
    day, weekday = _text(_DAY, days), _text(_WEEKDAY, weekdays)
    if day.startswith("*") or weekday.startswith("*"):
        return day, weekday
    in_month, in_week = _numbers(_DAY, days), _numbers(_WEEKDAY, weekdays)
    weeks = sorted({(number - 1) // 7 + 1 for number in in_month})
    if in_month != {number for week in weeks for number in range(week * 7 - 6, min(week * 7, _DAY.most) + 1)}:
        raise ValueError(
            "crontab: day_of_month and day_of_week together mean days that fit both, which cron can say of whole weeks "
            "only (day_of_month='1-7': the first such weekday); give one of them, and let the task look at the other"
        )
    return "*", ",".join(f"{number}#{week}" for week in weeks for number in sorted(in_week))
