"""Webhooks as records: put, rotated, paused, deleted, and what is left of them."""

import itertools

import pytest
import redis
from headrace_server.domain.limits import DAY_MS, MAX_WEBHOOKS, OLD_SECRET_MS
from headrace_server.domain.queues import QueueSettings, Rate
from headrace_server.domain.retry import RetryPolicy
from headrace_server.domain.webhooks import PauseReason
from headrace_server.engine import Engine, PutOutcome, TooManyWebhooks

from tests.engine.hooks import QUEUE, a_webhook, end_jobs, put, relay, waiting
from tests.engine.stage import Stage

pytestmark = pytest.mark.anyio
SECRETS = [f"whsec_{letter * 32}" for letter in "ABC"]


async def test_the_same_webhook_again_changes_nothing(stage: Stage) -> None:
    made = await stage.engine.put_webhook("w", a_webhook(), secret=None, paused=None)
    stage.later(1_000)
    again = await stage.engine.put_webhook("w", a_webhook(), secret=None, paused=None)
    assert (made.outcome, again.outcome) == (PutOutcome.MADE, PutOutcome.SAME)
    assert (made.is_new_secret, again.is_new_secret) == (True, False)
    assert (again.view.generation, again.view.updated_at_ms) == (made.view.generation, made.view.updated_at_ms)
    other = await stage.engine.put_webhook("w", a_webhook(description="x"), secret=None, paused=None)
    assert (other.outcome, other.view.webhook.description) == (PutOutcome.CHANGED, "x")
    changed = await stage.engine.put_webhook("w", a_webhook(description="x"), secret=None, paused=True)
    assert (changed.outcome, changed.view.paused, changed.view.secret) == (
        PutOutcome.CHANGED,
        PauseReason.ASKED,
        made.view.secret,
    )


async def test_the_queue_is_as_the_webhook_says_and_keeps_what_others_say(stage: Stage) -> None:
    rate = Rate(count=5, per_ms=1_000, burst=5)
    await put(stage)
    settings = (await stage.engine.queue(QUEUE)).settings
    assert (settings.lease_ms, settings.concurrency, settings.max_depth) == (4_000, 5, 1_000)
    await stage.engine.configure(QUEUE, QueueSettings(rate=rate, concurrency=1))
    await put(stage, concurrency=7)
    settings = (await stage.engine.queue(QUEUE)).settings
    assert (settings.rate, settings.concurrency, settings.retry) == (rate, 7, RetryPolicy(max_attempts=2))


async def test_an_old_secret_signs_for_a_day(stage: Stage) -> None:
    await put(stage, secret=SECRETS[0])
    seen = await stage.engine.rotate_webhook("w", SECRETS[1])
    assert seen is not None
    assert seen.secrets(stage.now_ms + OLD_SECRET_MS - 1) == [SECRETS[1], SECRETS[0]]
    assert seen.secrets(stage.now_ms + OLD_SECRET_MS) == [SECRETS[1]]
    again = await stage.engine.rotate_webhook("w", SECRETS[1])  # as a call does whose answer was lost
    assert again is not None
    assert again.secrets(stage.now_ms) == [SECRETS[1], SECRETS[0]]
    given = await put(stage, secret=SECRETS[2])
    assert given.secrets(stage.now_ms) == [SECRETS[2], SECRETS[1]]
    assert await stage.engine.rotate_webhook("nobody", None) is None


async def test_an_answer_of_before_does_not_pause_what_was_mended(stage: Stage) -> None:
    before = await put(stage)
    await put(stage, tasks=("t",))
    await stage.engine.pause_webhook("w", PauseReason.GONE, generation=before.generation)
    assert (await stage.engine.webhook("w")).paused is None


async def test_a_put_leaves_a_pause_as_it_is_unless_it_speaks_of_it(stage: Stage) -> None:
    await put(stage)
    await stage.engine.pause_webhook("w")
    assert (await put(stage, tasks=("t",))).paused is PauseReason.ASKED
    again = await stage.engine.put_webhook("w", a_webhook(tasks=("t",)), secret=None, paused=False)
    assert (again.outcome, again.view.paused) == (PutOutcome.CHANGED, None)


async def is_one_too_many(stage: Stage, name: str) -> bool:
    try:
        await put(stage, name, tasks=("t",))
    except TooManyWebhooks:
        return True
    return False


async def test_there_is_a_bound(stage: Stage) -> None:
    for number in range(MAX_WEBHOOKS):
        await put(stage, f"w{number}")
    assert await is_one_too_many(stage, "one-too-many")
    assert not await is_one_too_many(stage, "w7")


async def test_the_log_is_written_while_there_are_webhooks(stage: Stage) -> None:
    client = stage._client

    def until_ms() -> int:
        return int(client.hget("hr:{0}:meta", "events_until"))  # type: ignore[arg-type]

    await put(stage)
    await put(stage, "v")
    assert until_ms() >= stage.now_ms + DAY_MS
    await stage.engine.delete_webhook("w")
    assert until_ms() >= stage.now_ms + DAY_MS
    await stage.engine.delete_webhook("v")
    assert until_ms() <= stage.now_ms + 2 * 60_000
    stage.at(until_ms())
    await stage.tick()
    assert stage.keys("events") == set()
    assert stage.keys("hook:*") == {"hr:{0}:hook:state"}
    assert client.hgetall("hr:{0}:hook:state") == {b"version": b"4"}


async def test_what_was_deleted_has_no_deliveries(stage: Stage) -> None:
    await put(stage)
    await end_jobs(stage, 3)
    await relay(stage.engine)
    assert await stage.engine.delete_webhook("w")
    await stage.tick()
    assert await waiting(stage) == 0
    assert not await stage.engine.delete_webhook("w")
    assert await stage.engine.webhook("w") is None


@pytest.mark.breaks_store("what disagrees is put there by the test")
async def test_the_janitor_mends_what_is_listed_and_gone(stage: Stage, client: "redis.Redis") -> None:
    await put(stage)
    client.zadd("hr:{0}:hook:names", {"gone": 0})
    client.zrem("hr:{0}:hook:names", "w")
    client.hset("hr:{0}:hook:state", "missed:gone", 5)
    found = await checked(stage.engine)
    assert sorted(found) == [
        "a webhook is listed and gone",
        "gone is gone and was not told something",
        "w is not listed",
    ]
    assert await checked(stage.engine) == []
    assert [view.name for view in (await stage.engine.webhooks()).views] == ["w"]


async def checked(engine: Engine) -> list[str]:
    cursor: str | None = None
    found: list[str] = []
    for _ in itertools.count():
        page = await engine.check(0, cursor, repair=True)
        found += [each.detail for each in page.found]
        cursor = page.cursor
        if cursor is None:
            return found
    raise AssertionError("never")
