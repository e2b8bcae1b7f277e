"""Why a job is where it is: every reason with its numbers, and what became of each attempt."""

import pytest
from headrace_server.domain.finding import AttemptOutcome, ReasonCode
from headrace_server.domain.limits import POLL_LOST_MS
from headrace_server.domain.queues import LimitSettings, QueueSettings, Rate
from headrace_server.domain.requests import Ack, CancelMode, LeaseAsk, Nack, Release

from tests.engine.stage import Stage

pytestmark = pytest.mark.anyio


async def codes(stage: Stage, job_id: bytes) -> list[ReasonCode]:
    """Return the codes of all reasons, with somebody who polls: else that is one, too."""
    found = await stage.engine.explain(job_id)
    assert found is not None
    assert found.job.id == job_id
    return [reason.code for reason in found.reasons if reason.code is not ReasonCode.NO_POLLER]


async def only(stage: Stage, job_id: bytes, code: ReasonCode) -> dict[str, object]:
    """Return the facts of one reason that must be there."""
    found = await stage.engine.explain(job_id)
    assert found is not None
    (reason,) = [each for each in found.reasons if each.code is code]
    names = ("key", "until_ms", "in_use", "limit", "position", "job_id", "seen_ms")
    return {name: value for name in names if (value := getattr(reason, name)) is not None}


async def test_an_unknown_job_has_no_reasons(stage: Stage) -> None:
    assert await stage.engine.explain(stage.engine.new_id("q")) is None
    assert await stage.engine.attempts(stage.engine.new_id("q")) is None


async def test_jobs_that_do_not_wait_in_line(stage: Stage) -> None:
    later = await stage.put_one(delay_ms=5_000)
    held = await stage.put_one()
    await stage.lease()
    ended = await stage.put_one()
    await stage.cancel(ended)
    assert await only(stage, later, ReasonCode.NOT_DUE) == {"until_ms": stage.now_ms + 5_000}
    assert await codes(stage, held) == [ReasonCode.LEASED]
    assert await codes(stage, ended) == [ReasonCode.ENDED]


async def test_a_queue_that_gives_nothing(stage: Stage) -> None:
    job_id = await stage.put_one()
    await stage.engine.pause("q", 5_000)
    assert await only(stage, job_id, ReasonCode.QUEUE_PAUSED) == {"until_ms": stage.now_ms + 5_000}
    await stage.engine.pause("q", None)
    assert await only(stage, job_id, ReasonCode.QUEUE_PAUSED) == {}
    await stage.engine.resume("q")
    await stage.engine.configure("q", QueueSettings(concurrency=1, rate=Rate(count=1, per_ms=1_000, burst=1)))
    await stage.put_one(priority=200)
    await stage.lease()
    assert await only(stage, job_id, ReasonCode.QUEUE_CONCURRENCY) == {"in_use": 1, "limit": 1}
    assert (await only(stage, job_id, ReasonCode.QUEUE_RATE))["until_ms"] == stage.now_ms + 1_000


async def test_limits_of_its_keys(stage: Stage) -> None:
    settings = LimitSettings(concurrency=1, rate=Rate(count=1, per_ms=1_000, burst=1))
    await stage.engine.set_limit("api", settings)
    await stage.put_one(limits=("api:eu",))
    await stage.lease()
    job_id = await stage.put_one(limits=("api:eu",))
    assert await only(stage, job_id, ReasonCode.LIMIT_CONCURRENCY) == {"key": "api:eu", "in_use": 1, "limit": 1}
    assert (await only(stage, job_id, ReasonCode.LIMIT_RATE))["until_ms"] == stage.now_ms + 1_000
    await stage.engine.back_off("api", 7_000)
    held = await only(stage, job_id, ReasonCode.LIMIT_HELD)
    assert (held["key"], held["until_ms"]) == ("api", stage.now_ms + 7_000)


