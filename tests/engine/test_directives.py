"""What a worker is told reaches its polls without anybody asking the store for it."""

import asyncio
import time

import pytest
import redis
from headrace_server.domain.fleet import Beat, Directive
from headrace_server.domain.requests import LeaseAsk
from headrace_server.engine import Engine
from headrace_server.engine.directives import Directives

from tests.engine.conftest import EngineMaker, StoreMaker, enqueue
from tests.engine.test_polls import parked
from tests.support.stores import StoreProcess
from tests.support.waiting import eventually_async

pytestmark = pytest.mark.anyio

ASK = LeaseAsk(queues=["q"], worker="w1")


async def register(engine: Engine, worker: str = "w1") -> Directive:
    directive, _ = await engine.heartbeat(Beat(worker=worker, leases=[]))
    return directive


async def told(engine: Engine, worker: str, directive: Directive | None) -> None:
    """Return when an engine knows what a worker is told."""

    async def knows() -> bool:
        await asyncio.sleep(0)
        return engine.directive_of(worker) is directive

    await eventually_async(knows, what=f"{worker} is known to be told {directive}")


async def test_every_server_knows_a_directive_at_once(store_url: str, make_engine: EngineMaker) -> None:
    here, there = await make_engine(store_url), await make_engine(store_url)
    await register(here)
    assert here.directive_of("w1") is Directive.RUN
    assert here.directive_of(None) is None
    for directive in (Directive.QUIET, Directive.STOP, Directive.RUN):
        await here.direct("w1", directive)
        assert here.directive_of("w1") is directive
        await told(there, "w1", directive)
    late = await make_engine(store_url)
    assert late.directive_of("w1") is Directive.RUN
    await here.direct("w1", Directive.QUIET)
    assert (await make_engine(store_url)).directive_of("w1") is Directive.QUIET  # from its first moment on


async def test_a_server_knows_its_own_word_before_it_hears_it(engine: Engine) -> None:
    await register(engine)
    await eventually_async(lambda: _has_read(engine), what="what was told before the subscription is read")
    await engine._wakeups.close()  # deaf from now on: no message comes in time
    for directive in (Directive.QUIET, Directive.STOP, Directive.RUN):
        await engine.direct("w1", directive)
        assert engine.directive_of("w1") is directive
    assert await engine.direct("nobody", Directive.QUIET) is None
    assert engine.directive_of("nobody") is Directive.RUN


async def test_a_server_that_has_started_hears_everything(
    store: StoreProcess, store_url: str, make_engine: EngineMaker
) -> None:
    await make_engine(store_url, shards=3)
    for shard in range(3):
        channel = f"hr:{{{shard}}}:wake"
        assert store.call("PUBSUB", "SHARDNUMSUB", channel) == [channel.encode(), 1]


async def test_a_parked_poll_of_the_worker_is_answered_and_no_other(store_url: str, make_engine: EngineMaker) -> None:
    here, there = await make_engine(store_url), await make_engine(store_url)
    await register(here)
    mine = [asyncio.create_task(here.poll(ASK, 20_000)) for _ in range(2)]
    others = [asyncio.create_task(here.poll(LeaseAsk(queues=["q"], worker=worker), 20_000)) for worker in ("w2", None)]
    await parked(here, 4)
    start = time.monotonic()
    await there.direct("w1", Directive.QUIET)
    assert [grant.jobs for grant in await asyncio.gather(*mine)] == [[], []]
    assert time.monotonic() - start < 1
    ids = [await enqueue(there), await enqueue(there)]
    assert sorted(grant.jobs[0].id for grant in await asyncio.gather(*others)) == sorted(ids)


async def test_a_worker_that_is_quiet_or_to_stop_gets_no_jobs(engine: Engine) -> None:
    await register(engine)
    await enqueue(engine)
    for directive in (Directive.QUIET, Directive.STOP):
        await engine.direct("w1", directive)
        await told(engine, "w1", directive)
        assert (await engine.lease(ASK)).jobs == []
    await engine.direct("w1", Directive.RUN)
    await told(engine, "w1", Directive.RUN)
    assert len((await engine.lease(ASK)).jobs) == 1


async def test_a_quiet_worker_that_asks_on_hears_soon_and_cannot_spin(engine: Engine) -> None:
    await register(engine)
    await engine.direct("w1", Directive.QUIET)
    await told(engine, "w1", Directive.QUIET)
    await enqueue(engine)
    start = time.monotonic()
    assert (await engine.poll(ASK, 20_000)).jobs == []
    assert 0.9 <= time.monotonic() - start < 5


async def test_a_quiet_worker_that_asks_is_served_when_it_is_resumed(engine: Engine) -> None:
    await register(engine)
    await engine.direct("w1", Directive.QUIET)
    await told(engine, "w1", Directive.QUIET)
    job_id = await enqueue(engine)
    poll = asyncio.create_task(engine.poll(ASK, 20_000))
    await eventually_async(lambda: _is_waiting(engine), what="the poll waits")
    await engine.direct("w1", Directive.RUN)
    assert [job.id for job in (await poll).jobs] == [job_id]


async def _is_waiting(engine: Engine) -> bool:
    await asyncio.sleep(0)
    return len(engine._parking) == 1


