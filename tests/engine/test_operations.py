"""Bulk operations: every job that is meant, once, in bounded steps, whoever takes them."""

import asyncio
import itertools

import pytest
from headrace_server.domain.finding import JobFilter
from headrace_server.domain.lifecycle import State
from headrace_server.domain.limits import OPERATION_RETENTION_MS, OPERATION_SAMPLE
from headrace_server.domain.operations import Action, OperationAsk, OperationState, OperationView
from headrace_server.domain.requests import Ack, EnqueueGroup, LeaseAsk, Nack
from headrace_server.engine import Engine

from tests.engine.conftest import EngineMaker, StoreMaker, enqueue, new_job
from tests.engine.stage import Stage
from tests.support.stores import StoreProcess

pytestmark = pytest.mark.anyio

Q = JobFilter(queue="q")


async def start(stage: Stage, action: Action, wanted: JobFilter = Q, **options: object) -> OperationView:
    """Start an operation and do nothing yet."""
    return await stage.engine.operate(OperationAsk(action=action, filter=wanted, **options))  # type: ignore[arg-type]


async def now(stage: Stage, operation: OperationView) -> OperationView:
    """Return an operation as it is now."""
    found = await stage.engine.operation(operation.id)
    assert found is not None
    return found


async def run(stage: Stage, action: Action, wanted: JobFilter = Q, **options: object) -> OperationView:
    """Start an operation and let all its steps be done."""
    operation = await start(stage, action, wanted, **options)
    await stage.tick()
    return await now(stage, operation)


def counts(view: OperationView) -> tuple[OperationState, int, int, int]:
    return view.state, view.matched, view.done, view.skipped


async def states(engine: Engine, queue: str = "q") -> dict[State, int]:
    (stats,) = await engine.stats([queue])
    return {state: count for state, count in stats.counts.items() if count}


async def bury(stage: Stage, number: int, **options: object) -> list[bytes]:
    """Return jobs that have died."""
    jobs = [await stage.put_one(**options) for _ in range(number)]
    grant = await stage.engine.lease(LeaseAsk(queues=["q"], max_jobs=number))
    for job in grant.jobs:
        await stage.settle(Nack(job_id=job.id, token=job.token, error=b"{}", error_type="E", retryable=False))
    return jobs


async def test_cancel_ends_what_waits_and_asks_those_who_hold(stage: Stage) -> None:
    held = await stage.put_one(priority=255)
    job = await stage.lease()
    for options in ({}, {"limits": ("a",)}, {"delay_ms": 5_000}, {"ordering_key": "o"}):
        await stage.put_one(**options)
    done = await run(stage, Action.CANCEL)
    assert counts(done) == (OperationState.DONE, 5, 5, 0)
    assert await states(stage.engine) == {State.CANCELLED: 4, State.LEASED: 1}
    answer = await stage.settle(Nack(job_id=held, token=job.token, error=b"{}"))
    assert answer.state is State.CANCELLED


async def test_retry_opens_new_runs_of_the_dead_also_in_another_queue(stage: Stage) -> None:
    await bury(stage, 3)
    assert counts(await run(stage, Action.RETRY)) == (OperationState.DONE, 3, 3, 0)
    assert await states(stage.engine) == {State.READY: 3}
    grant = await stage.engine.lease(LeaseAsk(queues=["q"], max_jobs=3))
    for job in grant.jobs:
        await stage.settle(Nack(job_id=job.id, token=job.token, error=b"{}", retryable=False))
    await run(stage, Action.RETRY, target_queue="q.slow")
    assert (await states(stage.engine), await states(stage.engine, "q.slow")) == ({}, {State.READY: 3})


async def test_what_may_not_be_done_is_skipped_and_counted(stage: Stage) -> None:
    await bury(stage, 3)
    await stage.engine.drain_queue("q")
    assert counts(await run(stage, Action.RETRY)) == (OperationState.DONE, 3, 0, 3)
    assert await states(stage.engine) == {State.DEAD: 3}


