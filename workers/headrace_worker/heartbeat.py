"""Keeps the leases and the worker's record alive: one request for all held jobs, every third of the shortest lease.

It also keeps those whose completion waits for the server: during an outage of the store a result must not be taken for
lost. What tasks said goes along, soon, and so does, now and then, what the worker says of itself; an idle one says that
it lives. What the server calls lost or to be ended is told to the dispatcher; it is an outcome, not an error.
"""

import asyncio
from collections.abc import Iterator, Sequence

from headrace import Directive, HeadraceError, Held, Invalid, Settled, Status
from headrace import Heartbeat as Answer

from headrace_worker import bounds, clock, log
from headrace_worker.about import About
from headrace_worker.dispatch import Dispatcher
from headrace_worker.held import HeldJob
from headrace_worker.line import Line
from headrace_worker.news import Unsent
from headrace_worker.retrying import Retrying

_ALIVE = (Status.OK, Status.LATE, Status.CANCEL_REQUESTED)
_LOST = (Status.LEASE_LOST, Status.JOB_CANCELLED, Status.NOT_FOUND, Status.INVALID)
_NEVER = float("-inf")


class Heartbeat:
    """The loop of one worker."""

    def __init__(self, line: Line, dispatcher: Dispatcher, server_clock: clock.ServerClock, about: About) -> None:
        self._line = line
        self._dispatcher = dispatcher
        self._clock = server_clock
        self._about = about
        self._board = about.board
        self._next = 0.0
        self._told = _NEVER  # when the server was last told of this worker
        self._is_news = True  # it does not know what the worker does now
        self._leaving = False
        self._is_refused = False  # the server took what it was told for invalid
        self._wake = asyncio.Event()
        self._retrying = Retrying("heartbeat", about.tally)

    def leased(self, jobs: Sequence[HeldJob]) -> None:
        """Take in new leases: one of them may want its heartbeat before all others."""
        alike = {(held.deadline, held.lease_s): held for held in jobs}  # most leases of a grant are
        if jobs and min(held.beat_at for held in alike.values()) < self._next:
            self._wake.set()

    def noted(self) -> None:
        """Take in that a task said something."""
        self._wake.set()

    def changed(self) -> None:
        """Take in that the worker does something else now: the server is told at once."""
        self._is_news = True
        self._wake.set()

    def leave(self) -> None:
        """Say goodbye and end the loop: the worker's record goes."""
        self._leaving = True
        self._wake.set()

    async def run(self) -> None:
        """Beat until `leave`."""
        not_before = 0.0
        while not self._leaving:
            now = clock.now()
            alive = [held for held in self._board if not held.lost]
            tell_at = _NEVER if self._is_news else self._told + self._interval_s
            self._next = max(min([tell_at, *(held.beat_at for held in alive)]), not_before)
            if self._next > now:
                await self._sleep(self._next - now)
                continue
            not_before = now + bounds.HEARTBEAT_GAP_S
            is_due = tell_at <= now or any(held.beat_at <= now for held in alive if not held.news)
            tells = tell_at <= now or (is_due and self._told + bounds.TELL_GAP_S <= now)
            all_go = is_due or len(alive) <= bounds.HEARTBEAT_FEW
            if await self._beat(alive if all_go else [held for held in alive if held.news], tells=tells):
                self._retrying.worked()
            else:
                await self._retrying.pause()
        await self._say_goodbye()

    @property
    def _interval_s(self) -> float:
        """How long it may be silent; one that is quiet has no poll by which it could hear that it may go on."""
        return bounds.TELL_QUIET_S if self._about.duty.now is Directive.QUIET else bounds.TELL_S

    async def _sleep(self, seconds: float) -> None:
        """Sleep, but look at the clock every second: timers stand still while the machine is suspended."""
        self._wake.clear()
        try:
            await asyncio.wait_for(self._wake.wait(), min(seconds, 1.0))
        except TimeoutError:
            return

    async def _beat(self, jobs: Sequence[HeldJob], *, tells: bool) -> bool:
        """Extend leases, and tell what the worker does; return False when the server could not be asked."""
        self._is_news = self._is_news and not tells
        for some in list(_portions(jobs)) or [[]]:
            sent = clock.now()
            news = [held.news.unsent() for held in some]
            try:
                answer = await self._send([held.beat(said) for held, said in zip(some, news, strict=True)], tells=tells)
            except HeadraceError as error:
                self._retrying.failed(error)
                self._is_news = self._is_news or tells
                return False
            self._clock.observe(sent=sent, server_time=answer.server_time, received=clock.now())
            self._told = sent if tells else self._told
            self._take_in(some, news, answer.leases, sent)
            self._about.introduced.set()
            self._about.duty.obey(answer.directive)
        return True

    async def _send(self, leases: Sequence[Held], *, tells: bool) -> Answer:
        next_ms = int(self._interval_s * 1000)
        if not tells or self._is_refused:
            return await self._line.heartbeat(leases, next_ms=next_ms)
        try:
            return await self._line.heartbeat(leases, next_ms=next_ms, info=self._about.info())
        except Invalid as error:
            log.error("the server does not take what the worker says of itself", why=str(error))
            self._is_refused = True  # the leases are what counts
            return await self._line.heartbeat(leases, next_ms=next_ms)

    async def _say_goodbye(self) -> None:
        try:
            await self._line.heartbeat([], final=True)
        except HeadraceError as error:
            log.debug("no goodbye, the server will take the worker for lost", why=str(error))

    def _take_in(
        self, jobs: Sequence[HeldJob], news: Sequence[Unsent], answers: Sequence[Settled], sent: float
    ) -> None:
        extended = []
        for held, said, answer in zip(jobs, news, answers, strict=True):
            if answer.status in _ALIVE and answer.deadline is not None:
                held.deadline, held.beaten = self._clock.local(answer.deadline), sent
                held.news.told(said)
                extended.append(held)
                if answer.status is Status.CANCEL_REQUESTED:
                    self._dispatcher.ask_to_end(held)
            elif answer.status is Status.INVALID and said:
                held.news.told(said)  # without it the lease goes on
                why = "; ".join(fault.detail for fault in answer.errors)
                log.error("progress or checkpoint refused", job=held.job.id, task=held.job.task, why=why)
            elif answer.status in _LOST:
                self._lost(held, answer.status)
        self._dispatcher.extended(extended)

    def _lost(self, held: HeldJob, status: Status) -> None:
        """Take in that a lease is gone. Of a job that is being settled this is no news: the settle tells its end."""
        held.lost = True
        if held.key in self._board.handed or held.key in self._board.waiting:
            if status is Status.JOB_CANCELLED:
                self._dispatcher.ask_to_end(held)  # a task that looks at this flag alone should stop, too
            log.warning("lease lost", job=held.job.id, task=held.job.task, status=status)
            self._dispatcher.lose(held)


def _portions(jobs: Sequence[HeldJob]) -> Iterator[list[HeldJob]]:
    """Yield jobs in requests of a size that the server takes."""
    some: list[HeldJob] = []
    size = 0
    for held in jobs:
        if len(some) == bounds.HEARTBEAT_JOBS or (some and size + held.news.size > bounds.HEARTBEAT_BYTES):
            yield some
            some, size = [], 0
        some.append(held)
        size += held.news.size
    if some:
        yield some