async def test_g9_a_quiet_worker_gets_the_leases_of_a_lost_answer(store_url: str, make_engine: EngineMaker) -> None:
    engine = await make_engine(store_url, shards=3)
    await register(engine)
    queues = [f"q{n}" for n in range(6)]
    ids = sorted([await enqueue(engine, queue) for queue in queues])
    ask = LeaseAsk(queues=queues, max_jobs=10, worker="w1", key=b"k" * 16)
    first = await engine.lease(ask)
    assert sorted(job.id for job in first.jobs) == ids
    await engine.direct("w1", Directive.QUIET)
    await told(engine, "w1", Directive.QUIET)
    start = time.monotonic()
    again = await engine.poll(ask, 20_000)
    assert time.monotonic() - start < 0.9
    assert again.replayed
    assert {job.token for job in again.jobs} == {job.token for job in first.jobs}


async def test_a_wake_up_that_a_quiet_worker_got_goes_to_the_next(engine: Engine) -> None:
    """Both are told at once that there is a job and that the first in line takes none."""
    await register(engine)
    quiet = asyncio.create_task(engine.poll(ASK, 20_000))
    await parked(engine, 1)
    other = asyncio.create_task(engine.poll(LeaseAsk(queues=["q"], worker="w2"), 20_000))
    await parked(engine, 2)
    engine._directives.hear("w1", Directive.QUIET)
    start = time.monotonic()
    job_id = await enqueue(engine)
    assert [job.id for job in (await other).jobs] == [job_id]
    assert time.monotonic() - start < 0.5
    assert (await quiet).jobs == []


async def test_what_was_said_while_the_store_was_away_is_known_after_it(
    make_store: StoreMaker, make_engine: EngineMaker
) -> None:
    store = make_store()
    engine = await make_engine(store.url)
    await register(engine)
    store.kill9()
    await told(engine, "w1", None)  # it hears nothing, so it says nothing
    store.start()
    store.call("HSET", "hr:{0}:fleet:directives", "w1", "quiet")  # as if by a server that came back sooner
    await told(engine, "w1", Directive.QUIET)
    store.call("HDEL", "hr:{0}:fleet:directives", "w1")


async def test_a_word_of_a_newer_server_does_no_harm(engine: Engine, store: StoreProcess) -> None:
    await register(engine)
    store.call("SPUBLISH", "hr:{0}:wake", "worker reload w1")
    store.call("HSET", "hr:{0}:fleet:directives", "w1", "reload")
    assert await register(engine) is Directive.RUN
    await engine.direct("w1", Directive.QUIET)  # it still listens
    await told(engine, "w1", Directive.QUIET)


async def test_a_heartbeat_tells_this_server_what_it_missed(engine: Engine, store: StoreProcess) -> None:
    await register(engine)
    for directive in (Directive.QUIET, Directive.RUN):
        await engine.direct("w1", directive)
        await told(engine, "w1", directive)
    await eventually_async(lambda: _has_read(engine), what="what was told before the subscription is read")
    await eventually_async(lambda: _has_heard(engine, 2), what="both are heard, so none comes while it asks")
    store.call("HSET", "hr:{0}:fleet:directives", "w1", "stop")  # nobody published it
    assert engine.directive_of("w1") is Directive.RUN
    assert await register(engine) is Directive.STOP
    assert engine.directive_of("w1") is Directive.STOP


async def _has_heard(engine: Engine, changes: int) -> bool:
    return engine._directives.changes == changes


async def _has_read(engine: Engine) -> bool:
    await asyncio.sleep(0)
    return engine._directives._since is None and not engine._wakeups._begun.is_set()


async def test_idle_polls_and_servers_do_not_ask_for_directives(engine: Engine, store_url: str) -> None:
    await register(engine)
    with redis.Redis.from_url(store_url) as client:
        before = client.info("commandstats")
        await asyncio.gather(*(engine.poll(ASK, 1_500) for _ in range(5)))
        after = client.info("commandstats")

    def hashes(stats: dict[str, dict[str, int]]) -> int:
        return sum(stats.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("hget", "hgetall", "hexists"))

    assert hashes(after) - hashes(before) <= 1  # the one when the subscription began


def test_what_is_heard_while_somebody_reads_is_newer() -> None:
    directives = Directives()
    assert directives.of("a") is None
    directives.begin()
    directives.hear("a", Directive.QUIET)
    directives.hear("b", Directive.RUN)
    directives.know({"b": Directive.STOP, "c": Directive.STOP})
    assert [directives.of(worker) for worker in "abcd"] == [
        Directive.QUIET,
        Directive.RUN,
        Directive.STOP,
        Directive.RUN,
    ]


def test_what_was_read_before_the_connection_was_lost_is_too_old() -> None:
    directives = Directives()
    directives.begin()
    directives.lose()
    directives.know({"a": Directive.STOP})
    assert directives.of("a") is None


def test_what_a_worker_is_told_by_the_store_is_older_than_what_was_heard_meanwhile() -> None:
    directives = Directives()
    directives.begin()
    directives.know({})
    asked = directives.changes
    directives.hear("a", Directive.QUIET)
    directives.learn("a", Directive.RUN, asked)
    assert directives.of("a") is Directive.QUIET
    directives.learn("a", Directive.STOP, directives.changes)
    directives.learn("b", Directive.STOP, directives.changes)
    assert [directives.of("a"), directives.of("b")] == [Directive.STOP, Directive.STOP]