async def test_delete_removes_the_ended_ones_alone(stage: Stage) -> None:
    await bury(stage, 2)
    await stage.put_one()
    job_id = await stage.put_one()
    await stage.cancel(job_id)
    assert counts(await run(stage, Action.DELETE)) == (OperationState.DONE, 3, 3, 0)
    assert await states(stage.engine) == {State.READY: 1}
    assert len(stage.keys("j:*")) == 1
    assert stage.keys("a:*") == set()


async def test_move_takes_what_waits_to_another_queue(stage: Stage) -> None:
    jobs = [await stage.put_one(), await stage.put_one(delay_ms=5_000), await stage.put_one(limits=("a",))]
    assert counts(await run(stage, Action.MOVE, target_queue="q.other")) == (OperationState.DONE, 3, 3, 0)
    assert await states(stage.engine, "q.other") == {State.READY: 2, State.SCHEDULED: 1}
    assert [(await stage.job(job_id)).queue for job_id in jobs] == ["q.other"] * 3
    assert counts(await run(stage, Action.MOVE, JobFilter(queue="q.other"), target_queue="p")) == (
        OperationState.DONE,
        3,
        0,
        3,
    )


async def test_purge_removes_what_waits_without_a_trace(stage: Stage) -> None:
    await stage.put_one(priority=255)
    await stage.lease()
    for options in ({}, {"limits": ("a",), "tags": {"x": "y"}}, {"delay_ms": 5_000, "expires_in_ms": 9_000}):
        await stage.put_one(**options)
    assert counts(await run(stage, Action.PURGE)) == (OperationState.DONE, 3, 3, 0)
    assert await states(stage.engine) == {State.LEASED: 1}
    assert len(stage.keys("j:*")) == 1
    assert stage.keys("tag:*") | stage.keys("q:q:lane:*") | stage.keys("q:q:expiring") == set()


async def test_the_states_of_the_filter_narrow_what_an_action_means(stage: Stage) -> None:
    await stage.put_one()
    await stage.put_one(delay_ms=5_000)
    wanted = JobFilter(queue="q", states=(State.SCHEDULED, State.DEAD))
    assert counts(await run(stage, Action.PURGE, wanted)) == (OperationState.DONE, 1, 1, 0)
    assert await states(stage.engine) == {State.READY: 1}


async def test_a_dry_run_counts_and_shows_and_changes_nothing(stage: Stage) -> None:
    jobs = [await stage.put_one(tags={"a": "b"}) for _ in range(OPERATION_SAMPLE + 5)]
    await stage.put_one()
    seen = await run(stage, Action.CANCEL, JobFilter(tag=("a", "b")), dry_run=True)
    assert counts(seen) == (OperationState.DONE, len(jobs), 0, 0)
    assert seen.sample == jobs[:OPERATION_SAMPLE]
    assert await states(stage.engine) == {State.READY: len(jobs) + 1}


async def test_jobs_that_come_or_change_later_are_not_meant(stage: Stage) -> None:
    old = await stage.put_one()
    changed = await stage.put_one()
    operation = await start(stage, Action.CANCEL)
    new = await stage.put_one()
    await stage.lease()
    await stage.tick()
    assert counts(await now(stage, operation)) == (OperationState.DONE, 1, 1, 0)
    found = [(await stage.job(job_id)).state for job_id in (old, changed, new)]
    assert found == [State.LEASED, State.CANCELLED, State.READY]


async def test_a_rate_is_kept(stage: Stage) -> None:
    for _ in range(50):
        await stage.put_one()
    operation = await start(stage, Action.CANCEL, rate_per_s=20)
    done = []
    for _ in range(30):
        await stage.tick()
        done.append((await now(stage, operation)).done)
        stage.later(100)
    assert all(after - before <= 2 for before, after in itertools.pairwise(done))
    assert (done[0], done[9], done[19], done[-1]) == (2, 20, 40, 50)


