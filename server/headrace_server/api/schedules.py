"""Schedules: jobs that come by themselves, and when."""

import re
from typing import Final

from headrace_server.api import parse, plans, render, shapes
from headrace_server.api.build import or_none
from headrace_server.api.call import Call, Reply
from headrace_server.api.listing import next_page
from headrace_server.api.problems import Problem
from headrace_server.api.query import parse_query
from headrace_server.api.schedule_documents import SchedulesDocument, TriggerDocument
from headrace_server.domain.ids import format_id
from headrace_server.domain.limits import NAME_PATTERN
from headrace_server.domain.schedules import ScheduleView
from headrace_server.engine import TooManySchedules

_NAME: Final = re.compile(NAME_PATTERN)
_NAMED: Final = "The name of a schedule is 1 to 128 characters of A-Z a-z 0-9 _ . -."


async def list_schedules(call: Call) -> Reply:
    """GET /v1/schedules: a page in alphabetical order; a short or empty one is the last only without `next_after`."""
    given = parse_query(shapes.SchedulesQuery, call)
    owner = or_none(given.owner)
    page = await call.engine.schedules(or_none(given.after), given.limit)
    meant = [view for view in page.schedules if owner is None or view.schedule.owner == owner]
    document = SchedulesDocument(schedules=[plans.document(view, call.reply_format) for view in meant])
    if page.next_after is None:
        return Reply(document=document)
    document.next_after = page.next_after
    return Reply(document=document, headers=[next_page(call, "/v1/schedules", after=page.next_after)])


async def get_schedule(call: Call) -> Reply:
    """GET /v1/schedules/{name}: one schedule and its newest runs."""
    return _one(call, await call.engine.schedule(_name(call)))


async def put_schedule(call: Call) -> Reply:
    """PUT /v1/schedules/{name}: let it be so; what is so already stays untouched."""
    name = _name(call)
    call.services.status.require_room()
    given = parse.body(shapes.ScheduleInput, await call.body(), call.reading)
    schedule = plans.schedule(given, call.body_format)
    try:
        return _one(call, await call.engine.put_schedule(name, schedule, or_none(given.paused)))
    except TooManySchedules:
        raise Problem("too_many_schedules") from None


async def delete_schedule(call: Call) -> Reply:
    """DELETE /v1/schedules/{name}: remove it; the jobs that it has made stay."""
    if not await call.engine.delete_schedule(_name(call)):
        raise Problem("no_such_schedule")
    return Reply(status=204)


async def pause_schedule(call: Call) -> Reply:
    """POST /v1/schedules/{name}/pause: fire nothing."""
    return _one(call, await call.engine.pause_schedule(_name(call)))


async def resume_schedule(call: Call) -> Reply:
    """POST /v1/schedules/{name}/resume: fire again, from the next slot on."""
    return _one(call, await call.engine.resume_schedule(_name(call)))


async def trigger_schedule(call: Call) -> Reply:
    """POST /v1/schedules/{name}/trigger: fire now, off the grid."""
    name = _name(call)
    call.services.status.require_room()
    told = await call.engine.trigger_schedule(name)
    if told is None:
        raise Problem("no_such_schedule")
    job_id = None if told.job_id is None else format_id(told.job_id)
    document = TriggerDocument(
        outcome=told.outcome.value, job_id=render.given(job_id), server_time=render.instant(told.now_ms)
    )
    return Reply(document=document)


async def preview_schedule(call: Call) -> Reply:
    """GET /v1/schedules/{name}/preview: its next slots."""
    name, given = _name(call), parse_query(shapes.PreviewQuery, call)
    view = await call.engine.schedule(name)
    if view is None:
        raise Problem("no_such_schedule")
    return Reply(document=plans.preview(view.schedule, view.now_ms, given.n))


async def preview_timing(call: Call) -> Reply:
    """POST /v1/schedules/preview: the slots that a schedule would have."""
    given = parse.body(shapes.PreviewInput, await call.body(), call.reading)
    when = plans.plan(given)
    return Reply(document=plans.preview(when, await call.engine.now_ms(), given.n))


def _one(call: Call, view: ScheduleView | None) -> Reply:
    if view is None:
        raise Problem("no_such_schedule")
    return Reply(document=plans.document(view, call.reply_format))


def _name(call: Call) -> str:
    if not _NAME.fullmatch(call.params["name"]):
        raise Problem("invalid_request", _NAMED)
    return call.params["name"]
