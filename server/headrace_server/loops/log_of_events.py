"""Keeps the log of state changes going while nobody reads it (HEADRACE_EVENTS)."""

import asyncio
import random
from typing import Final

from headrace_server.domain.limits import EVENTS_WRITTEN_MS
from headrace_server.engine import Engine

EVERY_S: Final = EVENTS_WRITTEN_MS / 1000 / 4  # an outage of the store must not make a gap where nothing was lost


class LogOfEvents:
    """Asks for the log, as a reader would."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def step(self) -> int:
        """Have events written for another while."""
        await self._engine.keep_events()
        return 0

    async def pause(self) -> None:
        """Return well before that is over."""
        await asyncio.sleep(EVERY_S * random.uniform(0.8, 1.2))
