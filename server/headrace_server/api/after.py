"""What a request does once its write is done: a failure from here on may not claim that the write never happened."""

from collections.abc import Awaitable, Iterator, Mapping, Sequence
from itertools import repeat, zip_longest

import msgspec

from headrace_server.api.call import Call
from headrace_server.api.problems import Fault, Problem, invalid
from headrace_server.domain.errors import Code, NotDone, StoreFault, Unknown
from headrace_server.domain.ids import format_id
from headrace_server.domain.jobs import Job, NewJob, Receipt
from headrace_server.domain.lifecycle import FINAL
from headrace_server.domain.requests import Enqueued, EnqueueStatus, Placed
from headrace_server.engine import Section


async def read(work: Awaitable[list[Job | None]]) -> list[Job | None]:
    """Return what `work` reads; a fault becomes one of unknown outcome, for the write before it stands."""
    try:
        return await work
    except NotDone as fault:
        raise Unknown(Code.STORE_TIMEOUT, f"It was done, but cannot be read back: {fault.detail}") from fault


async def finished(call: Call, job: Job | Receipt, wait_ms: int | None) -> Job | Receipt:
    """Return the job once it is final, or as it is after `wait_ms`, or when the store fails meanwhile."""
    if not wait_ms or job.state in FINAL:
        return job
    try:
        return await call.unless_gone(call.engine.wait_job(job.id, wait_ms=wait_ms)) or job
    except StoreFault:
        return job


class Found(msgspec.Struct, frozen=True, gc=False):
    """A job that an enqueue made or met; the id of one whose record is gone."""

    job: Job | Receipt | bytes
    placed: Placed = Placed.CREATED

    @property
    def is_new(self) -> bool:
        """Whether this request made it."""
        return self.placed is Placed.CREATED


async def enqueued(call: Call, outcome: Enqueued) -> list[Found]:
    """Return the jobs of a group that was written or had been. Raises Problem for a group that was refused."""
    if not is_done(outcome):
        raise refused(outcome)
    return found(outcome, {} if outcome.jobs and all(outcome.jobs) else await met(call, [outcome]))


def is_done(outcome: Enqueued) -> bool:
    """Tell whether the jobs of a group are there now."""
    return outcome.status in (EnqueueStatus.CREATED, EnqueueStatus.REPLAYED)


async def met(call: Call, outcomes: Sequence[Enqueued]) -> dict[bytes, Job | None]:
    """Return the jobs of groups that others had made, by id; None for one whose record is gone."""
    ids = [
        job_id
        for outcome in outcomes
        if is_done(outcome)
        for job_id, job, placed in zip_longest(outcome.ids, outcome.jobs, outcome.placed)
        if job is None and placed is not Placed.REFUSED
    ]
    return dict(zip(ids, await read(call.engine.get(ids)), strict=True)) if ids else {}


def found(outcome: Enqueued, others: Mapping[bytes, Job | None]) -> list[Found]:
    """Return the jobs of a group that is done as a whole; `others` are those that it met."""
    if outcome.status is EnqueueStatus.REPLAYED:
        return [Found(others[job_id] or job_id, Placed.REPLAYED) for job_id in outcome.ids]
    return [
        Found(job or others[job_id] or job_id, placed)
        for job_id, job, placed in zip(outcome.ids, outcome.jobs, outcome.placed, strict=True)
    ]


def fates(
    section: Section, jobs: Sequence[NewJob], others: Mapping[bytes, Job | None]
) -> Iterator[Found | Enqueued | StoreFault]:
    """Yield what became of each job of a section of `jobs`: the job, or what kept it out."""
    answer = section.answer
    if isinstance(answer, StoreFault) or not is_done(answer):
        yield from repeat(answer, len(section.indexes))
        return
    if answer.state is not None:
        for index in section.indexes:
            yield Found(Receipt(jobs[index].id, answer.state))
        return
    for index, (job_id, job, placed) in enumerate(zip(answer.ids, answer.jobs, answer.placed, strict=True)):
        if placed is Placed.REFUSED:
            yield answer.refusals[index]
        else:
            yield Found(job or others[job_id] or job_id, placed)


def known(ids: Sequence[bytes], jobs: Sequence[Job | None]) -> list[Job | bytes]:
    """Return each job, or the id of one that is gone."""
    return [job_id if job is None else job for job_id, job in zip(ids, jobs, strict=True)]


def refused(outcome: Enqueued, pointers: Sequence[str] = ("",), own: Sequence[bytes] = ()) -> Problem:
    """Return the problem of a group that was not written.

    `pointers` say where its jobs stand in the body. `own` are their ids: two of them may be in each other's way, and
    nobody will ever find a job of such an id.
    """
    if outcome.status is EnqueueStatus.KEY_MISMATCH:
        return Problem("idempotency_mismatch")
    places_of = dict(zip(own, pointers, strict=False))
    others = [format_id(job_id) for job_id in outcome.conflicts if job_id not in places_of]
    in_the_way = (
        f"is that of {places_of[job_id]}" if job_id in places_of else f"is held by the job {format_id(job_id)}"
        for job_id in outcome.conflicts
    )
    field, code, details = {
        EnqueueStatus.EXPIRED: ("expires_at", "already_expired", repeat("is in the past")),
        EnqueueStatus.CONFLICT: ("unique", "unique_conflict", in_the_way),
        EnqueueStatus.DRAINING: ("queue", "queue_draining", repeat("takes no new jobs")),
        EnqueueStatus.FULL: ("queue", "queue_full", repeat("is full")),
    }[outcome.status]
    places = [f"{pointers[index]}/{field}" for index in outcome.refused]
    faults = [Fault(place, detail) for place, detail in zip(places, details, strict=False)]
    return invalid(faults, code, job_id=others[0] if others else "")
