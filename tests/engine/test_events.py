"""The log of state changes: in the order of revs, nothing left out without a word, and written only for readers."""

import asyncio
import itertools

import pytest
import redis
from headrace_server.domain.events import Event, EventPage
from headrace_server.domain.finding import CursorInvalid
from headrace_server.domain.lifecycle import State
from headrace_server.domain.limits import EVENTS_KEPT_REVS, EVENTS_WRITTEN_MS
from headrace_server.domain.requests import Ack, Extend, LeaseAsk, Nack
from headrace_server.engine import Engine, wakeups

from tests.engine.conftest import EngineMaker, enqueue
from tests.engine.stage import Stage
from tests.support.stores import StoreProcess
from tests.support.waiting import eventually_async

pytestmark = pytest.mark.anyio


async def read(engine: Engine, after: str | None, limit: int = 1_000) -> EventPage:
    return await engine.events(after, limit=limit, wait_ms=0)


def moves(events: list[Event]) -> list[tuple[State | None, State | None]]:
    return [(event.was, event.state) for event in events]


async def test_every_move_of_a_life_is_told_once_and_in_order(stage: Stage) -> None:
    start = (await read(stage.engine, None)).cursor
    job_id = await stage.put_one(priority=7)
    job = await stage.lease(worker="w1")
    await stage.settle(Nack(job_id=job_id, token=job.token, error=b"{}", retry_in_ms=10))
    stage.later(10)
    await stage.tick()
    await stage.lease(worker="w2")
    stage.later(30_000)
    await stage.tick()
    await stage.cancel(job_id, "no more")
    await stage.engine.delete([job_id])
    events = (await read(stage.engine, start)).events
    first_run, second_run = (State.READY, State.LEASED, State.RETRYING), (State.READY, State.LEASED, State.READY)
    life = [None, *first_run, *second_run, State.CANCELLED, None]
    assert moves(events) == list(itertools.pairwise(life))
    revs = [event.rev for event in events]
    assert revs == sorted(set(revs))
    assert {(event.job_id, event.queue, event.task) for event in events} == {(job_id, "q", "t")}
    assert [event.attempt for event in events] == [1, 1, 2, 2, 2, 2, 2, 2]
    assert events[1].worker == "w1"
    assert events[-2].reason == "no more"
    assert events[2].at_ms == 1_000_000


async def test_an_extend_or_a_progress_is_no_event(stage: Stage) -> None:
    start = (await read(stage.engine, None)).cursor
    await stage.put_one()
    job = await stage.lease()
    await stage.settle(Extend(job_id=job.id, token=job.token, lease_ms=60_000, progress=b"1"))
    assert moves((await read(stage.engine, start)).events) == [(None, State.READY), (State.READY, State.LEASED)]


async def test_pages_end_within_the_changes_of_one_script(stage: Stage) -> None:
    start = (await read(stage.engine, None)).cursor
    await stage.put(*(stage.new() for _ in range(25)))
    await stage.put(*(stage.new() for _ in range(5)))
    seen: list[Event] = []
    cursor = start
    while page := (await read(stage.engine, cursor, 4)).events:
        assert len(page) <= 4
        seen += page
        cursor = page[-1].cursor
    assert [event.rev for event in seen] == sorted({event.rev for event in seen})
    assert len(seen) == 30
    whole = (await read(stage.engine, start)).events
    assert [event.rev for event in whole] == [event.rev for event in seen]


async def test_nothing_is_written_while_nobody_reads(stage: Stage) -> None:
    await stage.put_one()
    assert stage.keys("events") == set()
    await read(stage.engine, None)
    await stage.put_one()
    assert stage.keys("events") == {"hr:{0}:events"}
    stage.later(2 * EVENTS_WRITTEN_MS)
    await stage.tick()
    assert stage.keys("events") == set()


async def test_who_comes_back_in_time_misses_nothing(stage: Stage) -> None:
    start = (await read(stage.engine, None)).cursor
    stage.later(EVENTS_WRITTEN_MS - 1)
    await stage.put_one()
    (event,) = (await read(stage.engine, start)).events
    assert not event.gap


async def test_who_comes_back_too_late_is_told_of_the_gap(stage: Stage) -> None:
    start = (await read(stage.engine, None)).cursor
    await stage.put_one()
    stage.later(2 * EVENTS_WRITTEN_MS)
    await stage.put_one()
    gap = await read(stage.engine, start)
    assert [event.gap for event in gap.events] == [True]
    await stage.put_one()
    (event,) = (await read(stage.engine, gap.events[0].cursor)).events
    assert (event.gap, event.state) == (False, State.READY)


