"""Limits of keys: said, changed and taken back live; what they hold back is looked at anew at once."""

import asyncio

import pytest
from headrace_server.domain.limits import LANES_OPENED, TICK_JOBS
from headrace_server.domain.queues import LimitSettings, Rate
from headrace_server.domain.requests import Ack, LeaseAsk
from headrace_server.engine import wakeups

from tests.engine.conftest import EngineMaker, enqueue
from tests.engine.stage import Stage, StageMaker
from tests.engine.test_polls import parked
from tests.support.stores import StoreProcess

pytestmark = pytest.mark.anyio

ONE = LimitSettings(concurrency=1)
SLOW = LimitSettings(rate=Rate(count=1, per_ms=60_000, burst=1))


async def lease_all(stage: Stage, *queues: str) -> list[bytes]:
    """Return the ids of all jobs that queues give now."""
    grant = await stage.engine.lease(LeaseAsk(queues=list(queues) or ["q"], max_jobs=1_000))
    return [job.id for job in grant.jobs]


async def test_a_limit_is_read_back_as_it_was_said(stage: Stage) -> None:
    both = LimitSettings(concurrency=3, rate=Rate(count=7, per_ms=1_000, burst=9))
    assert (await stage.engine.set_limit("api:eu", both)).settings == both
    await stage.put_one(limits=("api:eu",))
    await lease_all(stage)
    view = await stage.engine.limit("api:eu")
    assert (view.settings, view.leased, view.held_until_ms) == (both, 1, None)
    assert (await stage.engine.unset_limit("api:eu")).settings is None
    assert stage.keys("limit*") == set()


async def test_limits_are_listed_by_name_page_by_page(stage: Stage) -> None:
    for name in ("c", "a:b", "a"):
        await stage.engine.set_limit(name, ONE)
    await stage.engine.back_off("b", 1_000)
    first = await stage.engine.limits(None, 3)
    assert ([view.name for view in first.limits], first.next_after) == (["a", "a:b", "b"], "b")
    assert [view.name for view in (await stage.engine.limits("b", 3)).limits] == ["c"]
    stage.later(1_000)
    await stage.tick()
    assert [view.name for view in (await stage.engine.limits(None, 9)).limits] == ["a", "a:b", "c"]


async def test_a_wider_limit_opens_what_the_narrow_one_held_back(stage: Stage) -> None:
    await stage.engine.set_limit("api", ONE)
    for _ in range(3):
        await stage.put_one(limits=("api",))
    assert len(await lease_all(stage)) == 1
    assert await stage.is_dry()
    await stage.engine.set_limit("api", LimitSettings(concurrency=2))
    await stage.tick()
    assert len(await lease_all(stage)) == 1
    await stage.engine.unset_limit("api")
    await stage.tick()
    assert len(await lease_all(stage)) == 1


async def test_a_change_reaches_all_keys_below_the_name(stage: Stage) -> None:
    """And not those that only begin alike; more of them than one step of a tick looks at."""
    await stage.engine.set_limit("api", ONE)
    await stage.engine.set_limit("apis", ONE)
    tenants = TICK_JOBS + 20
    for number in range(tenants):
        for _ in range(2):
            await stage.put_one(limits=(f"api:{number}",))
    for _ in range(2):
        await stage.put_one(limits=("apis",))
    for _ in range(5):  # a lease looks at so many lanes and no more
        await lease_all(stage)
    assert await stage.is_dry()
    await stage.engine.set_limit("api", LimitSettings(concurrency=2))
    await stage.tick()
    stage.later(1_000)  # whatever was opened in steps
    await stage.tick()
    more = [job_id for _ in range(5) for job_id in await lease_all(stage)]
    assert len(more) == tenants
    assert (await stage.engine.limit("apis")).leased == 1


async def test_lanes_come_back_in_bounded_steps(stage: Stage) -> None:
    """One key, many lanes: each has another second key."""
    await stage.engine.set_limit("shared", ONE)
    lanes = 5 * LANES_OPENED
    for number in range(lanes):
        await stage.put_one(limits=("shared", f"own{number}"))
    assert len(await lease_all(stage)) == 1
    await lease_all(stage)
    assert await stage.is_dry()
    await stage.engine.unset_limit("shared")
    await stage.tick()
    assert len(await lease_all(stage)) == lanes - 1


