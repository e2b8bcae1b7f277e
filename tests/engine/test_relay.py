"""What happens becomes deliveries: one of each event whatever servers do, and a gap for what nobody could tell."""

import asyncio
from typing import Any

import pytest
import redis
from headrace_server.domain.lifecycle import State
from headrace_server.domain.limits import DAY_MS, WEBHOOK_AGE_MS
from headrace_server.domain.requests import CancelMode, LeaseAsk
from headrace_server.domain.webhooks import EventType, PauseReason, WebhookView
from headrace_server.engine import Engine

from tests.engine.conftest import enqueue
from tests.engine.hooks import QUEUE, a_webhook, deliveries, end_jobs, put, relay, told, waiting
from tests.engine.stage import SCRIPTS, Stage
from tests.support.stores import StoreProcess

pytestmark = pytest.mark.anyio


async def the(stage: Stage) -> WebhookView:
    found = await stage.engine.webhook("w")
    assert found is not None
    return found


async def test_what_happened_before_is_not_told(stage: Stage) -> None:
    await end_jobs(stage, 3)
    stage.later(1)
    await put(stage, concurrency=20)
    after = await end_jobs(stage, 2)
    await relay(stage.engine)
    assert await told(stage.engine) == after


async def test_many_servers_make_one_delivery_of_each_event(store_url: str, make_engine: Any, stage: Stage) -> None:
    others = [await make_engine(store_url, scripts=SCRIPTS) for _ in range(3)]
    await put(stage, max_waiting=10_000)
    for _ in range(10):
        await end_jobs(stage, 7)
        await asyncio.gather(*(relay(engine) for engine in [stage.engine, *others]))
    assert await waiting(stage) == 70


async def test_who_was_stopped_in_the_middle_writes_nothing_when_it_goes_on(stage: Stage) -> None:
    """It has read what is to be told; another one tells it, and the deliveries are made and gone; then it goes on."""
    await put(stage)
    await end_jobs(stage, 3)
    hooks = await stage.engine.webhooks()
    rev = hooks.revs[0]
    part = await stage.engine._read_part(0, int(rev), 100)
    call = stage.engine._plan(0, part, hooks, rev)
    assert call.count == 3
    await relay(stage.engine)
    for job in (await stage.engine.lease(LeaseAsk(queues=[QUEUE], max_jobs=9))).jobs:
        await stage.cancel(job.id, mode=CancelMode.HARD)
    stage.later(2 * DAY_MS)
    await stage.tick()
    assert await stage.engine._relay(0, rev, call, hooks) == 0
    assert await waiting(stage) == 0


async def test_a_store_that_forgot_how_far_it_was_gets_no_second_delivery(stage: Stage) -> None:
    """It came back with its last seconds lost, and not all of them: a delivery that is there is not made again."""
    await put(stage)
    before = (await stage.engine.webhooks()).revs[0]
    await end_jobs(stage, 3)
    await relay(stage.engine)
    for job in (await stage.engine.lease(LeaseAsk(queues=[QUEUE], max_jobs=9))).jobs:
        await stage.cancel(job.id, mode=CancelMode.HARD)
    stage._client.hset("hr:{0}:hook:state", "rev:0", before)
    await relay(stage.engine)
    assert await waiting(stage) == 0


async def test_another_webhook_takes_nothing_from_those_that_are_there(stage: Stage) -> None:
    await put(stage)
    await end_jobs(stage, 2)
    stage.later(1)
    await put(stage, "v")
    await relay(stage.engine)
    assert (await waiting(stage), await waiting(stage, "v")) == (2, 0)


async def test_a_gap_is_told_once(stage: Stage) -> None:
    await put(stage)
    await stage.engine.pause_webhook("w")
    await end_jobs(stage, 2)
    await relay(stage.engine)
    await stage.engine.resume_webhook("w")
    first = await stage.engine.webhooks()
    stage.later(1)
    second = await stage.engine.webhooks()
    assert [await stage.engine._tell_gaps(hooks) for hooks in (first, second)] == [1, 0]


