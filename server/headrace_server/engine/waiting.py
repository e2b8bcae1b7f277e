"""Waits for the end of jobs: of one, of any of many, of all of them."""

import asyncio
from collections.abc import Iterable, Sequence
from itertools import accumulate, takewhile

from headrace_server.domain.jobs import Job
from headrace_server.domain.lifecycle import FINAL
from headrace_server.domain.limits import MAX_WAIT_REPLY_BYTES
from headrace_server.domain.requests import WaitAsk, Waited, WaitedJob
from headrace_server.engine.parking import ANY, Parking, Ticket
from headrace_server.engine.polls import Polls
from headrace_server.engine.routing import Routing
from headrace_server.engine.shard import Standing


class Waiting(Routing):
    """The calls that wait for jobs."""

    _watching: Parking
    _polls: Polls

    async def wait_job(self, job_id: bytes, *, wait_ms: int, known_rev: int | None = None) -> Job | None:
        """Return a job when it is final (or, with `known_rev`, when its rev is another), else as it is after `wait_ms`.

        None for an unknown id, or one that vanished meanwhile. Raises StoreFault.
        """
        shard = self._shard_of(job_id)
        if shard is None:
            return None
        loop = asyncio.get_running_loop()
        end = loop.time() + wait_ms / 1000
        ticket = self._watching.enter([job_id.hex()])
        try:
            while True:
                left_s = end - loop.time()
                ticket.arm()
                job = await shard.watch.submit((job_id, max(0, int(left_s * 1000))))
                done = job is None or (job.state in FINAL if known_rev is None else job.rev != known_rev)
                if done or left_s <= 0 or self._polls.draining:
                    return job
                await ticket.wait(left_s)
        finally:
            self._watching.leave(ticket)

    async def wait_jobs(self, ask: WaitAsk, *, wait_ms: int) -> Waited:
        """Return jobs as soon as all or any of them have ended, else as they are after `wait_ms`; in the order asked.

        Those that have ended come whole, up to MAX_WAIT_REPLY_BYTES, the others as lists show them. Raises StoreFault.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + wait_ms / 1000
        names = {job_id.hex(): job_id for job_id in ask.ids}
        ticket = self._watching.enter(names)
        ended: dict[bytes, Standing] = {}
        try:
            to_look_at: Iterable[bytes] = names.values()
            while True:
                left_s = end - loop.time()
                ended |= await self._ended(to_look_at, max(0, int(left_s * 1000)))
                done = bool(ended) if ask.any_of else len(ended) == len(names)
                if done or left_s <= 0 or self._polls.draining:
                    break
                is_woken = await ticket.wait(left_s)
                told = _told(ticket, names) if is_woken else names.values()
                to_look_at = [job_id for job_id in told if job_id not in ended]
        finally:
            self._watching.leave(ticket)
        found = await self._read_waited(list(names.values()), ended, summary=ask.summary)
        return Waited(jobs=[found[job_id] for job_id in ask.ids], done=done)

    async def _ended(self, ids: Iterable[bytes], wait_ms: int) -> dict[bytes, Standing]:
        """Return those of the jobs that have ended, or are not there."""
        asked = list(ids)
        found = await asyncio.gather(*(self._standing(job_id, wait_ms) for job_id in asked))
        return {job_id: standing for job_id, standing in zip(asked, found, strict=True) if standing.ended}

    async def _standing(self, job_id: bytes, wait_ms: int) -> Standing:
        shard = self._shard_of(job_id)
        return Standing(ended=True) if shard is None else await shard.wait.submit((job_id, wait_ms))

    async def _read_waited(
        self, ids: Sequence[bytes], ended: dict[bytes, Standing], *, summary: bool
    ) -> dict[bytes, WaitedJob]:
        whole = set() if summary else set(_fitting([job_id for job_id in ids if job_id in ended], ended))
        jobs = await asyncio.gather(*(self._read_one(job_id, whole=job_id in whole) for job_id in ids))
        return {job_id: WaitedJob(job=job, abridged=job_id not in whole) for job_id, job in zip(ids, jobs, strict=True)}

    async def _read_one(self, job_id: bytes, *, whole: bool) -> Job | None:
        shard = self._shard_of(job_id)
        return None if shard is None else await (shard.get if whole else shard.peek).submit(job_id)


def _fitting(ids: Sequence[bytes], ended: dict[bytes, Standing]) -> Sequence[bytes]:
    """Return the jobs that a reply has room for: the first one whatever its size."""
    sizes = accumulate(ended[job_id].large_bytes for job_id in ids)
    return ids[: max(1, sum(1 for _ in takewhile(lambda size: size <= MAX_WAIT_REPLY_BYTES, sizes)))]


def _told(ticket: Ticket, names: dict[str, bytes]) -> Sequence[bytes]:
    """Return the jobs that a waiter was woken for: all of them at the floor, which makes good for lost messages."""
    ticket.arm()
    if ANY in ticket.used:
        return [*names.values()]
    return [names[name] for name in ticket.used]
