"""What a holder says of a job: results and how long they stay, progress, checkpoints, and the end of its run time."""

import asyncio

import pytest
from headrace_server.domain.jobs import Body, Format
from headrace_server.domain.lifecycle import State
from headrace_server.domain.limits import ATTEMPTS_KEPT, SHORT_ATTEMPT_BYTES
from headrace_server.domain.queues import QueueSettings
from headrace_server.domain.requests import Ack, Extend, LeaseAsk, Nack, Release, SettleStatus, Snooze
from headrace_server.domain.retry import OnExhausted, RetryPolicy

from tests.engine.stage import Stage

pytestmark = pytest.mark.anyio

RESULT = Body(b'{"done":1}')


async def ack(stage: Stage, result: Body | None = RESULT, ttl_ms: int | None = None, **wishes: object) -> bytes:
    """Enqueue, lease and ack a job; return its id."""
    job_id = await stage.put_one(**wishes)
    job = await stage.lease()
    answer = await stage.settle(Ack(job_id=job_id, token=job.token, result=result, result_ttl_ms=ttl_ms))
    assert answer.state is State.SUCCEEDED
    return job_id


@pytest.mark.parametrize(
    "result", [RESULT, Body(b"\x81\xa1a\x01", Format.MSGPACK), Body(b"\x89PNG\x00\xff", media="image/png"), Body(b"")]
)
async def test_a_result_comes_back_as_it_was_given(stage: Stage, result: Body) -> None:
    assert (await stage.job(await ack(stage, result))).result == result


async def test_the_nearest_wish_says_how_long_a_result_stays(stage: Stage) -> None:
    """The ack's, the job's, the queue's."""
    await stage.engine.configure("q", QueueSettings(result_ttl_ms=3_000))
    by_queue, by_job = await ack(stage), await ack(stage, result_ttl_ms=2_000)
    by_ack = await ack(stage, ttl_ms=1_000, result_ttl_ms=9_000)
    for left in ([by_queue, by_job, by_ack], [by_queue, by_job], [by_queue], []):
        seen = {job_id: await stage.job(job_id) for job_id in (by_queue, by_job, by_ack)}
        assert [job_id for job_id in seen if seen[job_id].result is not None] == left
        assert {job.state for job in seen.values()} == {State.SUCCEEDED}
        stage.later(1_000)  # gone for its readers before anything has swept it


async def test_a_result_that_is_over_is_swept_and_its_job_is_another_one_then(stage: Stage) -> None:
    job_id = await ack(stage, ttl_ms=1_000)
    before = (await stage.job(job_id)).rev
    stage.later(1_000)
    await stage.tick()
    assert stage.field(job_id, "r") is None
    assert (await stage.job(job_id)).rev > before
    assert stage.keys("q:q:results") == set()


async def test_no_result_is_kept_where_none_is_wanted(stage: Stage) -> None:
    job_id = await ack(stage, result_ttl_ms=0)
    assert stage.field(job_id, "r") is None
    assert (await stage.job(await ack(stage, ttl_ms=5, result_ttl_ms=0))).result is not None


async def test_a_result_never_outlives_its_record(stage: Stage) -> None:
    job_id = await ack(stage, ttl_ms=90_000, retention_ms=60_000)
    stage.later(60_000)
    await stage.tick()
    assert await stage.engine.get([job_id]) == [None]
    assert stage.keys("j:*") | stage.keys("q:q:results") == set()


async def test_progress_and_checkpoint_are_kept_with_the_lease(stage: Stage) -> None:
    job_id = await stage.put_one()
    job = await stage.lease(lease_ms=5_000)
    await stage.settle(Extend(job_id=job_id, token=job.token, progress=b"1", checkpoint=b'"a"'))
    await stage.settle(Extend(job_id=job_id, token=job.token, progress=b"2"))
    seen = await stage.job(job_id)
    assert (seen.progress, seen.checkpoint) == (b"2", b'"a"')
    await stage.settle(Release(job_id=job_id, token=job.token))
    assert (await stage.job(job_id)).progress == b"2"
    again = await stage.lease()
    assert again.checkpoint == b'"a"'
    assert (await stage.job(job_id)).progress is None  # of this delivery there is none yet
    await stage.settle(Nack(job_id=job_id, token=again.token, error=b"{}", retry_in_ms=0))
    await stage.tick()
    assert (await stage.lease()).checkpoint == b'"a"'


