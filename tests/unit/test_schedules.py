"""Which slots are fired after an outage, also a long one of a schedule that comes often."""

import time
from typing import Any

import pytest
from headrace_server.domain.jobs import Body, NewJob
from headrace_server.domain.limits import DAY_MS, SCHEDULE_LOOK_BACK, SECOND_MS
from headrace_server.domain.schedules import CatchUp, Schedule, due, first_ms, jitter_ms, next_slots, timing_digest
from headrace_server.domain.timing import Cron, Every, Timing

EVERY_SECOND = Cron("* * * * * *")
NOW = 1_767_225_600_000  # 2026-01-01T00:00:00Z


def a_schedule(timing: Timing, **how: Any) -> Schedule:
    job = NewJob(id=b"", task="t", queue="q", payload=Body(b"1"))
    return Schedule(timing=timing, job=job, asked=b"{}", **how)


@pytest.mark.parametrize("timing", [EVERY_SECOND, Every(SECOND_MS)])
@pytest.mark.parametrize("days", [1, 900])
def test_an_outage_of_any_length_costs_little_and_ends_at_the_newest_slots(timing: Timing, days: int) -> None:
    schedule = a_schedule(timing, catch_up=CatchUp.ALL, max_catch_up=3)
    begun = time.perf_counter()
    found = due(schedule, NOW - days * DAY_MS, NOW + 1)
    assert time.perf_counter() - begun < 1
    assert found.slots == [NOW - 2 * SECOND_MS, NOW - SECOND_MS, NOW]
    assert found.next_ms == NOW + SECOND_MS
    assert found.missed >= SCHEDULE_LOOK_BACK - 3


def test_a_rare_slot_of_long_ago_is_found() -> None:
    yearly = a_schedule(Cron("@yearly"))
    found = due(yearly, NOW - 365 * DAY_MS, NOW - 1)
    assert (found.slots, found.missed, found.next_ms) == ([NOW - 365 * DAY_MS], 0, NOW)


def test_without_catching_up_a_slot_may_be_a_minute_late() -> None:
    hourly = a_schedule(Cron("@hourly"), catch_up=CatchUp.NONE)
    assert due(hourly, NOW, NOW + 59_999).slots == [NOW]
    assert due(hourly, NOW, NOW + 60_001).slots == []


def test_the_first_and_the_last_slot() -> None:
    schedule = a_schedule(Every(10, anchor_ms=0), starts_at_ms=100, ends_at_ms=120)
    assert next_slots(schedule, 0, 10) == [100, 110, 120]
    assert first_ms(schedule, 120) is None


def test_jitter_is_the_same_for_everybody_and_another_for_each_slot() -> None:
    schedule = a_schedule(EVERY_SECOND, jitter_ms=1_000)
    found = [jitter_ms(schedule, "s", slot) for slot in range(100)]
    assert found == [jitter_ms(schedule, "s", slot) for slot in range(100)]
    assert (len(set(found)) > 50, max(found) <= 1_000, min(found) >= 0) == (True, True, True)
    assert jitter_ms(a_schedule(EVERY_SECOND), "s", 1) == 0


def test_what_decides_about_slots_is_told_from_the_rest() -> None:
    schedule = a_schedule(EVERY_SECOND)
    assert timing_digest(schedule) == timing_digest(a_schedule(EVERY_SECOND, catch_up=CatchUp.NONE, owner="me"))
    others = [a_schedule(Cron("* * * * * *", "Asia/Tokyo")), a_schedule(EVERY_SECOND, ends_at_ms=1)]
    assert timing_digest(schedule) not in [timing_digest(other) for other in others]
