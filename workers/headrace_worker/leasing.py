"""Asks for jobs: one request at a time, which also carries the completions that are there.

One at a time, because the server keeps one replay record per worker: a lost reply is asked for again under the same
key, and brings the same leases instead of leaving them to run out. The work goes on meanwhile: a request leaves when
half of the prefetch window is used up, and brings the next half.
"""

import asyncio
import contextlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from headrace import Grant, HeadraceError
from headrace.leases import Release

from headrace_worker import bounds, clock, log
from headrace_worker.about import About
from headrace_worker.dispatch import Dispatcher
from headrace_worker.held import HeldJob
from headrace_worker.line import Line
from headrace_worker.retrying import Retrying
from headrace_worker.settle import SPOILT, Item


class Phase(Enum):
    """What the loop is at."""

    FULL = auto()  # no room for more jobs, or told to be quiet
    ASKING = auto()  # a request that is answered at once
    PARKED = auto()  # a request that waits for jobs
    PAUSED = auto()  # the server did not answer


@dataclass(frozen=True)
class Ask:
    """One request, as often as it has to be sent."""

    key: str
    queues: Sequence[str]
    max_jobs: int
    riders: Sequence[Item]  # completions that travel along
    has_failed: bool = False

    @property
    def wait_ms(self) -> int:
        """A request with completions is never parked, nor one that shows whether the server is back."""
        return 0 if self.riders or self.has_failed else bounds.POLL_WAIT_MS


class Leaser:
    """The loop of one worker."""

    def __init__(self, line: Line, dispatcher: Dispatcher, about: About) -> None:
        self._line = line
        self._dispatcher = dispatcher
        self._about = about
        self._settler = about.settler
        self._duty = about.duty
        self._wake = asyncio.Event()
        self._phase = Phase.FULL
        self._open: Ask | None = None
        self._finds_more = False  # the last grant was all that was asked for
        self._retrying = Retrying("lease", about.tally)
        self._answered_at = clock.now()

    @property
    def phase(self) -> Phase:
        """What the loop is at."""
        return self._phase

    @property
    def silent_s(self) -> float:
        """For how long the server has been asked without an answer; 0 while it is not asked. For the watchdog."""
        return 0.0 if self._phase is Phase.FULL else clock.now() - self._answered_at

    def takes_ride(self) -> bool:
        """Whether the next request will soon take completions along.

        A worker that is ahead asks when half of its window is used up, and a request of it that waits for jobs mostly
        finds some at once. So does one that got as many as it had asked for the last time, ahead or not: its
        completions would leave by themselves while it asks for more, and for lack of riders it would do so again.
        """
        if self._phase in (Phase.FULL, Phase.PARKED) and self._duty.takes_jobs:
            if self._dispatcher.is_ahead:
                return True
            return self._wanted() > 0 if self._phase is Phase.FULL else self._finds_more
        return self._phase is Phase.ASKING

    def wake(self) -> None:
        """Look again whether there is room; in any other phase than this one the loop goes on by itself."""
        if self._phase is Phase.FULL and self._wanted():
            self._wake.set()

    async def run(self) -> None:
        """Ask for ever."""
        while True:
            self._wake.clear()
            wanted = self._wanted()
            if wanted:
                await self._ask(Ask(uuid.uuid4().hex, self._about.queues, wanted, self._settler.take_along()))
            else:
                self._phase = Phase.FULL
                await self._wake.wait()
                self._answered_at = clock.now()

    def _wanted(self) -> int:
        return self._dispatcher.wanted() if self._duty.takes_jobs else 0

    async def recover(self) -> None:
        """Settle the request that was cut off when the loop was cancelled: release what it may have been granted."""
        self._phase = Phase.PAUSED
        ask = self._open
        if ask is None:
            return
        self._settler.put_back(ask.riders)
        grant = await self._recovered(ask)
        for job in grant.jobs:
            held = HeldJob(job=job, received=clock.now(), lease_s=0.0, deadline=0.0, lost=True)
            self._settler.add(held, Release(job_id=job.id, token=job.token, reason="worker_stopping"))

    async def _recovered(self, ask: Ask) -> Grant:
        while True:
            try:
                return await self._line.lease(ask.queues, max_jobs=1, wait_ms=0, key=ask.key)
            except HeadraceError as error:
                await self._pause(error)

    async def _ask(self, ask: Ask) -> None:
        self._open = ask
        while True:
            self._phase = Phase.PARKED if ask.wait_ms else Phase.ASKING
            sent = clock.now()
            try:
                grant = await self._send(ask)
            except SPOILT as error:
                self._open = None
                self._settler.put_back(ask.riders, spoilt=True)
                return await self._pause(error)
            except HeadraceError as error:
                self._settler.put_back(ask.riders)
                self._open = ask = replace(ask, riders=(), has_failed=True)
                await self._pause(error)
                await self._settle_first()
                continue
            self._open = None
            return await self._take_in(ask, grant, sent)

    async def _settle_first(self) -> None:
        """After an outage tell the ends of jobs before asking for more.

        Their leases may have run out meanwhile. Until the ends are told, the same jobs are what the server has to give.
        """
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._settler.flush(), bounds.SETTLE_FIRST_S)

    async def _send(self, ask: Ask) -> Grant:
        completions = [item.completion for item in ask.riders]
        return await self._line.lease(
            ask.queues, max_jobs=ask.max_jobs, wait_ms=ask.wait_ms, key=ask.key, complete=completions
        )

    async def _take_in(self, ask: Ask, grant: Grant, sent: float) -> None:
        received = clock.now()
        self._answered_at = received
        self._finds_more = len(grant.jobs) >= ask.max_jobs
        again = self._settler.judged(ask.riders, grant.completed) if ask.riders else 0
        log.debug("leased", jobs=len(grant.jobs), asked=ask.max_jobs, settled=len(ask.riders), took_s=received - sent)
        if grant.replayed:
            log.info("lease reply was lost, got it again", jobs=len(grant.jobs))
        self._dispatcher.accept(grant, sent=sent, received=received)
        self._duty.obey(grant.directive)
        if not self._duty.takes_jobs:
            self._retrying.worked()
        elif not grant.jobs and (received - sent) * 1000 < ask.wait_ms / 2:
            await self._pause("an empty answer before its time: the server is going to stop")
        elif again:
            await self._pause("the store did not do some of the completions")
        else:
            self._retrying.worked()

    async def _pause(self, why: Exception | str) -> None:
        self._phase = Phase.PAUSED
        if isinstance(why, str):
            self._retrying.fell_short(why)
        else:
            self._retrying.failed(why)
        await self._retrying.pause()
