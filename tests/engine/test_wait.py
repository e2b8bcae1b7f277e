"""Waiting for many jobs at once: who is woken by what, what comes whole, and what it leaves in the store."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from headrace_server.domain import limits
from headrace_server.domain.jobs import Body, NewJob
from headrace_server.domain.lifecycle import State
from headrace_server.domain.requests import Ack, EnqueueGroup, LeaseAsk, Release, WaitAsk, Waited
from headrace_server.engine import Engine

from tests.support.stores import StoreProcess

pytestmark = pytest.mark.anyio

LONG_MS = 20_000
SOON_S = 5  # a wake-up that was lost costs one second


@pytest.fixture
async def engine(valkey: StoreProcess, anyio_backend: str) -> AsyncIterator[Engine]:
    engine = Engine(valkey.url, shards=3)
    await engine.start()
    yield engine
    await engine.close()


async def put(engine: Engine, *queues: str, payload: bytes = b"1") -> list[bytes]:
    ids = []
    for queue in queues:
        job = NewJob(id=engine.new_id(queue), task="t", queue=queue, payload=Body(payload))
        await engine.enqueue(EnqueueGroup([job]))
        ids.append(job.id)
    return ids


async def finish(engine: Engine, queue: str, result: bytes = b"5") -> None:
    (job,) = (await engine.lease(LeaseAsk(queues=[queue]))).jobs
    await engine.settle([Ack(job_id=job.id, token=job.token, result=Body(result))])


async def parked(engine: Engine) -> None:
    while not len(engine._watching):
        await asyncio.sleep(0.005)
    await asyncio.gather(*(shard.wait.join() for shard in engine._shards))  # its first look


def states(waited: Waited) -> list[State | None]:
    return [found.job.state if found.job else None for found in waited.jobs]


async def test_all_of_them_over_several_shards(engine: Engine) -> None:
    ids = await put(engine, "a", "b", "c", "d")
    assert len({job_id[6:8] for job_id in ids}) > 1
    wait = asyncio.create_task(engine.wait_jobs(WaitAsk(ids=[ids[3], *ids]), wait_ms=LONG_MS))
    await parked(engine)
    for queue in "bad":
        await finish(engine, queue)
    await asyncio.sleep(0.05)
    assert not wait.done()
    await finish(engine, "c")
    waited = await asyncio.wait_for(wait, SOON_S)
    assert (waited.done, states(waited)) == (True, [State.SUCCEEDED] * 5)
    assert [found.job.id for found in waited.jobs if found.job] == [ids[3], *ids]
    assert len(engine._watching) == 0


async def test_one_of_them_is_enough_where_any_will_do(engine: Engine) -> None:
    ids = await put(engine, "a", "b", "c")
    wait = asyncio.create_task(engine.wait_jobs(WaitAsk(ids=ids, any_of=True), wait_ms=LONG_MS))
    await parked(engine)
    (job,) = (await engine.lease(LeaseAsk(queues=["a"]))).jobs
    await engine.settle([Release(job_id=job.id, token=job.token)])
    await asyncio.sleep(0.05)
    assert not wait.done()  # it moved, and has not ended
    await finish(engine, "b")
    waited = await asyncio.wait_for(wait, SOON_S)
    assert (waited.done, states(waited)) == (True, [State.READY, State.SUCCEEDED, State.READY])
    assert [found.abridged for found in waited.jobs] == [True, False, True]


async def test_what_is_not_there_is_not_waited_for(engine: Engine) -> None:
    [job_id] = await put(engine, "a")
    strangers = [engine.new_id("a"), b"\xff" * 16]
    waited = await asyncio.wait_for(engine.wait_jobs(WaitAsk(ids=strangers), wait_ms=LONG_MS), SOON_S)
    assert (waited.done, states(waited)) == (True, [None, None])
    waited = await asyncio.wait_for(
        engine.wait_jobs(WaitAsk(ids=[job_id, *strangers], any_of=True), wait_ms=LONG_MS), SOON_S
    )
    assert (waited.done, states(waited)) == (True, [State.READY, None, None])


async def test_a_job_that_is_removed_ends_the_wait(engine: Engine) -> None:
    ids = await put(engine, "a", "b")
    await finish(engine, "a")
    wait = asyncio.create_task(engine.wait_jobs(WaitAsk(ids=ids), wait_ms=LONG_MS))
    await parked(engine)
    await engine.delete(ids[:1])  # seen when it had ended, gone when it is read
    await finish(engine, "b")
    waited = await asyncio.wait_for(wait, SOON_S)
    assert (waited.done, states(waited)) == (True, [None, State.SUCCEEDED])


async def test_time_is_over_and_a_drain_is_at_once(engine: Engine) -> None:
    ids = await put(engine, "a", "b")
    assert not (await engine.wait_jobs(WaitAsk(ids=ids), wait_ms=0)).done
    assert not (await engine.wait_jobs(WaitAsk(ids=ids), wait_ms=20)).done
    wait = asyncio.create_task(engine.wait_jobs(WaitAsk(ids=ids), wait_ms=LONG_MS))
    await parked(engine)
    engine.drain()
    waited = await asyncio.wait_for(wait, SOON_S)
    assert (waited.done, states(waited)) == (False, [State.READY, State.READY])


async def test_a_reply_is_bounded_but_for_its_first_job(engine: Engine) -> None:
    half = b'"%s"' % (b"x" * (limits.MAX_WAIT_REPLY_BYTES // 2))
    ids = await put(engine, "a", "b", "c", "d", payload=half)
    for queue in "bcd":
        await finish(engine, queue)
    waited = await engine.wait_jobs(WaitAsk(ids=[*ids]), wait_ms=0)
    assert [found.abridged for found in waited.jobs] == [True, False, True, True]
    assert [len(found.job.payload.data) for found in waited.jobs if found.job] == [0, len(half), 0, 0]
    [huge] = await put(engine, "e", payload=half * 3)
    await finish(engine, "e")
    waited = await engine.wait_jobs(WaitAsk(ids=[huge, ids[1]]), wait_ms=0)
    assert [found.abridged for found in waited.jobs] == [False, True]


async def test_a_summary_brings_no_job_whole(engine: Engine) -> None:
    ids = await put(engine, "a", "b")
    await finish(engine, "a")
    waited = await engine.wait_jobs(WaitAsk(ids=ids, summary=True), wait_ms=0)
    assert [found.abridged for found in waited.jobs] == [True, True]
    assert [(found.job.state, found.job.result) for found in waited.jobs if found.job] == [
        (State.SUCCEEDED, None),
        (State.READY, None),
    ]


async def test_a_thousand_jobs_are_one_wait(engine: Engine) -> None:
    jobs = [NewJob(id=engine.new_id("a"), task="t", queue="a", payload=Body(b"1")) for _ in range(limits.MAX_WAIT_JOBS)]
    for start in range(0, len(jobs), limits.MAX_ATOMIC_JOBS):
        await engine.enqueue(EnqueueGroup(jobs[start : start + limits.MAX_ATOMIC_JOBS]))
    wait = asyncio.create_task(engine.wait_jobs(WaitAsk(ids=[job.id for job in jobs]), wait_ms=LONG_MS))
    await parked(engine)
    while grant := (await engine.lease(LeaseAsk(queues=["a"], max_jobs=limits.MAX_LEASE_JOBS))).jobs:
        await engine.settle([Ack(job_id=job.id, token=job.token) for job in grant])
    waited = await asyncio.wait_for(wait, SOON_S)
    assert (waited.done, {*states(waited)}) == (True, {State.SUCCEEDED})
