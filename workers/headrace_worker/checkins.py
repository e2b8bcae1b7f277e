"""Check-ins for Sentry's cron monitors: that a slot of a schedule is being worked on, and how it ended.

A slot is one check-in, whoever runs its job and however often: its id is the job's. How a monitor is to be set up
follows from the schedule, which is asked for when its first job comes. This module must not know Sentry (reporting.py).
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from headrace import Leased
from headrace.leases import Completion, Settled

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
        self._waiting: deque[CheckIn] = deque()
        self._news = asyncio.Event()
        self._known: dict[str, _Known] = {}

    @property
    def has_listener(self) -> bool:
        """Whether anybody wants to hear of check-ins."""
        return self._send is not None

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
        """Tell what there is to tell, for ever; what is told at the moment waits with the others until it is."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                monitor = await self._monitor(self._waiting[0].schedule)
                self._tell(self._waiting.popleft(), monitor)

    def flush(self) -> None:
        """Tell the rest with what is known: the worker ends."""
        while self._waiting:
            check_in = self._waiting.popleft()
            known = self._known.get(check_in.schedule)
            self._tell(check_in, known.monitor if known else Monitor(slug=slug_of(check_in.schedule)))

    def _put(self, check_in: CheckIn) -> None:
        if len(self._waiting) >= bounds.CHECK_INS:
            log.warning("a check-in was left out", schedule=check_in.schedule, job=check_in.job_id)
            return
        self._waiting.append(check_in)
        self._news.set()

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
            return _Known(monitor_of(await self._line.schedule(name)), now + bounds.MONITOR_S)
        except Exception as error:  # noqa: BLE001 - whatever it is, a report is not worth a worker
            log.debug("a schedule cannot be asked for", schedule=name, error=type(error).__name__)
            monitor = Monitor(slug=slug_of(name)) if known is None else known.monitor
            return _Known(monitor, now + bounds.MONITOR_RETRY_S)
