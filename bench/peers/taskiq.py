"""Taskiq over a list (popped before the work) or a stream (acknowledged after it)."""

import asyncio
from collections.abc import Sequence
from functools import cache

from redis.asyncio import Redis
from taskiq_redis import ListQueueBroker, RedisAsyncResultBackend, RedisStreamBroker

from peers.job import URL, WISHES, note

STREAM = "stream" in WISHES
broker = RedisStreamBroker(URL) if STREAM else ListQueueBroker(URL)
if "results" in WISHES:
    broker = broker.with_result_backend(RedisAsyncResultBackend(URL))


@broker.task(task_name="bench:note")
async def task(stamped: str) -> int:
    return note(stamped)


async def one(payload: str) -> None:
    await _started()
    await task.kiq(payload)


async def many(payloads: Sequence[str]) -> None:
    """Enqueue at once: there is no form for many, but this is how an asynchronous program does it."""
    await _started()
    await asyncio.gather(*(task.kiq(payload) for payload in payloads))


async def left() -> int:
    await _started()
    redis = _redis()
    if not STREAM:
        return int(await redis.llen("taskiq"))
    groups = await redis.xinfo_groups("taskiq")
    return sum(int(group["lag"] or 0) + int(group["pending"]) for group in groups)


@cache
def _redis() -> Redis:
    return Redis.from_url(URL)


async def _started() -> None:
    if not _begun:
        _begun.append(True)
        await broker.startup()


_begun: list[bool] = []
