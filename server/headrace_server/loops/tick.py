"""The tick: what the agenda says is due happens: promote, reap, expire, prune."""

import random
from typing import Final

from headrace_server.engine import Engine

IDLE_S: Final = 0.5  # how late a due time may be noticed that only another, now dead, process knew of


class Tick:
    """The tick of one shard."""

    def __init__(self, engine: Engine, shard: int) -> None:
        self._engine = engine
        self._shard = shard

    async def step(self) -> int:
        """Work off what is due, at most one script's worth; return how many jobs and records were touched."""
        return await self._engine.tick(self._shard)

    async def pause(self) -> None:
        """Return at the next due time that this process knows of, or after the idle time."""
        await self._engine.until_due(self._shard, IDLE_S * random.uniform(0.8, 1.2))
