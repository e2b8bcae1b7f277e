"""Lag: how late the event loop comes to a timer, the sum of everything that holds it up; and how many polls wait."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from headrace_server.telemetry.meters import Meters

LOOK_S: Final = 1.0


class Lag:
    """Looks once in a while."""

    def __init__(self, meters: Meters, parked: Callable[[], int]) -> None:
        self._meters = meters
        self._parked = parked
        self._late_s: float | None = None

    async def step(self) -> int:
        """Tell what the pause before has found."""
        if self._late_s is not None:
            self._meters.lagged(self._late_s)
        self._meters.parked(self._parked())
        return 0

    async def pause(self) -> None:
        """Sleep, and see how long it was."""
        begun = time.perf_counter()  # the loop's own clock stands still between two of its turns
        await asyncio.sleep(LOOK_S)
        self._late_s = max(0.0, time.perf_counter() - begun - LOOK_S)
