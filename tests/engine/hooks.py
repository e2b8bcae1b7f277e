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
    while (await engine.relay()).done:
        pass


async def deliveries(engine: Engine, queue: str = QUEUE) -> list[dict[str, Any]]:
    """Lease all deliveries; return their messages."""
    grant = await engine.lease(LeaseAsk(queues=[queue], max_jobs=1_000))
    return [msgspec.json.decode(job.payload.data) for job in grant.jobs]


async def told(engine: Engine, queue: str = QUEUE) -> list[str]:
    """Lease all deliveries; return which jobs they tell of, in order."""
    return [message["data"]["job_id"] for message in await deliveries(engine, queue)]


async def waiting(stage: Stage, name: str = "w") -> int:
    [stats] = await stage.engine.stats([f"headrace.webhooks.{name}"])
    return stats.counts[State.READY]
