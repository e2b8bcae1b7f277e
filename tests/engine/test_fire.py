"""G19: firing a slot when something came between the look and the call: who comes second changes nothing."""

from collections.abc import Sequence
from typing import Any

import pytest
from headrace_server.domain.jobs import Body, NewJob
from headrace_server.domain.lifecycle import State
from headrace_server.domain.limits import HOUR_MS, MINUTE_MS
from headrace_server.domain.requests import Ack
from headrace_server.domain.schedules import CatchUp, Overlap, RunOutcome, ScheduleState
from headrace_server.domain.timing import Once
from headrace_server.engine import encode
from headrace_server.engine.scheduling import _firing

from tests.engine.stage import Stage
from tests.engine.test_schedules import fire, outcomes, put, view

pytestmark = pytest.mark.anyio


async def looked(stage: Stage) -> encode.Args:
    """Return what a server would ask for that looks at the schedule now."""
    return _firing(await view(stage), 0)


async def asked(stage: Stage, args: encode.Args) -> Sequence[Any]:
    """Let a server ask for what it has seen, however long ago."""
    _, answer = await stage.engine._shards[0].ask("fire", args)
    return [word.decode("latin-1") for word in answer]


async def waiting(stage: Stage, queue: str = "q") -> int:
    return (await stage.engine.stats([queue]))[0].counts[State.READY]


async def test_who_comes_second_changes_nothing(stage: Stage) -> None:
    await put(stage)
    stage.later(5 * MINUTE_MS)
    first, second = await looked(stage), await looked(stage)
    assert (await asked(stage, first))[:2] == ["fired", "enqueued"]
    before = await view(stage)
    assert await asked(stage, second) == ["moved"]
    assert await view(stage) == before
    assert (before.fired, before.missed, await waiting(stage)) == (1, 4, 1)


async def test_who_saw_another_schedule_changes_nothing(stage: Stage) -> None:
    """The timing is the same, so the slot is, too; the job is another one."""
    await put(stage)
    stage.later(MINUTE_MS)
    stale = await looked(stage)
    await put(stage, queue="q.other")
    assert await asked(stage, stale) == ["moved"]
    assert (await waiting(stage), (await view(stage)).fired) == (0, 0)
    await fire(stage)
    assert (await waiting(stage), await waiting(stage, "q.other")) == (0, 1)


async def test_who_saw_it_before_a_pause_fires_nothing(stage: Stage) -> None:
    await put(stage)
    stage.later(MINUTE_MS)
    stale = await looked(stage)
    await stage.engine.pause_schedule("s")
    assert await asked(stage, stale) == ["moved"]
    stale[1] = (await view(stage)).generation  # nor one that knows of it
    assert await asked(stage, stale) == ["moved"]
    assert await waiting(stage) == 0


async def test_who_saw_it_before_its_end_brings_nothing_back(stage: Stage) -> None:
    await put(stage)
    stage.later(MINUTE_MS)
    stale = await looked(stage)
    await stage.engine.delete_schedule("s")
    assert await asked(stage, stale) == ["moved"]
    assert await waiting(stage) == 0
    assert stage.keys("*beat:*") == set()


async def test_a_slot_that_has_its_job_gets_no_other(stage: Stage) -> None:
    """As after a restored backup: the record says that the slot is to come, and its job is there."""
    stage.at(HOUR_MS)
    before = await put(stage)
    stage.later(MINUTE_MS)
    again = await looked(stage)
    await fire(stage)
    stage._client.hset("hr:{0}:beat:s:s", "next", before.next_ms or 0)
    assert (await asked(stage, again))[:2] == ["fired", "again"]
    after = await view(stage)
    assert (after.fired, len(after.runs), await waiting(stage)) == (1, 1, 1)
    assert after.next_ms == HOUR_MS + 2 * MINUTE_MS


async def test_a_slot_that_waits_is_fired_once(stage: Stage) -> None:
    await put(stage, overlap=Overlap.BUFFER_ONE)
    await fire(stage, MINUTE_MS)
    job = await stage.lease("q", lease_ms=HOUR_MS)
    await fire(stage, MINUTE_MS)
    assert (await asked(stage, await looked(stage)))[:2] == ["fired", "waits"]
    await stage.cancel(job.id)  # it is asked to end, which it has not
    assert (await asked(stage, await looked(stage)))[:2] == ["fired", "waits"]
    await stage.settle(Ack(job_id=job.id, token=job.token))
    first, second = await looked(stage), await looked(stage)
    assert (await asked(stage, first))[:2] == ["fired", "enqueued"]
    assert await asked(stage, second) == ["moved"]
    assert ((await view(stage)).fired, (await view(stage)).buffered_ms) == (2, None)


async def test_a_trigger_is_no_slot(stage: Stage) -> None:
    await put(stage)
    await fire(stage, MINUTE_MS)
    before = await view(stage)
    stage.later(1_000)
    assert await stage.engine.trigger_schedule("s") is not None
    after = await view(stage)
    assert (after.last_ms, after.next_ms, after.missed) == (before.last_ms, before.next_ms, before.missed)
    assert [run.is_manual for run in after.runs] == [True, False]


async def test_the_end_is_the_end(stage: Stage) -> None:
    await put(stage, Once(stage.now_ms + 5_000))
    await fire(stage, 5_000)
    assert (await view(stage)).state is ScheduleState.ENDED
    assert await stage.engine.fire_due() is not None
    assert (await view(stage)).fired == 1


async def test_all_slots_of_an_outage_in_one_call_obey_the_overlap(stage: Stage) -> None:
    """Each slot of a call sees what the one before did."""
    await put(stage, catch_up=CatchUp.ALL, overlap=Overlap.CANCEL_PREVIOUS)
    await fire(stage, 3 * MINUTE_MS)
    assert await outcomes(stage) == [RunOutcome.CANCELLED, RunOutcome.CANCELLED, RunOutcome.ENQUEUED]
    runs = (await view(stage)).runs
    jobs = [await stage.job(run.job_id) for run in runs if run.job_id]
    assert len({job.rev for job in jobs}) == len(jobs) == 3
    assert [job.reason for job in jobs] == [None, "superseded", "superseded"]


async def test_a_job_of_a_schedule_among_others_of_its_kind(stage: Stage) -> None:
    """What somebody enqueues by hand with the schedule's task is no run of it."""
    await put(stage, overlap=Overlap.SKIP)
    await stage.put(NewJob(id=stage.engine.new_id("q"), task="t", queue="q", payload=Body(b"1")))
    await fire(stage, MINUTE_MS)
    assert await outcomes(stage) == [RunOutcome.ENQUEUED]