async def test_a_snooze_says_why_and_leaves_its_checkpoint(stage: Stage) -> None:
    job_id = await stage.put_one()
    job = await stage.lease()
    snooze = Snooze(job_id=job_id, token=job.token, delay_ms=10, reason="tide", checkpoint=b"1")
    answer = await stage.settle(snooze)
    assert (answer.state, answer.run_at_ms) == (State.SCHEDULED, stage.now_ms + 10)
    assert (await stage.job(job_id)).reason == "tide"
    assert (await stage.settle(snooze)).status is SettleStatus.REPEATED
    stage.later(10)
    await stage.tick()
    assert (await stage.lease()).checkpoint == b"1"
    assert (await stage.job(job_id)).reason is None


async def test_no_extension_goes_beyond_the_run_time(stage: Stage) -> None:
    await stage.put_one(max_runtime_ms=1_500)
    job = await stage.lease(lease_ms=1_000)
    assert (job.facts.deadline_ms, job.facts.max_runtime_ms) == (stage.now_ms + 1_000, 1_500)
    answer = await stage.settle(Extend(job_id=job.id, token=job.token, lease_ms=60_000))
    assert answer.deadline_ms == stage.now_ms + 1_500
    stage.later(1_500)
    late = await stage.settle(Extend(job_id=job.id, token=job.token, lease_ms=60_000))
    assert (late.status, late.deadline_ms) == (SettleStatus.LATE, stage.now_ms)


async def test_a_job_that_runs_too_long_has_failed_and_not_crashed(stage: Stage) -> None:
    job_id = await stage.put_one(max_runtime_ms=1_000, retry=RetryPolicy(initial_ms=500, jitter=False))
    job = await stage.lease()
    stage.later(1_000)
    await stage.tick()
    seen = await stage.job(job_id)
    assert (seen.state, seen.attempt, seen.crashes) == (State.RETRYING, 2, 0)
    assert seen.run_at_ms == stage.now_ms + 500
    assert b"MaxRuntimeExceeded" in (seen.error or b"")
    late = await stage.settle(Ack(job_id=job_id, token=job.token))
    assert late.status is SettleStatus.LEASE_LOST


async def test_a_token_of_zeros_settles_nothing(stage: Stage) -> None:
    """They stand in a record where the token was that must not come back."""
    job_id = await stage.put_one(max_runtime_ms=1_000)
    await stage.lease()
    stage.later(1_000)
    await stage.tick()  # its run time is used up
    stage.later(60_000)
    await stage.tick()
    assert (await stage.job(job_id)).state is State.READY
    answer = await stage.settle(Ack(job_id=job_id, token=bytes(16)))
    assert (answer.status, answer.state) == (SettleStatus.LEASE_LOST, State.READY)


async def test_what_no_retry_can_help_is_dead_and_may_go_at_once(stage: Stage) -> None:
    policy = RetryPolicy(non_retryable=("Auth*",), on_exhausted=OnExhausted.DISCARD)
    job_id = await stage.put_one(retry=policy)
    job = await stage.lease()
    await stage.settle(Nack(job_id=job_id, token=job.token, error=b"{}", error_type="AuthError"))
    seen = await stage.job(job_id)
    assert (seen.state, seen.reason) == (State.DEAD, "non_retryable")
    await stage.tick()
    assert await stage.engine.get([job_id]) == [None]


async def test_items_of_one_script_that_mean_the_same_job_see_each_other(stage: Stage) -> None:
    """Requests that meet by chance go out together: only the first finds the job as it was."""
    first, second = await stage.put_one(), await stage.put_one()
    jobs = {job.id: job for job in (await stage.engine.lease(LeaseAsk(queues=["q"], max_jobs=2))).jobs}
    nacks = [Nack(job_id=i, token=jobs[i].token, error=b"{}", retry_in_ms=500) for i in (first, second, first)]
    answers = await asyncio.gather(*(stage.settle(nack) for nack in nacks))
    assert [answer.status for answer in answers] == [SettleStatus.OK, SettleStatus.OK, SettleStatus.REPEATED]
    assert [answer.attempt for answer in answers] == [2, 2, 2]
    assert len(await stage.engine.attempts(first) or []) == 1


@pytest.mark.parametrize("error", [b"short", b"l" * SHORT_ATTEMPT_BYTES])
async def test_the_last_attempts_are_kept_whether_they_are_short_or_long(stage: Stage, error: bytes) -> None:
    job_id = await stage.put_one(retry=RetryPolicy(max_attempts=100))
    for number in range(1, ATTEMPTS_KEPT + 3):
        await stage.settle(Nack(job_id=job_id, token=(await stage.lease()).token, error=error, retry_in_ms=0))
        await stage.tick()
        found = await stage.engine.attempts(job_id) or []
        assert [a.attempt for a in found] == list(range(1, number + 1))[-ATTEMPTS_KEPT:]
        assert {a.error for a in found} == {error} == {(await stage.job(job_id)).error}
