"""What the server hears from workers as such: heartbeats."""

import re
from typing import Final

from headrace_server.api import outcomes, parse, render, settles, shapes
from headrace_server.api.call import Call, Reply
from headrace_server.api.leases import settle_items
from headrace_server.api.problems import Problem
from headrace_server.api.replies import HeartbeatDocument

_WORKER_ID: Final = re.compile(shapes.WORKER_PATTERN)


async def heartbeat(call: Call) -> Reply:
    """POST /v1/workers/{id}/heartbeat: extend all leases that a worker holds, in one request."""
    if not _WORKER_ID.search(call.params["id"]):
        raise Problem("no_such_route", "The id of a worker is 1 to 128 characters of A-Z a-z 0-9 _ . - : @.")
    given = parse.body(shapes.HeartbeatInput, await call.body(), call.reading)
    items = parse.items(shapes.HeartbeatItem, given.leases, call.reading, "/leases")
    leases, now_ms = await settle_items(call, settles.extends(items, call.body_format, "/leases"))
    leases = [outcomes.kept(lease) for lease in leases]
    return Reply(document=HeartbeatDocument(leases=leases, server_time=render.instant(now_ms)))
