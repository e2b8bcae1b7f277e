"""One lease request: looking, waiting until it is worth looking again; it must not know how shards are asked."""

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

from headrace_server.domain import limits
from headrace_server.domain.alike import Alike
from headrace_server.domain.jobs import NewJob
from headrace_server.domain.requests import Enqueued, EnqueueGroup, EnqueueStatus, Grant, LeaseAsk
from headrace_server.engine.directives import Directives, parking_name
from headrace_server.engine.looks import Begun, Looks
from headrace_server.engine.parking import Parking, Ticket


class Polls:
    """Looks on behalf of clients. `keeps_order`: a lease that is asked for after an enqueue is run after it."""

    def __init__(self, looks: Looks, parking: Parking, directives: Directives, *, keeps_order: bool) -> None:
        self._looks = looks
        self._parking = parking
        self._directives = directives
        self._keeps_order = keeps_order
        self.draining = False

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Let nobody take jobs meanwhile; who asks gets an answer afterwards."""
        try:
            await self._looks.hold()
            yield
        finally:
            self._looks.let_go()

    async def poll(self, ask: LeaseAsk, wait_ms: int) -> Grant:
        """Return as soon as there is a job, after `wait_ms`, or at once when the server drains.

        A worker that is told to take none gets none; its poll is answered when it is told so.
        """
        end = asyncio.get_running_loop().time() + wait_ms / 1000
        if self._directives.takes_none(ask.worker):
            grant = await self._looks.replay(ask)
            if grant.replayed or not await self._until_resumed(ask.worker or "", end):
                return grant
        return await self._wait_for_jobs(ask, end)

    async def _until_resumed(self, worker: str, end: float) -> bool:
        """Wait for a moment, for a client that does not listen would ask again at once; return whether it may go on."""
        loop = asyncio.get_running_loop()
        end = min(end, loop.time() + limits.HELD_BACK_MS / 1000)
        ticket = self._parking.enter([parking_name(worker)])
        try:
            while self._directives.takes_none(worker) and not self.draining and (left_s := end - loop.time()) > 0:
                ticket.arm()
                await ticket.wait(left_s)
        finally:
            self._parking.leave(ticket)
        return not self._directives.takes_none(worker)

    async def _wait_for_jobs(self, ask: LeaseAsk, end: float) -> Grant:
        own = [] if ask.worker is None else [parking_name(ask.worker)]
        ticket = self._parking.enter([*ask.queues, *own])
        served: set[str] | None = None
        begun: Begun | None = None
        try:
            while True:
                left_ms = self._left_ms(end)
                if begun is None:
                    ticket.arm()
                served = set()  # a look that fails or is given up has used no wake-up
                grant = await self._looks.look(ask, left_ms, begun)
                served = {job.facts.queue for job in grant.jobs} if grant.jobs or grant.replayed else None
                if grant.jobs or grant.replayed or left_ms <= 0:
                    return grant
                if self._parking.came_early(ticket):
                    begun = None
                    continue
                is_woken, begun = await self._park(ticket, ask, end)
                if not is_woken:
                    return grant
                if begun is None and self._directives.takes_none(ask.worker):
                    served = set()
                    return grant
        finally:
            self._parking.leave(ticket, served)

    def _left_ms(self, end: float) -> int:
        return 0 if self.draining else max(0, math.ceil((end - asyncio.get_running_loop().time()) * 1000))

    def hand_over(self, group: EnqueueGroup, written: "asyncio.Future[Enqueued]") -> None:
        """Let polls that wait for the jobs of a group look now: their script goes to the store behind the group's.

        So a job is written and leased in one surge. The message that the store sends of it comes to nothing then; so
        only jobs count of which there will be one, unless the answer says that nothing was written.
        """
        if not len(self._parking) or not self._keeps_order:
            return
        for queue, count in _ready_at_once(group.jobs).items():
            if woken := self._parking.wake_early(queue, count):
                written.add_done_callback(partial(self._written, queue, woken))

    def _written(self, queue: str, woken: int, written: "asyncio.Future[Enqueued]") -> None:
        if written.cancelled() or written.exception() is not None or not _is_all_new(written.result()):
            self._parking.forget_early(queue, woken)

    async def join(self) -> None:
        """Return when no script runs on behalf of a poll, also of those that were given up."""
        await self._looks.join()

    def give_back(self, ask: LeaseAsk, grant: Grant) -> "asyncio.Future[None]":
        """Begin to return the leases of a grant that nobody will get; best effort, never fails."""
        return self._looks.give_back(ask, grant)

    async def _park(self, ticket: Ticket, ask: LeaseAsk, end: float) -> tuple[bool, Begun | None]:
        """Wait until it is worth looking again; return False if it is not, and the look that a wake-up has begun.

        It begins with the wake-up itself, and not when this poll has its turn: all that one message or enqueue wakes
        look in one script, and in the same surge.
        """
        if self.draining:
            return False, None
        begun: Begun | None = None

        def begin() -> None:
            nonlocal begun
            if self._looks.are_free and not self.draining and not self._directives.takes_none(ask.worker):
                begun = self._looks.begin(ask, self._left_ms(end))
            if begun is not None:
                ticket.arm()

        ticket.on_wake = begin
        try:
            is_woken = await ticket.wait(end - asyncio.get_running_loop().time())
        except asyncio.CancelledError:
            if begun is not None:
                self._looks.abandon(ask, begun)
            raise
        finally:
            ticket.on_wake = None
        return is_woken or begun is not None or self.draining, begun


def _ready_at_once(jobs: Sequence[NewJob]) -> dict[str, int]:
    """Return how many jobs of which queues can be leased once they are written, nothing if that is not so of all.

    Then no other has the place of any, and none waits for a time.
    """
    counts: dict[str, int] = {}
    kinds, each = ([jobs.one], len(jobs)) if isinstance(jobs, Alike) else (jobs, 1)
    for job in kinds:
        if job.unique is not None or job.delay_ms is not None or job.run_at_ms is not None:
            return {}
        counts[job.queue] = counts.get(job.queue, 0) + each
    return counts


def _is_all_new(answer: Enqueued) -> bool:
    return answer.status is EnqueueStatus.CREATED and not answer.refusals and None not in answer.jobs
