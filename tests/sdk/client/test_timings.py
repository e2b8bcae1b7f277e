"""`crontab` and `every`: Celery's meaning in the server's words, tried against an independent reading of the fields."""

import itertools
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from headrace import crontab, every
from headrace.schedules import solar
from headrace.timings import timing_fields
from headrace_server.domain.timing import Cron, instants

DAY = timedelta(days=1)
SUNDAY = datetime(2026, 2, 1, tzinfo=UTC)  # a Sunday, and the first of a month


def ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def fires(timing: crontab, until: datetime, most: int = 5_000) -> list[datetime]:
    """Return when the server fires it, from SUNDAY on."""
    found = instants(Cron(timing.expression), ms(SUNDAY) - 1, ms(until), most)
    return [datetime.fromtimestamp(each / 1000, UTC) for each in found]


def weekday(at: datetime) -> int:
    """Return the day of the week as Celery counts: Sunday is 0."""
    return at.isoweekday() % 7


@pytest.mark.parametrize(
    ("fields", "expression"),
    [
        ({}, "* * * * *"),
        ({"hour": 7}, "* 7 * * *"),
        ({"minute": 0, "hour": 7}, "0 7 * * *"),
        ({"minute": "*/15"}, "*/15 * * * *"),
        ({"minute": [0, 30], "hour": range(8, 18)}, "0,30 8-17 * * *"),
        ({"minute": 0, "hour": "8-18/2,23"}, "0 8,10,12,14,16,18,23 * * *"),
        ({"minute": 0, "hour": "22-2"}, "0 0-2,22,23 * * *"),
        ({"minute": 0, "hour": 0, "day_of_week": "mon-fri"}, "0 0 * * 1-5"),
        ({"minute": 0, "hour": 0, "day_of_week": "Fri-Mon"}, "0 0 * * 0,1,5,6"),
        ({"minute": 0, "hour": 0, "day_of_week": "sunday"}, "0 0 * * 0"),
        ({"minute": 0, "hour": 0, "day_of_month": "1-7,15"}, "0 0 1-7,15 * *"),
        ({"minute": 0, "hour": 0, "day_of_month": 1, "month_of_year": "*/3"}, "0 0 1 */3 *"),
        ({"minute": 0, "hour": 0, "day_of_month": 1, "month_of_year": "jan-mar"}, "0 0 1 1-3 *"),
        ({"minute": 0, "hour": 0, "day_of_week": "mon", "day_of_month": "1-7"}, "0 0 * * 1#1"),
        ({"minute": "0-59", "day_of_week": "*", "hour": "*/1"}, "* * * * *"),
    ],
)
def test_a_crontab_as_cron_has_it(fields: dict[str, Any], expression: str) -> None:
    assert crontab(**fields).expression == expression


def test_positions_are_those_of_celery() -> None:
    assert crontab(1, 2, 3, "*", 5) == crontab(minute=1, hour=2, day_of_week=3, month_of_year=5)
    assert crontab(1, 2, "*", 4) == crontab(minute=1, hour=2, day_of_month=4)


def test_text_is_in_the_order_of_a_crontab_file() -> None:
    assert crontab.from_string("5 4 * 6 mon-fri") == crontab(5, 4, "mon-fri", "*", 6)
    with pytest.raises(ValueError, match="has 6 fields"):
        crontab.from_string("0 5 4 * * *")


@pytest.mark.parametrize(
    ("days", "weekdays", "in_month", "in_week"),
    [
        ("*/2", "1-5", set(range(1, 32, 2)), {1, 2, 3, 4, 5}),
        ("1-7", "mon", set(range(1, 8)), {1}),
        ("8-14,22-28", "0,6", {*range(8, 15), *range(22, 29)}, {0, 6}),
        ("29-31", "fri", {29, 30, 31}, {5}),
        ("13", "*", {13}, set(range(7))),
        ("*", "sat", set(range(1, 32)), {6}),
        ("2-30", "*/2", set(range(2, 31)), {0, 2, 4, 6}),
    ],
)
def test_days_fit_both_of_their_fields(days: str, weekdays: str, in_month: set[int], in_week: set[int]) -> None:
    year = [SUNDAY + number * DAY for number in range(365)]
    expected = [day for day in year if day.day in in_month and weekday(day) in in_week]
    assert fires(crontab(0, 0, weekdays, days), year[-1]) == expected


