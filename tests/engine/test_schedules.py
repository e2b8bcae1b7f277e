"""G19, schedules in the store: one job for a slot, whatever servers do; what becomes of slots and of runs."""

import asyncio
from typing import Any

import pytest
from headrace_server.domain.jobs import Body, NewJob, OnConflict, ScheduleSlot, Unique
from headrace_server.domain.lifecycle import State
from headrace_server.domain.limits import HOUR_MS, MINUTE_MS
from headrace_server.domain.queues import QueueSettings
from headrace_server.domain.requests import Ack, CancelMode, Nack
from headrace_server.domain.schedules import (
    CatchUp,
    Overlap,
    Run,
    RunOutcome,
    Schedule,
    ScheduleState,
    ScheduleView,
)
from headrace_server.domain.timing import Cron, Every, Once, Timing
from headrace_server.engine import Engine

from tests.engine.stage import SCRIPTS, Stage

pytestmark = pytest.mark.anyio
EVERY_MINUTE = Every(MINUTE_MS)


def a_schedule(
    timing: Timing = EVERY_MINUTE, queue: str = "q", *, unique: Unique | None = None, **how: Any
) -> Schedule:
    job = NewJob(id=b"", task="t", queue=queue, payload=Body(b"1"), unique=unique)
    return Schedule(timing=timing, job=job, asked=b"{}", **how)


async def put(stage: Stage, timing: Timing = EVERY_MINUTE, **how: Any) -> ScheduleView:
    return await stage.engine.put_schedule("s", a_schedule(timing, **how), None)


async def fire(stage: Stage, ms: int = 0) -> None:
    """Let time pass, and fire whatever is due then."""
    stage.later(ms)
    looks = 0
    while (await stage.engine.fire_due()).done:
        assert (looks := looks + 1) < 50


async def view(stage: Stage) -> ScheduleView:
    found = await stage.engine.schedule("s")
    assert found is not None
    return found


async def outcomes(stage: Stage) -> list[RunOutcome]:
    """Return what became of the slots, oldest first."""
    return [run.outcome for run in reversed((await view(stage)).runs)]


async def newest(stage: Stage) -> Run:
    return (await view(stage)).runs[0]


async def test_a_slot_gets_its_job_when_it_comes_and_not_before(stage: Stage) -> None:
    stage.at(10 * HOUR_MS + 1)
    put_view = await put(stage)
    assert (put_view.next_ms, put_view.state) == (10 * HOUR_MS + MINUTE_MS, ScheduleState.ACTIVE)
    await fire(stage, MINUTE_MS - 2)
    assert await stage.is_dry("q")
    await fire(stage, 1)
    job = await stage.lease("q")
    seen = await view(stage)
    assert (job.facts.task, job.payload.data, job.schedule) == ("t", b"1", ScheduleSlot("s", stage.now_ms))
    assert (seen.last_ms, seen.next_ms, seen.fired) == (stage.now_ms, stage.now_ms + MINUTE_MS, 1)
    assert await stage.is_dry("q")


async def test_the_same_again_changes_nothing(stage: Stage) -> None:
    first = await put(stage)
    stage.later(HOUR_MS)
    assert (await put(stage)).generation == first.generation
    assert (await view(stage)).next_ms == first.next_ms


async def test_another_job_with_the_same_timing_keeps_a_slot_that_is_overdue(stage: Stage) -> None:
    first = await put(stage)
    stage.later(HOUR_MS)
    second = await put(stage, queue="q.other")
    assert second.generation != first.generation
    assert second.next_ms == first.next_ms
    third = await put(stage, Every(7 * MINUTE_MS))
    assert third.next_ms is not None
    assert third.next_ms > stage.now_ms


async def test_many_who_fire_at_once_make_one_job(store_url: str, make_engine: Any, stage: Stage) -> None:
    others = [await make_engine(store_url, scripts=SCRIPTS) for _ in range(3)]
    await put(stage)
    for _ in range(10):
        stage.later(MINUTE_MS)
        await asyncio.gather(*(engine.fire_due() for engine in [stage.engine, *others]))
    assert (await stage.engine.stats(["q"]))[0].counts[State.READY] == 10
    assert (await view(stage)).fired == 10


@pytest.mark.parametrize(
    ("catch_up", "jobs", "missed"), [(CatchUp.NONE, 0, 5), (CatchUp.LAST, 1, 4), (CatchUp.ALL, 5, 0)]
)
async def test_slots_that_passed_while_nobody_was_there(
    stage: Stage, catch_up: CatchUp, jobs: int, missed: int
) -> None:
    stage.at(HOUR_MS)
    await put(stage, Every(HOUR_MS), catch_up=catch_up)
    await fire(stage, 5 * HOUR_MS + 2 * MINUTE_MS)
    seen = await view(stage)
    assert (seen.fired, seen.missed, seen.next_ms) == (jobs, missed, 7 * HOUR_MS)


