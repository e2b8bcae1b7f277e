"""What a caller hears when the connection to the store breaks in the middle (G2), and what is repeated by itself."""

import asyncio

import pytest
from headrace_server.domain.defaults import Defaults
from headrace_server.domain.errors import Code, NotDone, Unknown
from headrace_server.domain.jobs import IdempotencyKey
from headrace_server.domain.lifecycle import State
from headrace_server.domain.requests import Ack, EnqueueGroup, EnqueueStatus, LeaseAsk, Settled, SettleStatus
from headrace_server.engine import Engine, Waits
from headrace_server.engine.scripts import load_scripts

from tests.engine.conftest import EngineMaker, StoreMaker, enqueue, free_port, new_job
from tests.engine.proxy import StoreProxy, call_of
from tests.support.stores import StoreProcess
from tests.support.waiting import eventually_async

pytestmark = pytest.mark.anyio

CALL = {verb: call_of(script) for verb, script in load_scripts(Defaults()).items()}


async def test_an_enqueue_whose_answer_is_lost_is_repeated_and_written_once(
    proxy: StoreProxy, make_engine: EngineMaker
) -> None:
    engine = await make_engine(proxy.url)
    await enqueue(engine)  # the store knows the script now
    proxy.lose_reply(CALL["enqueue"])
    key = IdempotencyKey(b"d" * 16, b"f" * 16)
    answer = await engine.enqueue(EnqueueGroup([new_job(engine)], key))
    assert proxy.lost == 1
    assert answer.status is EnqueueStatus.CREATED  # not `replayed`: the client asked once
    assert (await engine.stats(["q"]))[0].counts[State.READY] == 2


async def test_a_settle_whose_answer_is_lost_is_repeated(proxy: StoreProxy, make_engine: EngineMaker) -> None:
    engine = await make_engine(proxy.url)
    await enqueue(engine)
    await enqueue(engine)
    first, second = (await engine.lease(LeaseAsk(queues=["q"], max_jobs=2))).jobs
    await engine.settle([Ack(job_id=first.id, token=first.token)])
    proxy.lose_reply(CALL["ack"])
    (answer,) = await engine.settle([Ack(job_id=second.id, token=second.token)])
    assert proxy.lost == 1
    assert answer.status is SettleStatus.REPEATED  # it counted, and says that it was sent twice


async def test_an_answer_lost_twice_is_unknown(proxy: StoreProxy, make_engine: EngineMaker) -> None:
    engine = await make_engine(proxy.url)
    await enqueue(engine)
    proxy.lose_reply(CALL["enqueue"], times=2)
    with pytest.raises(Unknown) as caught:
        await enqueue(engine)
    assert caught.value.code is Code.STORE_UNREACHABLE
    assert (await engine.stats(["q"]))[0].counts[State.READY] == 2  # this time it had happened


async def test_a_lease_without_a_key_is_never_repeated(proxy: StoreProxy, make_engine: EngineMaker) -> None:
    engine = await make_engine(proxy.url)
    await enqueue(engine)
    await enqueue(engine)
    await engine.lease(LeaseAsk(queues=["q"]))
    proxy.lose_reply(CALL["lease"])
    with pytest.raises(Unknown):
        await engine.lease(LeaseAsk(queues=["q"]))
    counts = (await engine.stats(["q"]))[0].counts
    assert (counts[State.READY], counts[State.LEASED]) == (0, 2)


async def test_g9_a_lease_whose_answer_is_lost_is_asked_for_again_with_its_key(
    proxy: StoreProxy, make_engine: EngineMaker
) -> None:
    engine = await make_engine(proxy.url)
    for _ in range(3):
        await enqueue(engine)
    await engine.lease(LeaseAsk(queues=["empty"]))
    proxy.lose_reply(CALL["lease"])
    ask = LeaseAsk(queues=["q"], max_jobs=2, worker="w", key=b"k" * 16)
    with pytest.raises(Unknown):
        await engine.lease(ask)
    grant = await engine.lease(ask)
    assert grant.replayed
    assert len(grant.jobs) == 2
    assert {s.status for s in await engine.settle([Ack(job_id=j.id, token=j.token) for j in grant.jobs])} == {"ok"}
    assert (await engine.stats(["q"]))[0].counts[State.READY] == 1


async def test_g9_a_give_back_takes_nothing_from_who_asked_again_and_went_on(
    valkey: StoreProcess, make_engine: EngineMaker
) -> None:
    """The worker repeats its request, gets its leases, and asks under another key; then the give-back comes."""
    engine = await make_engine(valkey.url)
    await enqueue(engine)
    first = LeaseAsk(queues=["q"], worker="w", key=b"1" * 16)
    lost = await engine.lease(first)
    assert (await engine.lease(first)).replayed
    await enqueue(engine)
    await engine.lease(LeaseAsk(queues=["q"], worker="w", key=b"2" * 16))
    await engine.giveback(first, lost)
    (answer,) = await engine.settle([Ack(job_id=lost.jobs[0].id, token=lost.jobs[0].token)])
    assert isinstance(answer, Settled)
    assert answer.status is SettleStatus.OK


