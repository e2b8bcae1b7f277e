"""Cancel: at once what nobody holds, a word to the holder of the rest, and what its token is worth then (G20)."""

import asyncio

import pytest
from headrace_server.domain.lifecycle import State
from headrace_server.domain.requests import (
    Ack,
    CancelAsk,
    CancelMode,
    CancelStatus,
    Extend,
    LeaseAsk,
    Nack,
    Release,
    Settle,
    SettleStatus,
    Snooze,
)
from headrace_server.engine import Engine

from tests.engine.conftest import EngineMaker, new_job
from tests.engine.proxy import StoreProxy
from tests.engine.stage import CALL, Stage, StageMaker
from tests.support.stores import StoreProcess

pytestmark = pytest.mark.anyio


def settles(job_id: bytes, token: bytes) -> list[Settle]:
    """Return every verb that a holder knows."""
    return [
        Ack(job_id=job_id, token=token),
        Nack(job_id=job_id, token=token, error=b"{}"),
        Release(job_id=job_id, token=token),
        Snooze(job_id=job_id, token=token, delay_ms=1),
        Extend(job_id=job_id, token=token),
    ]


async def test_g20_a_held_job_is_asked_to_end_and_its_holder_hears_of_it(stage: Stage) -> None:
    job_id = await stage.put_one()
    job = await stage.lease()
    answer = await stage.cancel(job_id, "enough")
    assert (answer.status, answer.state) == (CancelStatus.REQUESTED, State.LEASED)
    told = await stage.settle(Extend(job_id=job_id, token=job.token))
    assert (told.status, told.cancel_requested) == (SettleStatus.OK, True)
    ended = await stage.settle(Nack(job_id=job_id, token=job.token, error=b"{}"))
    assert (ended.status, ended.state, ended.cancel_requested) == (SettleStatus.OK, State.CANCELLED, False)
    seen = await stage.job(job_id)
    assert (seen.reason, seen.cancel_requested) == ("enough", False)


async def test_asking_twice_is_asking_once(stage: Stage) -> None:
    job_id = await stage.put_one()
    await stage.lease()
    leased_rev = (await stage.job(job_id)).rev
    await stage.cancel(job_id, "first")
    rev = (await stage.job(job_id)).rev
    assert rev > leased_rev  # whoever waits for a change of the job is told
    assert (await stage.cancel(job_id, "second")).status is CancelStatus.REQUESTED
    assert (await stage.job(job_id)).rev == rev
    assert (await stage.cancel(job_id, "third", CancelMode.HARD)).status is CancelStatus.CANCELLED
    assert (await stage.cancel(job_id, "fourth")).status is CancelStatus.CANCELLED
    assert (await stage.job(job_id)).reason == "first"


@pytest.mark.parametrize("how", ["release", "snooze", "nack", "reap", "giveback"])
async def test_a_job_that_is_to_end_does_not_come_back(stage: Stage, how: str) -> None:
    job_id = await stage.put_one()
    grant = await stage.engine.lease(LeaseAsk(queues=["q"], lease_ms=1_000))
    (job,) = grant.jobs
    await stage.cancel(job_id)
    if how == "reap":
        stage.later(1_000)
        await stage.tick()
    elif how == "giveback":
        await stage.engine.giveback(LeaseAsk(queues=["q"]), grant)
    else:
        (item,) = [item for item in settles(job_id, job.token) if type(item).__name__.lower() == how]
        await stage.settle(item)
    seen = await stage.job(job_id)
    assert (seen.state, seen.reason) == (State.CANCELLED, "why")
    assert await stage.is_dry()


async def test_an_ack_wins_over_a_request(stage: Stage) -> None:
    job_id = await stage.put_one()
    job = await stage.lease()
    await stage.cancel(job_id)
    assert (await stage.settle(Ack(job_id=job_id, token=job.token))).state is State.SUCCEEDED
    assert (await stage.cancel(job_id)).status is CancelStatus.FINAL


