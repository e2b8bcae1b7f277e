"""Limits: what the jobs of a key share, over all queues."""

import re
from typing import Final

from headrace_server.api import asks, parse, shapes, views
from headrace_server.api.build import or_none
from headrace_server.api.call import Call, Reply
from headrace_server.api.listing import next_page
from headrace_server.api.problems import Problem
from headrace_server.api.query import parse_query
from headrace_server.api.reports import LimitsDocument

_NAME: Final = re.compile(shapes.LIMIT_PATTERN)
_NAMED: Final = "The name of a limit is 1 to 128 visible ASCII characters, at most 7 of them colons."


async def list_limits(call: Call) -> Reply:
    """GET /v1/limits: a page of the limits that have settings or are held back, in alphabetical order."""
    given = parse_query(shapes.PageQuery, call)
    page = await call.engine.limits(or_none(given.after), given.limit)
    document = LimitsDocument(limits=[views.limit(view) for view in page.limits])
    if page.next_after is None:
        return Reply(document=document)
    document.next_after = page.next_after
    return Reply(document=document, headers=[next_page(call, "/v1/limits", after=page.next_after, limit=given.limit)])


async def get_limit(call: Call) -> Reply:
    """GET /v1/limits/{name}: one limit; one without settings is read like any other."""
    return Reply(document=views.limit(await call.engine.limit(_name(call))))


async def put_limit(call: Call) -> Reply:
    """PUT /v1/limits/{name}: replace its settings."""
    name = _name(call)
    given = parse.body(shapes.LimitInput, await call.body(), call.reading)
    return Reply(document=views.limit(await call.engine.set_limit(name, asks.limit_settings(given))))


async def delete_limit(call: Call) -> Reply:
    """DELETE /v1/limits/{name}: remove its settings."""
    return Reply(document=views.limit(await call.engine.unset_limit(_name(call))))


async def back_off_limit(call: Call) -> Reply:
    """POST /v1/limits/{name}/backoff: hold back its jobs for a while."""
    name = _name(call)
    given = parse.body(shapes.BackoffInput, await call.body(), call.reading)
    return Reply(document=views.limit(await call.engine.back_off(name, given.for_ms)))


def _name(call: Call) -> str:
    name = call.params["name"]
    if not _NAME.search(name):
        raise Problem("invalid_request", _NAMED)
    return name
