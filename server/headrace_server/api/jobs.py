"""Produce and read: /v1/jobs and what can be read below one job."""

from typing import Final

from headrace_server.api import after, build, keys, parse, render, shapes
from headrace_server.api.call import VARY, Call, Reply, applied
from headrace_server.api.problems import Problem
from headrace_server.api.replies import GoneDocument, JobDocument, ReceiptDocument
from headrace_server.domain.ids import format_id, parse_id
from headrace_server.domain.jobs import Body, IdempotencyKey, Job, Receipt
from headrace_server.domain.lifecycle import FINAL, State
from headrace_server.domain.requests import EnqueueGroup, Placed

REPLAYED: Final = (b"idempotency-replayed", b"true")
INERT: Final = [(b"x-content-type-options", b"nosniff"), (b"content-security-policy", b"default-src 'none'; sandbox")]


async def enqueue_job(call: Call) -> Reply:
    """POST /v1/jobs: enqueue one job, and wait for its end where the client asks to."""
    call.services.status.require_room()
    data, reading = await call.body(), call.reading
    fields = parse.body(shapes.JobInput, data, reading)
    queue = build.queue_of(fields)
    key = _key(call, fields, queue, data)
    wait_ms = call.wait_ms()
    job = build.new_job(fields, call.engine.new_id(queue), reading.format, build.trace(call.headers))
    outcome = await call.engine.enqueue(EnqueueGroup([job], key, brief=call.minimal))
    made = outcome.jobs[0] if outcome.jobs else None
    [found] = await after.enqueued(call, outcome) if made is None else [after.Found(made)]
    if wait_ms and not isinstance(found.job, bytes):
        found = after.Found(await after.finished(call, found.job, wait_ms), found.placed)
    return _enqueued(call, found, wait_ms)


def _key(call: Call, fields: shapes.JobInput, queue: str, data: bytes) -> IdempotencyKey | None:
    text = keys.header(call)
    if text is None:
        return keys.of_job(fields, call.body_format)
    keys.require_one(text, [("", fields)])
    return keys.of_request(call, text, queue, keys.of_body(data))


def _enqueued(call: Call, found: after.Found, wait_ms: int | None) -> Reply:
    headers = [call.durability(), *applied(wait_ms, minimal=call.minimal)]
    shown, status = document(call, found), 201
    if not found.is_new:
        status = 200
        if found.placed is Placed.REPLAYED:
            headers.append(REPLAYED)
    if not isinstance(found.job, bytes):
        headers.append((b"location", b"/v1/jobs/" + shown.id.encode()))
        if wait_ms:
            status = 200 if found.job.state in FINAL else 202
    return Reply(status=status, document=shown, headers=headers)


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
    headers = [(b"etag", f'"{job.rev}"'.encode()), *applied(wait_ms)]
    if job.rev == known_rev:
        return Reply(status=304, headers=[*headers, VARY])
    return Reply(document=render.job(job, call.reply_format), headers=headers)


async def get_payload(call: Call) -> Reply:
    """GET /v1/jobs/{id}/payload: the payload's bytes as the producer sent them."""
    [job] = await call.engine.get([job_id_of(call)])
    if job is None:
        raise Problem("not_found", job_id=call.params["id"])
    return _raw(job.payload)


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
    return _raw(job.result)


def _raw(body: Body) -> Reply:
    """Return bytes under a media type that somebody else chose: no browser may take them for a page of this server."""
    return Reply(raw=body.data, media=render.media_of(body), headers=INERT)


def document(call: Call, found: after.Found) -> JobDocument | GoneDocument | ReceiptDocument:
    """Return what the reader sees of a job that an enqueue made or met: all of it, or a receipt."""
    if isinstance(found.job, bytes):
        return GoneDocument(format_id(found.job), deduplicated=True)
    if isinstance(found.job, Receipt):  # of a job that this request has made
        return render.receipt(found.job)
    replayed = replaced = False
    if not found.is_new:
        replaced = found.placed is Placed.REPLACED
        replayed = not replaced
    if call.minimal:
        return render.receipt(found.job, replayed=replayed, replaced=replaced)
    return render.job(found.job, call.reply_format, replayed=replayed, replaced=replaced)


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


def _rev(if_none_match: str | None) -> int | None:
    """Return the rev in an ETag that this server gave out, or None: any other text matches nothing."""
    text = (if_none_match or "").strip().removeprefix("W/").strip('"')
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 16 else None
