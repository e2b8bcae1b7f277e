"""What can be asked of many handles at once, as steps: one request for each look, however many there are."""

import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

from headrace._steps import Give, Pause, Steps, Stream
from headrace._watch import Watch, not_finished
from headrace.errors import NotFinished
from headrace.models import Job
from headrace.words import State

# Between two looks for the next one to end: a reply tells of all that are waited for, so a thousand jobs that end one
# by one would cost a thousand such replies. A quarter of a second for a thousand, next to nothing for a few.
_LOOK_S_PER_JOB: Final = 0.000_25
_LOOK_S: Final = 0.25


class Many:
    """Some jobs, in an order of their own; all of one client."""

    def __init__(self, watches: Sequence[Watch], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._watches = tuple(watches)
        self._clock = clock

    def get(self, timeout: float | None, propagate: bool) -> Steps[list[Any]]:
        """Return the results, in the order of the jobs, or raise; see `ResultSet.get`."""
        jobs = yield from self._look(self._watches, "all", timeout)
        if not all(job.state.is_final for job in jobs):
            raise _late(jobs, timeout)
        return [watch.ending(job, propagate) for watch, job in zip(self._watches, jobs, strict=True)]

    def ready(self) -> Steps[bool]:
        """Return whether all jobs have ended, in whichever way."""
        return all(job.state.is_final for job in (yield from self._summaries()))

    def successful(self) -> Steps[bool]:
        """Return whether all jobs have succeeded."""
        return all(job.state is State.SUCCEEDED for job in (yield from self._summaries()))

    def failed(self) -> Steps[bool]:
        """Return whether one of the jobs is dead."""
        return any(job.state is State.DEAD for job in (yield from self._summaries()))

    def completed_count(self) -> Steps[int]:
        """Return how many of the jobs have succeeded."""
        return sum(job.state is State.SUCCEEDED for job in (yield from self._summaries()))

    def revoke(self, *, terminate: bool = False) -> Steps[None]:
        """Cancel all jobs, each with a request of its own; those that have ended stay as they are."""
        for watch in self._watches:
            yield from watch.revoke(terminate=terminate)

    def forget(self) -> Steps[None]:
        """Delete the records of all jobs, each with a request. Raises Conflict for one that has not ended."""
        for watch in self._watches:
            yield from watch.forget()

    def as_completed(self, timeout: float | None) -> Stream[int]:
        """Give the places of the jobs as they end, whatever way; raises NotFinished if not all have ended in time."""
        end = None if timeout is None else self._clock() + timeout
        pending = dict(enumerate(self._watches))
        while pending:
            left_s = 0.0 if any(watch.has_ended for watch in pending.values()) else self._left_s(end)
            jobs = dict(zip(pending, (yield from self._look([*pending.values()], "any", left_s)), strict=True))
            ended = sorted((place for place in jobs if jobs[place].state.is_final), key=lambda p: _end_of(jobs[p]))
            for place in ended:
                del pending[place]
                yield Give(place)
            if pending and not ended and end is not None and self._clock() >= end:
                raise _late(list(jobs.values()), timeout)
            if pending:
                yield Pause(min(_LOOK_S, len(pending) * _LOOK_S_PER_JOB))

    def _left_s(self, end: float | None) -> float | None:
        return None if end is None else max(0.0, end - self._clock())

    def _summaries(self) -> Steps[list[Job]]:
        return (yield from self._look(self._watches, "all", 0.0, summary=True))

    def _look(
        self,
        watches: Sequence[Watch],
        mode: Literal["all", "any"],
        timeout: float | None,
        summary: bool = False,
    ) -> Steps[list[Job]]:
        """Return the jobs of some watches; those whose end is known are not asked for again."""
        asked = [watch for watch in watches if not watch.has_ended]
        found: dict[str, Job] = {}
        if asked:
            verbs, ids = asked[0].verbs, [watch.id for watch in asked]
            jobs = yield from verbs.wait_many(ids, mode=mode, timeout=timeout, summary=summary)
            found = {job.id: job for job in jobs}
        looked = []
        for watch in watches:
            job = found.get(watch.id) or (yield from watch.job())
            looked.append(job if job.abridged else watch.remember(job))
        return looked


def _late(jobs: Sequence[Job], timeout: float | None) -> NotFinished:
    pending = [job for job in jobs if not job.state.is_final]
    return not_finished(f"{len(pending)} of {len(jobs)} jobs have not ended after {timeout:g} s", pending[0])


def _end_of(job: Job) -> float:
    return 0.0 if job.finished_at is None else job.finished_at.timestamp()