async def test_catching_up_has_a_bound_and_goes_in_portions(stage: Stage) -> None:
    await put(stage, catch_up=CatchUp.ALL, max_catch_up=120)
    await fire(stage, 300 * MINUTE_MS)
    seen = await view(stage)
    assert (seen.fired, seen.missed) == (120, 180)
    slots = [run.slot_ms for run in seen.runs]
    assert slots == sorted(slots, reverse=True)
    assert seen.next_ms == slots[0] + MINUTE_MS


async def test_what_became_of_a_run_outlives_its_job(stage: Stage) -> None:
    await put(stage)
    await fire(stage, MINUTE_MS)
    assert await outcomes(stage) == [RunOutcome.ENQUEUED]
    job = await stage.lease("q")
    started_ms = stage.now_ms
    stage.later(1_000)
    await stage.settle(Ack(job_id=job.id, token=job.token))
    run = await newest(stage)
    assert (run.outcome, run.started_at_ms, run.ended_at_ms) == (RunOutcome.SUCCEEDED, started_ms, stage.now_ms)
    await stage.engine.delete([job.id])
    assert (await newest(stage)).outcome is RunOutcome.SUCCEEDED


async def test_the_ends_of_runs(stage: Stage) -> None:
    await put(stage)
    await fire(stage, MINUTE_MS)
    job = await stage.lease("q")
    await stage.settle(Nack(job_id=job.id, token=job.token, error=b"{}", error_type="E", retryable=False))
    await fire(stage, MINUTE_MS)
    run = await newest(stage)
    assert run.job_id is not None
    await stage.cancel(run.job_id)
    assert await outcomes(stage) == [RunOutcome.DEAD, RunOutcome.CANCELLED]


async def test_skip_makes_no_job_while_the_one_before_runs(stage: Stage) -> None:
    await put(stage, overlap=Overlap.SKIP)
    await fire(stage, MINUTE_MS)
    job = await stage.lease("q", lease_ms=HOUR_MS)
    await fire(stage, MINUTE_MS)
    await stage.settle(Ack(job_id=job.id, token=job.token))
    await fire(stage, MINUTE_MS)
    assert await outcomes(stage) == [RunOutcome.SUCCEEDED, RunOutcome.SKIPPED, RunOutcome.ENQUEUED]


async def test_buffer_one_runs_once_the_one_before_has_ended(stage: Stage) -> None:
    await put(stage, overlap=Overlap.BUFFER_ONE)
    await fire(stage, MINUTE_MS)
    job = await stage.lease("q", lease_ms=HOUR_MS)
    await fire(stage, MINUTE_MS)
    waits_ms = stage.now_ms - stage.now_ms % MINUTE_MS
    await fire(stage, MINUTE_MS)
    assert (await view(stage)).buffered_ms == waits_ms
    await stage.settle(Ack(job_id=job.id, token=job.token))
    await fire(stage)
    assert await outcomes(stage) == [RunOutcome.SUCCEEDED, RunOutcome.SKIPPED, RunOutcome.ENQUEUED]
    assert ((await newest(stage)).slot_ms, (await view(stage)).buffered_ms) == (waits_ms, None)


async def test_cancel_previous_ends_what_nobody_holds_and_asks_who_holds(stage: Stage) -> None:
    await put(stage, overlap=Overlap.CANCEL_PREVIOUS)
    await fire(stage, MINUTE_MS)
    await fire(stage, MINUTE_MS)
    assert await outcomes(stage) == [RunOutcome.CANCELLED, RunOutcome.ENQUEUED]
    held = await stage.lease("q", lease_ms=HOUR_MS)
    await fire(stage, MINUTE_MS)
    assert (await stage.job(held.id)).cancel_requested
    assert (await outcomes(stage))[-1] is RunOutcome.ENQUEUED


async def test_a_queue_that_takes_no_jobs_is_told_in_the_history(stage: Stage) -> None:
    await stage.engine.configure("q", QueueSettings(max_depth=1))
    await put(stage)
    await fire(stage, MINUTE_MS)
    await fire(stage, MINUTE_MS)
    assert await outcomes(stage) == [RunOutcome.ENQUEUED, RunOutcome.REFUSED]


