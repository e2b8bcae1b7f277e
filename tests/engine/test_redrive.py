"""Redrive: another run of a dead job, on the same id."""

import asyncio

import pytest
from headrace_server.domain.jobs import OnDead, Unique, UniqueUntil
from headrace_server.domain.lifecycle import State
from headrace_server.domain.requests import (
    CancelStatus,
    LeaseAsk,
    Nack,
    Redrive,
    Redriven,
    RedriveStatus,
    Snooze,
)
from headrace_server.domain.retry import RetryPolicy

from tests.engine.conftest import EngineMaker
from tests.engine.proxy import StoreProxy
from tests.engine.stage import CALL, Stage, StageMaker
from tests.support.stores import StoreProcess

pytestmark = pytest.mark.anyio

KEY = b"k" * 16


async def redrive(stage: Stage, job_id: bytes, queue: str | None = None) -> Redriven:
    (answer,) = await stage.engine.redrive([Redrive(job_id=job_id, queue=queue)])
    return answer


async def dead(stage: Stage, queue: str = "q", **options: object) -> bytes:
    """Return a job that has died: enqueued, leased once, and given up."""
    job_id = await stage.put_one(queue, **options)
    await kill(stage, queue)
    return job_id


async def kill(stage: Stage, queue: str = "q") -> None:
    job = await stage.lease(queue)
    answer = await stage.settle(Nack(job_id=job.id, token=job.token, error=b'{"type":"E"}', retryable=False))
    assert answer.state is State.DEAD


async def test_a_run_begins_anew_and_the_history_stays(stage: Stage) -> None:
    job_id = await stage.put_one(retry=RetryPolicy(max_attempts=2))
    job = await stage.lease()
    await stage.settle(Snooze(job_id=job_id, token=job.token, delay_ms=0, checkpoint=b'{"page":7}'))
    await stage.tick()
    for _ in range(2):
        job = await stage.lease()
        await stage.settle(Nack(job_id=job_id, token=job.token, error=b'{"type":"E"}', retry_in_ms=0))
        await stage.tick()
    assert (await stage.job(job_id)).reason == "max_attempts"
    stage.later(5)
    answer = await redrive(stage, job_id)
    assert (answer.status, answer.state) == (RedriveStatus.READY, State.READY)
    seen = await stage.job(job_id)
    assert (seen.run, seen.attempt, seen.delivery, seen.crashes) == (2, 1, 0, 0)
    assert (seen.reason, seen.finished_at_ms, seen.progress) == (None, None, None)
    assert (seen.error, seen.checkpoint) == (b'{"type":"E"}', b'{"page":7}')
    again = await stage.lease()
    assert (again.facts.attempt, again.facts.delivery, again.checkpoint) == (1, 1, b'{"page":7}')
    assert again.facts.fence > job.facts.fence


async def test_the_time_for_retries_begins_anew(stage: Stage) -> None:
    job_id = await stage.put_one(retry=RetryPolicy(max_attempts=9, max_elapsed_ms=1_000))
    stage.later(2_000)
    job = await stage.lease()
    nack = Nack(job_id=job_id, token=job.token, error=b"{}", retry_in_ms=0)
    assert (await stage.settle(nack)).state is State.DEAD
    assert (await stage.job(job_id)).reason == "max_elapsed"
    await redrive(stage, job_id)
    job = await stage.lease()
    nack = Nack(job_id=job_id, token=job.token, error=b"{}", retry_in_ms=1_000)
    assert (await stage.settle(nack)).state is State.RETRYING


@pytest.mark.parametrize("state", ["ready", "leased", "cancelled"])
async def test_only_dead_jobs_are_redriven(stage: Stage, state: str) -> None:
    job_id = await stage.put_one()
    if state == "leased":
        await stage.lease()
    elif state == "cancelled":
        assert (await stage.cancel(job_id)).status is CancelStatus.CANCELLED
    answer = await redrive(stage, job_id)
    assert (answer.status, str(answer.state)) == (RedriveStatus.NOT_DEAD, state)
    assert (await redrive(stage, b"x" * 16)).status is RedriveStatus.NOT_FOUND


async def test_it_lines_up_behind_what_came_meanwhile(stage: Stage) -> None:
    first = await dead(stage)
    second = await stage.put_one()
    await redrive(stage, first)
    assert [(await stage.lease()).id for _ in range(2)] == [second, first]


