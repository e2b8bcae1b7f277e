"""Webhooks: who is told of what happens to jobs."""

import re
from typing import Final

from headrace_server.api import hooks, parse, shapes
from headrace_server.api.build import or_none
from headrace_server.api.call import Call, Reply
from headrace_server.api.listing import next_page
from headrace_server.api.problems import Problem
from headrace_server.api.query import parse_query
from headrace_server.api.webhook_documents import PingDocument, WebhooksDocument
from headrace_server.domain.ids import format_id
from headrace_server.domain.requests import EnqueueStatus
from headrace_server.domain.webhooks import WebhookView
from headrace_server.engine import PutOutcome, TooManyWebhooks

_NAME: Final = re.compile(shapes.WEBHOOK_PATTERN)
_NAMED: Final = "The name of a webhook is 1 to 64 characters of A-Z a-z 0-9 _ . -."


async def list_webhooks(call: Call) -> Reply:
    """GET /v1/webhooks: a page in alphabetical order."""
    given = parse_query(shapes.WebhooksQuery, call)
    after = or_none(given.after) or ""
    rest = [view for view in (await call.engine.webhooks()).views if view.name > after]
    page = rest[: given.limit]
    stats = await call.engine.stats([view.queue for view in page]) if page else []
    shown = [hooks.document(view, counts) for view, counts in zip(page, stats, strict=True)]
    document = WebhooksDocument(webhooks=shown)
    if len(rest) == len(page):
        return Reply(document=document)
    document.next_after = page[-1].name
    return Reply(document=document, headers=[next_page(call, "/v1/webhooks", after=page[-1].name)])


async def get_webhook(call: Call) -> Reply:
    """GET /v1/webhooks/{name}: one webhook, and how its deliveries are."""
    return await _one(call, await call.engine.webhook(_name(call)))


async def put_webhook(call: Call) -> Reply:
    """PUT /v1/webhooks/{name}: let it be so; the secret is shown once, to whoever has it made."""
    name = _name(call)
    call.services.status.require_room()
    given = parse.body(shapes.WebhookInput, await call.body(), call.reading)
    asked = hooks.webhook(given, call.services.webhook_networks)
    secret = hooks.secret(or_none(given.secret))
    try:
        put = await call.engine.put_webhook(name, asked, secret=secret, paused=or_none(given.paused))
    except TooManyWebhooks:
        raise Problem("too_many_webhooks") from None
    reply = await _one(call, put.view, with_secret=put.is_new_secret)
    if put.outcome is PutOutcome.MADE:
        reply.status = 201
        reply.headers = [(b"location", f"/v1/webhooks/{name}".encode())]
    return reply


async def delete_webhook(call: Call) -> Reply:
    """DELETE /v1/webhooks/{name}: remove it and what waits to be delivered; dead letters stay."""
    if not await call.engine.delete_webhook(_name(call)):
        raise Problem("no_such_webhook")
    return Reply(status=204)


async def pause_webhook(call: Call) -> Reply:
    """POST /v1/webhooks/{name}/pause: tell it nothing."""
    return await _one(call, await call.engine.pause_webhook(_name(call)))


async def resume_webhook(call: Call) -> Reply:
    """POST /v1/webhooks/{name}/resume: tell it of what happens again, and that it missed something."""
    return await _one(call, await call.engine.resume_webhook(_name(call)))


async def rotate_webhook(call: Call) -> Reply:
    """POST /v1/webhooks/{name}/rotate: another secret signs, and for a day the old one beside it."""
    name, data = _name(call), await call.body()
    given = parse.body(shapes.RotateInput, data, call.reading) if data else shapes.RotateInput()
    secret = hooks.secret(or_none(given.secret))
    return await _one(call, await call.engine.rotate_webhook(name, secret), with_secret=secret is None)


async def ping_webhook(call: Call) -> Reply:
    """POST /v1/webhooks/{name}/test: send one message for a try, and say by which job."""
    view = await call.engine.webhook(_name(call))
    if view is None:
        raise Problem("no_such_webhook")
    if view.paused is not None:
        raise Problem("webhook_paused")
    call.services.status.require_room()
    sent = await call.engine.ping_webhook(view)
    if sent.status is not EnqueueStatus.CREATED:
        raise Problem(sent.status.value)
    document = PingDocument(job_id=format_id(sent.ids[0]), queue=view.queue)
    return Reply(status=202, document=document, headers=[(b"location", f"/v1/jobs/{document.job_id}".encode())])


async def _one(call: Call, view: WebhookView | None, *, with_secret: bool = False) -> Reply:
    if view is None:
        raise Problem("no_such_webhook")
    [stats] = await call.engine.stats([view.queue])
    return Reply(document=hooks.document(view, stats, with_secret=with_secret))


def _name(call: Call) -> str:
    if not _NAME.search(call.params["name"]):
        raise Problem("invalid_request", _NAMED)
    return call.params["name"]