async def test_a_unique_key_that_another_job_has_is_told_in_the_history(stage: Stage) -> None:
    await put(stage, unique=Unique(digest=b"u" * 16, on_conflict=OnConflict.RETURN))
    await fire(stage, MINUTE_MS)
    await fire(stage, MINUTE_MS)
    assert await outcomes(stage) == [RunOutcome.ENQUEUED, RunOutcome.DEDUPLICATED]
    first, second = (await view(stage)).runs
    assert first.job_id == second.job_id


async def test_a_paused_schedule_makes_nothing_and_makes_up_for_nothing(stage: Stage) -> None:
    await put(stage, catch_up=CatchUp.ALL)
    paused = await stage.engine.pause_schedule("s")
    assert paused is not None
    assert paused.state is ScheduleState.PAUSED
    await fire(stage, HOUR_MS)
    assert (await put(stage, queue="q.other")).state is ScheduleState.PAUSED  # a deploy leaves it so
    resumed = await stage.engine.resume_schedule("s")
    assert resumed is not None
    assert (resumed.fired, resumed.missed, resumed.state) == (0, 0, ScheduleState.ACTIVE)
    assert resumed.next_ms is not None
    assert 0 < resumed.next_ms - stage.now_ms <= MINUTE_MS


async def test_a_trigger_makes_a_job_off_the_grid(stage: Stage) -> None:
    before = await put(stage, overlap=Overlap.SKIP)
    for _ in range(2):
        told = await stage.engine.trigger_schedule("s")
        assert told is not None
        assert told.outcome is RunOutcome.ENQUEUED
    after = await view(stage)
    assert ([run.is_manual for run in after.runs], after.next_ms) == ([True, True], before.next_ms)
    assert await stage.engine.trigger_schedule("nobody") is None


async def test_one_instant_comes_once(stage: Stage) -> None:
    await put(stage, Once(stage.now_ms + 5_000))
    await fire(stage, 5_000)
    seen = await view(stage)
    assert (seen.fired, seen.state, seen.next_ms) == (1, ScheduleState.ENDED, None)
    await put(stage, Once(seen.now_ms))
    await fire(stage, HOUR_MS)
    assert (await view(stage)).fired == 1


async def test_the_end_of_a_schedule(stage: Stage) -> None:
    end_ms = stage.now_ms + 2 * MINUTE_MS
    await put(stage, ends_at_ms=end_ms, catch_up=CatchUp.ALL)
    await fire(stage, HOUR_MS)
    seen = await view(stage)
    assert (seen.fired, seen.state) == (2, ScheduleState.ENDED)
    assert seen.last_ms is not None
    assert seen.last_ms <= end_ms


async def test_jitter_delays_the_job_and_not_the_slot(stage: Stage) -> None:
    stage.at(0 + MINUTE_MS)
    await put(stage, jitter_ms=MINUTE_MS)
    await fire(stage, MINUTE_MS)
    run = await newest(stage)
    assert run.job_id is not None
    job = await stage.job(run.job_id)
    assert (run.slot_ms, job.state) == (2 * MINUTE_MS, State.SCHEDULED)
    assert job.run_at_ms is not None
    assert 0 < job.run_at_ms - run.slot_ms <= MINUTE_MS


async def test_a_schedule_that_is_gone_leaves_its_jobs(stage: Stage) -> None:
    await put(stage)
    await fire(stage, MINUTE_MS)
    assert await stage.engine.delete_schedule("s")
    assert not await stage.engine.delete_schedule("s")
    await fire(stage, HOUR_MS)
    job = await stage.lease("q")
    await stage.cancel(job.id, mode=CancelMode.HARD)
    assert await stage.engine.schedule("s") is None
    assert stage.keys("*beat:*") == set()


async def test_pages_in_alphabetical_order_over_shards(store_url: str, make_engine: Any) -> None:
    engine: Engine = await make_engine(store_url, shards=3)
    names = [f"s{number:02}" for number in range(7)]
    for name in names:
        await engine.put_schedule(name, a_schedule(queue=f"queue-{name}"), None)
    found: list[str] = []
    after: str | None = None
    while True:
        page = await engine.schedules(after, 3)
        found += [each.name for each in page.schedules]
        after = page.next_after
        if after is None:
            break
    assert found == names


async def test_a_schedule_goes_along_with_its_queue_to_another_shard(store_url: str, make_engine: Any) -> None:
    engine: Engine = await make_engine(store_url, shards=3)
    queues = ["queue-a", "queue-b", "queue-c", "queue-d"]
    for queue in queues:
        await engine.put_schedule("s", a_schedule(Cron("* * * * *", "Europe/Berlin"), queue), None)
        seen = await engine.schedule("s")
        assert seen is not None
        assert seen.schedule.job.queue == queue
    assert [each.name for each in (await engine.schedules(None, 10)).schedules] == ["s"]
