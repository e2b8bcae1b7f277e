"""arq: a job leaves the queue when it has ended, and its result is kept for an hour."""

import asyncio
from collections.abc import Sequence
from typing import Any

from arq import create_pool, func
from arq.connections import ArqRedis, RedisSettings

from peers.job import CONCURRENCY, URL, note

_pools: list[ArqRedis] = []


async def task(_context: dict[Any, Any], stamped: str) -> int:
    return note(stamped)


class Settings:
    """What the worker is started with."""

    functions = (func(task, name="note"),)
    redis_settings = RedisSettings.from_dsn(URL)
    max_jobs = CONCURRENCY or 10  # its default


async def one(payload: str) -> None:
    await (await _pool()).enqueue_job("note", payload)


async def many(payloads: Sequence[str]) -> None:
    """Enqueue at once: there is no form for many, but this is how an asynchronous program does it."""
    pool = await _pool()
    await asyncio.gather(*(pool.enqueue_job("note", payload) for payload in payloads))


async def left() -> int:
    return int(await (await _pool()).zcard("arq:queue"))


async def _pool() -> ArqRedis:
    if not _pools:
        _pools.append(await create_pool(RedisSettings.from_dsn(URL)))
    return _pools[0]
