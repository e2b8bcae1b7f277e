"""Unique jobs: who holds a key and for how long, and what an enqueue does that meets one."""

import asyncio

import pytest
from headrace_server.domain.jobs import Body, IdempotencyKey, OnConflict, Unique, UniqueUntil
from headrace_server.domain.lifecycle import State
from headrace_server.domain.requests import Ack, EnqueueGroup, EnqueueStatus, LeaseAsk, Nack, Placed, Release

from tests.engine.conftest import EngineMaker, new_job
from tests.engine.stage import Stage

pytestmark = pytest.mark.anyio

KEY = b"k" * 16


def unique(until: UniqueUntil = UniqueUntil.FINISH, on_conflict: OnConflict = OnConflict.RETURN, **more: int) -> Unique:
    return Unique(digest=KEY, until=until, on_conflict=on_conflict, **more)


REJECT = unique(on_conflict=OnConflict.REJECT)
REPLACE = unique(on_conflict=OnConflict.REPLACE)


async def test_a_second_job_of_a_key_is_the_first_one(stage: Stage) -> None:
    first = await stage.put_one(unique=unique())
    again = await stage.put(stage.new(unique=unique()))
    assert (again.status, again.placed, again.ids) == (EnqueueStatus.CREATED, [Placed.DEDUPLICATED], [first])
    assert again.jobs == [None]
    assert (await stage.engine.stats(["q"]))[0].counts[State.READY] == 1


async def test_a_rejected_one_names_the_job_in_its_way_and_nothing_of_its_group_is_written(stage: Stage) -> None:
    first = await stage.put_one(unique=unique())
    refused = await stage.put(stage.new(), stage.new(unique=REJECT))
    assert (refused.status, refused.refused, refused.conflicts) == (EnqueueStatus.CONFLICT, [1], [first])
    assert (await stage.engine.stats(["q"]))[0].counts[State.READY] == 1


async def test_keys_are_of_a_group_of_queues(stage: Stage) -> None:
    """Two queues of one group share it; who makes the digest puts the group in it."""
    first = await stage.put_one("mail.high", unique=unique())
    assert await stage.put_one("mail.low", unique=unique()) == first


@pytest.mark.parametrize("until", UniqueUntil)
async def test_how_long_a_key_is_held(stage: Stage, until: UniqueUntil) -> None:
    wish = unique(until, ttl_ms=5_000 if until is UniqueUntil.TTL else None)  # type: ignore[arg-type]
    first = await stage.put_one(unique=wish)
    job = await stage.lease()
    assert (await stage.put_one(unique=wish) == first) is (until is not UniqueUntil.START)
    await stage.settle(Ack(job_id=first, token=job.token))
    free = {UniqueUntil.START: False, UniqueUntil.FINISH: True, UniqueUntil.TTL: False}[until]
    (answer,) = (await stage.put(stage.new(unique=wish))).placed
    assert (answer is Placed.CREATED) is free
    stage.later(5_000)
    if until is UniqueUntil.TTL:  # also before anybody swept it
        (answer,) = (await stage.put(stage.new(unique=wish))).placed
        assert answer is Placed.CREATED


async def test_a_job_never_meets_its_own_key(stage: Stage) -> None:
    """Retry, release and reap leave it where it is."""
    first = await stage.put_one(unique=unique())
    job = await stage.lease()
    await stage.settle(Release(job_id=first, token=job.token))
    job = await stage.lease()
    await stage.settle(Nack(job_id=first, token=job.token, error=b"{}", retry_in_ms=0))
    await stage.tick()
    job = await stage.lease(lease_ms=1_000)
    stage.later(1_000)
    await stage.tick()
    assert (await stage.job(first)).state is State.READY
    assert await stage.put_one(unique=unique()) == first


