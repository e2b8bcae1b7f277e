"""Patch and delete: other options for what nobody holds, and the end of records."""

import pytest
from headrace_server.domain.jobs import Unique
from headrace_server.domain.lifecycle import State
from headrace_server.domain.requests import (
    Ack,
    Deleted,
    DeleteStatus,
    LeaseAsk,
    Nack,
    Patch,
    PatchStatus,
    Release,
)

from tests.engine.proxy import StoreProxy
from tests.engine.stage import CALL, Stage, StageMaker
from tests.support.stores import StoreProcess

pytestmark = pytest.mark.anyio


async def patch(stage: Stage, job_id: bytes, **wishes: object) -> PatchStatus:
    (answer,) = await stage.engine.patch([Patch(job_id=job_id, **wishes)])  # type: ignore[arg-type]
    return answer.status


async def delete(stage: Stage, job_id: bytes) -> Deleted:
    (answer,) = await stage.engine.delete([job_id])
    return answer


async def drained(stage: Stage, queue: str = "q") -> list[bytes]:
    """Lease everything, in order."""
    return [job.id for job in (await stage.engine.lease(LeaseAsk(queues=[queue], max_jobs=100))).jobs]


async def test_another_priority_is_another_place(stage: Stage) -> None:
    first, second = await stage.put_one(), await stage.put_one()
    before = (await stage.job(second)).rev
    assert await patch(stage, second, priority=200) is PatchStatus.PATCHED
    assert (await stage.job(second)).rev > before
    third = await stage.put_one(priority=200)
    assert await drained(stage) == [second, third, first]


async def test_a_scheduled_job_keeps_its_time_and_takes_its_priority_then(stage: Stage) -> None:
    job_id = await stage.put_one(delay_ms=100)
    assert await patch(stage, job_id, priority=200) is PatchStatus.PATCHED
    other = await stage.put_one(delay_ms=50)
    stage.later(100)
    await stage.tick()
    assert await drained(stage) == [job_id, other]


async def test_a_ready_job_may_wait_and_a_waiting_one_may_come_at_once(stage: Stage) -> None:
    ready, waiting = await stage.put_one(), await stage.put_one(delay_ms=1_000)
    assert await patch(stage, ready, delay_ms=500) is PatchStatus.PATCHED
    assert await patch(stage, waiting, run_at_ms=1) is PatchStatus.PATCHED
    later, now = await stage.job(ready), await stage.job(waiting)
    assert (later.state, later.run_at_ms) == (State.SCHEDULED, stage.now_ms + 500)
    assert (now.state, now.run_at_ms) == (State.READY, None)
    assert await drained(stage) == [waiting]
    stage.later(500)
    await stage.tick()
    assert await drained(stage) == [ready]


async def test_a_retry_keeps_being_one_at_its_new_time(stage: Stage) -> None:
    job_id = await stage.put_one()
    job = await stage.lease()
    await stage.settle(Nack(job_id=job_id, token=job.token, error=b"{}", retry_in_ms=60_000))
    assert await patch(stage, job_id, delay_ms=10) is PatchStatus.PATCHED
    assert (await stage.job(job_id)).state is State.RETRYING
    stage.later(10)
    await stage.tick()
    assert (await stage.lease()).facts.attempt == 2


async def test_the_retry_of_an_ordered_job_comes_first_whoever_hurries_it(stage: Stage) -> None:
    first = await stage.put_one(ordering_key="o")
    await stage.put_one(ordering_key="o")
    job = await stage.lease()
    await stage.settle(Nack(job_id=first, token=job.token, error=b"{}", retry_in_ms=60_000))
    assert await stage.is_dry()
    await patch(stage, first, run_at_ms=0)
    assert (await stage.lease()).id == first


@pytest.mark.parametrize(
    "options", [{}, {"limits": ("l",)}, {"ordering_key": "o"}, {"delay_ms": 50, "expires_in_ms": 80}]
)
async def test_a_job_moves_into_another_queue_of_its_group(stage: Stage, options: dict[str, object]) -> None:
    job_id = await stage.put_one("mail.low", **options)
    assert await patch(stage, job_id, queue="sms") is PatchStatus.OTHER_GROUP
    assert await patch(stage, job_id, queue="mail.high") is PatchStatus.PATCHED
    low, high = await stage.engine.stats(["mail.low", "mail.high"])
    assert (sum(low.counts.values()), sum(high.counts.values())) == (0, 1)
    stage.later(50)
    await stage.tick()
    assert await drained(stage, "mail.low") == []
    assert await drained(stage, "mail.high") == [job_id]