async def test_an_ordering_key_tells_who_is_before(stage: Stage) -> None:
    jobs = [await stage.put_one(ordering_key="o") for _ in range(3)]
    waits = await only(stage, jobs[2], ReasonCode.ORDERING)
    assert (waits["key"], waits["position"], waits["job_id"]) == ("o", 2, jobs[0])
    await stage.lease()
    waits = await only(stage, jobs[1], ReasonCode.ORDERING)
    assert waits["job_id"] == jobs[0]


async def test_a_place_in_line_and_the_next_one(stage: Stage) -> None:
    first = await stage.put_one()
    await stage.put_one(limits=("a",))
    third = await stage.put_one()
    assert await only(stage, third, ReasonCode.BEHIND) == {"position": 2}
    await stage.engine.lease(LeaseAsk(queues=["q"], max_jobs=1, worker="w"))
    job_id = await stage.put_one(priority=255)
    assert [reason.code for reason in (await stage.engine.explain(job_id)).reasons] == [ReasonCode.NEXT]  # type: ignore[union-attr]
    assert await codes(stage, first) == [ReasonCode.LEASED]


async def test_a_queue_that_nobody_asks_for(stage: Stage) -> None:
    job_id = await stage.put_one()
    assert await only(stage, job_id, ReasonCode.NO_POLLER) == {}
    await stage.engine.pause("q", None)
    await stage.is_dry()
    asked_ms = stage.now_ms
    stage.later(POLL_LOST_MS + 1)
    assert await only(stage, job_id, ReasonCode.NO_POLLER) == {"seen_ms": asked_ms}


async def test_attempts_tell_each_end_and_the_one_that_runs(stage: Stage) -> None:
    job_id = await stage.put_one(max_runtime_ms=40_000)
    first = await stage.lease(worker="w1")
    stage.later(10)
    await stage.settle(Nack(job_id=job_id, token=first.token, error=b'{"type":"E"}', retry_in_ms=0))
    await stage.tick()
    await stage.lease(worker="w2", lease_ms=1_000)
    stage.later(1_000)
    await stage.tick()
    await stage.lease(worker="w3", lease_ms=100_000)
    stage.later(40_000)
    await stage.tick()
    stage.later(100_000)
    await stage.tick()
    running = await stage.lease(worker="w4")
    found = await stage.engine.attempts(job_id) or []
    outcomes = [AttemptOutcome.FAILED, AttemptOutcome.CRASHED, AttemptOutcome.TIMED_OUT, AttemptOutcome.RUNNING]
    assert [each.outcome for each in found] == outcomes
    assert [each.worker for each in found] == ["w1", "w2", "w3", "w4"]
    assert [(each.attempt, each.delivery) for each in found] == [(1, 1), (2, 2), (2, 3), (3, 4)]
    assert (found[0].started_at_ms, found[0].ended_at_ms, found[0].error) == (1_000_000, 1_000_010, b'{"type":"E"}')
    assert (found[3].started_at_ms, found[3].ended_at_ms) == (stage.now_ms, None)
    await stage.settle(Ack(job_id=job_id, token=running.token))
    found = await stage.engine.attempts(job_id) or []
    assert (found[-1].outcome, found[-1].ended_at_ms) == (AttemptOutcome.SUCCEEDED, stage.now_ms)


async def test_an_attempt_may_be_cancelled_and_a_job_that_never_ran_has_none(stage: Stage) -> None:
    job_id = await stage.put_one()
    await stage.lease(worker="w")
    await stage.cancel(job_id, mode=CancelMode.HARD)
    (found,) = await stage.engine.attempts(job_id) or []
    assert (found.outcome, found.worker) == (AttemptOutcome.CANCELLED, "w")
    waiting = await stage.put_one()
    await stage.cancel(waiting)
    assert await stage.engine.attempts(waiting) == []


async def test_a_delivery_that_was_released_is_no_attempt(stage: Stage) -> None:
    job_id = await stage.put_one()
    job = await stage.lease()
    await stage.settle(Release(job_id=job_id, token=job.token))
    assert await stage.engine.attempts(job_id) == []
