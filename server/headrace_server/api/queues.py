"""Queues: how full they are, their settings, and what an operator does to them."""

import re
from collections.abc import Awaitable, Callable
from typing import Final

from headrace_server.api import asks, parse, shapes, views
from headrace_server.api.build import or_none
from headrace_server.api.call import Call, Reply
from headrace_server.api.listing import next_page
from headrace_server.api.operations import started
from headrace_server.api.problems import KINDS, Problem
from headrace_server.api.query import parse_query
from headrace_server.api.reports import QueuesDocument
from headrace_server.domain.lifecycle import FINAL
from headrace_server.domain.limits import NAME_PATTERN
from headrace_server.domain.queues import QueueView

_NAME: Final = re.compile(NAME_PATTERN)


async def list_queues(call: Call) -> Reply:
    """GET /v1/queues: a page of queues, in alphabetical order."""
    given = parse_query(shapes.PageQuery, call)
    page = await call.engine.queues(after=or_none(given.after), limit=given.limit)
    found = await call.engine.stats(page.queues) if page.queues else []
    document = QueuesDocument(queues=[views.queue_summary(stats) for stats in found])
    if page.next_after is None:
        return Reply(document=document)
    document.next_after = page.next_after
    return Reply(document=document, headers=[next_page(call, "/v1/queues", after=page.next_after, limit=given.limit)])


async def queue_stats(call: Call) -> Reply:
    """GET /v1/queues/{queue}/stats: one queue; one that never had a job is empty, not unknown."""
    [stats] = await call.engine.stats([_name(call)])
    return Reply(document=views.stats(stats))


async def get_queue(call: Call) -> Reply:
    """GET /v1/queues/{queue}: a queue with its settings."""
    return await _shown(call, call.engine.queue)


async def put_queue(call: Call) -> Reply:
    """PUT /v1/queues/{queue}: replace all settings of a queue."""
    name = _name(call)
    given = parse.body(shapes.QueueSettingsInput, await call.body(), call.reading)
    return Reply(document=views.queue(await call.engine.configure(name, asks.queue_settings(given))))


async def delete_queue(call: Call) -> Reply:
    """DELETE /v1/queues/{queue}: forget the settings and the name of a queue whose jobs have all ended."""
    in_the_way = await call.engine.forget(_name(call))
    if in_the_way is not None:
        open_jobs = sum(count for state, count in in_the_way.stats.counts.items() if state not in FINAL)
        jobs = "1 job that has" if open_jobs == 1 else f"{open_jobs} jobs that have"
        raise Problem("queue_not_empty", f"It has {jobs} not ended. {KINDS['queue_not_empty'].remedy}")
    return Reply(status=204)


async def pause_queue(call: Call) -> Reply:
    """POST /v1/queues/{queue}/pause: hand out nothing, for a while or until somebody resumes it."""
    name, data = _name(call), await call.body()
    given = parse.body(shapes.PauseInput, data, call.reading) if data else shapes.PauseInput()
    return Reply(document=views.queue(await call.engine.pause(name, or_none(given.for_ms))))


async def resume_queue(call: Call) -> Reply:
    """POST /v1/queues/{queue}/resume: end a pause and a drain."""
    return await _shown(call, call.engine.resume)


async def drain_queue(call: Call) -> Reply:
    """POST /v1/queues/{queue}/drain: take no new jobs, serve those that are there."""
    return await _shown(call, call.engine.drain_queue)


async def purge_queue(call: Call) -> Reply:
    """POST /v1/queues/{queue}/purge: remove the waiting jobs in bounded steps."""
    name, data = _name(call), await call.body()
    given = parse.body(shapes.PurgeInput, data, call.reading) if data else shapes.PurgeInput()
    return started(await call.engine.operate(asks.purge(name, given)))


async def _shown(call: Call, act: Callable[[str], Awaitable[QueueView]]) -> Reply:
    return Reply(document=views.queue(await act(_name(call))))


def _name(call: Call) -> str:
    name = call.params["queue"]
    if not _NAME.fullmatch(name):
        raise Problem("invalid_request", "The name of a queue is 1 to 128 characters of A-Z a-z 0-9 _ . -.")
    return name
