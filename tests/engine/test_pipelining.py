"""Calls follow each other on one connection: what goes together, in which order, and what if it breaks."""

import asyncio

import pytest
from headrace_server.domain.defaults import Defaults
from headrace_server.domain.errors import Code, NotDone, Unknown
from headrace_server.domain.ids import shard_of_queue
from headrace_server.domain.jobs import Leased
from headrace_server.domain.lifecycle import State
from headrace_server.domain.queues import QueueSettings
from headrace_server.domain.requests import Ack, LeaseAsk, Release, Settled, SettleStatus
from headrace_server.engine import Engine, Waits
from headrace_server.engine.scripts import load_scripts, read_files

from tests.engine.conftest import EngineMaker, StoreMaker, enqueue
from tests.engine.proxy import StoreProxy
from tests.engine.test_lost_replies import CALL
from tests.engine.test_polls import parked
from tests.support.stores import StoreProcess
from tests.support.waiting import eventually_async

pytestmark = pytest.mark.anyio

ASK = LeaseAsk(queues=["q"])


def writes(store: StoreProcess) -> int:
    """Return how often the store has read from a connection, this time not counted."""
    with store.client() as client:
        client.ping()  # opens the connection
        return int(client.info("stats")["total_reads_processed"])


def ack(job: Leased) -> Ack:
    return Ack(job_id=job.id, token=job.token)


async def leased(engine: Engine) -> Leased:
    (job,) = (await engine.lease(ASK)).jobs
    return job


async def test_a_settle_and_a_lease_go_out_in_one_write(valkey: StoreProcess, make_engine: EngineMaker) -> None:
    engine = await make_engine(valkey.url)

    async def one_round() -> bool:
        await enqueue(engine)
        job = await leased(engine)
        before, idle = writes(valkey), writes(valkey)
        (outcome,), grant = await engine.settle_and_lease([ack(job)], ASK)
        assert isinstance(outcome, Settled)
        assert outcome.status is SettleStatus.OK
        assert grant is not None
        assert not grant.jobs
        return writes(valkey) - idle == idle - before + 1

    # the engine may read something by itself at this moment, as it does when its subscription begins
    await eventually_async(one_round, what="both scripts in one write")


@pytest.mark.parametrize("waits", [Waits(), Waits(aof=True)])
async def test_a_lease_takes_the_room_that_settles_with_it_have_made(
    valkey: StoreProcess, make_engine: EngineMaker, waits: Waits
) -> None:
    engine = await make_engine(valkey.url, waits=waits)
    await engine.configure("q", QueueSettings(concurrency=1))
    ids = [await enqueue(engine) for _ in range(3)]
    job = await leased(engine)
    assert not (await engine.lease(ASK)).jobs
    _, grant = await engine.settle_and_lease([ack(job)], ASK)
    assert grant is not None
    assert [job.id for job in grant.jobs] == ids[1:2]
    twice = [Release(job_id=ids[1], token=grant.jobs[0].token)] * 2  # each sees those before it
    (first, second), grant = await engine.settle_and_lease(twice, ASK)
    assert isinstance(first, Settled)
    assert isinstance(second, Settled)
    assert (first.status, second.status) == (SettleStatus.OK, SettleStatus.REPEATED)
    assert grant is not None
    assert [job.id for job in grant.jobs] == ids[1:2]


async def test_a_lease_behind_settles_that_failed_is_given_back(valkey: StoreProcess, make_engine: EngineMaker) -> None:
    broken = {"ack": read_files()["ack"].replace("\nreturn ", "\nassert(false)\nreturn ")}
    engine = await make_engine(valkey.url, scripts=load_scripts(Defaults(), overrides=broken))
    for _ in range(2):
        await enqueue(engine)
    job = await leased(engine)
    (outcome,), grant = await engine.settle_and_lease([ack(job)], ASK)
    assert isinstance(outcome, Unknown)
    assert grant is None
    counts = (await engine.stats(["q"]))[0].counts
    assert (counts[State.LEASED], counts[State.READY]) == (1, 1)


async def test_g27_who_goes_away_while_settling_and_leasing_has_settled_and_holds_nothing(engine: Engine) -> None:
    """Cut at every turn of the event loop between asking and being answered."""
    for turns in range(24):
        _, left_id = [await enqueue(engine) for _ in range(2)]
        call = asyncio.create_task(engine.settle_and_lease([ack(await leased(engine))], ASK))
        for _ in range(turns):
            await asyncio.sleep(0)
        call.cancel()
        (answer,) = await asyncio.gather(call, return_exceptions=True)
        if not isinstance(answer, BaseException):  # it had been answered already
            await engine.settle([Release(job_id=job.id, token=job.token) for job in answer[1].jobs])
        job = await eventually_async(lambda: _leased_if_any(engine), what="no lease is left")
        assert job is not None
        assert job.id == left_id
        await engine.settle([ack(job)])


