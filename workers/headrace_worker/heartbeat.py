"""Keeps the leases alive: one request for all held jobs, every third of the shortest lease.

It also keeps those whose completion waits for the server: during an outage of the store a result must not be taken for
lost. What the server calls lost is told to the dispatcher; it is an outcome, not an error.
"""

import asyncio
from collections.abc import Sequence

from headrace import HeadraceError, Held, Settled, Status

from headrace_worker import bounds, clock, log
from headrace_worker.dispatch import Dispatcher
from headrace_worker.held import Board, HeldJob
from headrace_worker.line import Line
from headrace_worker.retrying import Retrying

_ALIVE = (Status.OK, Status.LATE)
_LOST = (Status.LEASE_LOST, Status.NOT_FOUND, Status.INVALID)
_IDLE_S = 3600.0


class Heartbeat:
    """The loop of one worker."""

    def __init__(
        self,
        line: Line,
        board: Board,
        dispatcher: Dispatcher,
        server_clock: clock.ServerClock,
    ) -> None:
        self._line = line
        self._board = board
        self._dispatcher = dispatcher
        self._clock = server_clock
        self._next = 0.0
        self._wake = asyncio.Event()
        self._retrying = Retrying("heartbeat")

    def leased(self, jobs: Sequence[HeldJob]) -> None:
        """Take in new leases: one of them may want its heartbeat before all others."""
        if jobs and min(held.beat_at for held in jobs) < self._next:
            self._wake.set()

    async def run(self) -> None:
        """Beat for ever."""
        not_before = 0.0
        while True:
            now = clock.now()
            alive = [held for held in self._board if not held.lost]
            self._next = max(min((held.beat_at for held in alive), default=now + _IDLE_S), not_before)
            if self._next > now:
                await self._sleep(self._next - now)
                continue
            not_before = now + bounds.HEARTBEAT_GAP_S
            if await self._beat(alive):
                self._retrying.worked()
            else:
                await self._retrying.pause()

    async def _sleep(self, seconds: float) -> None:
        """Sleep, but look at the clock every second: timers stand still while the machine is suspended."""
        self._wake.clear()
        try:
            await asyncio.wait_for(self._wake.wait(), min(seconds, 1.0))
        except TimeoutError:
            return

    async def _beat(self, jobs: Sequence[HeldJob]) -> bool:
        """Extend all leases; return False when the server could not be asked."""
        for start in range(0, len(jobs), bounds.HEARTBEAT_JOBS):
            some = jobs[start : start + bounds.HEARTBEAT_JOBS]
            sent = clock.now()
            leases = [Held(job_id=held.job.id, token=held.job.token) for held in some]
            try:
                answer = await self._line.heartbeat(leases)
            except HeadraceError as error:
                self._retrying.failed(error)
                return False
            self._clock.observe(sent=sent, server_time=answer.server_time, received=clock.now())
            self._take_in(some, answer.leases)
        return True

    def _take_in(self, jobs: Sequence[HeldJob], answers: Sequence[Settled]) -> None:
        extended = []
        for held, answer in zip(jobs, answers, strict=True):
            if answer.status in _ALIVE and answer.deadline is not None:
                held.deadline = self._clock.local(answer.deadline)
                extended.append(held)
            elif answer.status in _LOST:
                self._lost(held, answer.status)
        self._dispatcher.extended(extended)

    def _lost(self, held: HeldJob, status: Status) -> None:
        """Take in that a lease is gone. Of a job that is being settled this is no news: the settle tells its end."""
        held.lost = True
        if held.key in self._board.handed or held.key in self._board.waiting:
            log.warning("lease lost", job=held.job.id, task=held.job.task, status=status)
            self._dispatcher.lose(held)
