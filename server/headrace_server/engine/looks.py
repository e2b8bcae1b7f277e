"""One look for jobs on behalf of a request: shard by shard, in as many scripts as it takes; it must not know who waits.

What a look finds for somebody who went away meanwhile is given back.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import msgspec

from headrace_server.domain import limits
from headrace_server.domain.errors import StoreFault
from headrace_server.domain.requests import Grant, LeaseAsk
from headrace_server.engine.shard import LeaseAnswer, LeaseCall, Part, Shard

Runs: TypeAlias = list[tuple[int, list[str]]]  # queues by shard, in their order
Begun: TypeAlias = asyncio.Future[LeaseAnswer]


class Kept(asyncio.Future[Any]):
    """The future of a script's leases: nobody cancels it, so a task that awaits it is cancelled when they are there.

    Then it is known what to give back. Otherwise a task or a future of their own would have to stand between the script
    and the request, and each is a turn of the event loop before a job is on its way to its worker.
    """

    def cancel(self, msg: Any | None = None) -> bool:  # noqa: ARG002
        """Refuse."""
        return False


class Looks:
    """Asks the shards. `split` splits queues by shard, in order; `give_back` begins to return a grant's leases."""

    def __init__(
        self,
        shards: Sequence[Shard],
        split: Callable[[Sequence[str]], Runs],
        give_back: Callable[[LeaseAsk, Grant], "asyncio.Future[None]"],
    ) -> None:
        self._shards = shards
        self._split = split
        self.give_back = give_back
        self._in_flight: set[Begun] = set()
        self._free = asyncio.Event()
        self._free.set()

    @property
    def are_free(self) -> bool:
        """Whether scripts may be called now, and not only when `let_go` was called."""
        return self._free.is_set()

    async def hold(self) -> None:
        """Call no script until `let_go`; return when none runs."""
        self._free.clear()
        await self.join()

    def let_go(self) -> None:
        """Go on."""
        self._free.set()

    async def join(self) -> None:
        """Return when no script runs that runs now, also of those that were abandoned."""
        await asyncio.gather(*self._in_flight, return_exceptions=True)

    def begin(self, ask: LeaseAsk, wait_ms: int) -> Begun | None:
        """Call the first script, which is on its way when this returns, where one shard has all the queues.

        The answer is to be handed to `look`, or to `abandon`.
        """
        runs = self._split(ask.queues)
        return self._submit(runs[0][0], _call_for(ask, wait_ms, "new", first=True)) if len(runs) == 1 else None

    def abandon(self, ask: LeaseAsk, begun: Begun) -> None:
        """Give back what a script that was begun will find."""
        begun.add_done_callback(lambda done: self._return(ask, _parts_of(done)))

    async def look(self, ask: LeaseAsk, wait_ms: int, begun: Begun | None = None) -> Grant:
        """Ask the shards in the order of the queues; a repeated request is answered by whichever knows it.

        `wait_ms` is for how long the caller would wait for a job if there is none. Raises StoreFault. When the awaiting
        task is cancelled, it ends as soon as the script has answered that runs then, and what was found is given back.
        """
        found: list[Part] = []
        try:
            await self._ask(ask, wait_ms, found, begun)
        except asyncio.CancelledError:
            self._return(ask, found)
            raise
        return _joined(found)

    async def replay(self, ask: LeaseAsk) -> Grant:
        """Return what this very request was given before, if it was; it takes no job. As `look`."""
        found: list[Part] = []
        try:
            now_ms = await self._replay(ask, found)
        except asyncio.CancelledError:
            self._return(ask, found)
            raise
        return _joined(found) if found else Grant(jobs=[], now_ms=now_ms)

    async def _ask(self, ask: LeaseAsk, wait_ms: int, found: list[Part], begun: Begun | None) -> None:
        runs = self._split(ask.queues)
        if len(runs) == 1:
            await self._fill(ask, runs[0][0], wait_ms, "new", found, begun)
            return
        if ask.key is not None and len({shard for shard, _ in runs}) > 1:
            await self._replay(ask, found)
            if any(part.grant.replayed for part in found):
                return
            found.clear()
        asked: set[int] = set()
        for shard, queues in runs:
            mode = "append" if shard in asked else "new"
            part = msgspec.structs.replace(ask, queues=queues)
            if await self._fill(part, shard, wait_ms, mode, found):
                return
            asked.add(shard)

    async def _replay(self, ask: LeaseAsk, found: list[Part]) -> int:
        if ask.key is None:
            await self._free.wait()
            return await self._shards[0].clock.submit(None)
        call = LeaseCall(ask=ask, jobs=1, mode="replay", first=True, wait_ms=0)
        shards = dict.fromkeys(shard for shard, _ in self._split(ask.queues))  # one may come several times
        found[:] = await asyncio.gather(*(self._call(shard, call, found) for shard in shards))
        return 0

    async def _fill(
        self, ask: LeaseAsk, shard: int, wait_ms: int, mode: str, found: list[Part], begun: Begun | None = None
    ) -> bool:
        """Add to `found` what one shard has, in as many scripts as it takes; return whether the request is full.

        The first of them may have `begun`. A fault that comes after the first jobs keeps those and ends the request.
        """
        while True:
            left = _less(ask, found)
            first = left.max_jobs == ask.max_jobs  # and who has jobs already does not wait
            call = _call_for(left, wait_ms if first else 0, mode, first=first)
            try:
                part = await self._call(shard, call, found, begun)
            except StoreFault:
                if first:
                    raise
                return True
            mode, begun = "append", None
            script_was_full = part.ending == "cut" or len(part.grant.jobs) == call.jobs < left.max_jobs
            if not script_was_full:
                return part.ending != "dry"

    async def _call(self, shard: int, call: LeaseCall, found: list[Part], begun: Begun | None = None) -> Part:
        """Add to `found` what a script has found, also when this task is cancelled meanwhile."""
        while True:
            if begun is None:
                await self._free.wait()
                begun = self._submit(shard, call)
            try:
                part = await begun
            except asyncio.CancelledError:
                found += _parts_of(begun)
                raise
            if part is not None:
                found.append(part)
                return part
            begun = None  # the script was full before it came to this call

    def _submit(self, shard: int, call: LeaseCall) -> Begun:
        asked: Begun = self._shards[shard].lease.submit(call, Kept())
        self._in_flight.add(asked)
        asked.add_done_callback(self._in_flight.discard)
        return asked

    def _return(self, ask: LeaseAsk, found: Sequence[Part]) -> None:
        if any(part.grant.jobs for part in found):
            self.give_back(ask, _joined(found))


def _parts_of(answered: Begun) -> list[Part]:
    """Return what a script has found that was answered, whatever became of who asked."""
    if answered.exception() is not None:
        return []
    part = answered.result()
    return [] if part is None else [part]


def _call_for(ask: LeaseAsk, wait_ms: int, mode: str, *, first: bool) -> LeaseCall:
    return LeaseCall(ask=ask, jobs=min(ask.max_jobs, limits.SCRIPT_JOBS), mode=mode, first=first, wait_ms=wait_ms)


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
    if len(parts) == 1:
        return parts[0].grant
    return Grant(
        jobs=[job for part in parts for job in part.grant.jobs],
        now_ms=parts[-1].grant.now_ms,
        replayed=any(part.grant.replayed for part in parts),
    )
