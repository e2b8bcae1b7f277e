"""What refuses an enqueue: time, a drain, a full queue; and what a queue's settings say of its jobs at once."""

import asyncio

import pytest
from headrace_server.domain.jobs import Body, OnConflict, Unique
from headrace_server.domain.lifecycle import State
from headrace_server.domain.queues import QueueSettings
from headrace_server.domain.requests import Ack, EnqueueGroup, EnqueueStatus, Patch, Placed
from headrace_server.domain.retry import RetryPolicy

from tests.engine.conftest import EngineMaker, new_job
from tests.engine.stage import Stage

pytestmark = pytest.mark.anyio

KEY = b"k" * 16
TEN = Body(b"1234567890")


async def test_a_queue_holds_as_many_unended_jobs_as_it_may(stage: Stage) -> None:
    await stage.engine.configure("q", QueueSettings(max_depth=5))
    await stage.put(stage.new(), stage.new(delay_ms=1_000), stage.new(limits=("l",)), stage.new(ordering_key="o"))
    await stage.lease()  # still one of five
    full = await stage.put(stage.new(), stage.new("elsewhere"), stage.new())
    assert (full.status, full.refused) == (EnqueueStatus.FULL, [0, 2])  # as a group they are too many
    assert (await stage.put(stage.new())).status is EnqueueStatus.CREATED
    assert (await stage.put(stage.new())).status is EnqueueStatus.FULL
    job = await stage.lease()
    await stage.settle(Ack(job_id=job.id, token=job.token))
    assert (await stage.put(stage.new())).status is EnqueueStatus.CREATED


async def test_groups_of_one_script_see_each_other(stage: Stage) -> None:
    await stage.engine.configure("q", QueueSettings(max_depth=3))
    answers = await stage.engine.enqueue_each([EnqueueGroup([stage.new()]) for _ in range(5)])
    statuses = [answer.status for answer in answers]  # type: ignore[union-attr]
    assert statuses == [EnqueueStatus.CREATED] * 3 + [EnqueueStatus.FULL] * 2


async def test_many_engines_never_pass_the_bound(store_url: str, make_engine: EngineMaker) -> None:
    engines = [await make_engine(store_url) for _ in range(4)]
    await engines[0].configure("q", QueueSettings(max_depth=10))
    calls = [engine.enqueue(EnqueueGroup([new_job(engine)])) for engine in engines for _ in range(20)]
    statuses = [answer.status for answer in await asyncio.gather(*calls)]
    assert statuses.count(EnqueueStatus.CREATED) == 10
    assert (await engines[0].stats(["q"]))[0].counts[State.READY] == 10


async def test_who_meets_a_unique_key_takes_no_room(stage: Stage) -> None:
    await stage.engine.configure("q", QueueSettings(max_depth=1, max_bytes=10))
    wish = Unique(digest=KEY)
    first = await stage.put_one(unique=wish, payload=TEN)
    again = await stage.put(stage.new(unique=wish, payload=TEN))
    assert (again.placed, again.ids) == ([Placed.DEDUPLICATED], [first])
    replaced = await stage.put(stage.new(unique=Unique(digest=KEY, on_conflict=OnConflict.REPLACE), payload=TEN))
    assert replaced.placed == [Placed.REPLACED]
    assert (await stage.put(stage.new(unique=wish), stage.new())).status is EnqueueStatus.FULL


async def test_bytes_are_counted_while_the_bound_is_set_and_until_jobs_end(stage: Stage) -> None:
    await stage.put_one(payload=TEN)  # before the bound: it does not count
    await stage.engine.configure("q", QueueSettings(max_bytes=25))
    first, second = await stage.put_one(payload=TEN), await stage.put_one(payload=TEN)
    assert (await stage.put(stage.new(payload=TEN))).status is EnqueueStatus.FULL
    await stage.cancel(first)
    third = await stage.put_one(payload=TEN)
    await stage.engine.configure("q", QueueSettings())
    await stage.put_one(payload=Body(b"x" * 100))
    for job_id in (second, third):
        await stage.cancel(job_id)
    await stage.engine.configure("q", QueueSettings(max_bytes=1))
    assert (await stage.put(stage.new())).status is EnqueueStatus.CREATED  # nothing counted is left
    assert (await stage.put(stage.new())).status is EnqueueStatus.FULL


