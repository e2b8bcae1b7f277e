"""One lease request: asking shard by shard, waiting, and giving back what its client did not wait for."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeAlias

import msgspec

from headrace_server.domain import limits
from headrace_server.domain.errors import StoreFault
from headrace_server.domain.jobs import NewJob
from headrace_server.domain.requests import Enqueued, EnqueueGroup, EnqueueStatus, Grant, LeaseAsk
from headrace_server.engine.directives import Directives, parking_name
from headrace_server.engine.parking import Parking, Ticket
from headrace_server.engine.shard import LeaseAnswer, LeaseCall, Part, Shard

Runs: TypeAlias = list[tuple[int, list[str]]]  # queues by shard, in their order


class Polls:
    """Asks the shards on behalf of clients; `queues_of` splits the queues of a request by shard, in their order."""

    def __init__(
        self,
        shards: Sequence[Shard],
        split: Callable[[Sequence[str]], Runs],
        parking: Parking,
        directives: Directives,
        giveback: Callable[[LeaseAsk, Grant], "asyncio.Future[None]"],
    ) -> None:
        self._shards = shards
        self._split = split
        self._parking = parking
        self._directives = directives
        self._giveback = giveback
        self._asking: set[asyncio.Task[Grant]] = set()
        self.draining = False
        self._free = asyncio.Event()
        self._free.set()

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Let nobody take jobs meanwhile; who asks gets an answer afterwards."""
        self._free.clear()
        try:
            await self.join()
            yield
        finally:
            self._free.set()

    async def poll(self, ask: LeaseAsk, wait_ms: int) -> Grant:
        """Return as soon as there is a job, after `wait_ms`, or at once when the server drains.

        A worker that is told to take none gets none; its poll is answered when it is told so.
        """
        end = asyncio.get_running_loop().time() + wait_ms / 1000
        if self._directives.takes_none(ask.worker):
            grant = await self._replay_shielded(ask)
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
        loop = asyncio.get_running_loop()
        own = [] if ask.worker is None else [parking_name(ask.worker)]
        ticket = self._parking.enter([*ask.queues, *own])
        served: set[str] | None = None
        look: asyncio.Task[Grant] | None = None
        try:
            while True:
                left_s = 0.0 if self.draining else end - loop.time()
                if look is None:
                    ticket.arm()
                    await self._free.wait()
                    look = self._start(ask, left_s)
                served = set()  # a look that fails or is given up has used no wake-up
                grant = await asyncio.shield(look)
                look = None
                served = {job.facts.queue for job in grant.jobs} if grant.jobs or grant.replayed else None
                if grant.jobs or grant.replayed or left_s <= 0:
                    return grant
                if self._parking.came_early(ticket):
                    continue
                is_woken, look = await self._park(ticket, ask, end)
                if not is_woken:
                    return grant
                if look is None and self._directives.takes_none(ask.worker):
                    served = set()
                    return grant
        finally:
            self._parking.leave(ticket, served)
            if look is not None:
                look.add_done_callback(lambda done: self._return(ask, done))

    def hand_over(self, group: EnqueueGroup, written: "asyncio.Future[Enqueued]") -> None:
        """Let polls that wait for the jobs of a group look now: their script goes to the store behind the group's.

        So a job is written and leased in one surge. The message that the store sends of it comes to nothing then; so
        only jobs count of which there will be one, unless the answer says that nothing was written.
        """
        if not len(self._parking) or not self._shards[0].keeps_order:
            return
        if not all(_is_ready_at_once(job) for job in group.jobs):
            return
        for queue, jobs in Counter(job.queue for job in group.jobs).items():
            if woken := self._parking.wake_early(queue, jobs):
                written.add_done_callback(partial(self._written, queue, woken))

    def _written(self, queue: str, woken: int, written: "asyncio.Future[Enqueued]") -> None:
        if written.cancelled() or written.exception() is not None or not _is_all_new(written.result()):
            self._parking.forget_early(queue, woken)

    async def join(self) -> None:
        """Return when no script runs on behalf of a poll, also of those that were given up."""
        await asyncio.gather(*self._asking, return_exceptions=True)

    def give_back(self, ask: LeaseAsk, grant: Grant) -> "asyncio.Future[None]":
        """Begin to return the leases of a grant that nobody will get; best effort, never fails."""
        return self._giveback(ask, grant)

    async def _park(self, ticket: Ticket, ask: LeaseAsk, end: float) -> tuple[bool, asyncio.Task[Grant] | None]:
        """Wait until it is worth looking again; return False if it is not, and the look that a wake-up has begun.

        It begins with the wake-up itself, and not when this poll has its turn: all that one message or enqueue wakes
        look in one script, and in the same surge.
        """
        if self.draining:
            return False, None
        look: asyncio.Task[Grant] | None = None
        loop = asyncio.get_running_loop()

        def begin() -> None:
            nonlocal look
            if self._free.is_set() and not self.draining and not self._directives.takes_none(ask.worker):
                ticket.arm()
                look = self._start(ask, end - loop.time())

        ticket.on_wake = begin
        try:
            is_woken = await ticket.wait(end - loop.time())
        except asyncio.CancelledError:
            if look is not None:
                look.add_done_callback(lambda done: self._return(ask, done))
            raise
        finally:
            ticket.on_wake = None
        return is_woken or look is not None or self.draining, look

    def _start(self, ask: LeaseAsk, left_s: float, *, only_replay: bool = False) -> asyncio.Task[Grant]:
        """Ask in a task of its own: who is cancelled meanwhile has the grant given back when it comes.

        Where one shard has all the queues, its script is on its way when this returns.
        """
        wait_ms = max(0, int(left_s * 1000))
        runs = self._split(ask.queues)
        first = None
        if len(runs) == 1 and not only_replay:
            first = self._shards[runs[0][0]].lease.submit(_call_for(ask, wait_ms, "new", first=True))
        asking = self._replay(ask) if only_replay else self._ask(ask, runs, wait_ms, first)
        task = asyncio.get_running_loop().create_task(asking)
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)
        return task

    async def _replay_shielded(self, ask: LeaseAsk) -> Grant:
        await self._free.wait()
        look = self._start(ask, 0, only_replay=True)
        try:
            return await asyncio.shield(look)
        except asyncio.CancelledError:
            look.add_done_callback(lambda done: self._return(ask, done))
            raise

    def _return(self, ask: LeaseAsk, done: "asyncio.Task[Grant]") -> None:
        if not done.cancelled() and done.exception() is None and done.result().jobs:
            self._giveback(ask, done.result())

    async def _ask(self, ask: LeaseAsk, runs: Runs, wait_ms: int, first: "asyncio.Future[LeaseAnswer] | None") -> Grant:
        """Ask the shards in the order of the queues; a repeated request is answered by whichever knows it."""
        if ask.key is not None and len({shard for shard, _ in runs}) > 1:
            known = await self._replay(ask)
            if known.replayed:
                return known
        found: list[Part] = []
        asked: set[int] = set()
        for shard, queues in runs:
            mode = "append" if shard in asked else "new"
            part = ask if len(runs) == 1 else msgspec.structs.replace(ask, queues=queues)
            if await self._fill(part, shard, wait_ms, mode, found, first):
                break
            asked.add(shard)
        return _joined(found)

    async def _replay(self, ask: LeaseAsk) -> Grant:
        """Return what this very request was given before, if it was; it takes no job."""
        if ask.key is None:
            return Grant(jobs=[], now_ms=await self._shards[0].clock.submit(None))
        look = LeaseCall(ask=ask, jobs=1, mode="replay", first=True, wait_ms=0)
        shards = dict.fromkeys(shard for shard, _ in self._split(ask.queues))  # one may come several times
        return _joined(await asyncio.gather(*(self._call(shard, look) for shard in shards)))

    async def _fill(
        self,
        ask: LeaseAsk,
        shard: int,
        wait_ms: int,
        mode: str,
        found: list[Part],
        begun: "asyncio.Future[LeaseAnswer] | None",
    ) -> bool:
        """Add to `found` what one shard has, in as many scripts as it takes; return whether the request is full.

        The first of them may have `begun`. A fault that comes after the first jobs keeps those and ends the request.
        """
        while True:
            left = _less(ask, found)
            first = left.max_jobs == ask.max_jobs  # and who has jobs already does not wait
            call = _call_for(left, wait_ms if first else 0, mode, first=first)
            try:
                part = await self._call(shard, call, begun)
            except StoreFault:
                if first:
                    raise
                return True
            found.append(part)
            mode, begun = "append", None
            script_was_full = part.ending == "cut" or len(part.grant.jobs) == call.jobs < left.max_jobs
            if not script_was_full:
                return part.ending != "dry"

    async def _call(self, shard: int, call: LeaseCall, begun: "asyncio.Future[LeaseAnswer] | None" = None) -> Part:
        while True:
            part = await (begun or self._shards[shard].lease.submit(call))
            if part is not None:
                return part
            begun = None


