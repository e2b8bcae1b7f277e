"""Listens to the shards' wake-up messages and rings the parking; messages are an accelerator and may be lost."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from redis import exceptions
from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from headrace_server.domain.errors import StoreFault
from headrace_server.domain.fleet import Directive
from headrace_server.engine.directives import Directives, known, parking_name
from headrace_server.engine.parking import Parking
from headrace_server.engine.subscription import Subscription

FLOOR_S: Final = 1.0  # how long a lost message may cost a waiter
_RECONNECT_S: Final = 0.5

_log = logging.getLogger(__name__)


class Wakeups:
    """One subscription for all shards, and the floor under it.

    `queues` parks polls, `jobs` readers of one job (by its id in hex), `events` readers of the log. `schedules` is set
    when one has changed, and `webhooks` parks whoever wants to know the same of webhooks. `read` asks the store for
    what `directives` are to hold when a subscription begins.
    """

    def __init__(
        self,
        url: str,
        channels: Sequence[bytes],
        *,
        queues: Parking,
        jobs: Parking,
        events: Parking,
        directives: Directives,
        schedules: asyncio.Event,
        webhooks: Parking,
        read: Callable[[], Awaitable[Mapping[str, Directive]]],
    ) -> None:
        # no socket timeout: a subscription is silent for as long as nothing happens
        self._pool = ConnectionPool.from_url(url, socket_timeout=None, retry=Retry(NoBackoff(), 0), protocol=2)
        self._channels = channels
        self._queues = queues
        self._jobs = jobs
        self._events = events
        self._directives = directives
        self._schedules = schedules
        self._webhooks = webhooks
        self._read = read
        self._begun = asyncio.Event()
        self._listens = asyncio.Event()  # set with the first subscription
        self._is_deaf = False  # and that was logged
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to listen; return when nothing is missed any more, or the store lets us wait for that."""
        self._tasks = [asyncio.create_task(loop()) for loop in (self._listen_for_ever, self._learn, self._floor)]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FLOOR_S):
                await self._listens.wait()

    async def close(self) -> None:
        """Stop listening and close the connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _listen_for_ever(self) -> None:
        while True:
            try:
                why = await self._listen()
            except (exceptions.RedisError, OSError) as fault:
                why = str(fault)
            self._directives.lose()
            self._note_deaf(why)
            await asyncio.sleep(_RECONNECT_S * random.uniform(0.5, 1.5))

    async def _listen(self) -> str:
        """Listen until the connection is closed; return why it was."""
        connection: AbstractConnection = self._pool.make_connection()  # type: ignore[no-untyped-call]
        try:
            await connection.connect()  # type: ignore[no-untyped-call]
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        subscription = Subscription(connection, self._channels, self._ring)
        try:
            return await subscription.until_ended()
        finally:
            subscription.give_up()
            await subscription.until_ended()

    def _note_deaf(self, why: str) -> None:
        if not self._is_deaf:  # else it was one more attempt
            self._is_deaf = True
            _log.warning("the store's messages are not heard: waiters look by themselves", extra={"detail": why})

    def _note_hearing(self) -> None:
        if self._is_deaf:
            self._is_deaf = False
            _log.info("the store's messages are heard again")

    async def _learn(self) -> None:
        """Read the directives whenever a subscription has begun, as often as it takes."""
        while True:
            await self._begun.wait()
            self._begun.clear()
            self._directives.begin()
            try:
                told = await self._read()
                if not self._begun.is_set():  # else it is of the subscription before
                    self._directives.know(told)
            except StoreFault:
                self._begun.set()
                await asyncio.sleep(_RECONNECT_S * random.uniform(0.5, 1.5))

    async def _floor(self) -> None:
        while True:
            await asyncio.sleep(FLOOR_S * random.uniform(0.9, 1.1))
            self._wake_all()

    def _wake_all(self) -> None:
        for parking in (self._queues, self._jobs, self._events):
            parking.wake_all()

    def _ring(self, message: Sequence[Any]) -> None:
        what, channel, said = message
        if what == b"ssubscribe":  # what happened before it was not heard
            self._wake_all()
            self._schedules.set()
            self._webhooks.wake_all()
            if channel == self._channels[0]:  # that of the registry
                self._begun.set()
            if channel == self._channels[-1]:
                self._listens.set()
                self._note_hearing()
        elif what == b"smessage":
            self._hear(*said.split(b" ", 1))

    def _hear(self, kind: bytes, rest: bytes = b"") -> None:
        if kind == b"queue":
            count, _, queue = rest.partition(b" ")
            self._queues.hear(queue.decode(), int(count))
        elif kind == b"events":
            self._events.wake_all()
        elif kind == b"schedules":
            self._schedules.set()
        elif kind == b"webhooks":
            self._webhooks.wake_all()
            self._events.wake_all()  # whoever turns events into deliveries looks at the webhooks, too
        elif kind == b"worker":
            directive, _, worker = rest.decode().partition(" ")
            self._directives.hear(worker, known(directive))
            self._queues.wake(parking_name(worker), len(self._queues))
        else:  # job: everybody who waits for this one
            self._jobs.wake(rest.hex(), len(self._jobs))
