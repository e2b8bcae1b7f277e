"""Polls that wait: woken in time, in order, never losing a job (G27), never holding up a stop (G29)."""

import asyncio
import statistics
import time

import pytest
from headrace_server.domain.alike import Alike
from headrace_server.domain.lifecycle import State
from headrace_server.domain.requests import CancelAsk, Enqueued, EnqueueGroup, LeaseAsk, Release
from headrace_server.engine import Engine

from tests.engine.conftest import EngineMaker, StoreMaker, enqueue, new_job
from tests.support.stores import StoreProcess
from tests.support.waiting import eventually_async

pytestmark = pytest.mark.anyio

ASK = LeaseAsk(queues=["q"])


async def parked(engine: Engine, count: int) -> None:
    """Return when `count` polls have asked and wait."""
    await eventually_async(lambda: _parked(engine, count), what=f"{count} polls are parked")


async def _parked(engine: Engine, count: int) -> bool:
    await asyncio.sleep(0)
    return len(engine._parking) == count and not engine._polls._looks._in_flight


async def test_a_present_job_is_answered_at_once(engine: Engine) -> None:
    job_id = await enqueue(engine)
    grant = await engine.poll(LeaseAsk(queues=["q"], max_jobs=100), 30_000)
    assert [job.id for job in grant.jobs] == [job_id]


async def test_g27_a_poll_answers_empty_when_its_time_is_over(engine: Engine) -> None:
    start = time.monotonic()
    assert (await engine.poll(ASK, 300)).jobs == []
    assert 0.3 <= time.monotonic() - start < 1.3


async def test_a_job_of_another_server_wakes_the_poll(store_url: str, make_engine: EngineMaker) -> None:
    here, there = await make_engine(store_url), await make_engine(store_url)
    poll = asyncio.create_task(here.poll(ASK, 10_000))
    await parked(here, 1)
    job_id = await enqueue(there)
    assert [job.id for job in (await poll).jobs] == [job_id]


async def test_polls_are_served_in_the_order_they_came(engine: Engine) -> None:
    polls = []
    for n in range(5):
        polls.append(asyncio.create_task(engine.poll(ASK, 10_000)))
        await parked(engine, n + 1)
    ids = [await enqueue(engine) for _ in range(5)]
    assert [(await poll).jobs[0].id for poll in polls] == ids


@pytest.mark.parametrize("same", [True, False], ids=["of_this_server", "of_another_server"])
async def test_jobs_that_are_alike_wake_as_many_polls(store_url: str, make_engine: EngineMaker, *, same: bool) -> None:
    here = await make_engine(store_url)
    there = here if same else await make_engine(store_url)
    polls = []
    for n in range(3):
        polls.append(asyncio.create_task(here.poll(ASK, 10_000)))
        await parked(here, n + 1)
    jobs = Alike(new_job(here), here.new_ids_of("q", 3), [b"1", b"2", b"3"])
    (section,) = await there.enqueue_list(jobs, brief=True)
    assert isinstance(section.answer, Enqueued)
    assert section.answer.state is State.READY
    found = [(await poll).jobs[0] for poll in polls]
    assert sorted((job.id, job.payload.data) for job in found) == [(job.id, job.payload.data) for job in jobs]


async def test_g27_no_wake_up_is_lost_among_many_polls(store_url: str, make_engine: EngineMaker) -> None:
    """Twenty pollers on two servers against two hundred jobs that come one by one: each job is given once."""
    engines = [await make_engine(store_url) for _ in range(2)]
    got: list[bytes] = []

    async def work(engine: Engine) -> None:
        while grant := (await engine.poll(ASK, 2_000)).jobs:
            got.extend(job.id for job in grant)

    workers = [asyncio.create_task(work(engines[n % 2])) for n in range(20)]
    sent = [await enqueue(engines[n % 2]) for n in range(200)]
    await asyncio.gather(*workers)
    assert sorted(got) == sorted(sent)


async def test_g27_a_lost_message_costs_a_second(valkey: StoreProcess, make_engine: EngineMaker) -> None:
    engine = await make_engine(valkey.url)
    poll = asyncio.create_task(engine.poll(ASK, 10_000))
    await parked(engine, 1)
    valkey.call("HSET", "hr:{0}:meta", "wait_until", "0")  # as if nobody had said that somebody waits
    await enqueue(engine)
    start = time.monotonic()
    assert len((await poll).jobs) == 1
    assert time.monotonic() - start < 3


