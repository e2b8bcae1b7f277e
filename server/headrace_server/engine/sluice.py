"""When batches go to the store: in surges, all that waits at once; it must not know what a batch is for.

A surge is one write to the store and one sync of its file, whatever is in it. Few are in flight: what comes meanwhile
waits for the next, which is fuller for it.
"""

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Protocol, TypeAlias

from headrace_server.domain import limits

SentBatch: TypeAlias = Coroutine[None, None, None]


class Source(Protocol):
    """Where batches wait."""

    def take(self) -> SentBatch | None:
        """Take the next batch, if any; return what sends it as soon as it runs, and ends with the answer."""

    @property
    def is_waiting(self) -> bool:
        """Whether there is anything to take."""


class Surge:
    """What goes together."""

    __slots__ = ("left",)

    def __init__(self, batches: int) -> None:
        self.left = batches  # whose answer has not come


class Sluice:
    """Lets out what waits in some sources, in the order in which they were added.

    `in_flight` surges at a time, of at most `batches` from each source. Where the store runs batches in the order in
    which they are sent, what was there first is run first, and what waits in one source before what is in the next.
    """

    def __init__(self, *, in_flight: int = limits.SURGES_IN_FLIGHT, batches: int = 1) -> None:
        self._may_fly = in_flight
        self._batches = batches
        self._sources: list[Source] = []
        self._asking: set[int] = set()  # places of the sources in which something waits
        self._is_opening = False
        self._surges = 0  # in flight
        self._tasks: dict[asyncio.Task[None], Surge] = {}
        self._loop: asyncio.AbstractEventLoop | None = None  # once there is one

    def add(self, source: Source) -> int:
        """Let what waits here out, too, after what waits in those before; return the place to `ask` with."""
        self._sources.append(source)
        return len(self._sources) - 1

    def ask(self, place: int) -> None:
        """Open at the next turn of the event loop, or when a surge has come back: something waits in a source."""
        self._asking.add(place)
        self._open_soon()

    async def join(self) -> None:
        """Return when everything that waits now is answered."""
        while self._tasks or self._is_opening:
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await asyncio.sleep(0)

    def _open_soon(self) -> None:
        if self._asking and not self._is_opening and self._surges < self._may_fly:
            self._is_opening = True
            self._loop = self._loop or asyncio.get_running_loop()
            self._loop.call_soon(self._open)

    def _open(self) -> None:
        """Let one surge out; its batches run in the order in which they are taken, before any that are taken later."""
        self._is_opening = False
        batches = [batch for place in sorted(self._asking) for batch in self._taken_from(place)]
        if not batches:
            return
        self._surges += 1
        surge = Surge(len(batches))
        for batch in batches:
            task = asyncio.get_running_loop().create_task(batch)
            self._tasks[task] = surge
            task.add_done_callback(self._came_back)
        self._open_soon()

    def _taken_from(self, place: int) -> Iterator[SentBatch]:
        source = self._sources[place]
        for _ in range(self._batches):
            batch = source.take()
            if batch is None:
                self._asking.discard(place)
                return
            yield batch
        if not source.is_waiting:
            self._asking.discard(place)

    def _came_back(self, task: asyncio.Task[None]) -> None:
        surge = self._tasks.pop(task)
        surge.left -= 1
        if not surge.left:
            self._surges -= 1
            self._open_soon()