async def test_a_connection_in_doubt_is_never_reused(proxy: StoreProxy, make_engine: EngineMaker) -> None:
    """Forty calls whose callers go away in the middle: every later answer belongs to its own question."""
    engine = await make_engine(proxy.url)
    ids = [await enqueue(engine) for _ in range(40)]

    async def look(job_id: bytes) -> None:
        (job,) = await engine.get([job_id])
        assert job is not None
        assert job.id == job_id

    for job_id in ids:
        task = asyncio.create_task(look(job_id))
        await asyncio.sleep(0)
        task.cancel()
    await asyncio.gather(*(look(job_id) for job_id in ids))


async def test_a_store_that_is_gone_is_not_done_and_heals(make_store: StoreMaker, make_engine: EngineMaker) -> None:
    store = make_store()
    engine = await make_engine(store.url)
    kept = await enqueue(engine)
    store.kill9()
    await asyncio.sleep(0)
    with pytest.raises((NotDone, Unknown)) as first:
        await enqueue(engine)
    assert first.value.code is Code.STORE_UNREACHABLE
    with pytest.raises(NotDone):  # now nothing can even be sent
        await enqueue(engine)
    store.start()
    (job,) = await engine.get([kept])
    assert job is not None


async def test_a_store_that_hangs_is_unknown_in_time(make_store: StoreMaker, make_engine: EngineMaker) -> None:
    store = make_store()
    engine = await make_engine(store.url, timeout_ms=300)
    await enqueue(engine)
    store.freeze()
    with pytest.raises(Unknown) as caught:
        await enqueue(engine)
    store.thaw()
    assert caught.value.code is Code.STORE_TIMEOUT
    assert (await engine.stats(["q"]))[0].counts[State.READY] >= 1


async def test_a_flushed_script_cache_is_not_noticed(valkey: StoreProcess, make_engine: EngineMaker) -> None:
    engine = await make_engine(valkey.url)
    await enqueue(engine)
    valkey.call("SCRIPT", "FLUSH")
    await enqueue(engine)
    assert (await engine.stats(["q"]))[0].counts[State.READY] == 2


async def test_a_store_that_lost_its_data_is_refused(valkey: StoreProcess, make_engine: EngineMaker) -> None:
    engine = await make_engine(valkey.url)
    valkey.flush()
    with pytest.raises(NotDone) as caught:
        await enqueue(engine)
    assert caught.value.code is Code.WRONG_NODE
    assert "restart the servers to begin anew" in caught.value.detail
    assert valkey.call("DBSIZE") == 0


async def test_g23_a_full_store_refuses_enqueues_and_lets_settles_through(
    make_store: StoreMaker, make_engine: EngineMaker
) -> None:
    store = make_store()
    engine = await make_engine(store.url)
    await enqueue(engine)
    await enqueue(engine)
    store.call("CONFIG", "SET", "maxmemory", "1")
    with pytest.raises(NotDone) as caught:
        await enqueue(engine)
    assert caught.value.code is Code.STORE_FULL
    (job,) = (await engine.lease(LeaseAsk(queues=["q"]))).jobs
    (answer,) = await engine.settle([Ack(job_id=job.id, token=job.token)])
    assert answer.status is SettleStatus.OK


async def test_g23_a_server_that_starts_on_a_full_store_lets_settles_through(
    make_store: StoreMaker, make_engine: EngineMaker
) -> None:
    """It must come up: only workers make room again."""
    store = make_store()
    before = await make_engine(store.url)
    await enqueue(before)
    await before.close()
    store.call("CONFIG", "SET", "maxmemory", "1")
    engine = await make_engine(store.url)
    (job,) = (await engine.lease(LeaseAsk(queues=["q"]))).jobs
    (answer,) = await engine.settle([Ack(job_id=job.id, token=job.token)])
    assert answer.status is SettleStatus.OK


async def test_a_replica_refuses_before_anything_is_written(
    valkey: StoreProcess, make_store: StoreMaker, make_engine: EngineMaker
) -> None:
    store = make_store()
    engine = await make_engine(store.url)
    store.call("REPLICAOF", "127.0.0.1", "1")
    with pytest.raises(NotDone) as caught:
        await enqueue(engine)
    assert caught.value.code is Code.STORE_REFUSED
    store.call("REPLICAOF", "NO", "ONE")
    await eventually_async(lambda: enqueue(engine), what="the master takes writes again")


async def test_what_could_not_be_replicated_is_unknown(make_store: StoreMaker, make_engine: EngineMaker) -> None:
    port = free_port()
    master, replica = make_store(port=port, repl_diskless_sync_delay="0"), make_store(replicaof=f"127.0.0.1 {port}")
    engine = await make_engine(master.url, waits=Waits(replicas=1, timeout_ms=20_000))
    await enqueue(engine)  # with a replica it is done
    replica.kill9()
    hasty = Engine(master.url, waits=Waits(replicas=1, timeout_ms=50))
    with pytest.raises(Unknown) as caught:
        await enqueue(hasty)
    await hasty.close()
    assert caught.value.code is Code.NOT_REPLICATED
    assert (await engine.stats(["q"]))[0].counts[State.READY] == 2  # written all the same


async def test_the_store_fsyncs_where_it_is_told_to_wait_for_it(
    make_store: StoreMaker, make_engine: EngineMaker
) -> None:
    store = make_store(appendfsync="everysec")
    engine = await make_engine(store.url, waits=Waits(aof=True))
    await enqueue(engine)
    assert "waitaof" in str(store.call("INFO", "commandstats"))