def test_clock_and_month_as_an_independent_reading_has_them() -> None:
    timing = crontab(minute="*/20,7", hour="22-2", month_of_year="2,4")
    hours = [SUNDAY + timedelta(hours=number) for number in range(24 * 90)]
    fit = [hour for hour in hours if hour.hour in (22, 23, 0, 1, 2) and hour.month in (2, 4)]
    expected = [hour + timedelta(minutes=minute) for hour, minute in itertools.product(fit, (0, 7, 20, 40))]
    assert fires(timing, hours[-1]) == expected


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"minute": 60}, "minute is from 0 to 59, not 60"),
        ({"hour": "-1"}, "hour '-1'"),
        ({"day_of_week": 7}, "day_of_week is from 0 to 6"),
        ({"day_of_week": "someday"}, "day_of_week is from 0 to 6, not someday"),
        ({"minute": "mon"}, "minute is from 0 to 59"),
        ({"day_of_month": 0}, "day_of_month is from 1 to 31"),
        ({"minute": "*/0"}, "a step is 1 at least"),
        ({"minute": "5/10"}, "write 7, 1-5"),
        ({"minute": []}, "minute names nothing"),
        ({"minute": ""}, "minute ''"),
        ({"day_of_month": 13, "day_of_week": "fri"}, "fit both"),
        ({"timezone": timezone(timedelta(hours=1, minutes=30), "half past")}, "has no name of the IANA database"),
    ],
)
def test_a_field_that_cannot_be(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words.replace("*", r"\*")):
        crontab(**fields)


def test_every() -> None:
    spans = [every(90), every(timedelta(seconds=90)), every(minutes=1, seconds=30), every(30, minutes=1)]
    assert {span.every_ms for span in spans} == {90_000}
    assert every(days=1, hours=1) == every(25 * 3600)
    with pytest.raises(ValueError, match="a second at least"):
        every(0.5)


@pytest.mark.parametrize(
    ("timing", "fields"),
    [
        (300.0, {"every_ms": 300_000}),
        (10, {"every_ms": 10_000}),
        (timedelta(minutes=5), {"every_ms": 300_000}),
        (every(hours=1), {"every_ms": 3_600_000}),
        (crontab(0, 7), {"cron": "0 7 * * *", "timezone": "Asia/Tokyo"}),
        (crontab(0, 7, timezone=ZoneInfo("Europe/Berlin")), {"cron": "0 7 * * *", "timezone": "Europe/Berlin"}),
        ("@daily", {"cron": "@daily", "timezone": "Asia/Tokyo"}),
        (SUNDAY, {"at": SUNDAY}),
    ],
)
def test_a_timing_in_the_terms_of_the_server(timing: Any, fields: dict[str, Any]) -> None:
    assert timing_fields(timing, "Asia/Tokyo") == fields


@pytest.mark.parametrize(
    ("timing", "error", "words"),
    [
        (True, TypeError, "is no timing"),
        (None, TypeError, "is no timing"),
        (SUNDAY.replace(tzinfo=None), ValueError, "aware"),
        (0, ValueError, "a second at least"),
        (type("crontab", (), {"__module__": "celery.schedules"})(), TypeError, "from headrace import crontab"),
    ],
)
def test_what_is_no_timing(timing: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        timing_fields(timing, None)


def test_the_sun_is_refused_with_words() -> None:
    with pytest.raises(TypeError, match="look at the sun"):
        solar("sunset", -37.81753, 144.96715)
