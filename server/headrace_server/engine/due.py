"""When something is due on a shard, as far as the answers of this process tell; it must not know what."""

import asyncio
import math


class Due:
    """The earliest time that was noted, and who waits for it."""

    def __init__(self) -> None:
        self._at = math.inf  # on the event loop's clock
        self._told_at = -math.inf  # when an answer last said what is due next, on the same clock
        self._changed = asyncio.Event()

    def told(self, in_ms: float | None) -> None:
        """Note that something is due in so many ms from now; None: nothing that is known."""
        self._told_at = asyncio.get_running_loop().time()
        at = math.inf if in_ms is None else self._told_at + in_ms / 1000
        if at < self._at:
            self._at = at
            self._changed.set()

    async def wait(self, at_most_s: float) -> None:
        """Return when something is due, or when nothing was told for `at_most_s`."""
        loop = asyncio.get_running_loop()
        while True:
            self._changed.clear()
            end = self._told_at + at_most_s
            due = min(end, self._at)
            delay = due - loop.time()
            if delay <= 0:
                self._at = math.inf  # the next answer says it anew
                return
            try:
                async with asyncio.timeout(delay):
                    await self._changed.wait()
            except TimeoutError:
                continue
