"""A clock that tests set forward: what is due on the way happens moment by moment, in its order.

It must not be used on a store with real jobs; `Engine.start` sees to that.
"""

import asyncio
from collections.abc import Sequence

from headrace_server.domain.clock import ClockView, Turned
from headrace_server.domain.limits import MAX_CLOCK_MOMENTS
from headrace_server.engine.parking import Parking
from headrace_server.engine.polls import Polls
from headrace_server.engine.scheduling import Scheduling


class Clockwork(Scheduling):
    """The calls about a test clock. It is as fast as everybody's, and ahead of it."""

    _polls: Polls
    _parking: Parking
    _watching: Parking
    _listening: Parking
    _turning: asyncio.Lock  # one at a time: two would drive each other past moments

    async def clock(self) -> ClockView:
        """Return what time it is, and when something is due. Raises StoreFault."""
        return await self._set_clocks(None)

    async def advance_clock(self, *, by_ms: int = 0, to_ms: int | None = None) -> Turned:
        """Set the clock forward by a span, or to an instant (one in the past: nothing but what is due happens).

        It stops at each moment at which something is due until that has happened; nobody takes jobs meanwhile. After
        MAX_CLOCK_MOMENTS stops it is left where it is then. At last everybody who waits looks again. Raises StoreFault.
        """
        async with self._turning, self._polls.held():
            view = await self._set_clocks(None)
            span_ms = by_ms if to_ms is None else max(0, to_ms - view.now_ms)
            try:
                return await self._walk(view, span_ms)
            finally:
                for parking in (self._parking, self._watching, self._listening):
                    parking.wake_all()
                self._schedules_changed.set()

    async def _walk(self, view: ClockView, span_ms: int) -> Turned:
        target_ms, target_ahead_ms = view.now_ms + span_ms, view.ahead_ms + span_ms
        for moments in range(MAX_CLOCK_MOMENTS):
            if view.due_ms is not None and view.due_ms <= view.now_ms:
                await asyncio.gather(*(shard.tick() for shard in self._shards))
                await self.fire_due()
                view = await self._set_clocks(None)
            elif view.ahead_ms >= target_ahead_ms:
                return Turned(view=view, target_ms=target_ms, moments=moments, done=True)
            else:
                wait_ms = span_ms if view.due_ms is None else view.due_ms - view.now_ms
                view = await self._set_clocks(min(view.ahead_ms + wait_ms, target_ahead_ms))
        return Turned(view=view, target_ms=target_ms, moments=MAX_CLOCK_MOMENTS, done=False)

    async def _set_clocks(self, ahead_ms: int | None) -> ClockView:
        """Set the clocks of all shards; return the latest time and the earliest due moment of them."""
        args = ["" if ahead_ms is None else ahead_ms]
        found = await asyncio.gather(*(shard.ask("clock", [*args]) for shard in self._shards))
        return _joined([(now_ms, int(ahead), int(float(due)) if due else None) for now_ms, (ahead, due) in found])


def _joined(clocks: Sequence[tuple[int, int, int | None]]) -> ClockView:
    due = [due_ms for _, _, due_ms in clocks if due_ms is not None]
    return ClockView(
        now_ms=max(now_ms for now_ms, _, _ in clocks),
        ahead_ms=max(ahead_ms for _, ahead_ms, _ in clocks),
        due_ms=min(due) if due else None,
    )
