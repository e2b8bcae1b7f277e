"""Listens to the shards' wake-up messages and rings the parking; messages are an accelerator and may be lost."""

import asyncio
import contextlib
import random
from collections.abc import Sequence
from typing import Any, Final

from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from headrace_server.engine.parking import Parking

FLOOR_S: Final = 1.0  # how long a lost message may cost a waiter
_RECONNECT_S: Final = 0.5


class Wakeups:
    """One subscription for all shards, and the floor under it.

    `queues` parks polls, `jobs` readers of one job (by its id in hex), `events` readers of the log.
    """

    def __init__(self, url: str, channels: Sequence[bytes], queues: Parking, jobs: Parking, events: Parking) -> None:
        # no socket timeout: a subscription is silent for as long as nothing happens
        self._redis = Redis.from_url(url, socket_timeout=None, retry=Retry(NoBackoff(), 0), protocol=2)
        self._channels = channels
        self._queues = queues
        self._jobs = jobs
        self._events = events
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to listen."""
        self._tasks = [asyncio.create_task(loop()) for loop in (self._listen_for_ever, self._floor)]

    async def close(self) -> None:
        """Stop listening and close the connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._redis.aclose()

    async def _listen_for_ever(self) -> None:
        while True:
            with contextlib.suppress(exceptions.RedisError, OSError):
                await self._listen()
            await asyncio.sleep(_RECONNECT_S * random.uniform(0.5, 1.5))

    async def _listen(self) -> None:
        async with self._redis.pubsub() as subscription:
            await subscription.ssubscribe(*self._channels)
            async for message in subscription.listen():
                self._ring(message)

    async def _floor(self) -> None:
        while True:
            await asyncio.sleep(FLOOR_S * random.uniform(0.9, 1.1))
            self._wake_all()

    def _wake_all(self) -> None:
        for parking in (self._queues, self._jobs, self._events):
            parking.wake_all()

    def _ring(self, message: dict[str, Any]) -> None:
        if message["type"] == "ssubscribe":  # what happened before it was not heard
            self._wake_all()
        elif message["type"] == "smessage":
            kind, _, rest = message["data"].partition(b" ")
            if kind == b"queue":
                count, _, queue = rest.partition(b" ")
                self._queues.wake(queue.decode(), int(count))
            elif kind == b"events":
                self._events.wake_all()
            else:  # job: everybody who waits for this one
                self._jobs.wake(rest.hex(), len(self._jobs))
