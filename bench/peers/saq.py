"""SAQ: a job stays incomplete until it has ended, and is kept for ten minutes then."""

import asyncio
from collections.abc import Sequence
from typing import Any

from saq import Queue

from peers.job import CONCURRENCY, URL, note

queue = Queue.from_url(URL)


async def task(_context: dict[str, Any], *, stamped: str) -> int:
    return note(stamped)


settings = {"queue": queue, "functions": [("note", task)], "concurrency": CONCURRENCY or 10}


async def one(payload: str) -> None:
    await queue.enqueue("note", stamped=payload)


async def many(payloads: Sequence[str]) -> None:
    """Enqueue at once: there is no form for many, but this is how an asynchronous program does it."""
    await asyncio.gather(*(queue.enqueue("note", stamped=payload) for payload in payloads))


async def left() -> int:
    return int(await queue.count("incomplete"))
