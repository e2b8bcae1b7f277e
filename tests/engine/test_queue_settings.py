"""Settings of queues, pause, resume and drain: in force with the next script, for jobs that are there already, too."""

import asyncio

import pytest
from headrace_server.domain.lifecycle import State
from headrace_server.domain.queues import QueueSettings, Rate
from headrace_server.domain.requests import Ack, EnqueueStatus, LeaseAsk, Nack
from headrace_server.domain.retry import Backoff, OnExhausted, RetryPolicy
from headrace_server.engine import wakeups

from tests.engine.conftest import EngineMaker, enqueue
from tests.engine.stage import Stage
from tests.engine.test_polls import parked

pytestmark = pytest.mark.anyio

ALL = QueueSettings(
    lease_ms=5_000,
    max_runtime_ms=7_000,
    priority=7,
    max_crashes=2,
    retry=RetryPolicy(
        max_attempts=4,
        backoff=Backoff.LINEAR,
        initial_ms=10,
        factor=1.5,
        max_ms=99,
        jitter=False,
        max_elapsed_ms=60_000,
        non_retryable=("404", "1e5", "Auth*"),
        on_exhausted=OnExhausted.DISCARD,
    ),
    succeeded_retention_ms=61_000,
    dead_retention_ms=62_000,
    cancelled_retention_ms=63_000,
    result_ttl_ms=0,
    max_depth=1_000,
    max_bytes=10_000,
    concurrency=3,
    rate=Rate(count=7, per_ms=1_000, burst=5),
)


async def test_settings_are_read_back_as_they_were_said(stage: Stage) -> None:
    assert (await stage.engine.configure("q", ALL)).settings == ALL
    assert (await stage.engine.queue("q")).settings == ALL
    assert (await stage.engine.queues(after=None, limit=9)).queues == ["q"]


async def test_settings_replace_all_others_but_pause_and_drain(stage: Stage) -> None:
    await stage.engine.configure("q", ALL)
    await stage.engine.pause("q", None)
    await stage.engine.drain_queue("q")
    view = await stage.engine.configure("q", QueueSettings(lease_ms=9_000))
    assert (view.settings, view.paused, view.draining) == (QueueSettings(lease_ms=9_000), True, True)


async def test_a_pattern_that_looks_like_a_number_is_a_pattern(stage: Stage) -> None:
    await stage.engine.configure("q", ALL)
    await stage.put_one()
    job = await stage.lease()
    nack = Nack(job_id=job.id, token=job.token, error=b"{}", error_type="1e5")
    assert (await stage.settle(nack)).state is State.DEAD


async def test_a_queue_that_nobody_spoke_of_is_empty_and_has_no_name(stage: Stage) -> None:
    view = await stage.engine.queue("nobody")
    assert (view.settings, view.paused, view.draining) == (QueueSettings(), False, False)
    assert not any(view.stats.counts.values())
    assert (await stage.engine.queues(after=None, limit=9)).queues == []


async def test_jobs_that_lie_in_lanes_are_counted_and_the_oldest_may_be_one_of_them(stage: Stage) -> None:
    await stage.put_one(limits=("a",))
    stage.later(500)
    await stage.put_one()
    await stage.put_one(ordering_key="o")
    (stats,) = await stage.engine.stats(["q"])
    assert (stats.counts[State.READY], stats.backlog, stats.oldest_ready_age_ms) == (3, 3, 500)


async def test_a_pause_ends_by_itself_at_its_instant(stage: Stage) -> None:
    job_id = await stage.put_one()
    view = await stage.engine.pause("q", 1_000)
    assert (view.paused, view.paused_until_ms) == (True, stage.now_ms + 1_000)
    (stats,) = await stage.engine.stats(["q"])
    assert stats.paused
    stage.later(999)
    await stage.tick()
    assert await stage.is_dry()
    stage.later(1)
    await stage.tick()
    assert (await stage.lease()).id == job_id
    assert stage.keys("q:q:settings") == set()


