"""One lease request: asking shard by shard, waiting, and giving back what its client did not wait for."""

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from headrace_server.domain import limits
from headrace_server.domain.errors import StoreFault
from headrace_server.domain.requests import Grant, LeaseAsk
from headrace_server.engine.parking import Parking, Ticket
from headrace_server.engine.shard import LeaseCall, Shard


class Polls:
    """Asks the shards on behalf of clients; `queues_of` splits the queues of a request by shard, in their order."""

    def __init__(
        self,
        shards: Sequence[Shard],
        split: Callable[[Sequence[str]], list[tuple[int, list[str]]]],
        parking: Parking,
        giveback: Callable[[LeaseAsk, Grant], "asyncio.Future[None]"],
    ) -> None:
        self._shards = shards
        self._split = split
        self._parking = parking
        self._giveback = giveback
        self._asking: set[asyncio.Task[Grant]] = set()
        self.draining = False

    async def poll(self, ask: LeaseAsk, wait_ms: int) -> Grant:
        """Return as soon as there is a job, after `wait_ms`, or at once when the server drains."""
        loop = asyncio.get_running_loop()
        end = loop.time() + wait_ms / 1000
        ticket = self._parking.enter(ask.queues)
        try:
            while True:
                left_s = 0.0 if self.draining else end - loop.time()
                ticket.arm()
                grant = await self._ask_shielded(ask, max(0, int(left_s * 1000)))
                if grant.jobs or grant.replayed or left_s <= 0 or not await self._park(ticket, left_s):
                    return grant
        finally:
            self._parking.leave(ticket)

    async def join(self) -> None:
        """Return when no script runs on behalf of a poll, also of those that were given up."""
        await asyncio.gather(*self._asking, return_exceptions=True)

    async def _park(self, ticket: Ticket, left_s: float) -> bool:
        if self.draining:
            return False
        return await ticket.wait(left_s) or self.draining

    async def _ask_shielded(self, ask: LeaseAsk, wait_ms: int) -> Grant:
        """Ask in a task of its own: who is cancelled meanwhile has the grant given back when it comes."""
        task = asyncio.get_running_loop().create_task(self._ask(ask, wait_ms))
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
        parts = self._split(ask.queues)
        if ask.key is not None and len(parts) > 1:
            known = await asyncio.gather(*(self._call(ask, shard, queues, "replay", 0) for shard, queues in parts))
            if any(grant.replayed for grant in known):
                return _joined(known)
        grants: list[Grant] = []
        for shard, queues in parts:
            grants.append(await self._fill(_less(ask, grants), shard, queues, wait_ms, grants))
            if grants[-1].replayed or sum(len(grant.jobs) for grant in grants) >= ask.max_jobs:
                break
        return _joined(grants)

    async def _fill(self, ask: LeaseAsk, shard: int, queues: list[str], wait_ms: int, before: list[Grant]) -> Grant:
        """Ask one shard until the request is full or the shard has no more; a fault later keeps what came before."""
        parts: list[Grant] = []
        while True:
            mode = "append" if parts else "new"
            left = _less(ask, parts)
            try:
                # who has jobs already does not wait
                part = await self._call(left, shard, queues, mode, 0 if parts or before else wait_ms)
            except StoreFault:
                if parts or before:
                    break
                raise
            parts.append(part)
            if part.replayed or not part.jobs or len(part.jobs) >= left.max_jobs or left.max_bytes <= 0:
                break
        return _joined(parts) if parts else Grant(jobs=[], now_ms=before[-1].now_ms)

    async def _call(self, ask: LeaseAsk, shard: int, queues: list[str], mode: str, wait_ms: int) -> Grant:
        call = LeaseCall(
            ask=msgspec.structs.replace(ask, queues=queues),
            jobs=min(ask.max_jobs, limits.SCRIPT_JOBS),
            mode=mode,
            wait_ms=wait_ms,
        )
        while True:
            grant = await self._shards[shard].lease.submit(call)
            if grant is not None:
                return grant


def _less(ask: LeaseAsk, grants: Sequence[Grant]) -> LeaseAsk:
    """Return what is left of a request after some grants."""
    jobs = [job for grant in grants for job in grant.jobs]
    return msgspec.structs.replace(
        ask,
        max_jobs=ask.max_jobs - len(jobs),
        max_bytes=ask.max_bytes - sum(len(job.payload.data) for job in jobs),
    )


def _joined(grants: Sequence[Grant]) -> Grant:
    return Grant(
        jobs=[job for grant in grants for job in grant.jobs],
        now_ms=grants[-1].now_ms,
        replayed=any(grant.replayed for grant in grants),
    )
