"""The log of state changes: read after a cursor, waited for, and kept going."""

import asyncio
import heapq
from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from headrace_server.domain import limits
from headrace_server.domain.events import Event, EventPage
from headrace_server.domain.finding import CursorInvalid
from headrace_server.domain.lifecycle import State
from headrace_server.engine import cursors, encode
from headrace_server.engine.batcher import Batcher
from headrace_server.engine.parking import Parking
from headrace_server.engine.polls import Polls
from headrace_server.engine.routing import Routing

_BOUND_TO = "events"
_GONE = "gone"


Revs: TypeAlias = tuple[int | None, ...]  # of each shard; None: from now on


class Part(msgspec.Struct, frozen=True):
    """What one shard had."""

    events: list[Event]  # without cursors
    gap_rev: int | None  # what was before it is not known
    last_rev: int  # read on behind it
    now_ms: int


class Listening(Routing):
    """The calls about events. A cursor holds the rev of each shard up to which its holder knows everything."""

    _listening: Parking
    _polls: Polls
    _readings: Batcher[tuple[Revs, int], tuple[EventPage, Revs]]

    async def events(self, after: str | None, *, limit: int, wait_ms: int) -> EventPage:
        """Return events behind a cursor (None: from now on), waiting up to `wait_ms` for the first one.

        Events go on being written for a minute after each call. Raises CursorInvalid, StoreFault.
        """
        revs: Revs = (None,) * self.shards
        if after is not None:
            revs = (*cursors.read(after, list[int], _BOUND_TO),)
            if len(revs) != self.shards:
                raise CursorInvalid("this cursor belongs to a store with another number of shards")
        loop = asyncio.get_running_loop()
        end = loop.time() + wait_ms / 1000
        ticket = self._listening.enter([])
        try:
            while True:
                left_s = end - loop.time()
                ticket.arm()
                page, revs = await self._readings.submit((revs, limit))
                if page.events or left_s <= 0 or self._polls.draining:
                    return page
                await ticket.wait(left_s)
        finally:
            self._listening.leave(ticket)

    async def keep_events(self) -> None:
        """Have events written for another minute, so that whoever begins to read finds what was before.

        Raises StoreFault.
        """
        await asyncio.gather(*(self._read_part(number, None, 0) for number in range(self.shards)))

    async def _read_all(self, asks: Sequence[tuple[Revs, int]]) -> list[tuple[EventPage, Revs]]:
        """Read once for all who are at the same place: most readers have everything, and one event wakes them all."""
        places = [*dict.fromkeys(asks)]
        found = await asyncio.gather(*(self._read_on(*place) for place in places))
        pages = dict(zip(places, found, strict=True))
        return [pages[ask] for ask in asks]

    async def _read_on(self, revs: Revs, limit: int) -> tuple[EventPage, Revs]:
        parts = await asyncio.gather(*(self._read_part(number, rev, limit) for number, rev in enumerate(revs)))
        known = [part.last_rev if rev is None else rev for part, rev in zip(parts, revs, strict=True)]
        events: list[Event] = []
        for number, part in enumerate(parts):
            if part.gap_rev is not None:
                known[number] = part.gap_rev
                events.append(Event(cursor=cursors.write(known, _BOUND_TO), gap=True, at_ms=part.now_ms))
        # in the order of time as far as shards can be compared, in that of revs within each
        streams = ([(event.at_ms, number, event) for event in part.events] for number, part in enumerate(parts))
        for _, number, event in heapq.merge(*streams, key=lambda each: each[:2]):
            if len(events) >= limit:
                break
            known[number] = event.rev
            events.append(msgspec.structs.replace(event, cursor=cursors.write(known, _BOUND_TO)))
        else:
            known = [part.last_rev for part in parts]
        page = EventPage(events=events, cursor=cursors.write(known, _BOUND_TO), now_ms=max(p.now_ms for p in parts))
        return page, (*known,)

    async def _read_part(
        self,
        number: int,
        rev: int | None,
        limit: int,
        *,
        keep_ms: int = limits.EVENTS_WRITTEN_MS,
        at_most: bool = False,
    ) -> Part:
        """Return what lies behind a rev of a shard (None: nothing but how far it is), and have it written on.

        `keep_ms`: for so long at least; with `at_most` no longer, whatever others have asked for.
        """
        args: encode.Args = ["" if rev is None else rev, limit, keep_ms, "1" if at_most else ""]
        now_ms, (gap, last, *flat) = await self._shards[number].ask("events", args)
        events = [_event(job_id, line) for job_id, line in zip(flat[::2], flat[1::2], strict=True)]
        return Part(events, int(gap) if gap else None, int(last), now_ms)


def _event(job_id: bytes, line: bytes) -> Event:
    words = line.decode().split(" ", 8)
    rev, was, state, attempt, at_ms, queue, task, worker, reason = words
    return Event(
        cursor="",
        rev=int(rev),
        job_id=job_id,
        queue=queue,
        task=task,
        was=None if was == "-" else State(was),
        state=None if state == _GONE else State(state),
        attempt=int(attempt),
        worker=None if worker == "-" else worker,
        reason=reason or None,
        at_ms=int(at_ms),
    )
