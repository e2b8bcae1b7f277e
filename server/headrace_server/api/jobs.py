"""Produce and read: /v1/jobs and what lies below one job, but for its leases."""

from headrace_server.api import after, build, keys, media, parse, render, shapes
from headrace_server.api.call import VARY, Call, Reply
from headrace_server.api.problems import Problem
from headrace_server.api.replies import GoneDocument, JobDocument
from headrace_server.domain.ids import format_id, parse_id
from headrace_server.domain.jobs import Job
from headrace_server.domain.lifecycle import FINAL, State
from headrace_server.domain.requests import Cancelled, CancelStatus, EnqueueGroup, EnqueueStatus

REPLAYED = (b"idempotency-replayed", b"true")


async def enqueue_job(call: Call) -> Reply:
    """POST /v1/jobs: enqueue one job, and wait for its end where the client asks to."""
    call.services.status.require_room()
    data = await call.body()
    fields = parse.body(shapes.JobInput, data, call.reading)
    text = keys.header(call)
    keys.require_one(text, [("", fields)])
    queue = build.queue_of(fields)
    key = (
        keys.of_job(fields, call.body_format)
        if text is None
        else keys.of_request(call, text, queue, keys.of_body(data))
    )
    wait_ms = call.wait_ms()
    job = build.new_job(fields, call.engine.new_id(queue), call.body_format, build.trace(call.headers))
    outcome = await call.engine.enqueue(EnqueueGroup([job], key))
    [found] = await after.enqueued(call, outcome)
    return await _created(call, found, outcome.status is EnqueueStatus.REPLAYED, wait_ms)


async def _created(call: Call, found: Job | bytes, replayed: bool, wait_ms: int | None) -> Reply:
    headers = [call.durability()]
    if replayed:
        headers.append(REPLAYED)
    if isinstance(found, bytes):
        return Reply(document=GoneDocument(format_id(found)), headers=headers)
    job = await after.finished(call, found, wait_ms)
    headers.append((b"location", f"/v1/jobs/{format_id(job.id)}".encode()))
    status = 200 if replayed else 201
    if wait_ms:
        headers.append(_applied(wait_ms))
        status = 200 if job.state in FINAL else 202
    return Reply(status=status, document=render.job(job, call.reply_format, replayed=replayed), headers=headers)


async def get_job(call: Call) -> Reply:
    """GET /v1/jobs/{id}: the job; waits for its end, or with If-None-Match for any change, where the client asks to."""
    job_id = job_id_of(call)
    wait_ms = call.wait_ms()
    known_rev = _rev(call.header(b"if-none-match"))
    if wait_ms:
        job = await call.unless_gone(call.engine.wait_job(job_id, wait_ms=wait_ms, known_rev=known_rev))
    else:
        [job] = await call.engine.get([job_id])
    if job is None:
        raise Problem("not_found", job_id=format_id(job_id))
    headers = [(b"etag", f'"{job.rev}"'.encode())]
    if wait_ms:
        headers.append(_applied(wait_ms))
    if job.rev == known_rev:
        return Reply(status=304, headers=[*headers, VARY])
    return Reply(document=render.job(job, call.reply_format), headers=headers)


async def get_result(call: Call) -> Reply:
    """GET /v1/jobs/{id}/result: the result's bytes as the worker sent them."""
    job_id = job_id_of(call)
    wait_ms = call.wait_ms()
    if wait_ms:
        job = await call.unless_gone(call.engine.wait_job(job_id, wait_ms=wait_ms))
    else:
        [job] = await call.engine.get([job_id])
    if job is None:
        raise Problem("not_found", job_id=format_id(job_id))
    if job.state is not State.SUCCEEDED:
        raise _no_result_yet(job)
    if job.result is None:
        raise Problem("no_result", job_id=format_id(job_id))
    return Reply(raw=job.result.data, media=media.MEDIA[job.result.format])


async def cancel_job(call: Call) -> Reply:
    """POST /v1/jobs/{id}/cancel: end a job that nobody holds; asking twice is the same."""
    job_id = job_id_of(call)
    data = await call.body()
    given = parse.body(shapes.CancelInput, data, call.reading) if data else shapes.CancelInput()
    [outcome] = await call.engine.cancel([job_id], given.reason)
    if outcome.status is not CancelStatus.CANCELLED:
        raise _not_cancelled(outcome)
    [found] = after.known([job_id], await after.read(call.engine.get([job_id])))
    return Reply(document=document(call, found))


def document(call: Call, found: Job | bytes, *, replayed: bool = False) -> JobDocument | GoneDocument:
    """Return what the reader sees of a job, or of the id of one that is gone."""
    if isinstance(found, bytes):
        return GoneDocument(format_id(found))
    return render.job(found, call.reply_format, replayed=replayed)


def job_id_of(call: Call) -> bytes:
    """Return the id in the path; a text that is no id names no job: Problem not_found."""
    job_id = parse_id(call.params["id"])
    if job_id is None:
        raise Problem("not_found", job_id=call.params["id"])
    return job_id


def _no_result_yet(job: Job) -> Problem:
    ended = job.state in FINAL
    return Problem(
        "job_failed" if ended else "not_finished",
        job_id=format_id(job.id),
        state=job.state.value,
        error=render.error(job.error) if ended else None,
    )


def _not_cancelled(outcome: Cancelled) -> Problem:
    codes = {CancelStatus.LEASED: "job_leased", CancelStatus.FINAL: "job_final", CancelStatus.NOT_FOUND: "not_found"}
    state = outcome.state.value if outcome.state else ""
    return Problem(codes[outcome.status], job_id=format_id(outcome.job_id), state=state)


def _applied(wait_ms: int) -> tuple[bytes, bytes]:
    return (b"preference-applied", f"wait={wait_ms // 1000}".encode())


def _rev(if_none_match: str | None) -> int | None:
    """Return the rev in an ETag that this server gave out, or None: any other text matches nothing."""
    text = (if_none_match or "").strip().removeprefix("W/").strip('"')
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 16 else None
