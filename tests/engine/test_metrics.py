"""What is counted in the store: bounded whatever clients invent, and read in few calls."""

import msgspec
import pytest
from headrace_server.domain import limits
from headrace_server.domain.jobs import Body, NewJob
from headrace_server.domain.metrics import JobMetrics
from headrace_server.domain.requests import Ack, EnqueueGroup, EnqueueStatus
from headrace_server.engine import Engine
from headrace_server.telemetry.catalogue import OTHERS, QUEUE_COUNTERS, TASK_COUNTERS
from headrace_server.telemetry.exposition import Spread

from tests.engine.conftest import EngineMaker
from tests.engine.stage import Stage, StageMaker
from tests.support.stores import StoreProcess

pytestmark = pytest.mark.anyio
DAY_MS = limits.DAY_MS
ROOM = limits.MAX_COUNTED_TASKS


async def put_tasks(engine: Engine, tasks: list[str], queue: str = "q") -> None:
    """Enqueue a job of each task."""
    for start in range(0, len(tasks), 1_000):
        some = tasks[start : start + 1_000]
        jobs = [msgspec.structs.replace(_job(engine, queue), task=task) for task in some]
        answers = await engine.enqueue_each([EnqueueGroup([job]) for job in jobs])
        assert {answer.status for answer in answers} == {EnqueueStatus.CREATED}  # type: ignore[union-attr]


def _job(engine: Engine, queue: str) -> NewJob:
    return NewJob(id=engine.new_id(queue), task="t", queue=queue, payload=Body(b"1"))


def enqueued(metrics: JobMetrics) -> dict[str, int]:
    """Return how many jobs of each task were taken in."""
    return {task.task: task.counted[TASK_COUNTERS.index("enqueued")] for task in metrics.tasks}


async def test_twenty_thousand_names_make_no_more_series_than_five_hundred(
    valkey: StoreProcess, make_engine: EngineMaker
) -> None:
    """A name beyond the bound has no place to be counted in, so that a million would do no more."""
    engine = await make_engine(valkey.url)
    await put_tasks(engine, [f"task-{n}" for n in range(ROOM)])
    full = enqueued(await engine.metrics())
    assert (len(full), {*full.values()}) == (ROOM, {1})
    keys = int(valkey.call("DBSIZE"))
    await put_tasks(engine, [f"random-{n}" for n in range(20_000)])
    found = enqueued(await engine.metrics())
    assert found == {**full, OTHERS: 20_000}
    assert int(valkey.call("DBSIZE")) == keys + 20_000 + 1, "the jobs, and the counters of the others"


async def test_a_task_that_is_no_more_makes_room(valkey: StoreProcess, make_stage: StageMaker) -> None:
    stage = await make_stage(valkey.url)
    engine = stage.engine
    stage.at(100 * DAY_MS)
    await put_tasks(engine, [f"task-{n}" for n in range(ROOM)])
    stage.later(limits.TASK_KEPT_MS - DAY_MS)
    await put_tasks(engine, [f"task-{n}" for n in range(1, ROOM)])
    await put_tasks(engine, ["early"])
    assert enqueued(await engine.metrics())[OTHERS] == 1
    stage.later(DAY_MS)
    await put_tasks(engine, ["new"])
    await put_tasks(engine, ["newer"])
    found = enqueued(await engine.metrics())
    assert (found.get("task-0"), found["task-1"], found["new"], found[OTHERS]) == (None, 2, 1, 2)
    assert len(found) == ROOM + 1


async def test_a_forgotten_queue_takes_its_counters_with_it(stage: Stage) -> None:
    await stage.put_one(retention_ms=60_000)
    job = await stage.lease()
    await stage.settle(Ack(job_id=job.id, token=job.token))
    await stage.engine.forget("q")
    [queue] = (await stage.engine.metrics()).queues
    assert dict(zip(QUEUE_COUNTERS, queue.counted, strict=True))["succeeded"] == 1
    stage.later(60_000)
    await stage.tick()
    assert (await stage.engine.metrics()).queues == []
    await stage.put_one()
    [queue] = (await stage.engine.metrics()).queues
    assert [n for n in queue.counted if n] == [1], "another queue of this name begins with nothing"


async def test_queues_are_read_by_the_hundred_and_tasks_at_once(valkey: StoreProcess, make_engine: EngineMaker) -> None:
    engine = await make_engine(valkey.url)
    queues = [f"queue-{n}" for n in range(limits.METRICS_PAGE * 3 - 1)]
    answers = await engine.enqueue_each([EnqueueGroup([_job(engine, queue)]) for queue in queues])
    assert len(answers) == len(queues)
    metrics = await engine.metrics()
    assert [queue.stats.queue for queue in metrics.queues] == sorted(queues)
    assert (metrics.queue_count, sum(queue.stats.backlog for queue in metrics.queues)) == (len(queues), len(queues))
    assert calls(engine, "metrics") == 3 + 1


def calls(engine: Engine, verb: str) -> int:
    """Return how often a script was called."""
    families = {family.metric.name: dict(family.samples) for family in engine.meters.families()}
    spread = families["headrace_store_call_seconds"][(verb,)]
    assert isinstance(spread, Spread)
    return sum(spread.buckets)


async def test_several_shards_are_one(valkey: StoreProcess, make_engine: EngineMaker) -> None:
    engine = await make_engine(valkey.url, shards=3)
    for queue in ("a", "b", "c", "d", "e"):
        await put_tasks(engine, ["same", queue], queue)
    metrics = await engine.metrics()
    assert enqueued(metrics) == {"same": 5, "a": 1, "b": 1, "c": 1, "d": 1, "e": 1}
    assert [queue.stats.queue for queue in metrics.queues] == ["a", "b", "c", "d", "e"]


async def test_the_store_says_how_it_is(valkey: StoreProcess, make_engine: EngineMaker) -> None:
    engine = await make_engine(valkey.url)
    health = await engine.store_health()
    assert (health.server, health.memory_max_bytes, health.persistence_ok) == ("valkey", 0, True)
    assert health.memory_bytes > 0
    assert health.latency_s > 0
    with valkey.client() as client:
        policy = client.config_get("appendfsync")["appendfsync"]
        assert health.fsync == (policy if client.info()["aof_enabled"] else "off")
        client.config_set("maxmemory", 1_000_000_000)
        try:
            assert (await engine.store_health()).memory_max_bytes == 1_000_000_000
        finally:
            client.config_set("maxmemory", 0)


async def test_a_queue_that_comes_after_one_that_is_gone_counts_from_nothing(stage: Stage) -> None:
    await stage.put_one("gone")
    for job in (await stage.lease("gone"),):
        await stage.settle(Ack(job_id=job.id, token=job.token))
    assert await stage.engine.forget("gone") is None
    assert (await stage.engine.delete([job.id]))[0].status == "deleted"
    assert await stage.engine.forget("gone") is None  # now without a record: its name goes, and its seat is free
    await stage.put_one("next")
    (queue,) = (await stage.engine.metrics()).queues
    assert (queue.stats.queue, sum(queue.counted)) == ("next", 1)


def test_a_seat_has_room_for_the_counters_of_a_queue() -> None:
    assert len(QUEUE_COUNTERS) <= 16  # lua/settings.lua: SEAT