async def test_whatever_ends_a_job_frees_its_key(stage: Stage) -> None:
    cancelled = await stage.put_one(unique=unique())
    await stage.cancel(cancelled)
    expired = await stage.put_one(unique=unique(), expires_in_ms=10)
    stage.later(10)
    await stage.tick()
    assert (await stage.job(expired)).state is State.CANCELLED
    dead = await stage.put_one(unique=unique())
    job = await stage.lease()
    await stage.settle(Nack(job_id=dead, token=job.token, error=b"{}", retryable=False))
    last = await stage.put(stage.new(unique=unique()))
    assert last.placed == [Placed.CREATED]
    assert len({cancelled, expired, dead, *last.ids}) == 4


async def test_only_its_holder_frees_a_key(stage: Stage) -> None:
    """The first job gave its key up when it started: its end is none of the second one's business."""
    wish = unique(UniqueUntil.START)
    await stage.put_one(unique=wish)
    job = await stage.lease()
    second = await stage.put_one(unique=wish)
    await stage.settle(Ack(job_id=job.id, token=job.token))
    assert await stage.put_one(unique=wish) == second


async def test_the_time_of_a_key_goes_on_without_its_job(stage: Stage) -> None:
    wish = unique(UniqueUntil.TTL, ttl_ms=60_000)
    first = await stage.put_one(unique=wish, retention_ms=1_000)
    await stage.cancel(first)
    stage.later(1_000)
    await stage.tick()
    assert await stage.engine.get([first]) == [None]
    assert await stage.put_one(unique=wish) == first  # gone, and yet in the way
    refused = await stage.put(stage.new(unique=REPLACE))
    assert (refused.status, refused.conflicts) == (EnqueueStatus.CONFLICT, [first])


async def test_keys_whose_time_is_over_are_swept_and_others_are_not(stage: Stage) -> None:
    await stage.put_one(unique=unique(UniqueUntil.TTL, ttl_ms=1_000))
    stage.later(1_000)
    taken = await stage.put_one(unique=unique())  # before the sweep, for as long as it takes
    await stage.tick()
    assert await stage.put_one(unique=unique()) == taken
    assert stage.keys("uniques") == set()
    await stage.cancel(taken)
    assert stage.keys("u:*") == set()


async def test_replace_makes_the_waiting_job_another_one(stage: Stage) -> None:
    """Debounce: same id, enqueued then; all else is the new job's."""
    first = await stage.put_one(
        "mail.low",
        unique=unique(),
        priority=7,
        delay_ms=500,
        expires_in_ms=900,
        tags={"a": "b"},
        meta=b"{}",
        limits=("l",),
    )
    before = await stage.job(first)
    stage.later(100)
    wish = unique(UniqueUntil.TTL, OnConflict.REPLACE, ttl_ms=50)
    answer = await stage.put(stage.new("mail.high", unique=wish, payload=Body(b"2"), fairness_key="f"))
    assert (answer.placed, answer.ids, answer.jobs) == ([Placed.REPLACED], [first], [None])
    job = await stage.job(first)
    assert (job.queue, job.payload.data, job.state, job.priority) == ("mail.high", b"2", State.READY, 100)
    assert (job.enqueued_at_ms, job.expires_at_ms, job.tags, job.meta) == (before.enqueued_at_ms, None, None, None)
    assert (job.limits, job.fairness_key) == ((), "f")
    assert job.rev > before.rev
    counts = [
        s.counts[State.SCHEDULED] + s.counts[State.READY] for s in await stage.engine.stats(["mail.low", "mail.high"])
    ]
    assert counts == [0, 1]
    assert stage.keys("tag:*") == set()
    stage.later(900)
    await stage.tick()
    assert (await stage.lease("mail.high")).id == first  # the old expiry is forgotten


async def test_replace_leaves_a_job_alone_that_was_started(stage: Stage) -> None:
    first = await stage.put_one(unique=unique())
    job = await stage.lease()
    refused = await stage.put(stage.new(unique=REPLACE))
    assert (refused.status, refused.conflicts) == (EnqueueStatus.CONFLICT, [first])
    await stage.settle(Release(job_id=first, token=job.token))  # ready again, and yet started
    assert (await stage.put(stage.new(unique=REPLACE))).status is EnqueueStatus.CONFLICT


