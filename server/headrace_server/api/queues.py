"""How full the queues are."""

import re
from typing import Final

from headrace_server.api import render
from headrace_server.api.call import MAX_DIGITS, Call, Reply
from headrace_server.api.problems import Problem
from headrace_server.api.replies import QueuesDocument
from headrace_server.domain.limits import MAX_PAGE_ITEMS, NAME_PATTERN

_NAME: Final = re.compile(NAME_PATTERN)
_DEFAULT_PAGE: Final = 100


async def list_queues(call: Call) -> Reply:
    """GET /v1/queues: a page of queues, in alphabetical order."""
    limit = _limit(call.query("limit"))
    page = await call.engine.queues(after=call.query("after"), limit=limit)
    stats = await call.engine.stats(page.queues) if page.queues else []
    document = QueuesDocument(queues=[render.queue(each) for each in stats])
    if page.next_after is None:
        return Reply(document=document)
    document.next_after = page.next_after
    following = f'</v1/queues?after={page.next_after}&limit={limit}>; rel="next"'  # RFC 8288
    return Reply(document=document, headers=[(b"link", following.encode())])


async def queue_stats(call: Call) -> Reply:
    """GET /v1/queues/{queue}/stats: one queue; one that never had a job is empty, not unknown."""
    name = call.params["queue"]
    if not _NAME.fullmatch(name):
        raise Problem("invalid_request", "The name of a queue is 1 to 128 characters of A-Z a-z 0-9 _ . -.")
    [stats] = await call.engine.stats([name])
    return Reply(document=render.queue(stats))


def _limit(text: str | None) -> int:
    if text is None:
        return _DEFAULT_PAGE
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS and 1 <= int(text) <= MAX_PAGE_ITEMS):
        raise Problem("invalid_request", f"The query parameter `limit` must be an integer from 1 to {MAX_PAGE_ITEMS}.")
    return int(text)
