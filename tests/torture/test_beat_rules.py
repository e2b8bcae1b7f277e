"""The judge on made-up histories of schedules: each breaks one promise, or none."""

from typing import Any

import pytest

from tests.torture.checker import judge
from tests.torture.fault import Fault
from tests.torture.history import Event
from tests.torture.made_up import lease, rules_broken, seen

DRAINED: Event = {"what": "drained", "drained": True, "counts": None}


def job(slot_ms: int, enqueued_ms: int | None = None, finished_ms: int | None = None, **other: Any) -> dict[str, Any]:
    came_ms = slot_ms + 5 if enqueued_ms is None else enqueued_ms
    ended_ms = came_ms + 100 if finished_ms is None else finished_ms
    return {
        "id": f"job-of-{slot_ms}",
        "slot_ms": slot_ms,
        "state": "succeeded",
        "enqueued_ms": came_ms,
        "finished_ms": ended_ms,
        **other,
    }


def beat(*jobs: dict[str, Any], **other: Any) -> Event:
    """A schedule of each second from 1,000 to 5,000."""
    facts = {"name": "b", "every_ms": 1_000, "first_ms": 1_000, "last_ms": 5_000, "fired": len(jobs), "missed": 0}
    return {"what": "beat", **facts, "catch_up": "all", "overlap": "allow", "jobs": list(jobs), **other}


ALL = [job(slot_ms) for slot_ms in range(1_000, 6_000, 1_000)]


def faults(event: Event) -> list[Fault]:
    return judge([{"t": n, "who": "w", **each} for n, each in enumerate([DRAINED, event])])


@pytest.mark.parametrize(
    "event",
    [
        beat(*ALL),
        beat(last_ms=None),
        beat(ALL[0], ALL[4], missed=3, catch_up="last"),
        beat(ALL[0], ALL[3], overlap="skip"),
        beat(job(1_000, finished_ms=2_006), job(2_000, 2_006), overlap="skip", last_ms=2_000),
    ],
)
def test_schedules_that_keep_their_promise(event: Event) -> None:
    assert faults(event) == []


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (beat(*ALL, ALL[2]), "slot 3000 has 2 jobs"),
        (beat(*ALL, job(3_500)), "a job for 3500, which is no slot"),
        (beat(*ALL, job(6_000)), "a job for 6000, which is no slot"),
        (beat(*ALL[1:]), "1 slots have no job, and 0 are said to be missed"),
        (beat(*ALL, missed=1), "it makes up for all slots, and missed 1"),
        (beat(ALL[0], ALL[4], missed=2, catch_up="last"), "3 slots have no job, and 2 are said to be missed"),
        (beat(*ALL[:4], job(5_000, 4_999)), "the job of slot 5000 came at 4999"),
        (beat(*ALL, fired=6), "it says that it made 6 jobs, and there are 5"),
        (beat(*ALL[:4], catch_up="last", missed=1), "5000 is said to be the last slot, and 4000 has a job"),
        (beat(job(1_000, finished_ms=2_500), ALL[1], overlap="skip"), "the one before ended at 2500"),
        (beat({**ALL[0], "finished_ms": None}, ALL[1], overlap="skip"), "the one before ended at None"),
    ],
)
def test_a_broken_promise_is_found(event: Event, words: str) -> None:
    found = faults(event)
    assert {fault.rule for fault in found} == {"G19"}
    assert any(words in fault.text for fault in found), found


def test_a_schedule_that_is_gone_is_found() -> None:
    [found] = faults({"what": "beat_trouble", "name": "b", "text": "the schedule is gone"})
    assert (found.rule, found.about) == ("G19", "b")


def test_a_job_of_a_schedule_is_no_phantom() -> None:
    granted = lease(uid=None, sha="abc", schedule="b")
    put: Event = {"what": "scheduled", "name": "b"}
    assert rules_broken(put, granted, DRAINED, seen()) == set()
    assert "G2" in rules_broken(granted, DRAINED, seen())