async def test_a_retry_that_leaves_lets_the_next_of_its_lane_go(stage: Stage) -> None:
    first = await stage.put_one("mail.low", ordering_key="o")
    second = await stage.put_one("mail.low", ordering_key="o")
    job = await stage.lease("mail.low")
    await stage.settle(Nack(job_id=first, token=job.token, error=b"{}", retry_in_ms=60_000))
    assert await drained(stage, "mail.low") == []
    await patch(stage, first, queue="mail.high")
    assert await drained(stage, "mail.low") == [second]


async def test_what_is_held_or_has_ended_or_would_meet_a_drain_is_left_alone(stage: Stage) -> None:
    held = await stage.put_one("mail.low")
    job = await stage.lease("mail.low")
    assert await patch(stage, held, priority=1) is PatchStatus.LEASED
    await stage.settle(Ack(job_id=held, token=job.token))
    assert await patch(stage, held, priority=1) is PatchStatus.FINAL
    assert await patch(stage, b"x" * 16, priority=1) is PatchStatus.NOT_FOUND
    await stage.engine.drain_queue("mail.high")
    waiting = await stage.put_one("mail.low")
    assert await patch(stage, waiting, queue="mail.high") is PatchStatus.DRAINING
    assert (await stage.job(waiting)).queue == "mail.low"


async def test_a_late_token_outlives_a_patch_of_its_ready_job(stage: Stage) -> None:
    job_id = await stage.put_one()
    job = await stage.lease(lease_ms=1_000)
    stage.later(1_000)
    await stage.tick()
    await patch(stage, job_id, priority=3)
    assert (await stage.settle(Release(job_id=job_id, token=job.token))).status == "late"
    assert (await stage.lease()).facts.priority == 3


async def test_a_repeated_patch_says_what_it_did_at_first(
    proxy: StoreProxy, valkey: StoreProcess, make_stage: StageMaker
) -> None:
    stage = await make_stage(proxy.url, clock_url=valkey.url)
    job_id = await stage.put_one()
    await patch(stage, job_id, priority=1)
    before = (await stage.job(job_id)).rev
    proxy.lose_reply(CALL["patch"])
    assert await patch(stage, job_id, priority=2) is PatchStatus.PATCHED
    assert proxy.lost == 1
    assert (await stage.job(job_id)).rev == before + 1  # once


# -- delete --------------------------------------------------------------------------------------------------


async def test_the_record_of_an_ended_job_goes_with_all_that_stands_for_it(stage: Stage) -> None:
    idle = stage.keys()
    job_id = await stage.put_one(tags={"a": "b"}, unique=Unique(digest=b"k" * 16), result_ttl_ms=70_000)
    assert (await delete(stage, job_id)).status is DeleteStatus.NOT_FINAL
    job = await stage.lease()
    await stage.settle(Nack(job_id=job_id, token=job.token, error=b"{}", retry_in_ms=0))
    await stage.tick()
    job = await stage.lease()
    assert (await delete(stage, job_id)).state is State.LEASED
    await stage.settle(Ack(job_id=job_id, token=job.token))
    answer = await delete(stage, job_id)
    assert (answer.status, answer.state) == (DeleteStatus.DELETED, None)
    assert (await delete(stage, job_id)).status is DeleteStatus.NOT_FOUND
    assert await stage.engine.get([job_id]) == [None]
    left = {key for key in stage.keys() - idle if not key.startswith(("hr:{0}:echo:", "hr:{0}:tally:"))}
    assert left == {"hr:{0}:agenda", "hr:{0}:queues", "hr:{0}:marks", "hr:{0}:polled"}


async def test_a_repeated_delete_says_what_it_did_at_first(
    proxy: StoreProxy, valkey: StoreProcess, make_stage: StageMaker
) -> None:
    stage = await make_stage(proxy.url, clock_url=valkey.url)
    ids = [await stage.put_one() for _ in range(2)]
    for job_id in ids:
        await stage.cancel(job_id)
    await delete(stage, ids[0])
    proxy.lose_reply(CALL["delete"])
    assert (await delete(stage, ids[1])).status is DeleteStatus.DELETED
    assert proxy.lost == 1
