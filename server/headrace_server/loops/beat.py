"""The beat: every server fires the slots that have come; there is no leader, and no second job for a slot."""

import random
from typing import Final

from headrace_server.engine import Engine

IDLE_S: Final = 5.0  # how late a slot may be noticed that only another, now dead, process knew of
LEAST_S: Final = 0.002  # clocks of store and server run apart by this much


class Beat:
    """The beat of all shards."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._wait_s = 0.0

    async def step(self) -> int:
        """Fire what is due, at most a page of each shard; return how many schedules were fired."""
        fired = await self._engine.fire_due()
        idle_s = IDLE_S * random.uniform(0.8, 1.0)
        self._wait_s = idle_s if fired.next_in_s is None else min(idle_s, fired.next_in_s + LEAST_S)
        return fired.done

    async def pause(self) -> None:
        """Return at the next slot, when somebody has changed a schedule, or after the idle time."""
        await self._engine.until_schedules_change(self._wait_s)
