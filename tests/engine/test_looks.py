"""What a look finds that nobody waits for any more is given back (G27), over however many shards it goes."""

import asyncio

import pytest
from headrace_server.domain.lifecycle import State
from headrace_server.domain.requests import EnqueueGroup, Grant, LeaseAsk, Release
from headrace_server.engine import Engine, wakeups

from tests.engine.conftest import EngineMaker, enqueue, new_job
from tests.engine.test_polls import parked
from tests.support.waiting import eventually_async

pytestmark = pytest.mark.anyio

QUEUES = ["a", "b", "c", "d"]  # of four shards of eight
ANSWERED = 3  # so often in time, and there is nothing left to be cut


def later(turns: int) -> int:
    """Return after how many turns of the event loop to cut next."""
    return turns + 1 + turns // 8


async def cut_after(turns: int, poll: "asyncio.Task[Grant]") -> Grant | None:
    """Cancel a poll after some turns; return what it had been answered by then."""
    for _ in range(turns):
        await asyncio.sleep(0)
    poll.cancel()
    (answer,) = await asyncio.gather(poll, return_exceptions=True)
    return None if isinstance(answer, BaseException) else answer


@pytest.mark.parametrize("key", [b"", b"k" * 15])
async def test_g27_who_goes_away_in_the_middle_of_several_shards_holds_nothing(
    store_url: str, make_engine: EngineMaker, key: bytes
) -> None:
    engine = await make_engine(store_url, shards=8)
    ids = [await enqueue(engine, queue) for queue in QUEUES]
    cut = set[int]()  # how many jobs looks had found that were cut
    turns = rounds = answered = 0
    while answered < ANSWERED:
        leased_before = await _deliveries(engine, ids)
        ask = LeaseAsk(queues=QUEUES, max_jobs=4, worker="w", key=key + bytes([rounds]) if key else None)
        grant = await cut_after(turns, asyncio.create_task(engine.poll(ask, 10_000)))
        if grant is not None:
            await engine.settle([Release(job_id=job.id, token=job.token) for job in grant.jobs])
        await eventually_async(lambda: _are_ready(engine, ids), what="all jobs are ready again")
        if grant is None:
            cut.add(await _deliveries(engine, ids) - leased_before)
        turns, rounds, answered = later(turns), rounds + 1, answered + (grant is not None)
    jobs = await engine.get(ids)
    assert [(job.attempt, job.crashes) for job in jobs if job] == [(1, 0)] * len(ids)
    assert max(cut) > 1, "no look was cut that had found something in one shard and was asking another"


async def _deliveries(engine: Engine, ids: list[bytes]) -> int:
    return sum(job.delivery for job in await engine.get(ids) if job is not None)


async def _are_ready(engine: Engine, ids: list[bytes]) -> bool:
    return all(job is not None and job.state is State.READY for job in await engine.get(ids))


async def test_g27_a_wake_up_that_a_poll_of_several_shards_does_not_use_is_passed_on(
    store_url: str, make_engine: EngineMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is woken for the one job and takes the other, which it wants first; nobody looks by himself."""
    monkeypatch.setattr(wakeups, "FLOOR_S", 60.0)
    engine = await make_engine(store_url, shards=8)
    broad = asyncio.create_task(engine.poll(LeaseAsk(queues=["b", "a"]), 30_000))
    await parked(engine, 1)
    narrow = asyncio.create_task(engine.poll(LeaseAsk(queues=["a"]), 30_000))
    await parked(engine, 2)
    begun = asyncio.get_running_loop().time()
    await engine.enqueue_each([EnqueueGroup([new_job(engine, queue)]) for queue in ("a", "b")])
    grants = await asyncio.gather(broad, narrow)
    assert [grant.jobs[0].facts.queue for grant in grants] == ["b", "a"]
    assert asyncio.get_running_loop().time() - begun < 20, "the poll was answered at its end only"
