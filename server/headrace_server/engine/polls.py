"""One lease request: asking shard by shard, waiting, and giving back what its client did not wait for."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import msgspec

from headrace_server.domain import limits
from headrace_server.domain.errors import StoreFault
from headrace_server.domain.requests import Grant, LeaseAsk
from headrace_server.engine.directives import Directives, parking_name
from headrace_server.engine.parking import Parking, Ticket
from headrace_server.engine.shard import LeaseCall, Part, Shard


class Polls:
    """Asks the shards on behalf of clients; `queues_of` splits the queues of a request by shard, in their order."""

    def __init__(
        self,
        shards: Sequence[Shard],
        split: Callable[[Sequence[str]], list[tuple[int, list[str]]]],
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
            grant = await self._ask_shielded(ask, 0, only_replay=True)
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
        try:
            while True:
                left_s = 0.0 if self.draining else end - loop.time()
                ticket.arm()
                served = set()  # a look that fails or is given up has used no wake-up
                grant = await self._ask_shielded(ask, max(0, int(left_s * 1000)))
                served = {job.queue for job in grant.jobs} if grant.jobs or grant.replayed else None
                if grant.jobs or grant.replayed or left_s <= 0 or not await self._park(ticket, left_s):
                    return grant
                if self._directives.takes_none(ask.worker):
                    served = set()
                    return grant
        finally:
            self._parking.leave(ticket, served)

    async def join(self) -> None:
        """Return when no script runs on behalf of a poll, also of those that were given up."""
        await asyncio.gather(*self._asking, return_exceptions=True)

    async def _park(self, ticket: Ticket, left_s: float) -> bool:
        if self.draining:
            return False
        return await ticket.wait(left_s) or self.draining

    async def _ask_shielded(self, ask: LeaseAsk, wait_ms: int, *, only_replay: bool = False) -> Grant:
        """Ask in a task of its own: who is cancelled meanwhile has the grant given back when it comes."""
        await self._free.wait()
        task = asyncio.get_running_loop().create_task(self._replay(ask) if only_replay else self._ask(ask, wait_ms))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(lambda done: self._return(ask, done))
            raise

    def _return(self, ask: LeaseAsk, done: "asyncio.Task[Grant]") -> None:
        if not done.cancelled() and done.exception() is None and done.result().jobs:
            self._giveback(ask, done.result())

    async def _ask(self, ask: LeaseAsk, wait_ms: int) -> Grant:
        """Ask the shards in the order of the queues; a repeated request is answered by whichever knows it."""
        runs = self._split(ask.queues)
        if ask.key is not None and len({shard for shard, _ in runs}) > 1:
            known = await self._replay(ask)
            if known.replayed:
                return known
        found: list[Part] = []
        asked: set[int] = set()
        for shard, queues in runs:
            mode = "append" if shard in asked else "new"
            part = msgspec.structs.replace(ask, queues=queues)
            if await self._fill(part, shard, wait_ms, mode, found):
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

    async def _fill(self, ask: LeaseAsk, shard: int, wait_ms: int, mode: str, found: list[Part]) -> bool:
        """Add to `found` what one shard has, in as many scripts as it takes; return whether the request is full.

        A fault that comes after the first jobs keeps those and ends the request.
        """
        while True:
            left = _less(ask, found)
            first = left.max_jobs == ask.max_jobs  # and who has jobs already does not wait
            jobs = min(left.max_jobs, limits.SCRIPT_JOBS)
            call = LeaseCall(ask=left, jobs=jobs, mode=mode, first=first, wait_ms=wait_ms if first else 0)
            try:
                part = await self._call(shard, call)
            except StoreFault:
                if first:
                    raise
                return True
            found.append(part)
            mode = "append"
            script_was_full = part.ending == "cut" or len(part.grant.jobs) == jobs < left.max_jobs
            if not script_was_full:
                return part.ending != "dry"

    async def _call(self, shard: int, call: LeaseCall) -> Part:
        while True:
            part = await self._shards[shard].lease.submit(call)
            if part is not None:
                return part


def _less(ask: LeaseAsk, found: Sequence[Part]) -> LeaseAsk:
    """Return what is left of a request after what was found."""
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
