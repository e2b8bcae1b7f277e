"""A test clock: what is due on the way happens in its order, and nobody takes jobs meanwhile."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from headrace_server.domain.defaults import Defaults
from headrace_server.domain.jobs import Body, NewJob
from headrace_server.domain.lifecycle import State
from headrace_server.domain.limits import DAY_MS, HOUR_MS, MINUTE_MS
from headrace_server.domain.requests import Ack, EnqueueGroup, Grant, LeaseAsk, Nack
from headrace_server.domain.retry import RetryPolicy
from headrace_server.domain.schedules import Schedule
from headrace_server.domain.timing import Every
from headrace_server.engine import Engine, StoreMismatch, clockwork

from tests.support.stores import StoreProcess

pytestmark = pytest.mark.anyio

SLACK_MS = 60_000  # of this machine: time goes on while a test runs


@pytest.fixture
async def engine(valkey: StoreProcess, anyio_backend: str) -> AsyncIterator[Engine]:
    engine = Engine(valkey.url, shards=2, test_clock=True)
    await engine.start()
    yield engine
    await engine.close()


async def put(engine: Engine, queue: str = "q", **options: object) -> bytes:
    job = NewJob(id=engine.new_id(queue), task="t", queue=queue, payload=Body(b"1"), **options)  # type: ignore[arg-type]
    await engine.enqueue(EnqueueGroup([job]))
    return job.id


async def state(engine: Engine, job_id: bytes) -> State | None:
    (job,) = await engine.get([job_id])
    return job.state if job else None


async def history(engine: Engine, cursor: str) -> list[tuple[bytes, State | None, int]]:
    page = await engine.events(cursor, limit=1_000, wait_ms=0)
    return [(event.job_id, event.state, event.at_ms) for event in page.events if not event.gap]


async def test_it_is_as_fast_as_everybodys_and_ahead_of_it(engine: Engine) -> None:
    before = await engine.clock()
    assert before.ahead_ms == 0
    turned = await engine.advance_clock(by_ms=3 * DAY_MS)
    after = await engine.clock()
    assert turned.done
    assert 0 <= turned.target_ms - 3 * DAY_MS - before.now_ms < SLACK_MS
    assert turned.target_ms <= turned.view.now_ms <= after.now_ms < turned.target_ms + SLACK_MS
    assert after.ahead_ms == turned.view.ahead_ms == 3 * DAY_MS
    assert await engine.now_ms() >= after.now_ms
    later = await engine.clock()
    back = await engine.advance_clock(to_ms=before.now_ms)
    assert back.view.now_ms >= later.now_ms  # and never back


async def test_what_is_due_on_the_way_happens_at_its_moment_and_in_order(engine: Engine) -> None:
    cursor = (await engine.events(None, limit=1, wait_ms=0)).cursor
    start_ms = await engine.now_ms()
    spans = {3: 30 * HOUR_MS, 1: 10 * HOUR_MS, 2: 20 * HOUR_MS, 9: 90 * HOUR_MS}
    ids = {name: await put(engine, f"q{name}", delay_ms=ms) for name, ms in spans.items()}
    expiring = await put(engine, "x", expires_in_ms=15 * HOUR_MS)
    turned = await engine.advance_clock(by_ms=2 * DAY_MS)
    assert turned.done
    names = {job_id: name for name, job_id in ids.items()}
    found = [(names[i], at) for i, now, at in await history(engine, cursor) if now is State.READY and i in names]
    assert [name for name, _ in found] == [1, 2, 3]
    for name, at_ms in found:
        assert spans[name] <= at_ms - start_ms < spans[name] + SLACK_MS
    assert await state(engine, expiring) is None  # expired after 15 hours, and its record went an hour later
    assert await state(engine, ids[9]) is State.SCHEDULED


async def test_leases_that_are_not_extended_run_out_on_the_way(engine: Engine) -> None:
    job_id = await put(engine)
    await engine.lease(LeaseAsk(queues=["q"], lease_ms=30_000))
    await engine.advance_clock(by_ms=29_000 - SLACK_MS // 60)
    assert await state(engine, job_id) is State.LEASED
    await engine.advance_clock(by_ms=5_000)
    assert await state(engine, job_id) is State.READY


async def test_a_parked_poll_gets_what_became_ready(engine: Engine) -> None:
    job_id = await put(engine, delay_ms=DAY_MS)
    poll = asyncio.create_task(engine.poll(LeaseAsk(queues=["q"]), 30_000))
    while not len(engine._parking):
        await asyncio.sleep(0.005)
    await engine.advance_clock(by_ms=DAY_MS)
    grant = await asyncio.wait_for(poll, 0.9)  # woken, not found by looking again
    assert [job.id for job in grant.jobs] == [job_id]


async def test_nobody_takes_jobs_on_the_way(engine: Engine) -> None:
    """A job is ready after an hour and expires after two: who asks meanwhile must not see it in between."""
    first = await put(engine, "a", delay_ms=HOUR_MS, expires_in_ms=2 * HOUR_MS)
    turning = asyncio.create_task(engine.advance_clock(by_ms=DAY_MS))
    grants: list[Grant] = []
    while not turning.done():
        grants.append(await engine.lease(LeaseAsk(queues=["a"])))
    assert [grant.jobs for grant in grants if grant.jobs] == []
    assert await state(engine, first) is None


async def test_attempts_follow_one_another_as_far_as_the_clock_goes(engine: Engine) -> None:
    policy = RetryPolicy(max_attempts=3, initial_ms=HOUR_MS, max_ms=DAY_MS, jitter=False)
    job_id = await put(engine, retry=policy)
    for attempt, hours in ((1, 1), (2, 2)):
        (job,) = (await engine.lease(LeaseAsk(queues=["q"]))).jobs
        assert job.facts.attempt == attempt
        await engine.settle([Nack(job_id=job.id, token=job.token, error=b"{}")])
        await engine.advance_clock(by_ms=hours * HOUR_MS - MINUTE_MS * 2)
        assert await state(engine, job_id) is State.RETRYING
        await engine.advance_clock(by_ms=2 * MINUTE_MS)
    (job,) = (await engine.lease(LeaseAsk(queues=["q"]))).jobs
    await engine.settle([Ack(job_id=job.id, token=job.token)])
    assert await state(engine, job_id) is State.SUCCEEDED
    await engine.advance_clock(by_ms=Defaults().succeeded_retention_ms)
    assert await state(engine, job_id) is None


async def test_it_stops_after_so_many_moments_and_says_how_far_it_came(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clockwork, "MAX_CLOCK_MOMENTS", 6)
    for hour in range(5):
        await put(engine, delay_ms=(hour + 1) * HOUR_MS)
    turned = await engine.advance_clock(by_ms=DAY_MS)
    assert (turned.done, turned.moments) == (False, 6)
    assert turned.view.now_ms < turned.target_ms
    while not turned.done:
        before_ms = turned.view.now_ms
        turned = await engine.advance_clock(to_ms=turned.target_ms)
        assert turned.view.now_ms > before_ms
    assert (await engine.stats(["q"]))[0].counts[State.READY] == 5


async def test_two_who_set_it_do_so_one_after_the_other(engine: Engine) -> None:
    start_ms = (await engine.clock()).now_ms
    await put(engine, delay_ms=HOUR_MS)
    turns = await asyncio.gather(*(engine.advance_clock(by_ms=HOUR_MS) for _ in range(3)))
    assert all(turned.done for turned in turns)
    assert 3 * HOUR_MS <= turns[-1].view.now_ms - start_ms < 3 * HOUR_MS + SLACK_MS


async def test_another_engine_on_the_same_store_has_the_same_time(engine: Engine, valkey: StoreProcess) -> None:
    await engine.advance_clock(by_ms=DAY_MS)
    other = Engine(valkey.url, shards=2, test_clock=True)
    await other.start()
    assert (await other.clock()).ahead_ms == (await engine.clock()).ahead_ms
    await other.close()


@pytest.mark.parametrize("made_for_tests", [True, False])
async def test_a_store_is_for_tests_or_it_is_not(valkey: StoreProcess, made_for_tests: bool) -> None:
    first = Engine(valkey.url, test_clock=made_for_tests)
    await first.start()
    await first.close()
    again = Engine(valkey.url, test_clock=made_for_tests)
    await again.start()
    await again.close()
    other = Engine(valkey.url, test_clock=not made_for_tests)
    with pytest.raises(StoreMismatch, match="--test-clock"):
        await other.start()
    await other.close()


async def test_other_engines_scripts_do_not_know_of_it(valkey: StoreProcess) -> None:
    plain, tests = Engine(valkey.url), Engine(valkey.url, test_clock=True)
    assert all(b"ahead_ms" not in script.source for verb, script in plain._scripts.items() if verb != "clock")
    assert all(b"ahead_ms" in script.source for verb, script in tests._scripts.items() if verb != "init")
    await plain.close()
    await tests.close()


async def test_schedules_fire_slot_by_slot_on_the_way(engine: Engine) -> None:
    """Also those that catch up with the newest slot only: none of them is late."""
    begun_ms = (await engine.clock()).now_ms
    for number, queue in enumerate(("a", "b")):  # on shards of their own, as often as not
        job = NewJob(id=b"", task="t", queue=queue, payload=Body(b"1"))
        await engine.put_schedule(f"s{number}", Schedule(timing=Every(HOUR_MS, begun_ms), job=job, asked=b"{}"), None)
    turned = await engine.advance_clock(by_ms=5 * HOUR_MS)
    assert turned.done
    for number in range(2):
        seen = await engine.schedule(f"s{number}")
        assert seen is not None
        assert (seen.fired, seen.missed) == (5, 0)
        slots = [run.slot_ms for run in reversed(seen.runs)]
        assert slots == [begun_ms + HOUR_MS * n for n in range(1, 6)]
        assert all(run.fired_at_ms - run.slot_ms < SLACK_MS for run in seen.runs)
