"""When schedules fire: fields, macros, both changes of the clock, grids; instants are written as people do."""

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from headrace_server.domain.timing import BadTiming, Cron, Every, Once, Timing, check, explain, instants, next_ms


def ms(text: str, zone: str = "UTC") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def walk(timing: Timing, after_ms: int, n: int, zone: str = "UTC") -> list[str]:
    """Return the first instants after another one, on the clocks of a zone."""
    found = instants(timing, after_ms, ms("2100-01-01"), n)
    return [datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).strftime("%m-%d %H:%M:%S %z") for at in found]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("*/15 * * * *", ["01-01 00:15:00 +0000", "01-01 00:30:00 +0000"]),
        ("*/20 * * * * *", ["01-01 00:00:20 +0000", "01-01 00:00:40 +0000"]),
        ("0 9 * * mon-fri", ["01-01 09:00:00 +0000", "01-02 09:00:00 +0000"]),
        ("0 0 29 2 *", ["02-29 00:00:00 +0000", "02-29 00:00:00 +0000"]),
        ("0 12 L * *", ["01-31 12:00:00 +0000", "02-28 12:00:00 +0000"]),
        ("@hourly", ["01-01 01:00:00 +0000", "01-01 02:00:00 +0000"]),
        ("@daily", ["01-02 00:00:00 +0000", "01-03 00:00:00 +0000"]),
        ("@weekly", ["01-04 00:00:00 +0000", "01-11 00:00:00 +0000"]),
        ("@monthly", ["02-01 00:00:00 +0000", "03-01 00:00:00 +0000"]),
        ("@yearly", ["01-01 00:00:00 +0000", "01-01 00:00:00 +0000"]),
    ],
)
def test_an_expression_names_its_instants(expression: str, expected: list[str]) -> None:
    assert walk(Cron(expression), ms("2026-01-01"), 2) == expected


@pytest.mark.parametrize(
    ("zone", "after", "expression", "expected"),
    [  # the hour that is not there: once all the same
        ("Europe/Berlin", "2026-03-28T12:00", "30 2 * * *", ["03-29 03:00:00 +0200", "03-30 02:30:00 +0200"]),
        ("America/New_York", "2026-03-07T12:00", "30 2 * * *", ["03-08 03:00:00 -0400", "03-09 02:30:00 -0400"]),
        # the hour that is there twice: once
        ("Europe/Berlin", "2026-10-24T12:00", "30 2 * * *", ["10-25 02:30:00 +0200", "10-26 02:30:00 +0100"]),
        ("America/New_York", "2026-10-31T12:00", "30 1 * * *", ["11-01 01:30:00 -0400", "11-02 01:30:00 -0500"]),
        # half an hour, on the other side of the world
        ("Australia/Lord_Howe", "2026-04-04T12:00", "45 1 * * *", ["04-05 01:45:00 +1100", "04-06 01:45:00 +1030"]),
    ],
)
def test_a_job_at_a_fixed_hour_runs_once_on_the_day_of_a_change(
    zone: str, after: str, expression: str, expected: list[str]
) -> None:
    assert walk(Cron(expression, zone), ms(after, zone), 2, zone) == expected


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_what_runs_every_half_hour_never_rests_and_never_hurries(day: str) -> None:
    found = instants(Cron("*/30 * * * *", "Europe/Berlin"), ms(day), ms(day) + 6 * 3_600_000, 100)
    assert {later - earlier for earlier, later in pairwise(found)} == {30 * 60_000}


def test_a_grid_is_anchored_and_nothing_moves_it() -> None:
    grid = Every(7_000, anchor_ms=3_000)
    assert [next_ms(grid, after) for after in (0, 2_999, 3_000, 9_999, 10_000)] == [
        3_000,
        3_000,
        10_000,
        10_000,
        17_000,
    ]
    assert instants(grid, 3_000, 24_000, 10) == [10_000, 17_000, 24_000]


def test_one_instant() -> None:
    assert [next_ms(Once(5), after) for after in (4, 5, 6)] == [5, None, None]


@pytest.mark.parametrize(
    "timing",
    [
        *(
            Cron(text)
            for text in ("", "* * * *", "60 * * * *", "* * * * * * *", "@never", "0 0 31 2 *", "x" * 300, "\n")
        ),
        *(
            Cron("* * * * *", zone)
            for zone in ("", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "europe berlin")
        ),
        *(Every(every_ms) for every_ms in (0, -1, 999, 367 * 24 * 3_600_000)),
    ],
)
def test_what_names_no_instant_is_refused(timing: Timing) -> None:
    with pytest.raises(BadTiming):
        check(timing)


def test_a_timing_can_be_told() -> None:
    assert explain(Cron("0 9 * * 1", "Europe/Berlin")) == "At 09:00 on Monday (Europe/Berlin)"
    assert explain(Every(90_000)) == "every 0:01:30"
    assert explain(Once(0)) == "once"