async def test_g27_the_subscription_heals_after_the_store_was_killed(
    make_store: StoreMaker, make_engine: EngineMaker
) -> None:
    store = make_store()
    engine = await make_engine(store.url)
    store.kill9()
    store.start()
    poll = asyncio.create_task(engine.poll(ASK, 10_000))
    await parked(engine, 1)
    await enqueue(engine)
    assert len((await poll).jobs) == 1


async def test_g27_a_poll_that_takes_another_job_passes_its_wake_up_on(engine: Engine) -> None:
    """Both jobs come in one script; the first poll is woken for the one and takes the other, which it wants first."""
    waits = []
    for _ in range(5):
        broad = asyncio.create_task(engine.poll(LeaseAsk(queues=["b", "a"]), 10_000))
        await parked(engine, 1)
        narrow = asyncio.create_task(engine.poll(LeaseAsk(queues=["a"]), 10_000))
        await parked(engine, 2)
        start = time.monotonic()
        await engine.enqueue_each([EnqueueGroup([new_job(engine, queue)]) for queue in ("a", "b")])
        grants = await asyncio.gather(broad, narrow)
        waits.append(time.monotonic() - start)
        assert [grant.jobs[0].facts.queue for grant in grants] == ["b", "a"]
    assert statistics.median(waits) < 0.2


async def test_g27_who_goes_away_while_waiting_takes_nothing(engine: Engine) -> None:
    poll = asyncio.create_task(engine.poll(ASK, 10_000))
    await parked(engine, 1)
    poll.cancel()
    await asyncio.gather(poll, return_exceptions=True)
    job_id = await enqueue(engine)
    (job,) = await engine.get([job_id])
    assert job is not None
    assert job.state is State.READY


async def test_g27_who_goes_away_at_the_moment_of_the_grant_gives_it_back(engine: Engine) -> None:
    """Cut at every turn of the event loop between asking and being answered."""
    job_id = await enqueue(engine)
    for turns in range(40):
        poll = asyncio.create_task(engine.poll(ASK, 10_000))
        for _ in range(turns):
            await asyncio.sleep(0)
        poll.cancel()
        answers = await asyncio.gather(poll, return_exceptions=True)
        if not isinstance(answers[0], BaseException):  # it had been answered already
            (job,) = answers[0].jobs
            await engine.settle([Release(job_id=job.id, token=job.token)])
        await eventually_async(lambda: _ready(engine, job_id), what="the job is ready again")
    (job_now,) = await engine.get([job_id])
    assert job_now is not None
    assert (job_now.attempt, job_now.crashes) == (1, 0)


async def _ready(engine: Engine, job_id: bytes) -> bool:
    await engine._polls.join()
    (job,) = await engine.get([job_id])
    return job is not None and job.state is State.READY


async def test_g29_drain_answers_parked_polls_and_waits_at_once(engine: Engine) -> None:
    job_id = await enqueue(engine, "other")
    polls = [asyncio.create_task(engine.poll(ASK, 30_000)) for _ in range(10)]
    wait = asyncio.create_task(engine.wait_job(job_id, wait_ms=30_000))
    await parked(engine, 10)
    start = time.monotonic()
    engine.drain()
    assert all(not grant.jobs for grant in await asyncio.gather(*polls))
    job = await wait
    assert job is not None
    assert job.state is State.READY
    assert (await engine.poll(ASK, 30_000)).jobs == []  # from now on too
    assert time.monotonic() - start < 1


async def test_a_wait_for_a_job_ends_with_its_final_state(engine: Engine) -> None:
    job_id = await enqueue(engine)
    wait = asyncio.create_task(engine.wait_job(job_id, wait_ms=10_000))
    change = asyncio.create_task(engine.wait_job(job_id, wait_ms=10_000, known_rev=(await _rev(engine, job_id))))
    await asyncio.sleep(0.05)
    (job,) = (await engine.lease(ASK)).jobs
    changed = await change
    assert changed is not None
    assert changed.state is State.LEASED
    assert not wait.done()
    await engine.settle([Release(job_id=job.id, token=job.token)])
    await engine.cancel([CancelAsk(job_id=job_id, reason="enough")])
    final = await wait
    assert final is not None
    assert (final.state, final.reason) == (State.CANCELLED, "enough")


async def _rev(engine: Engine, job_id: bytes) -> int:
    (job,) = await engine.get([job_id])
    assert job is not None
    return job.rev


async def test_a_wait_for_an_unknown_job_ends_at_once(engine: Engine) -> None:
    assert await engine.wait_job(engine.new_id("q"), wait_ms=10_000) is None
    assert await engine.wait_job(b"\xff" * 16, wait_ms=10_000) is None
