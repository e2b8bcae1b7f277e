"""A short-lived connection to a store for looking at it; driver retries are off, as everywhere."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

T = TypeVar("T")


async def undisturbed(call: Coroutine[Any, Any, T]) -> T:
    """Await `call` in a task of its own, so that a cancellation of the caller is felt at once and never lost.

    redis-py writes under asyncio.wait_for, which swallows a cancellation that arrives together with the end of the
    write (CPython 86296, all of Python 3.11): the cancelled caller would go on for ever.
    """
    task = asyncio.create_task(call)
    task.add_done_callback(_take_in)
    return await asyncio.shield(task)


def _take_in(task: asyncio.Task[Any]) -> None:
    """Take in how a call ended whose caller may be gone: then its fault is nobody's."""
    if not task.cancelled():
        task.exception()


@asynccontextmanager
async def connected(url: str, timeout_ms: int) -> AsyncIterator[Redis]:
    """Give a client whose connect and whose every reply take at most `timeout_ms` milliseconds; texts are decoded.

    Raises ValueError for a URL that redis-py cannot read; its text may hold parts of the URL, so never show it.
    """
    client = Redis.from_url(
        url,
        socket_timeout=timeout_ms / 1000,
        socket_connect_timeout=timeout_ms / 1000,
        retry=Retry(NoBackoff(), 0),
        max_connections=1,
        decode_responses=True,
    )
    try:
        yield client
    finally:
        await client.aclose()
