"""The janitor: whatever is broken by hand is found, told, and mended by the jobs' records."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
import redis
from headrace_server.domain.checks import Wrong
from headrace_server.domain.finding import JobFilter
from headrace_server.domain.fleet import Beat, Directive
from headrace_server.domain.jobs import Body, IdempotencyKey, OnDead, Unique, UniqueUntil
from headrace_server.domain.lifecycle import State
from headrace_server.domain.operations import Action, OperationAsk
from headrace_server.domain.queues import LimitSettings, QueueSettings
from headrace_server.domain.requests import Ack, EnqueueGroup, LeaseAsk, Nack
from headrace_server.loops import run_loops

from tests.engine.conftest import EngineMaker, enqueue
from tests.engine.stage import SCRIPTS, Stage
from tests.support.janitor import check_shard, look_at
from tests.support.waiting import eventually_async

pytestmark = pytest.mark.anyio

P = "hr:{0}:"
SEPARATOR = "\x1f"
GHOST = b"\x01\xa2\x00\x00\x00\x00p\x00\x80\x00\x00\x00\x00\x00\x00\x01"  # an id that no job has

World = dict[str, bytes]
Damage = Callable[["redis.Redis", World], Any]


async def world(stage: Stage) -> World:
    """Fill a store with one thing of each kind; return ids of jobs by name."""
    engine = stage.engine
    jobs: World = {}
    await engine.configure("q", QueueSettings(lease_ms=60_000, max_bytes=10_000))
    await engine.set_limit("api", LimitSettings(concurrency=1))
    await engine.back_off("held", 3_600_000)
    await engine.events(None, limit=1, wait_ms=0)
    jobs["slot"] = await stage.put_one(limits=("api:1",), priority=255)
    jobs["orderly"] = await stage.put_one(ordering_key="o", on_dead=OnDead.HOLD, priority=254)
    for _ in range(2):
        await engine.lease(LeaseAsk(queues=["q"], worker="w", key=b"k" * 16))
        await engine.lease(LeaseAsk(queues=["q"], worker="v", key=b"l" * 16))
    jobs["shut"] = await stage.put_one(limits=("api:1",))
    jobs["held"] = await stage.put_one(limits=("held:x",))
    assert await stage.is_dry()
    jobs["behind"] = await stage.put_one(ordering_key="o")
    jobs["tenant"] = await stage.put_one(fairness_key="t")
    jobs["plain"] = await stage.put_one(expires_in_ms=9_000_000, tags={"a": "b"})
    jobs["later"] = await stage.put_one(delay_ms=5_000_000)
    jobs["unique"] = await stage.put_one(unique=Unique(digest=b"u" * 16))
    jobs["short"] = await stage.put_one(unique=Unique(digest=b"t" * 16, until=UniqueUntil.TTL, ttl_ms=7_000_000))
    for name in ("dead", "retrying", "succeeded"):
        jobs[name] = await stage.put_one("p", priority=200)
        lease = await stage.lease("p")
        failure = Nack(job_id=lease.id, token=lease.token, error=b"{}", retryable=name != "dead", retry_in_ms=4_000_000)
        success = Ack(job_id=lease.id, token=lease.token, result=Body(b"1"), result_ttl_ms=60_000)
        await stage.settle(success if name == "succeeded" else failure)
    key = IdempotencyKey(b"i" * 16, b"f" * 16)
    await engine.enqueue(EnqueueGroup([stage.new("p", run_at_ms=stage.now_ms + 1_000_000)], key))
    await engine.pause("p", 3_000_000)
    operation = await engine.operate(OperationAsk(action=Action.CANCEL, filter=JobFilter(queue="none")))
    jobs["operation"] = operation.id
    await engine.heartbeat(Beat(worker="w", leases=[]))
    await engine.direct("w", Directive.QUIET)
    await stage.tick()
    return jobs


def score(client: "redis.Redis", key: str, member: bytes | str) -> float:
    found = client.zscore(P + key, member)
    assert found is not None
    return float(found)


def tell(key: str) -> str:
    return P + key


# What is broken, and what kind of finding tells it.
DAMAGES: dict[str, tuple[Wrong, Damage]] = {
    "a ready job is in no set": (Wrong.PLACE, lambda c, w: c.zrem(tell("q:q:ready"), w["plain"])),
    "a delayed job is in no set": (Wrong.PLACE, lambda c, w: c.zrem(tell("q:q:scheduled"), w["later"])),
    "a delayed job is due at another time": (Wrong.PLACE, lambda c, w: c.zadd(tell("q:q:scheduled"), {w["later"]: 1})),
    "a leased job is in no set": (Wrong.PLACE, lambda c, w: c.zrem(tell("q:q:leased"), w["slot"])),
    "a retry is in no set": (Wrong.PLACE, lambda c, w: c.zrem(tell("q:p:retrying"), w["retrying"])),
    "a dead job is in no set": (Wrong.PLACE, lambda c, w: c.zrem(tell("q:p:dead"), w["dead"])),
    "a job in a lane is not counted": (Wrong.PLACE, lambda c, w: c.zrem(tell("q:q:laned"), w["tenant"])),
    "a job lies in two sets": (Wrong.PLACE, lambda c, w: c.zadd(tell("q:q:dead"), {w["plain"]: 9e12})),
    "a job lies in another queue": (Wrong.PLACE, lambda c, w: c.zadd(tell("q:p:ready"), {w["plain"]: 1})),
    "a set holds no job": (Wrong.PLACE, lambda c, w: c.zadd(tell("q:q:ready"), {GHOST: 1})),
    "a result of no job": (Wrong.PLACE, lambda c, w: c.zadd(tell("q:p:results"), {GHOST: 9e12})),
    "attempts of no job": (Wrong.RECORD, lambda c, w: c.rpush(P.encode() + b"a:" + GHOST, b"x")),
    "a job without a state": (Wrong.RECORD, lambda c, w: c.hset(P.encode() + b"j:" + GHOST, "wt", 1)),
    "a job does not expire": (Wrong.EXPIRY, lambda c, w: c.zrem(tell("q:q:expiring"), w["plain"])),
    "a job that may not expire does": (Wrong.PLACE, lambda c, w: c.zadd(tell("q:q:expiring"), {w["slot"]: 9e12})),
    "nobody promotes": (Wrong.AGENDA, lambda c, w: c.zrem(tell("agenda"), "promote:q")),
    "nobody reaps": (Wrong.AGENDA, lambda c, w: c.zrem(tell("agenda"), "reap:q")),
    "nobody prunes": (Wrong.AGENDA, lambda c, w: c.zrem(tell("agenda"), "prune:p")),
    "nobody expires": (Wrong.AGENDA, lambda c, w: c.zadd(tell("agenda"), {"expire:q": 9e15})),
    "nobody drops results": (Wrong.AGENDA, lambda c, w: c.zrem(tell("agenda"), "results:p")),
    "nobody frees unique keys": (Wrong.AGENDA, lambda c, w: c.zrem(tell("agenda"), "unique:")),
    "nobody resumes": (Wrong.AGENDA, lambda c, w: c.zrem(tell("agenda"), "resume:p")),
    "nobody ends a back-off": (Wrong.AGENDA, lambda c, w: c.zrem(tell("agenda"), "relimit:held")),
    "nobody opens lanes": (Wrong.AGENDA, lambda c, w: c.zrem(tell("agenda"), "open:held:x", "relimit:held")),
    "a task is counted and not listed": (Wrong.TALLY, lambda c, w: c.setbit(tell("tally:t:ghost"), 7, 1)),
    "a task is listed and not counted": (Wrong.TALLY, lambda c, w: c.zadd(tell("tally:tasks"), {"ghost": 1})),
    "nobody ends the log": (Wrong.AGENDA, lambda c, w: c.zrem(tell("agenda"), "events:")),
    "nobody ends replays": (Wrong.AGENDA, lambda c, w: c.zrem(tell("agenda"), "replay:w", "replay:v")),
    "nobody drops keys": (Wrong.AGENDA, lambda c, w: c.zrem(tell("agenda"), *c.zrangebylex_idem())),
    "nobody forgets an operation": (Wrong.AGENDA, lambda c, w: c.zrem(tell("agenda"), b"op:" + w["operation"])),
    "a lane lost its job": (Wrong.LANE, lambda c, w: c.zrem(tell(f"q:q:lane:lt{SEPARATOR}"), w["tenant"])),
    "a lane holds no job": (Wrong.LANE, lambda c, w: c.zadd(tell(f"q:q:lane:lz{SEPARATOR}"), {GHOST: 1})),
    "a lane is closed": (Wrong.LANE, lambda c, w: c.zrem(tell("q:q:open:t"), f"lt{SEPARATOR}")),
    "a lane is open at another place": (Wrong.LANE, lambda c, w: c.zadd(tell("q:q:open:t"), {f"lt{SEPARATOR}": 1})),
    "a busy lane is open": (Wrong.LANE, lambda c, w: c.zadd(tell("q:q:open:"), {f"o{SEPARATOR}o": 1})),
    "a lane that nothing holds back": (Wrong.LANE, lambda c, w: c.delete(tell("shut:api:1"))),
    "a tenant lost its turn": (Wrong.TURN, lambda c, w: c.zrem(tell("q:q:turns"), "t")),
    "a tenant with nothing has a turn": (Wrong.TURN, lambda c, w: c.zadd(tell("q:q:turns"), {"nobody": 1})),
    "an ordering key is not busy": (Wrong.ORDER, lambda c, w: c.delete(tell("q:q:busy"))),
    "an ordering key is busy for nobody": (Wrong.ORDER, lambda c, w: c.hset(tell("q:q:busy"), f"o{SEPARATOR}x", GHOST)),
    "a slot is lost": (Wrong.SLOT, lambda c, w: c.delete(tell("slots:api:1"))),
    "a slot is held by nobody": (Wrong.SLOT, lambda c, w: c.sadd(tell("slots:api:1"), GHOST)),
    "a limit holds back in secret": (Wrong.LIMIT, lambda c, w: c.zrem(tell("blocked"), "held:x")),
    "a limit that holds nothing back": (Wrong.LIMIT, lambda c, w: c.zadd(tell("blocked"), {"nobody": 0})),
    "a limit is not listed": (Wrong.LIMIT, lambda c, w: c.zrem(tell("limit_names"), "api")),
    "a limit that says nothing": (Wrong.LIMIT, lambda c, w: c.zadd(tell("limit_names"), {"nobody": 0})),
    "a unique key is lost": (Wrong.UNIQUE, lambda c, w: c.delete(P.encode() + b"u:" + b"u" * 16)),
    "a unique key is held by nobody": (Wrong.UNIQUE, lambda c, w: c.set(P.encode() + b"u:" + b"x" * 16, GHOST)),
    "a unique key never ends": (Wrong.UNIQUE, lambda c, w: c.zrem(tell("uniques"), b"t" * 16)),
    "a tag is lost": (Wrong.TAG, lambda c, w: c.delete(tell("tag:a=b"))),
    "a tag finds another job": (Wrong.TAG, lambda c, w: c.zadd(tell("tag:a=b"), {w["later"]: 1})),
    "a name is lost": (Wrong.NAME, lambda c, w: c.zrem(tell("queues"), "q")),
    "what a queue has is lost": (Wrong.NAME, lambda c, w: c.hset(tell("marks"), "q", 0)),
    "all names are lost": (Wrong.NAME, lambda c, w: c.delete(tell("queues"), tell("marks"))),
    "bytes of no job": (Wrong.BYTES, lambda c, w: c.hset(tell("bytes"), "nobody", 7)),
    "less than no bytes": (Wrong.BYTES, lambda c, w: c.hset(tell("bytes"), "q", -7)),
    "an operation is not listed": (Wrong.OPERATION, lambda c, w: c.delete(tell("operations"))),
    "an operation is gone": (Wrong.OPERATION, lambda c, w: c.zadd(tell("operations"), {GHOST: 1})),
    "a worker is not listed": (Wrong.WORKER, lambda c, w: c.delete(tell("fleet:names"))),
    "a worker is never lost": (Wrong.WORKER, lambda c, w: c.delete(tell("fleet:workers"))),
    "a worker is gone": (Wrong.WORKER, lambda c, w: c.zadd(tell("fleet:names"), {"nobody": 0})),
    "a worker is lost and gone": (Wrong.WORKER, lambda c, w: c.zadd(tell("fleet:workers"), {"nobody": 9e12})),
    "a worker that is gone is told something": (
        Wrong.WORKER,
        lambda c, w: c.hset(tell("fleet:directives"), "nobody", "quiet"),
    ),
    "nobody forgets workers": (Wrong.AGENDA, lambda c, w: c.zrem(tell("agenda"), "workers:")),
}


class Client(redis.Redis):
    """A client that knows its way around."""

    def zrangebylex_idem(self) -> list[bytes]:
        return [member for member in self.zrange(tell("agenda"), 0, -1) if member.startswith(b"idem:")]


@pytest.fixture
def client(store_url: str) -> Any:
    with Client.from_url(store_url) as client:
        yield client


async def test_a_store_that_nobody_broke_agrees(stage: Stage) -> None:
    await world(stage)
    assert await check_shard(stage.engine) == []


@pytest.mark.parametrize("damage", DAMAGES)
async def test_what_is_broken_is_found_and_mended(stage: Stage, client: Client, damage: str) -> None:
    jobs = await world(stage)
    kind, breaks = DAMAGES[damage]
    breaks(client, jobs)
    found = await check_shard(stage.engine)
    assert kind in {each.kind for each in found}
    assert await check_shard(stage.engine) == found, "a look changes nothing"
    await check_shard(stage.engine, repair=True)
    assert await check_shard(stage.engine) == []


async def test_a_job_whose_places_were_all_lost_is_leased_again(stage: Stage, client: Client) -> None:
    """Everything but the records is gone: nobody who waits is forgotten."""
    jobs = await world(stage)
    kept = (b"j:", b"meta", b"clock", b"q:q:settings", b"a:")
    client.delete(*[key for key in client.scan_iter() if not key.removeprefix(P.encode()).startswith(kept)])
    await check_shard(stage.engine, repair=True)
    assert await check_shard(stage.engine) == []
    (stats,) = await stage.engine.stats(["q"])
    assert (stats.counts[State.READY], stats.counts[State.LEASED], stats.counts[State.SCHEDULED]) == (7, 2, 1)
    stage.later(20_000_000)
    await stage.tick()
    grant = await stage.engine.lease(LeaseAsk(queues=["q"], max_jobs=50))
    assert {jobs[name] for name in ("slot", "tenant", "later", "unique", "orderly")} <= {job.id for job in grant.jobs}


async def test_a_key_of_no_kind_is_told_and_left_alone(stage: Stage, client: Client) -> None:
    client.set(tell("mystery"), 1)
    (found,) = await check_shard(stage.engine, repair=True)
    assert (found.kind, "mystery" in found.detail, client.exists(tell("mystery"))) == (Wrong.STRANGER, True, 1)
    client.delete(tell("mystery"))


async def test_large_sets_are_gone_through_in_pages(stage: Stage, client: Client) -> None:
    for _ in range(12):
        await stage.put(*(stage.new(run_at_ms=5_000_000, tags={"a": "b"}) for _ in range(200)))
    client.zadd(tell("q:q:scheduled"), {GHOST: 5_000_000})
    page = await stage.engine.check(0, None, repair=False)
    pages, found = 1, [*page.found]
    while page.cursor is not None:
        assert page.looked_at < 3_000
        page = await stage.engine.check(0, page.cursor, repair=True)
        pages, found = pages + 1, found + page.found
    assert pages > 3
    assert await check_shard(stage.engine, repair=True) == [] or {each.job_id for each in found} == {GHOST}


async def test_it_finds_nothing_in_the_middle_of_work(store_url: str, make_engine: EngineMaker) -> None:
    """Beside servers that move jobs all the time: each look is at one moment."""
    engine = await make_engine(store_url, with_loops=True)
    await engine.set_limit("api", LimitSettings(concurrency=2))

    async def work(number: int) -> None:
        for turn in range(30):
            options = [{}, {"limits": ("api:1",)}, {"ordering_key": "o"}, {"unique": Unique(digest=b"%016d" % turn)}]
            await enqueue(engine, tags={"n": str(number)}, retention_ms=60_000, **options[number % 3])
            for job in (await engine.lease(LeaseAsk(queues=["q"], max_jobs=2))).jobs:
                await engine.settle([Ack(job_id=job.id, token=job.token)])

    working = asyncio.gather(*(work(number) for number in range(6)))
    looks = 0
    while not working.done():
        assert await check_shard(engine) == []
        looks += 1
    await working
    assert looks > 2


async def test_the_loop_mends_and_says_so(
    store_url: str, make_engine: EngineMaker, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    engine = await make_engine(store_url)
    job_id = await enqueue(engine)
    client.zrem(tell("q:q:ready"), job_id)
    caplog.set_level(logging.WARNING)
    loops = asyncio.create_task(run_loops(engine, check_interval_ms=10))

    async def is_told() -> bool:
        await asyncio.sleep(0)
        return bool(caplog.messages)

    await eventually_async(is_told, what="something is logged")
    loops.cancel()
    await asyncio.gather(loops, return_exceptions=True)
    assert caplog.messages == ["the check found and mended: is ready and does not lie there"]
    assert client.zscore(tell("q:q:ready"), job_id) is not None


@pytest.mark.breaks_store("to see that the end of a test notices it")
async def test_the_end_of_every_test_notices(stage: Stage, client: Client, store_url: str) -> None:
    job_id = await stage.put_one()
    client.zrem(tell("q:q:ready"), job_id)
    (told,) = await asyncio.to_thread(look_at, store_url)
    assert "is ready and does not lie there" in told


async def test_one_server_of_all_takes_a_round(stage: Stage, store_url: str, make_engine: EngineMaker) -> None:
    other = await make_engine(store_url, scripts=SCRIPTS)
    assert await stage.engine.begin_check(0, 10_000)
    assert not await other.begin_check(0, 10_000)
    stage.later(9_999)
    assert not await other.begin_check(0, 10_000)
    stage.later(1)
    assert await other.begin_check(0, 10_000)
    assert not await stage.engine.begin_check(0, 10_000)
