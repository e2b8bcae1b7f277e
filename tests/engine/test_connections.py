"""How many connections and scripts one process spends on what its clients send at once."""

import asyncio

import pytest
from headrace_server.domain.ids import IdMaker
from headrace_server.domain.jobs import Body
from headrace_server.domain.lifecycle import State
from headrace_server.domain.requests import Ack, LeaseAsk, Settled, SettleStatus
from headrace_server.engine import Engine

from tests.engine.conftest import EngineMaker, enqueue
from tests.support.stores import StoreProcess

pytestmark = pytest.mark.anyio

MANY = 300
ENOUGH = 30  # two for each verb, and the subscription


def connections(store: StoreProcess) -> int:
    """Return how many connections the store has made since it started."""
    with store.client() as client:
        return int(client.info("stats")["total_connections_received"])


def scripts(store: StoreProcess) -> int:
    """Return how many scripts the store has run since it started."""
    with store.client() as client:
        return int(client.info("commandstats")["cmdstat_fcall"]["calls"])


@pytest.fixture
async def engine(valkey: StoreProcess, make_engine: EngineMaker) -> Engine:
    return await make_engine(valkey.url)


async def test_settles_of_jobs_of_no_shard_share_calls(valkey: StoreProcess, engine: Engine) -> None:
    ids = IdMaker()
    items = [Ack(job_id=ids.make(1_800_000_000_000, 77, 0), token=b"t" * 16) for _ in range(MANY)]
    before = connections(valkey)
    answers = await engine.settle(items)
    assert {a.status for a in answers if isinstance(a, Settled)} == {SettleStatus.NOT_FOUND}
    assert connections(valkey) - before <= ENOUGH


async def test_probes_share_calls(valkey: StoreProcess, engine: Engine) -> None:
    before = connections(valkey)
    await asyncio.gather(*(engine.now_ms() for _ in range(MANY)))
    await asyncio.gather(*(engine.queues(after=None, limit=1) for _ in range(MANY)))
    assert connections(valkey) - before <= ENOUGH


async def test_grants_that_many_clients_did_not_wait_for_go_back_in_turn(valkey: StoreProcess, engine: Engine) -> None:
    for _ in range(MANY):
        await enqueue(engine)
    asks = [LeaseAsk(queues=["q"]) for _ in range(MANY)]
    grants = await asyncio.gather(*(engine.lease(ask) for ask in asks))
    before = connections(valkey)
    await asyncio.gather(*(engine.giveback(ask, grant) for ask, grant in zip(asks, grants, strict=True)))
    assert connections(valkey) - before <= ENOUGH
    assert (await engine.stats(["q"]))[0].backlog == MANY
    assert len((await engine.lease(LeaseAsk(queues=["q"], max_jobs=2 * MANY))).jobs) == MANY


async def test_g9_who_repeats_a_large_lease_in_the_middle_keeps_what_it_got(engine: Engine) -> None:
    """The first request goes on asking for its second part, then its connection is seen gone."""
    for _ in range(MANY):
        await enqueue(engine)
    ask = LeaseAsk(queues=["q"], max_jobs=MANY, worker="w", key=b"k" * 16)
    first, repeated = await asyncio.gather(engine.lease(ask), engine.lease(ask))
    assert repeated.replayed
    await engine.giveback(ask, first)
    answers = await engine.settle([Ack(job_id=job.id, token=job.token) for job in repeated.jobs])
    assert {a.status for a in answers if isinstance(a, Settled)} == {SettleStatus.OK}
    assert (await engine.stats(["q"]))[0].backlog == MANY - len(answers)
    assert len((await engine.lease(LeaseAsk(queues=["q"], max_jobs=MANY))).jobs) == MANY - len(answers)


async def test_large_leases_that_are_repeated_at_once_do_not_share_a_script(
    valkey: StoreProcess, engine: Engine
) -> None:
    payload = Body(b'"' + b"x" * 500_000 + b'"')
    for _ in range(9):
        await enqueue(engine, payload=payload)
    asks = [LeaseAsk(queues=["q"], max_jobs=3, worker=f"w{n}", key=b"k" * 16) for n in range(3)]
    for ask in asks:
        await engine.lease(ask)
    before = scripts(valkey)
    answers = await asyncio.gather(*(engine.lease(ask) for ask in asks))
    assert [(a.replayed, len(a.jobs)) for a in answers] == [(True, 3)] * 3
    assert scripts(valkey) - before == 3


async def test_large_jobs_that_are_read_at_once_do_not_share_a_reply(valkey: StoreProcess, engine: Engine) -> None:
    payload = Body(b'"' + b"x" * 500_000 + b'"')
    ids = [await enqueue(engine, payload=payload) for _ in range(9)]
    await asyncio.gather(engine.get(ids[:1]), engine.wait_job(ids[0], wait_ms=0))  # the store knows the scripts now
    before = scripts(valkey)
    assert [job.id for job in await engine.get(ids) if job] == ids
    waits = await asyncio.gather(*(engine.wait_job(job_id, wait_ms=0) for job_id in ids))
    assert [job.id for job in waits if job] == ids
    assert scripts(valkey) - before == 2 * 3  # three jobs are more than 1 MiB


async def test_a_grant_of_several_scripts_goes_back_as_a_whole(engine: Engine) -> None:
    for _ in range(MANY):
        await enqueue(engine)
    ask = LeaseAsk(queues=["q"], max_jobs=MANY, worker="w", key=b"k" * 16)
    await engine.giveback(ask, await engine.lease(ask))
    assert (await engine.stats(["q"]))[0].counts[State.READY] == MANY
    kept = await engine.lease(ask)
    assert not kept.replayed
    assert (await engine.lease(ask)).replayed
    await engine.giveback(ask, kept)
    assert (await engine.stats(["q"]))[0].counts[State.LEASED] == MANY