async def test_an_event_is_told_by_what_holds_when_it_is_relayed(stage: Stage) -> None:
    """A change that was answered holds from then on, also for a server that had read the webhooks before."""
    await put(stage)
    hooks = await stage.engine.webhooks()
    await end_jobs(stage, 1)
    part = await stage.engine._read_part(0, int(hooks.revs[0]), 100)
    call = stage.engine._plan(0, part, hooks, hooks.revs[0])
    await put(stage, queues=("other",))
    assert await stage.engine._relay(0, hooks.revs[0], call, hooks) == 0
    await relay(stage.engine)
    assert await waiting(stage) == 0


async def test_more_events_than_one_script_takes_come_in_portions(stage: Stage) -> None:
    for name in ("w", "v", "u"):
        await put(stage, name, max_waiting=10_000)
    await end_jobs(stage, 110)
    done = [(await stage.engine.relay()).done for _ in range(10)]
    assert done[-1] == 0
    assert [await waiting(stage, name) for name in ("w", "v", "u")] == [110] * 3


async def test_deliveries_of_all_shards_lie_on_one(valkey: StoreProcess, make_engine: Any) -> None:
    engine: Engine = await make_engine(valkey.url, shards=4)
    queues = ["a", "b", "c", "d", "e", "f"]
    spec = a_webhook(events=(EventType.READY,), concurrency=20)
    await engine.put_webhook("w", spec, secret=None, paused=None)
    made = {await enqueue(engine, queue) for queue in queues}
    assert len({job_id[6:8] for job_id in made}) > 1
    await relay(engine)
    assert await told(engine) == made
    assert (await engine.delete_webhook("w"), (await engine.webhooks()).revs) == (True, {})


async def test_what_was_cut_off_the_log_is_told_as_a_gap(stage: Stage, client: "redis.Redis") -> None:
    await put(stage)
    await end_jobs(stage, 5)
    client.hincrby("hr:{0}:meta", "rev", 1_000_000)  # so much has happened since
    last = await stage.put_one("q")
    client.xtrim("hr:{0}:events", maxlen=1, approximate=False)
    await stage.cancel(last)
    assert (await stage.engine.relay()).gaps == 1
    await relay(stage.engine)
    messages = await deliveries(stage.engine)
    assert sorted(message["type"] for message in messages) == ["job.cancelled", "webhook.gap"]


async def test_no_event_is_lost_while_no_server_runs(stage: Stage) -> None:
    await put(stage)
    await end_jobs(stage, 2)
    stage.later(DAY_MS - 1)
    await stage.tick()
    await relay(stage.engine)
    assert await waiting(stage) == 2


async def test_after_days_without_a_server_a_gap_is_told(stage: Stage) -> None:
    await put(stage)
    await end_jobs(stage, 2)
    stage.later(2 * DAY_MS)
    await stage.tick()
    await relay(stage.engine)
    [message] = await deliveries(stage.engine)
    assert (message["type"], message["data"]["missed"]) == ("webhook.gap", 1)


async def test_a_paused_webhook_is_told_how_much_it_missed(stage: Stage) -> None:
    await put(stage)
    assert (await stage.engine.pause_webhook("w")).paused is PauseReason.ASKED
    await end_jobs(stage, 4)
    await relay(stage.engine)
    assert (await waiting(stage), (await the(stage)).missed) == (0, 4)
    await stage.engine.resume_webhook("w")
    await relay(stage.engine)
    [message] = await deliveries(stage.engine)
    assert message["data"] == {"missed": 4}
    assert (await the(stage)).missed == 0


async def test_beyond_max_waiting_a_gap_is_told_once_there_is_room(stage: Stage) -> None:
    await put(stage, max_waiting=3)
    await end_jobs(stage, 5)
    await relay(stage.engine)
    assert (await waiting(stage), (await the(stage)).missed) == (3, 2)
    await relay(stage.engine)
    for job in (await stage.engine.lease(LeaseAsk(queues=[QUEUE], max_jobs=9))).jobs:
        await stage.cancel(job.id, mode=CancelMode.HARD)
    await relay(stage.engine)
    [message] = await deliveries(stage.engine)
    assert message["data"] == {"missed": 2}


async def test_a_delivery_that_nobody_makes_is_given_up(stage: Stage) -> None:
    await put(stage)
    await end_jobs(stage, 1)
    await relay(stage.engine)
    stage.later(WEBHOOK_AGE_MS)
    await stage.tick()
    [stats] = await stage.engine.stats([QUEUE])
    assert (stats.counts[State.CANCELLED], stats.counts[State.READY]) == (1, 0)
