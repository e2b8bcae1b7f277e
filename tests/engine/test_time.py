"""What happens by itself, and when: real clocks, real loops."""

import asyncio
import statistics
import time

import pytest
from headrace_server.domain.lifecycle import State
from headrace_server.domain.requests import CancelAsk, EnqueueGroup, LeaseAsk, Nack
from headrace_server.domain.retry import RetryPolicy
from headrace_server.engine import Engine

from tests.engine.conftest import EngineMaker, enqueue, new_job
from tests.support.waiting import eventually_async

pytestmark = pytest.mark.anyio


async def pull(engine: Engine, count: int) -> dict[bytes, int]:
    """Poll until `count` jobs came; return when each was leased, by the store's clock."""
    leased: dict[bytes, int] = {}
    while len(leased) < count:
        grant = await engine.poll(LeaseAsk(queues=["q"], max_jobs=100, lease_ms=60_000), 5_000)
        assert grant.jobs, f"only {len(leased)} of {count} jobs came"
        leased.update((job.id, grant.now_ms) for job in grant.jobs)
    return leased


def p99(values: list[int]) -> float:
    return statistics.quantiles(values, n=100)[98]


async def test_g16_delayed_jobs_come_never_early_and_hardly_late(store_url: str, make_engine: EngineMaker) -> None:
    """300 jobs, the first one of an idle queue too, with a poll that waits: late by at most 250 ms at p99."""
    engine = await make_engine(store_url, with_loops=True)
    pulling = asyncio.create_task(pull(engine, 300))
    due = {}
    for n in range(300):
        job = new_job(engine, delay_ms=5 * (n + 1))
        (created,) = (await engine.enqueue_each([EnqueueGroup([job])]))[0].jobs  # type: ignore[union-attr]
        due[created.id] = created.run_at_ms or 0
    leased = await pulling
    late = [leased[job_id] - due[job_id] for job_id in due]
    assert min(late) >= 0
    assert p99(late) <= 250


async def test_g16_a_job_that_another_server_delayed_comes_in_time(store_url: str, make_engine: EngineMaker) -> None:
    """The server that took it is gone; the others look at the agenda at least every 0.6 s."""
    gone, engine = await make_engine(store_url), await make_engine(store_url, with_loops=True)
    await enqueue(gone, delay_ms=100)
    await gone.close()
    start = time.monotonic()
    await pull(engine, 1)
    assert time.monotonic() - start < 1.5


async def test_g11_a_lease_that_ran_out_is_offered_again_within_a_second(
    store_url: str, make_engine: EngineMaker
) -> None:
    engine = await make_engine(store_url, with_loops=True)
    for _ in range(100):
        await enqueue(engine)
    first = await engine.lease(LeaseAsk(queues=["q"], max_jobs=100, lease_ms=1_000))
    again = await pull(engine, 100)
    late = [again[job.id] - job.facts.deadline_ms for job in first.jobs]
    assert min(late) >= 0
    assert p99(late) <= 1_000


async def test_g15_a_retry_starts_no_earlier_than_announced(store_url: str, make_engine: EngineMaker) -> None:
    engine = await make_engine(store_url, with_loops=True)
    policy = RetryPolicy(initial_ms=200, max_ms=400)
    ids = [await enqueue(engine, retry=policy) for _ in range(50)]
    grant = await engine.lease(LeaseAsk(queues=["q"], max_jobs=50))
    answers = await engine.settle([Nack(job_id=job.id, token=job.token, error=b"{}") for job in grant.jobs])
    announced = {job.id: answer.run_at_ms for job, answer in zip(grant.jobs, answers, strict=True)}  # type: ignore[union-attr]
    leased = await pull(engine, 50)
    assert all(leased[job_id] >= (announced[job_id] or 0) for job_id in ids)


async def test_an_idle_store_is_left_alone(store_url: str, make_engine: EngineMaker) -> None:
    """One server, nothing to do, a poll parked: a handful of scripts a second, and not one write."""
    engine = await make_engine(store_url, with_loops=True)
    poll = asyncio.create_task(engine.poll(LeaseAsk(queues=["q"]), 30_000))
    await asyncio.sleep(0.3)  # the first poll says that somebody waits: one write a minute
    scripts, changes = await _activity(engine)
    await asyncio.sleep(2.0)
    scripts_later, changes_later = await _activity(engine)
    poll.cancel()
    await asyncio.gather(poll, return_exceptions=True)
    assert 2 <= scripts_later - scripts <= 12
    assert changes_later == changes


async def test_an_answer_that_tells_what_is_due_next_saves_a_tick(engine: Engine) -> None:
    await engine.tick(0)
    idle = asyncio.create_task(engine.until_due(0, 1.0))
    await asyncio.sleep(0.3)
    told_at = time.monotonic()
    await enqueue(engine, delay_ms=3_600_000)
    await idle
    assert time.monotonic() - told_at >= 1.0, "the answer to the enqueue was as good as a look"


async def _activity(engine: Engine) -> tuple[int, int]:
    [told] = await engine._link._send(("INFO", "everything"))
    info = dict(line.split(":", 1) for line in told.decode().splitlines() if ":" in line)
    calls = int(info["cmdstat_fcall"].split("calls=")[1].split(",")[0])
    return calls, int(info["rdb_changes_since_last_save"])


async def test_finished_jobs_vanish_in_time(store_url: str, make_engine: EngineMaker) -> None:
    """The shortest retention is a minute for clients; the engine itself takes any."""
    engine = await make_engine(store_url, with_loops=True)
    job_id = await enqueue(engine, retention_ms=300)
    await engine.cancel([CancelAsk(job_id=job_id, reason="enough")])
    (job,) = await engine.get([job_id])
    assert job is not None
    assert job.state is State.CANCELLED
    await eventually_async(lambda: _gone(engine, job_id), what="the record is pruned")


async def _gone(engine: Engine, job_id: bytes) -> bool:
    return await engine.get([job_id]) == [None]


async def test_g11_a_backlog_of_other_queues_does_not_hold_up_what_is_due(engine: Engine) -> None:
    """As after a stop of hours: each member of the agenda gets its turn, however much an older one has to do."""
    for queue in ("old.a", "old.b"):
        jobs = [EnqueueGroup([new_job(engine, queue, delay_ms=1)]) for _ in range(1_000)]
        await engine.enqueue_each(jobs)
    await enqueue(engine, delay_ms=2)
    await asyncio.sleep(0.05)  # past the due times of all
    for _ in range(3):
        await engine.tick(0)
    assert (await engine.stats(["q"]))[0].counts[State.READY] == 1