async def test_a_hard_cancel_ends_the_lease_and_every_verb_says_so(stage: Stage) -> None:
    job_id = await stage.put_one()
    job = await stage.lease()
    answer = await stage.cancel(job_id, mode=CancelMode.HARD)
    assert (answer.status, answer.state) == (CancelStatus.CANCELLED, State.CANCELLED)
    answers = [await stage.settle(item) for item in settles(job_id, job.token)]
    assert {answer.status for answer in answers} == {SettleStatus.JOB_CANCELLED}
    foreign = await stage.settle(Ack(job_id=job_id, token=b"x" * 16))
    assert foreign.status is SettleStatus.LEASE_LOST


async def test_the_holder_of_a_reaped_job_hears_of_its_end_too(stage: Stage) -> None:
    job_id = await stage.put_one()
    job = await stage.lease(lease_ms=1_000)
    stage.later(1_000)
    await stage.tick()
    assert (await stage.cancel(job_id)).status is CancelStatus.CANCELLED
    assert (await stage.settle(Ack(job_id=job_id, token=job.token))).status is SettleStatus.JOB_CANCELLED


async def test_who_waits_for_a_job_hears_of_the_request(stage: Stage) -> None:
    job_id = await stage.put_one()
    await stage.lease()
    known = (await stage.job(job_id)).rev
    wait = asyncio.create_task(stage.engine.wait_job(job_id, wait_ms=20_000, known_rev=known))
    while b"w" not in (stage.field(job_id, "o") or b""):
        await asyncio.sleep(0)
    await stage.cancel(job_id)
    job = await asyncio.wait_for(wait, 10)
    assert job is not None
    assert job.cancel_requested


async def test_one_of_many_who_cancel_and_settle_wins(store_url: str, make_engine: EngineMaker) -> None:
    """Four engines at once: every job ends, and everybody was told the truth about how."""
    engines = [await make_engine(store_url) for _ in range(4)]
    jobs = [new_job(engines[0]) for _ in range(40)]
    for job in jobs:
        await put_one(engines[0], job)
    held = (await engines[0].lease(LeaseAsk(queues=["q"], max_jobs=40))).jobs

    async def settle(index: int) -> str:
        (answer,) = await engines[index % 4].settle([Ack(job_id=held[index].id, token=held[index].token)])
        return str(answer.status)  # type: ignore[union-attr]

    async def cancel(index: int) -> str:
        ask = CancelAsk(job_id=held[index].id, mode=CancelMode.HARD)
        (answer,) = await engines[(index + 1) % 4].cancel([ask])
        return str(answer.status)

    calls = [
        call
        for index in range(40)
        for call in ((settle(index), cancel(index)) if index % 3 else (cancel(index), settle(index)))
    ]
    answers = await asyncio.gather(*calls)
    pairs = {tuple(sorted(pair)) for pair in zip(answers[::2], answers[1::2], strict=True)}
    assert pairs <= {("final", "ok"), ("cancelled", "job_cancelled")}
    counts = (await engines[0].stats(["q"]))[0].counts
    assert counts[State.SUCCEEDED] + counts[State.CANCELLED] == 40


async def put_one(engine: Engine, job: object) -> None:
    from headrace_server.domain.requests import EnqueueGroup

    await engine.enqueue(EnqueueGroup([job]))  # type: ignore[list-item]


async def test_a_repeated_cancel_says_what_it_did_at_first(
    proxy: StoreProxy, valkey: StoreProcess, make_stage: StageMaker
) -> None:
    stage = await make_stage(proxy.url, clock_url=valkey.url)
    await stage.cancel(await stage.put_one())
    job_id = await stage.put_one()
    proxy.lose_reply(CALL["cancel"])
    answer = await stage.cancel(job_id)
    assert proxy.lost == 1
    assert (answer.status, answer.state) == (CancelStatus.CANCELLED, State.CANCELLED)
    assert (await stage.job(job_id)).rev == (await stage.job(job_id)).rev
