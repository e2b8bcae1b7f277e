"""Webhooks on a stage: how tests make them, let things happen, and look at what is to be told."""

from typing import Any, Final

import msgspec
from headrace_server.domain.lifecycle import State
from headrace_server.domain.requests import LeaseAsk
from headrace_server.domain.retry import RetryPolicy
from headrace_server.domain.webhooks import Webhook, WebhookView
from headrace_server.engine import Engine

from tests.engine.stage import Stage

QUEUE: Final = "headrace.webhooks.w"
MOST_LOOKS: Final = 100


def a_webhook(**more: Any) -> Webhook:
    settings = {"timeout_ms": 1_000, "concurrency": 5, "max_waiting": 1_000, "retry": RetryPolicy(max_attempts=2)}
    return Webhook(url="https://receiver.example/", **{**settings, **more})


async def put(stage: Stage, name: str = "w", *, secret: str | None = None, **more: Any) -> WebhookView:
    return (await stage.engine.put_webhook(name, a_webhook(**more), secret=secret, paused=None)).view


async def end_jobs(stage: Stage, n: int, queue: str = "q") -> set[bytes]:
    """Cancel n new jobs; return their ids."""
    ids = {await stage.put_one(queue) for _ in range(n)}
    for job_id in ids:
        await stage.cancel(job_id)
    return ids


async def relay(engine: Engine) -> None:
    """Make all deliveries that there are to make."""
    for _ in range(MOST_LOOKS):
        if not (await engine.relay()).done:
            return
    raise AssertionError("there is no end of it")


async def deliveries(engine: Engine, queue: str = QUEUE) -> list[dict[str, Any]]:
    """Lease all deliveries; return their messages."""
    grant = await engine.lease(LeaseAsk(queues=[queue], max_jobs=1_000))
    return [msgspec.json.decode(job.payload.data) for job in grant.jobs]


async def told(engine: Engine, queue: str = QUEUE) -> set[bytes]:
    """Lease all deliveries; return which jobs they tell of."""
    messages = await deliveries(engine, queue)
    assert {message["type"].partition(".")[0] for message in messages} <= {"job"}
    return {bytes.fromhex(message["data"]["job_id"].replace("-", "")) for message in messages}


async def waiting(stage: Stage, name: str = "w") -> int:
    [stats] = await stage.engine.stats([f"headrace.webhooks.{name}"])
    return stats.counts[State.READY]
