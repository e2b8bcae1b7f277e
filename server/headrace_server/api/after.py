"""What a request does once its write is done: a failure from here on may not claim that the write never happened."""

from collections.abc import Awaitable, Sequence

from headrace_server.api.call import Call
from headrace_server.api.problems import Fault, Problem, invalid
from headrace_server.domain.errors import Code, NotDone, StoreFault, Unknown
from headrace_server.domain.jobs import Job
from headrace_server.domain.lifecycle import FINAL
from headrace_server.domain.requests import Enqueued, EnqueueStatus, Grant, LeaseAsk


async def read(work: Awaitable[list[Job | None]]) -> list[Job | None]:
    """Return what `work` reads; a fault becomes one of unknown outcome, for the write before it stands."""
    try:
        return await work
    except NotDone as fault:
        raise Unknown(Code.STORE_TIMEOUT, f"It was done, but cannot be read back: {fault.detail}") from fault


async def finished(call: Call, job: Job, wait_ms: int | None) -> Job:
    """Return the job once it is final, or as it is after `wait_ms`, or when the store fails meanwhile."""
    if not wait_ms or job.state in FINAL:
        return job
    try:
        return await call.unless_gone(call.engine.wait_job(job.id, wait_ms=wait_ms)) or job
    except StoreFault:
        return job


async def lease(call: Call, ask: LeaseAsk) -> Grant | None:
    """Return a grant without waiting, or None when the store fails: the settles before it must still be answered."""
    try:
        return await call.unless_gone(call.engine.poll(ask, 0))
    except StoreFault:
        return None


async def enqueued(call: Call, outcome: Enqueued) -> list[Job | bytes]:
    """Return the jobs of a group that was created or replayed; a replayed one whose record is gone as its id.

    Raises Problem for a group that was refused.
    """
    match outcome.status:
        case EnqueueStatus.CREATED:
            return list(outcome.jobs)
        case EnqueueStatus.REPLAYED:
            return known(outcome.ids, await read(call.engine.get(outcome.ids)))
    raise refused(outcome)


def known(ids: Sequence[bytes], jobs: Sequence[Job | None]) -> list[Job | bytes]:
    """Return each job, or the id of one that is gone."""
    return [job_id if job is None else job for job_id, job in zip(ids, jobs, strict=True)]


def refused(outcome: Enqueued, pointers: Sequence[str] = ("",)) -> Problem:
    """Return the problem of a group that was not written; `pointers` say where its jobs stand in the body."""
    if outcome.status is EnqueueStatus.KEY_MISMATCH:
        return Problem("idempotency_mismatch")
    faults = [Fault(f"{pointers[index]}/expires_at", "is in the past") for index in outcome.refused]
    return invalid(faults, "already_expired")