async def test_g27_who_goes_away_with_a_grant_before_the_last_verdict_has_settled_and_holds_nothing(
    proxy: StoreProxy, make_engine: EngineMaker
) -> None:
    """Two shards have a connection each; that of the settle is held up, so the lease is answered first."""
    engine = await make_engine(proxy.url, shards=2)
    here, there = (next(q for q in "abcdefgh" if shard_of_queue(q, 2) == shard) for shard in range(2))
    for turns in range(8):
        await enqueue(engine, here)
        (job,) = (await engine.lease(LeaseAsk(queues=[here]))).jobs
        left_id = await enqueue(engine, there)
        let_go = proxy.hold_request(CALL["ack"])
        call = asyncio.create_task(engine.settle_and_lease([ack(job)], LeaseAsk(queues=[there])))
        await eventually_async(lambda: _is_leased(engine, there), what="the lease is answered")
        for _ in range(turns):  # the call hears of it in this one, or in one of the next
            await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        left = await eventually_async(lambda: _leased_if_any(engine, there), what="no lease is left")
        assert left is not None
        assert left.id == left_id
        let_go.set()
        settled = await engine.settle([ack(job), ack(left)])
        assert [outcome.status for outcome in settled if isinstance(outcome, Settled)] == [
            SettleStatus.REPEATED,
            SettleStatus.OK,
        ]


async def _is_leased(engine: Engine, queue: str) -> bool:
    return (await engine.stats([queue]))[0].counts[State.LEASED] == 1


async def test_a_job_that_a_poll_waits_for_is_written_and_leased_in_one_write(
    valkey: StoreProcess, make_engine: EngineMaker
) -> None:
    engine = await make_engine(valkey.url)

    async def one_round() -> bool:
        poll = asyncio.create_task(engine.poll(ASK, 10_000))
        await parked(engine, 1)
        before, idle = writes(valkey), writes(valkey)
        job_id = await enqueue(engine)
        assert [job.id for job in (await poll).jobs] == [job_id]
        return writes(valkey) - idle == idle - before + 1

    # every second a poll looks by itself, perhaps at this moment
    await eventually_async(one_round, what="both scripts in one write")


async def test_a_worker_that_waits_hears_of_a_job_before_its_producer_does(engine: Engine) -> None:
    async def one_round() -> bool:
        heard: list[str] = []
        poll = asyncio.create_task(engine.poll(ASK, 10_000))
        await parked(engine, 1)
        writing = asyncio.create_task(enqueue(engine))
        poll.add_done_callback(lambda _: heard.append("worker"))
        writing.add_done_callback(lambda _: heard.append("producer"))
        await asyncio.gather(poll, writing)
        return heard == ["worker", "producer"]

    # the poll may look by itself at this moment, or the answers may come one by one
    await eventually_async(one_round, what="the worker has it first")


async def test_g27_a_look_that_came_before_its_job_is_repeated(valkey: StoreProcess, make_engine: EngineMaker) -> None:
    """The enqueue is lost on its way and sent again, and the lease behind it is not."""
    proxy = StoreProxy(str(valkey.socket))
    await proxy.start()
    engine = await make_engine(proxy.url)
    await enqueue(engine)
    await leased(engine)
    poll = asyncio.create_task(engine.poll(ASK, 10_000))
    await parked(engine, 1)
    proxy.lose_request(CALL["enqueue"])
    job_id = await enqueue(engine)
    try:
        assert [job.id for job in (await poll).jobs] == [job_id]
    except Unknown:  # the lease went down with it: who asked has to ask again
        assert (await leased(engine)).id == job_id
    await proxy.close()


async def test_who_waits_and_goes_away_with_its_look_begun_gives_back(engine: Engine) -> None:
    """The enqueue lets the look begin, and the poll is cancelled before it has its turn."""
    for turns in range(12):
        poll = asyncio.create_task(engine.poll(ASK, 10_000))
        await parked(engine, 1)
        writing = asyncio.create_task(enqueue(engine))
        for _ in range(turns):
            await asyncio.sleep(0)
        poll.cancel()
        (answer,) = await asyncio.gather(poll, return_exceptions=True)
        job_id = await writing
        if not isinstance(answer, BaseException):  # it had been answered already
            await engine.settle([Release(job_id=job.id, token=job.token) for job in answer.jobs])
        job = await eventually_async(lambda: _leased_if_any(engine), what="the job can be had again")
        assert job is not None
        assert job.id == job_id
        await engine.settle([ack(job)])


async def _leased_if_any(engine: Engine, queue: str = "q") -> Leased | None:
    return next(iter((await engine.lease(LeaseAsk(queues=[queue]))).jobs), None)


async def test_a_store_that_hangs_fails_everything_in_flight(make_store: StoreMaker, make_engine: EngineMaker) -> None:
    store = make_store()
    engine = await make_engine(store.url, timeout_ms=300)
    await enqueue(engine)
    store.freeze()
    calls = (enqueue(engine), engine.lease(ASK), engine.stats(["q"]))
    found = await asyncio.gather(*calls, return_exceptions=True)
    store.thaw()
    assert [(type(fault), fault.code) for fault in found if isinstance(fault, Unknown)] == [
        (Unknown, Code.STORE_TIMEOUT)
    ] * 3
    assert (await engine.stats(["q"]))[0].backlog >= 0  # over a new connection


async def test_what_was_never_written_has_not_happened(make_store: StoreMaker, make_engine: EngineMaker) -> None:
    store = make_store()
    engine = await make_engine(store.url)
    wire = await engine._link._open()
    assert await wire.send([("PING",)]) == [b"PONG"]
    store.freeze()
    sent = wire.send([("PING",)])
    await asyncio.sleep(0)  # the turn's end
    unsent = wire.send([("PING",)])
    wire.give_up()
    with pytest.raises(Unknown):
        await sent
    with pytest.raises(NotDone):
        await unsent
    with pytest.raises(NotDone):
        await wire.send([("PING",)])
    store.thaw()