async def test_a_job_that_leaves_takes_its_bytes_along(stage: Stage) -> None:
    await stage.engine.configure("mail.low", QueueSettings(max_bytes=10))
    job_id = await stage.put_one("mail.low", payload=TEN)
    await stage.engine.patch([Patch(job_id=job_id, queue="mail.high")])
    assert (await stage.put(stage.new("mail.low", payload=TEN))).status is EnqueueStatus.CREATED
    job = await stage.lease("mail.high")
    await stage.settle(Ack(job_id=job.id, token=job.token))
    assert (await stage.put(stage.new("mail.low"))).status is EnqueueStatus.FULL


async def test_a_draining_queue_takes_nothing_and_gives_what_it_has(stage: Stage) -> None:
    first = await stage.put_one()
    await stage.engine.drain_queue("q")
    refused = await stage.put(stage.new("elsewhere"), stage.new())
    assert (refused.status, refused.refused) == (EnqueueStatus.DRAINING, [1])
    assert (await stage.lease()).id == first
    await stage.engine.resume("q")
    assert (await stage.put(stage.new())).status is EnqueueStatus.CREATED


async def test_the_first_thing_in_the_way_is_told(stage: Stage) -> None:
    """Time, then the drain, then the unique key, then the room."""
    wish = Unique(digest=KEY, on_conflict=OnConflict.REJECT)
    await stage.put_one(unique=wish)
    await stage.engine.configure("q", QueueSettings(max_depth=1))
    late, other, plain = stage.new(expires_at_ms=stage.now_ms), stage.new(unique=wish), stage.new()
    await stage.engine.drain_queue("q")
    assert (await stage.put(plain, other, late)).status is EnqueueStatus.EXPIRED
    assert (await stage.put(plain, other)).status is EnqueueStatus.DRAINING
    await stage.engine.resume("q")
    assert (await stage.put(plain, other)).status is EnqueueStatus.CONFLICT
    assert (await stage.put(plain)).status is EnqueueStatus.FULL


async def test_what_the_queue_says_stands_in_the_answer_and_in_the_job(stage: Stage) -> None:
    settings = QueueSettings(priority=7, max_crashes=2, max_runtime_ms=9_000, retry=RetryPolicy(max_attempts=4))
    await stage.engine.configure("q", settings)
    (told,) = (await stage.put(stage.new())).jobs
    assert told is not None
    assert (told.priority, told.max_crashes, told.max_runtime_ms, told.max_attempts) == (7, 2, 9_000, 4)
    assert await stage.job(told.id) == told
    own = stage.new(priority=100, max_crashes=5, max_runtime_ms=1_000, retry=RetryPolicy(max_attempts=3))
    (told,) = (await stage.put(own)).jobs
    assert told is not None
    assert (told.priority, told.max_crashes, told.max_runtime_ms, told.max_attempts) == (100, 5, 1_000, 3)
    assert await stage.job(told.id) == told
    assert (await stage.lease()).facts.priority == 100  # a wish like the server's default is a wish, too
    assert (await stage.lease()).facts.priority == 7


async def test_every_wish_comes_back_as_it_was_given(stage: Stage) -> None:
    wishes = {
        "tags": {"customer": "a=b", "region": "eu west"},
        "fairness_key": "tenant-7",
        "weight": 3,
        "ordering_key": "account:1",
        "limits": ("api:tenant-7", "db"),
        "max_runtime_ms": 5_000,
        "expires_in_ms": 90_000,
        "retention_ms": 70_000,
        "unique": Unique(digest=KEY),
    }
    (told,) = (await stage.put(stage.new(**wishes))).jobs
    assert told is not None
    assert (told.tags, told.fairness_key, told.weight) == (wishes["tags"], "tenant-7", 3)
    assert (told.ordering_key, told.limits) == ("account:1", ("api:tenant-7", "db"))
    assert await stage.job(told.id) == told