async def test_an_expiry_that_is_past_is_dropped_and_one_to_come_holds(stage: Stage) -> None:
    past, to_come = await dead(stage, expires_in_ms=1_000), await dead(stage, expires_in_ms=9_000)
    stage.later(1_000)
    await redrive(stage, past)
    await redrive(stage, to_come)
    assert (await stage.job(past)).expires_at_ms is None
    stage.later(8_000)
    await stage.tick()
    assert [(await stage.job(job_id)).state for job_id in (past, to_come)] == [State.READY, State.CANCELLED]


async def test_into_another_queue_of_its_group_only(stage: Stage) -> None:
    job_id = await dead(stage, "mail.low", limits=("api",), tags={"a": "b"})
    assert (await redrive(stage, job_id, "sms")).status is RedriveStatus.OTHER_GROUP
    assert (await redrive(stage, job_id, "mail.high")).status is RedriveStatus.READY
    assert (await stage.job(job_id)).queue == "mail.high"
    assert await stage.is_dry("mail.low")
    assert (await stage.lease("mail.high")).id == job_id
    counts = (await stage.engine.stats(["mail.low"]))[0].counts
    assert sum(counts.values()) == 0


async def test_a_queue_that_drains_takes_none(stage: Stage) -> None:
    job_id = await dead(stage, "mail.low")
    await stage.engine.drain_queue("mail.low")
    assert (await redrive(stage, job_id)).status is RedriveStatus.DRAINING
    assert (await redrive(stage, job_id, "mail.high")).status is RedriveStatus.READY


async def test_it_takes_its_unique_key_again_or_none_at_all(stage: Stage) -> None:
    wish = Unique(digest=KEY)
    first = await dead(stage, unique=wish)
    second = await stage.put_one(unique=wish)
    refused = await redrive(stage, first)
    assert (refused.status, refused.conflict) == (RedriveStatus.CONFLICT, second)
    await kill(stage)
    assert (await redrive(stage, first)).status is RedriveStatus.READY
    assert await stage.put_one(unique=wish) == first


async def test_a_key_for_a_time_is_not_taken_again(stage: Stage) -> None:
    wish = Unique(digest=KEY, until=UniqueUntil.TTL, ttl_ms=1_000)
    first = await dead(stage, unique=wish)
    stage.later(1_000)
    second = await stage.put_one(unique=wish)
    assert (await redrive(stage, first)).status is RedriveStatus.READY
    assert await stage.put_one(unique=wish) == second


async def test_a_dead_job_that_holds_its_lane_goes_first_again(stage: Stage) -> None:
    first = await stage.put_one(ordering_key="o", on_dead=OnDead.HOLD)
    second = await stage.put_one(ordering_key="o")
    await kill(stage)
    assert await stage.is_dry()
    await redrive(stage, first)
    job = await stage.lease()
    assert job.id == first
    await stage.settle(Nack(job_id=first, token=job.token, error=b"{}", retryable=False))
    await stage.engine.delete([first])
    assert (await stage.lease()).id == second


async def test_many_engines_open_one_run(store_url: str, make_engine: EngineMaker, make_stage: StageMaker) -> None:
    stage = await make_stage(store_url)
    job_id = await dead(stage)
    engines = [await make_engine(store_url) for _ in range(4)]
    found = await asyncio.gather(*(engine.redrive([Redrive(job_id=job_id)]) for engine in engines * 5))
    statuses = [answer.status for (answer,) in found]
    assert statuses.count(RedriveStatus.READY) == 1
    assert (await stage.job(job_id)).run == 2


async def test_a_repeated_redrive_says_what_it_did_at_first(
    proxy: StoreProxy, valkey: StoreProcess, make_stage: StageMaker
) -> None:
    """Also where a worker was quicker than the repetition."""
    stage = await make_stage(proxy.url, clock_url=valkey.url)
    await redrive(stage, await dead(stage))
    await stage.lease()
    job_id = await dead(stage)
    proxy.lose_reply(CALL["redrive"])
    assert (await redrive(stage, job_id)).status is RedriveStatus.READY
    assert proxy.lost == 1
    assert (await stage.job(job_id)).run == 2
    assert len((await stage.engine.lease(LeaseAsk(queues=["q"], max_jobs=9))).jobs) == 1
