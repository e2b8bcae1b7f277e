"""Looks for jobs and into one: lists, attempts."""

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from headrace_server.domain import limits
from headrace_server.domain.defaults import Defaults
from headrace_server.domain.finding import (
    Attempt,
    AttemptOutcome,
    CursorInvalid,
    JobFilter,
    JobPage,
)
from headrace_server.domain.lifecycle import State
from headrace_server.engine import cursors, decode, encode
from headrace_server.engine.routing import Routing

_RECORDED: Final = {
    b"nack": AttemptOutcome.FAILED,
    b"crash": AttemptOutcome.CRASHED,
    b"runtime": AttemptOutcome.TIMED_OUT,
}


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where a list goes on: the job looked at last, by the structure it lay in."""

    shard: Annotated[int, Meta(ge=0)] = 0  # its number
    queue: str = ""
    state: Annotated[int, Meta(ge=1)] = 1  # its number among those of the filter
    score: Annotated[str, Meta(pattern=r"^(-?\d+(\.\d+)?(e[+-]?\d+)?)?$")] = ""  # as the store writes numbers
    id: bytes = b""


class Finding(Routing):
    """The calls that look for jobs."""

    _defaults: Defaults

    async def list_jobs(self, wanted: JobFilter, *, cursor: str | None, limit: int) -> JobPage:
        """Return up to `limit` jobs of a filter, in the order in which they lie: shard, queue, state, place in it.

        A page ends early when MAX_SCANNED_JOBS were looked at. Raises CursorInvalid, StoreFault.
        """
        place = Place() if cursor is None else cursors.read(cursor, Place, wanted)
        shards = self._shards_of(wanted.queue)
        if place.shard >= len(shards):
            raise CursorInvalid("this cursor names a shard that is not there; begin without a cursor")
        found = JobPage(jobs=[], cursor=None, scanned=0)
        while len(found.jobs) < limit and found.scanned < limits.MAX_SCANNED_JOBS:
            page, rest = await self._page(wanted, place, limit - len(found.jobs), found.scanned)
            found = JobPage(jobs=found.jobs + page.jobs, cursor=None, scanned=found.scanned + page.scanned)
            if rest is None and place.shard + 1 == len(shards):
                return found
            place = rest or Place(shard=place.shard + 1)
        return msgspec.structs.replace(found, cursor=cursors.write(place, wanted))

    async def attempts(self, job_id: bytes) -> list[Attempt] | None:
        """Return each time a job was worked on, the failed ones as far as they are kept; None for an unknown id.

        Raises StoreFault.
        """
        shard = self._shard_of(job_id)
        if shard is None:
            return None
        _, answer = await shard.ask("attempts", [job_id])
        return _attempts(*answer) if answer else None

    async def _page(self, wanted: JobFilter, place: Place, most: int, scanned: int) -> tuple[JobPage, Place | None]:
        states = wanted.states or tuple(State)
        budget = max(2, min(limits.SCRIPT_JOBS, limits.MAX_SCANNED_JOBS - scanned))  # less than two get nowhere
        at: encode.Args = [place.queue, place.state, place.score, place.id]
        args: encode.Args = [most, budget, *at, len(states), *states, *filter_words(wanted)]
        _, (looked_at, rest, found) = await self._shards_of(wanted.queue)[place.shard].ask("list", args)
        jobs = [decode.job(job_id, flat, self._defaults) for job_id, flat in found]
        page = JobPage(jobs=[job for job in jobs if job is not None], cursor=None, scanned=int(looked_at))
        return page, _place(place.shard, *rest) if rest else None


def filter_words(wanted: JobFilter) -> encode.Args:
    """Return what a filter says beside states, '' where something does not matter."""
    tag = None if wanted.tag is None else "=".join(wanted.tag)
    spans = (wanted.enqueued_after_ms, wanted.enqueued_before_ms, wanted.finished_after_ms, wanted.finished_before_ms)
    words = (wanted.queue, wanted.task, wanted.error_type, tag, *spans)
    return ["" if word is None else word for word in words]


def _place(shard: int, queue: bytes, state: bytes, score: bytes, job_id: bytes) -> Place:
    return Place(shard=shard, queue=queue.decode(), state=int(state), score=score.decode(), id=job_id)


def _attempts(lines: Sequence[bytes], job: Sequence[bytes]) -> list[Attempt]:
    failed = [_failed(line) for line in lines]
    state, attempt, delivery, started, finished, worker, called_off = job
    outcome = {b"leased": AttemptOutcome.RUNNING, b"succeeded": AttemptOutcome.SUCCEEDED}.get(state)
    if state == b"cancelled" and called_off:
        outcome = AttemptOutcome.CANCELLED
    is_told = failed and (failed[-1].delivery, failed[-1].started_at_ms) == (int(delivery), _number(started))
    if outcome is None or not int(delivery) or (is_told and outcome is AttemptOutcome.CANCELLED):
        return failed
    last = Attempt(
        attempt=int(attempt),
        delivery=int(delivery),
        outcome=outcome,
        worker=worker.decode() or None,
        started_at_ms=_number(started),
        ended_at_ms=None if outcome is AttemptOutcome.RUNNING else _number(finished),
    )
    return [*failed, last]


def _failed(line: bytes) -> Attempt:
    facts, _, error = line.partition(b"\n")
    attempt, delivery, started, ended, kind, worker = facts.split(b" ", 5)
    return Attempt(
        attempt=int(attempt),
        delivery=int(delivery),
        outcome=_RECORDED[kind],
        worker=None if worker == b"-" else worker.decode(),
        started_at_ms=int(started) or None,
        ended_at_ms=int(ended),
        error=error,
    )


def _number(word: bytes | None) -> int | None:
    return int(word) if word else None
