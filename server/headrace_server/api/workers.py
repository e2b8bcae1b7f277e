"""Workers as such: their heartbeats, and those who look at them and tell them what to do."""

import re
from collections.abc import Sequence
from typing import Final

from headrace_server.api import fleet, outcomes, parse, render, settles, shapes
from headrace_server.api.build import or_none
from headrace_server.api.call import Call, Reply
from headrace_server.api.leases import settle_items
from headrace_server.api.listing import next_page
from headrace_server.api.problems import Problem
from headrace_server.api.query import parse_query
from headrace_server.api.replies import HeartbeatDocument, SettledDocument
from headrace_server.api.reports import WorkersDocument
from headrace_server.domain.errors import StoreFault
from headrace_server.domain.fleet import Beat, Directive, Dismissed, WorkerFilter, WorkerRecord
from headrace_server.domain.ids import parse_id

_WORKER_ID: Final = re.compile(shapes.WORKER_PATTERN)
_HELD: Final = frozenset({"ok", "late", "cancel_requested"})


async def heartbeat(call: Call) -> Reply:
    """POST /v1/workers/{id}/heartbeat: the worker lives; extend all leases that it holds, in one request."""
    if not _is_id(call.params["id"]):
        raise Problem("no_such_route", "The id of a worker is 1 to 128 characters of A-Z a-z 0-9 _ . - : @.")
    given = parse.body(shapes.HeartbeatInput, await call.body(), call.reading)
    info = fleet.info(given.info)
    items = parse.items(shapes.HeartbeatItem, given.leases, call.reading, "/leases")
    leases: list[SettledDocument] = []
    now_ms = 0
    if items:
        found, now_ms = await settle_items(call, settles.each(items, call.body_format, "/leases"))
        leases = [outcomes.kept(lease) for lease in found]
    beat = Beat(
        worker=call.params["id"],
        leases=_held(leases),
        info=info,
        next_ms=or_none(given.next_ms),
        is_final=given.final,
    )
    directive = None
    try:
        directive, now_ms = await call.engine.heartbeat(beat)
    except StoreFault:
        if not leases:
            raise  # else what was done about the leases must be told
    document = HeartbeatDocument(directive=render.given(directive), leases=leases, server_time=render.instant(now_ms))
    return Reply(document=document)


def _held(leases: Sequence[SettledDocument]) -> list[bytes]:
    ids = (parse_id(lease.job_id) for lease in leases if lease.status in _HELD)
    return [job_id for job_id in ids if job_id is not None]


async def list_workers(call: Call) -> Reply:
    """GET /v1/workers: a page of the workers of a filter; a short or empty one is the last only without a cursor."""
    given = parse_query(shapes.WorkersQuery, call)
    wanted = WorkerFilter(state=or_none(given.state), queue=or_none(given.queue), task=or_none(given.task))
    page = await call.engine.workers(wanted, cursor=or_none(given.cursor), limit=given.limit)
    document = WorkersDocument(
        workers=[fleet.record(worker) for worker in page.workers],
        scanned=page.scanned,
        server_time=render.instant(await call.engine.now_ms()),
    )
    if page.cursor is None:
        return Reply(document=document)
    document.cursor = page.cursor
    return Reply(document=document, headers=[next_page(call, "/v1/workers", cursor=page.cursor)])


async def get_worker(call: Call) -> Reply:
    """GET /v1/workers/{id}: one worker."""
    return _one(await call.engine.worker(_id(call)))


async def quiet_worker(call: Call) -> Reply:
    """POST /v1/workers/{id}/quiet: take no new jobs."""
    return _one(await call.engine.direct(_id(call), Directive.QUIET))


async def stop_worker(call: Call) -> Reply:
    """POST /v1/workers/{id}/stop: finish and end."""
    return _one(await call.engine.direct(_id(call), Directive.STOP))


async def resume_worker(call: Call) -> Reply:
    """POST /v1/workers/{id}/resume: take jobs again."""
    return _one(await call.engine.direct(_id(call), Directive.RUN))


async def delete_worker(call: Call) -> Reply:
    """DELETE /v1/workers/{id}: forget a lost one."""
    match await call.engine.dismiss(_id(call)):
        case Dismissed.UNKNOWN:
            raise Problem("no_such_worker")
        case Dismissed.UP:
            raise Problem("worker_up")
        case Dismissed.DELETED:
            return Reply(status=204)


def _one(worker: WorkerRecord | None) -> Reply:
    if worker is None:
        raise Problem("no_such_worker")
    document = fleet.record(worker)
    document.server_time = render.instant(worker.now_ms)
    return Reply(document=document)


def _id(call: Call) -> str:
    if not _is_id(call.params["id"]):
        raise Problem("no_such_worker")
    return call.params["id"]


def _is_id(text: str) -> bool:
    return _WORKER_ID.search(text) is not None