async def test_a_replaced_job_lines_up_anew(stage: Stage) -> None:
    first = await stage.put_one(unique=unique())
    second = await stage.put_one()
    await stage.put(stage.new(unique=REPLACE))
    assert [(await stage.lease()).id for _ in range(2)] == [second, first]


async def test_who_watches_a_job_hears_that_it_was_replaced(stage: Stage) -> None:
    first = await stage.put_one(unique=unique())
    known = (await stage.job(first)).rev
    watch = asyncio.create_task(stage.engine.wait_job(first, wait_ms=20_000, known_rev=known))
    while b"w" not in (stage.field(first, "o") or b""):
        await asyncio.sleep(0)
    await stage.put(stage.new(unique=REPLACE, payload=Body(b"2")))
    job = await asyncio.wait_for(watch, 10)
    assert job is not None
    assert job.payload.data == b"2"
    assert b"w" in (stage.field(first, "o") or b"")  # still watched


@pytest.mark.parametrize(
    ("on_conflict", "status", "placed"),
    [
        (OnConflict.RETURN, EnqueueStatus.CREATED, [Placed.CREATED, Placed.DEDUPLICATED]),
        (OnConflict.REJECT, EnqueueStatus.CONFLICT, []),
        (OnConflict.REPLACE, EnqueueStatus.CONFLICT, []),
    ],
)
async def test_jobs_of_one_group_may_meet_each_other(
    stage: Stage, on_conflict: OnConflict, status: EnqueueStatus, placed: list[Placed]
) -> None:
    wish = unique(on_conflict=on_conflict)
    first = stage.new(unique=wish)
    answer = await stage.put(first, stage.new(unique=wish))
    assert (answer.status, answer.placed) == (status, placed)
    if status is EnqueueStatus.CREATED:
        assert answer.ids == [first.id, first.id]
    else:
        assert (answer.refused, answer.conflicts) == ([1], [first.id])
        assert stage.keys("u:*") == set()


async def test_an_idempotency_key_remembers_the_job_that_was_there(stage: Stage) -> None:
    first = await stage.put_one(unique=unique())
    key = IdempotencyKey(b"d" * 16, b"f" * 16)
    await stage.engine.enqueue(EnqueueGroup([stage.new(unique=unique())], key))
    replay = await stage.engine.enqueue(EnqueueGroup([stage.new(unique=unique())], key))
    assert (replay.status, replay.ids) == (EnqueueStatus.REPLAYED, [first])


async def test_many_engines_make_one_job_of_a_key(store_url: str, make_engine: EngineMaker) -> None:
    engines = [await make_engine(store_url) for _ in range(4)]

    async def put(number: int) -> bytes:
        engine = engines[number % len(engines)]
        return (await engine.enqueue(EnqueueGroup([new_job(engine, unique=unique())]))).ids[0]

    ids = await asyncio.gather(*(put(number) for number in range(80)))
    assert len(set(ids)) == 1
    assert (await engines[0].stats(["q"]))[0].backlog == 1


async def test_a_key_is_never_held_twice_while_jobs_come_and_end(store_url: str, make_engine: EngineMaker) -> None:
    """Producers, and workers that finish and fail: whenever one looks, at most one job of the key has not ended."""
    engines = [await make_engine(store_url) for _ in range(3)]
    most = 0

    async def produce(number: int) -> None:
        engine = engines[number % len(engines)]
        for _ in range(30):
            await engine.enqueue(EnqueueGroup([new_job(engine, unique=REPLACE if number % 2 else unique())]))

    async def work(number: int) -> None:
        nonlocal most
        engine = engines[number % len(engines)]
        for _ in range(30):
            counts = (await engine.stats(["q"]))[0].counts
            most = max(most, counts[State.READY] + counts[State.LEASED] + counts[State.RETRYING])
            for job in (await engine.lease(LeaseAsk(queues=["q"]))).jobs:
                await engine.settle([Ack(job_id=job.id, token=job.token)])

    await asyncio.gather(*(produce(n) for n in range(4)), *(work(n) for n in range(4)))
    assert most == 1
    counts = (await engines[0].stats(["q"]))[0].counts
    assert counts[State.SUCCEEDED] + counts[State.READY] > 1