async def test_a_log_that_is_kept_has_what_was_before_the_first_reader(stage: Stage) -> None:
    start = (await read(stage.engine, None)).cursor
    for _ in range(5):
        stage.later(EVENTS_WRITTEN_MS - 1)
        await stage.engine.keep_events()
        await stage.put_one()
    assert [event.gap for event in (await read(stage.engine, start)).events] == [False] * 5


async def test_what_was_cut_off_is_a_gap_and_what_is_left_is_told(stage: Stage, store_url: str) -> None:
    start = (await read(stage.engine, None)).cursor
    for _ in range(150):  # more than one node of the stream, so that one can be cut off
        await stage.put_one()
    with redis.Redis.from_url(store_url) as client:
        client.hincrby("hr:{0}:meta", "rev", EVENTS_KEPT_REVS + 1_000)
    last = await stage.put_one()
    first, *rest = (await read(stage.engine, start)).events
    assert first.gap
    assert rest[-1].job_id == last
    assert not any(event.gap for event in rest)
    assert (await read(stage.engine, first.cursor)).events == rest


async def test_a_cursor_from_another_life_of_the_store_is_a_gap(stage: Stage, store_url: str) -> None:
    """A backup was restored: the revs that its holder knows are yet to come."""
    await read(stage.engine, None)
    await stage.put_one()
    ahead = (await read(stage.engine, None)).cursor
    with redis.Redis.from_url(store_url) as client:
        client.hset("hr:{0}:meta", "rev", 0)
        client.delete("hr:{0}:events")
    assert [event.gap for event in (await read(stage.engine, ahead)).events] == [True]


async def test_a_reader_waits_for_the_next_change(
    store_url: str, make_engine: EngineMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From another server, and by its message: not by the look that everybody takes once a second."""
    monkeypatch.setattr(wakeups, "FLOOR_S", 60.0)
    engine, other = await make_engine(store_url), await make_engine(store_url)
    start = (await read(engine, None)).cursor
    waiting = asyncio.create_task(engine.events(start, limit=10, wait_ms=20_000))
    await eventually_async(lambda: _is_parked(engine), what="the reader is parked")
    job_id = await enqueue(other)
    assert [event.job_id for event in (await waiting).events] == [job_id]


async def _is_parked(engine: Engine) -> bool:
    await asyncio.sleep(0)
    return len(engine._listening) == 1


async def test_a_wait_ends_with_its_time_or_with_the_server(store_url: str, make_engine: EngineMaker) -> None:
    engine = await make_engine(store_url)
    start = (await read(engine, None)).cursor
    page = await engine.events(start, limit=10, wait_ms=50)
    assert (page.events, page.cursor) == ([], start)
    waiting = asyncio.create_task(engine.events(start, limit=10, wait_ms=20_000))
    await eventually_async(lambda: _is_parked(engine), what="the reader is parked")
    engine.drain()
    async with asyncio.timeout(5):
        assert (await waiting).events == []


async def test_one_cursor_holds_the_places_of_all_shards(valkey: StoreProcess, make_engine: EngineMaker) -> None:
    engine = await make_engine(valkey.url, shards=3)
    cursor = (await read(engine, None)).cursor
    jobs = [await enqueue(engine, f"q{number}") for number in range(20)]
    grant = await engine.lease(LeaseAsk(queues=[f"q{n}" for n in range(20)], max_jobs=20))
    await engine.settle([Ack(job_id=job.id, token=job.token) for job in grant.jobs])
    seen: list[Event] = []
    while page := (await read(engine, cursor, 7)).events:
        seen += page
        cursor = page[-1].cursor
    assert len(seen) == 60
    for job_id in jobs:
        assert [event.state for event in seen if event.job_id == job_id] == [State.READY, State.LEASED, State.SUCCEEDED]


@pytest.mark.parametrize("cursor", ["", "12", "AAAAAAAAAAAA"])
async def test_a_cursor_that_is_not_ours_is_refused(stage: Stage, cursor: str) -> None:
    with pytest.raises(CursorInvalid):
        await read(stage.engine, cursor)


async def test_readers_at_the_same_place_share_one_look_into_the_store(stage: Stage) -> None:
    start = (await read(stage.engine, None)).cursor
    await stage.put_one()
    behind = (await read(stage.engine, start)).cursor
    await stage.put_one()
    pages = await asyncio.gather(*(read(stage.engine, after) for after in [start, behind] * 50))
    assert len({id(page) for page in pages}) == 2
    assert [len(page.events) for page in pages] == [2, 1] * 50