def _call_for(ask: LeaseAsk, wait_ms: int, mode: str, *, first: bool) -> LeaseCall:
    return LeaseCall(ask=ask, jobs=min(ask.max_jobs, limits.SCRIPT_JOBS), mode=mode, first=first, wait_ms=wait_ms)


def _is_ready_at_once(job: NewJob) -> bool:
    """Tell whether a job that is written can be leased then: no other has its place, and it waits for no time."""
    return job.unique is None and job.delay_ms is None and job.run_at_ms is None


def _is_all_new(answer: Enqueued) -> bool:
    return answer.status is EnqueueStatus.CREATED and not answer.refusals and None not in answer.jobs


def _less(ask: LeaseAsk, found: Sequence[Part]) -> LeaseAsk:
    """Return what is left of a request after what was found."""
    if not found:
        return ask
    jobs = [job for part in found for job in part.grant.jobs]
    return msgspec.structs.replace(
        ask,
        max_jobs=ask.max_jobs - len(jobs),
        max_bytes=ask.max_bytes - sum(len(job.payload.data) for job in jobs),
    )


def _joined(parts: Sequence[Part]) -> Grant:
    return Grant(
        jobs=[job for part in parts for job in part.grant.jobs],
        now_ms=parts[-1].grant.now_ms,
        replayed=any(part.grant.replayed for part in parts),
    )