async def test_a_back_off_holds_every_key_of_the_name_until_its_end(stage: Stage) -> None:
    held = await stage.put_one(limits=("api:eu",))
    free = await stage.put_one(limits=("apis",))
    view = await stage.engine.back_off("api", 20_000)
    assert view.held_until_ms == stage.now_ms + 20_000
    assert await lease_all(stage) == [free]
    stage.later(19_999)
    await stage.tick()
    assert await stage.is_dry()
    stage.later(1)
    await stage.tick()
    assert await lease_all(stage) == [held]


async def test_a_back_off_that_ends_early_lets_go_at_once(stage: Stage) -> None:
    await stage.engine.back_off("api", 30_000)
    held = await stage.put_one(limits=("api",))
    assert await stage.is_dry()
    assert (await stage.engine.back_off("api", 0)).held_until_ms is None
    await stage.tick()
    assert await lease_all(stage) == [held]


async def test_a_back_off_and_settings_do_not_touch_each_other(stage: Stage) -> None:
    await stage.engine.set_limit("api", ONE)
    await stage.engine.back_off("api", 5_000)
    held_ms = stage.now_ms + 5_000
    view = await stage.engine.set_limit("api", SLOW)
    assert (view.settings, view.held_until_ms) == (SLOW, held_ms)
    view = await stage.engine.unset_limit("api")
    assert (view.settings, view.held_until_ms) == (None, held_ms)


async def test_a_faster_rate_does_not_wait_for_the_token_of_the_slow_one(stage: Stage) -> None:
    await stage.engine.set_limit("api", SLOW)
    for _ in range(2):
        await stage.put_one(limits=("api",))
    assert len(await lease_all(stage)) == 1
    assert await stage.is_dry()
    await stage.engine.set_limit("api", LimitSettings(concurrency=5))
    await stage.tick()
    assert len(await lease_all(stage)) == 1


async def test_a_stricter_limit_holds_for_jobs_that_were_ready_before(stage: Stage) -> None:
    jobs = [await stage.put_one(limits=("api",)) for _ in range(3)]
    await stage.engine.set_limit("api", ONE)
    assert await lease_all(stage) == jobs[:1]


async def test_whoever_waits_hears_that_a_back_off_was_ended(
    store_url: str, make_engine: EngineMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wakeups, "FLOOR_S", 60.0)
    engine, other = await make_engine(store_url, with_loops=True), await make_engine(store_url, with_loops=True)
    await engine.back_off("api", 60_000)
    await enqueue(engine, limits=("api",))
    poll = asyncio.create_task(engine.poll(LeaseAsk(queues=["q"]), 20_000))
    await parked(engine, 1)
    await other.back_off("api", 0)
    assert len((await poll).jobs) == 1


async def test_over_shards_each_holds_by_itself_and_the_view_is_the_sum(
    valkey: StoreProcess, make_engine: EngineMaker
) -> None:
    engine = await make_engine(valkey.url, shards=3)
    await engine.set_limit("api", ONE)
    queues = [f"q{n}" for n in range(12)]
    for queue in queues:
        await enqueue(engine, queue, limits=("api",))
    grant = await engine.lease(LeaseAsk(queues=queues, max_jobs=20))
    assert len(grant.jobs) == 3
    view = await engine.limit("api")
    assert (view.leased, view.settings) == (3, ONE)
    assert [each.leased for each in (await engine.limits(None, 5)).limits] == [3]
    job = grant.jobs[0]
    await engine.settle([Ack(job_id=job.id, token=job.token)])
    assert (await engine.limit("api")).leased == 2


async def test_settings_change_nothing_by_the_call_that_is_repeated(
    make_stage: StageMaker, valkey: StoreProcess
) -> None:
    stage = await make_stage(valkey.url)
    first = await stage.engine.set_limit("api", ONE)
    assert await stage.engine.set_limit("api", ONE) == first
