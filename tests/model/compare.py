"""Whether engine and oracle say the same: everything but revs, and the words about a lost lease."""

from typing import TypeVar

import msgspec
from headrace_server.domain.jobs import Job
from headrace_server.domain.requests import Enqueued, Grant

from tests.model.views import NO_REV

T = TypeVar("T")


def plain_job(job: Job | None) -> Job | None:
    """Return a job without its rev, and of a lost lease's error only the type."""
    if job is None:
        return None
    error = job.error
    if error is not None and msgspec.json.decode(error)["type"] == "LeaseExpired":
        error = b"LeaseExpired"
    return msgspec.structs.replace(job, rev=NO_REV, error=error)


def plain_grant(grant: Grant) -> Grant:
    """Return a grant whose jobs have no revs; those of a replay, which may come shard by shard, in the order of ids."""
    jobs = [msgspec.structs.replace(job, rev=NO_REV) for job in grant.jobs]
    if grant.replayed:
        jobs.sort(key=lambda job: job.id)
    return msgspec.structs.replace(grant, jobs=jobs)


def plain_enqueued(answer: Enqueued) -> Enqueued:
    """Return an answer whose jobs have no revs."""
    return msgspec.structs.replace(answer, jobs=[plain_job(job) for job in answer.jobs])


def same(real: T, oracle: T) -> None:
    """Fail with both sides when they differ."""
    assert real == oracle, f"\nengine: {real}\noracle: {oracle}"


class Revs:
    """Holds the engine's revs to their rules, from one look at all jobs to the next."""

    def __init__(self) -> None:
        self._last: dict[bytes, Job] = {}

    def look(self, jobs: list[Job]) -> None:
        """A rev never falls, grows with every change of its job, and belongs to one job alone."""
        for job in jobs:
            before = self._last.get(job.id)
            if before is not None:
                assert job.rev >= before.rev, f"the rev fell:\n{before}\n{job}"
                assert job.rev > before.rev or job == before, f"changed under the same rev:\n{before}\n{job}"
        assert len({job.rev for job in jobs}) == len(jobs), "two jobs have one rev"
        self._last = {job.id: job for job in jobs}
