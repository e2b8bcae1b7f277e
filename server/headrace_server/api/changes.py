"""What is done to one job by others than its worker: cancel, retry, patch, delete."""

from headrace_server.api import after, build, parse, render, shapes
from headrace_server.api.call import Call, Reply
from headrace_server.api.jobs import job_id_of
from headrace_server.api.problems import Fault, Problem, invalid
from headrace_server.api.replies import GoneDocument
from headrace_server.domain.ids import format_id
from headrace_server.domain.requests import (
    CancelAsk,
    Cancelled,
    CancelStatus,
    Deleted,
    DeleteStatus,
    Patched,
    PatchStatus,
    Redrive,
    Redriven,
    RedriveStatus,
)

_CODES: dict[CancelStatus | DeleteStatus | PatchStatus | RedriveStatus, str] = {
    CancelStatus.FINAL: "job_final",
    CancelStatus.NOT_FOUND: "not_found",
    RedriveStatus.NOT_DEAD: "job_not_dead",
    RedriveStatus.CONFLICT: "unique_conflict",
    RedriveStatus.DRAINING: "queue_draining",
    RedriveStatus.NOT_FOUND: "not_found",
    PatchStatus.LEASED: "job_leased",
    PatchStatus.FINAL: "job_final",
    PatchStatus.DRAINING: "queue_draining",
    PatchStatus.NOT_FOUND: "not_found",
    DeleteStatus.NOT_FINAL: "job_not_final",
    DeleteStatus.NOT_FOUND: "not_found",
}


async def cancel_job(call: Call) -> Reply:
    """POST /v1/jobs/{id}/cancel: 200 when it has ended, 202 when somebody holds it and will be told."""
    job_id = job_id_of(call)
    data = await call.body()
    given = parse.body(shapes.CancelInput, data, call.reading) if data else shapes.CancelInput()
    [outcome] = await call.engine.cancel([CancelAsk(job_id=job_id, reason=given.reason, mode=given.mode)])
    if outcome.status not in (CancelStatus.CANCELLED, CancelStatus.REQUESTED):
        raise _refused(outcome)
    return await _as_it_is(call, job_id, 200 if outcome.status is CancelStatus.CANCELLED else 202)


async def retry_job(call: Call) -> Reply:
    """POST /v1/jobs/{id}/retry: another run of a dead job."""
    job_id = job_id_of(call)
    data = await call.body()
    given = parse.body(shapes.RetryInput, data, call.reading) if data else shapes.RetryInput()
    [outcome] = await call.engine.redrive([Redrive(job_id=job_id, queue=build.or_none(given.queue))])
    if outcome.status is RedriveStatus.READY:
        return await _as_it_is(call, job_id)
    if outcome.status is RedriveStatus.OTHER_GROUP:
        raise _other_group()
    raise _refused(outcome, outcome.conflict)


async def patch_job(call: Call) -> Reply:
    """PATCH /v1/jobs/{id}: another priority, time or queue for a job that nobody holds."""
    job_id = job_id_of(call)
    given = parse.body(shapes.PatchInput, await call.body(), call.reading)
    [outcome] = await call.engine.patch([build.patch(job_id, given)])
    if outcome.status is PatchStatus.PATCHED:
        return await _as_it_is(call, job_id)
    if outcome.status is PatchStatus.OTHER_GROUP:
        raise _other_group()
    raise _refused(outcome)


async def delete_job(call: Call) -> Reply:
    """DELETE /v1/jobs/{id}: remove the record of a job that has ended."""
    [outcome] = await call.engine.delete([job_id_of(call)])
    if outcome.status is not DeleteStatus.DELETED:
        raise _refused(outcome)
    return Reply(status=204)


async def _as_it_is(call: Call, job_id: bytes, status: int = 200) -> Reply:
    [found] = after.known([job_id], await after.read(call.engine.get([job_id])))
    if isinstance(found, bytes):
        return Reply(status=status, document=GoneDocument(format_id(found)))
    return Reply(status=status, document=render.job(found, call.reply_format))


def _refused(outcome: Cancelled | Redriven | Patched | Deleted, in_the_way: bytes | None = None) -> Problem:
    """Return the problem of a job that was not changed; it names the job `in_the_way`, else the job itself."""
    state = outcome.state.value if outcome.state is not None and in_the_way is None else ""
    return Problem(_CODES[outcome.status], job_id=format_id(in_the_way or outcome.job_id), state=state)


def _other_group() -> Problem:
    return invalid([Fault("/queue", "is of another group than the queue of the job")], "other_group")