async def test_a_longer_pause_replaces_a_short_one(stage: Stage) -> None:
    await stage.put_one()
    await stage.engine.pause("q", 1_000)
    await stage.engine.pause("q", 5_000)
    stage.later(4_999)
    await stage.tick()
    assert (await stage.engine.queue("q")).paused_until_ms == stage.now_ms + 1
    stage.later(1)
    await stage.tick()
    assert not (await stage.engine.queue("q")).paused


async def test_a_drained_queue_refuses_and_serves(stage: Stage) -> None:
    job_id = await stage.put_one()
    assert (await stage.engine.drain_queue("q")).draining
    assert (await stage.put(stage.new())).status is EnqueueStatus.DRAINING
    assert (await stage.lease()).id == job_id
    assert not (await stage.engine.resume("q")).draining
    assert (await stage.put(stage.new())).status is EnqueueStatus.CREATED


@pytest.mark.parametrize("change", ["resume", "concurrency", "rate"])
async def test_whoever_waits_hears_that_a_queue_gives_more(
    store_url: str, make_engine: EngineMaker, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """From another server, and by a message: not by the look that everybody takes once a second."""
    monkeypatch.setattr(wakeups, "FLOOR_S", 60.0)
    engine, other = await make_engine(store_url), await make_engine(store_url)
    narrow = {
        "resume": QueueSettings(),
        "concurrency": QueueSettings(concurrency=1),
        "rate": QueueSettings(rate=Rate(count=1, per_ms=86_400_000, burst=1)),
    }[change]
    await engine.configure("q", narrow)
    if change == "resume":
        await engine.pause("q", None)
    for _ in range(2):
        await enqueue(engine)
    if change != "resume":
        await engine.lease(LeaseAsk(queues=["q"]))
    poll = asyncio.create_task(engine.poll(LeaseAsk(queues=["q"]), 20_000))
    await parked(engine, 1)
    await (other.resume("q") if change == "resume" else other.configure("q", QueueSettings()))
    assert len((await poll).jobs) == 1


async def test_a_queue_is_forgotten_when_nothing_is_left_to_do(stage: Stage) -> None:
    await stage.engine.configure("q", ALL)
    job_id = await stage.put_one()
    view = await stage.engine.forget("q")
    assert view is not None
    assert (view.settings, view.stats.counts[State.READY]) == (ALL, 1)
    job = await stage.lease()
    await stage.settle(Ack(job_id=job_id, token=job.token))
    assert await stage.engine.forget("q") is None
    assert (await stage.engine.queue("q")).settings == QueueSettings()


async def test_the_name_of_a_forgotten_queue_goes_with_its_last_record(stage: Stage) -> None:
    await stage.put_one()
    job = await stage.lease()
    await stage.settle(Ack(job_id=job.id, token=job.token))
    assert await stage.engine.forget("q") is None
    assert (await stage.engine.queues(after=None, limit=9)).queues == ["q"]
    stage.later(3_600_000)
    await stage.tick()
    assert (await stage.engine.queues(after=None, limit=9)).queues == []


async def test_a_forgotten_name_that_is_used_again_stays(stage: Stage) -> None:
    await stage.put_one()
    job = await stage.lease()
    await stage.settle(Ack(job_id=job.id, token=job.token))
    await stage.engine.forget("q")
    await stage.engine.configure("q", QueueSettings(priority=1))
    stage.later(3_600_000)
    await stage.tick()
    assert (await stage.engine.queues(after=None, limit=9)).queues == ["q"]
    assert (await stage.engine.queue("q")).settings.priority == 1


async def test_names_come_in_alphabetical_order_whatever_their_queues_have(stage: Stage) -> None:
    await stage.put_one("c")
    await stage.engine.configure("a", ALL)
    await stage.put_one("b", fairness_key="t")
    await stage.put_one("d", limits=("x",))
    first = await stage.engine.queues(after=None, limit=3)
    assert (first.queues, first.next_after) == (["a", "b", "c"], "c")
    assert (await stage.engine.queues(after="c", limit=3)).queues == ["d"]
