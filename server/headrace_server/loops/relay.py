"""The relay: what the logs of events tell becomes deliveries of webhooks; every server has one, and none leads."""

import asyncio
import logging
import random
from typing import Final

from headrace_server.engine import Engine

IDLE_S: Final = 5.0  # how late the first webhook may be noticed, if nobody could tell of it
FLOOR_S: Final = 1.0  # how late an event is noticed whose message was lost
GATHER_S: Final = 0.02  # after an event: those that follow it share a look

_log = logging.getLogger(__name__)


class Relay:
    """The relay of all shards."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._is_needed = False
        self._webhooks = engine.listen_to_webhooks()
        self._events = engine.listen_to_events()

    async def step(self) -> int:
        """Make deliveries, a bounded number; return how many events were looked at."""
        self._webhooks.arm()
        self._events.arm()
        relayed = await self._engine.relay()
        self._is_needed = relayed.is_needed
        if relayed.gaps:
            _log.warning("events were gone before webhooks were told of them: they are told that")
        return relayed.done

    async def pause(self) -> None:
        """Return when something has happened or, while nobody wants to know of it, when a webhook was made."""
        if not self._is_needed:
            await self._webhooks.wait(IDLE_S * random.uniform(0.8, 1.0))
        elif await self._events.wait(FLOOR_S):
            await asyncio.sleep(GATHER_S * random.uniform(0.5, 1.5))
