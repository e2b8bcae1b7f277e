"""Check-ins for Sentry's cron monitors: that a slot of a schedule is being worked on, and how it ended.

A slot is one check-in, whoever runs its job and however often: its id is the job's. How a monitor is to be set up
follows from the schedule, which is asked for when its first job comes. This module must not know Sentry (reporting.py).
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from headrace import HeadraceError, Leased
from headrace.leases import Completion, Settled
from headrace.schedules import ScheduleRecord

from headrace_worker import bounds, clock, log
from headrace_worker.held import HeldJob
from headrace_worker.line import Line
from headrace_worker.monitors import CheckIn, Monitor, Send, Status, monitor_of, slug_of
from headrace_worker.tally import End, end_of

# What is not here is not the end of the slot: another attempt, or another worker, will tell.
_OF: Final = {End.SUCCEEDED: Status.OK, End.FAILED: Status.ERROR, End.CANCELLED: Status.ERROR}


@dataclass(frozen=True)
class _Known:
    """What is known of a schedule, for a while."""

    monitor: Monitor | None
    until: float  # `clock.now()`


class CheckIns:
    """Tells of the slots whose jobs this worker runs, in their order; `send` does it, without waiting for anybody."""

    def __init__(self, line: Line, send: Send | None) -> None:
        self._line = line
        self._send = send
        self._queue: asyncio.Queue[CheckIn] = asyncio.Queue(bounds.CHECK_INS)
        self._known: dict[str, _Known] = {}

    def begun(self, jobs: Iterable[Leased]) -> None:
        """Take in that this worker has some jobs, and begins with them."""
        if self._send is not None:
            for job in jobs:
                if job.schedule is not None:
                    self._put(CheckIn(schedule=job.schedule.name, job_id=job.id, status=Status.IN_PROGRESS))

    def ended(self, held: HeldJob, completion: Completion, verdict: Settled) -> None:
        """Take in how a delivery ended, by the server's verdict."""
        job = held.job
        if self._send is None or job.schedule is None:
            return
        status = _OF.get(end_of(completion, verdict))
        if status is not None:
            took_s = None if held.took_ms is None else held.took_ms / 1000
            self._put(CheckIn(schedule=job.schedule.name, job_id=job.id, status=status, took_s=took_s))

    async def run(self) -> None:
        """Tell what there is to tell, for ever."""
        while True:
            check_in = await self._queue.get()
            self._tell(check_in, await self._monitor(check_in.schedule))

    def flush(self) -> None:
        """Tell the rest with what is known: the worker ends."""
        while not self._queue.empty():
            check_in = self._queue.get_nowait()
            known = self._known.get(check_in.schedule)
            self._tell(check_in, known.monitor if known else Monitor(slug=slug_of(check_in.schedule)))

    def _put(self, check_in: CheckIn) -> None:
        try:
            self._queue.put_nowait(check_in)
        except asyncio.QueueFull:
            log.warning("a check-in was left out", schedule=check_in.schedule, job=check_in.job_id)

    def _tell(self, check_in: CheckIn, monitor: Monitor | None) -> None:
        if monitor is not None and self._send is not None:
            self._send(check_in, monitor)

    async def _monitor(self, name: str) -> Monitor | None:
        known, now = self._known.get(name), clock.now()
        if known is None or known.until <= now:
            known = await self._ask(name, known, now)
            if len(self._known) >= bounds.MONITORS:
                self._known.clear()
            self._known[name] = known
        return known.monitor

    async def _ask(self, name: str, known: _Known | None, now: float) -> _Known:
        """Return what the server says of a schedule; what was known before where it cannot say anything now."""
        try:
            record: ScheduleRecord = await self._line.schedule(name)
        except HeadraceError:
            monitor = Monitor(slug=slug_of(name)) if known is None else known.monitor
            return _Known(monitor, now + bounds.MONITOR_RETRY_S)
        return _Known(monitor_of(record), now + bounds.MONITOR_S)