async def test_stop_ends_it_where_it_is(stage: Stage) -> None:
    for _ in range(10):
        await stage.put_one()
    operation = await start(stage, Action.CANCEL, rate_per_s=20)
    await stage.tick()
    stopped = await stage.engine.stop_operation(operation.id)
    assert stopped is not None
    assert (stopped.state, stopped.done, stopped.finished_at_ms) == (OperationState.CANCELLED, 2, stage.now_ms)
    stage.later(10_000)
    await stage.tick()
    assert await states(stage.engine) == {State.READY: 8, State.CANCELLED: 2}
    assert await stage.engine.stop_operation(stage.engine.new_id("q")) is None


async def test_one_that_is_done_cannot_be_stopped_any_more(stage: Stage) -> None:
    done = await run(stage, Action.CANCEL)
    stopped = await stage.engine.stop_operation(done.id)
    assert stopped is not None
    assert stopped.state is OperationState.DONE


async def test_operations_are_listed_the_newest_first_and_forgotten_after_a_day(stage: Stage) -> None:
    asks = [await run(stage, action) for action in (Action.CANCEL, Action.DELETE)]
    stage.later(1)
    last = await start(stage, Action.MOVE, rate_per_s=1, target_queue="q.x")
    found = await stage.engine.operations()
    assert (found[0].id, {each.id for each in found[1:]}) == (last.id, {each.id for each in asks})
    assert found[0].ask == OperationAsk(action=Action.MOVE, filter=Q, rate_per_s=1, target_queue="q.x")
    stage.later(OPERATION_RETENTION_MS)
    await stage.tick()
    assert [each.id for each in await stage.engine.operations()] == [last.id]
    assert await stage.engine.operation(asks[0].id) is None
    stage.later(OPERATION_RETENTION_MS)
    await stage.tick()
    assert stage.keys("op*") == set()


async def test_it_goes_on_where_killed_servers_and_stores_left_it(make_store: StoreMaker) -> None:
    """Servers take steps side by side and die, the store is killed meanwhile: every job once, as the counts say."""
    store = make_store()
    engine = Engine(store.url)
    await engine.start()
    await engine.enqueue_each([EnqueueGroup([new_job(engine) for _ in range(200)]) for _ in range(5)])
    operation = await engine.operate(OperationAsk(action=Action.CANCEL, filter=Q))
    lives = 0
    while (view := await engine.operation(operation.id)) and view.state is OperationState.RUNNING:
        lives += 1
        assert lives < 50
        others = [Engine(store.url) for _ in range(2)]
        steps = asyncio.gather(*(other.tick(0) for other in others), engine.tick(0), return_exceptions=True)
        if lives % 2:
            store.kill9()
        await steps
        if lives % 2:
            store.start()
        await asyncio.gather(*(each.close() for each in (*others, engine)))
        engine = Engine(store.url)
    assert view is not None
    assert (view.matched, view.done, view.skipped) == (1_000, 1_000, 0)
    assert await states(engine) == {State.CANCELLED: 1_000}
    assert lives > 3
    await engine.close()


async def test_over_shards_the_parts_go_by_one_id_and_add_up(valkey: StoreProcess, make_engine: EngineMaker) -> None:
    engine = await make_engine(valkey.url, shards=3, with_loops=True)
    for number in range(30):
        await enqueue(engine, f"q{number}", delay_ms=60_000)
    operation = await engine.operate(OperationAsk(action=Action.CANCEL, filter=JobFilter(task="t")))
    async with asyncio.timeout(20):
        while (view := await engine.operation(operation.id)) and view.state is OperationState.RUNNING:
            await asyncio.sleep(0.02)
    assert view is not None
    assert (view.matched, view.done, len(view.sample)) == (30, 30, OPERATION_SAMPLE)
    (listed,) = await engine.operations()
    assert (listed.id, listed.done) == (operation.id, 30)


async def test_a_step_is_bounded(stage: Stage) -> None:
    for _ in range(3):
        await stage.put(*(stage.new() for _ in range(200)))
    operation = await start(stage, Action.CANCEL)
    await stage.engine.tick(0)
    assert 0 < (await now(stage, operation)).done <= 100
    job = await stage.lease()  # others have their turn between two steps
    assert (await stage.settle(Ack(job_id=job.id, token=job.token))).state is State.SUCCEEDED
