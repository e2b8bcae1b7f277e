"""GET /v1/events: state changes as pages, or as a stream of server-sent events (HTML standard, 9.2)."""

import asyncio
from collections.abc import AsyncGenerator
from functools import lru_cache
from typing import Final

import msgspec

from headrace_server.api import media, shapes, views
from headrace_server.api.build import or_none
from headrace_server.api.call import VARY, Call, Reply
from headrace_server.api.query import parse_query
from headrace_server.domain.errors import StoreFault
from headrace_server.domain.events import EventPage
from headrace_server.domain.limits import SECOND_MS

KEEP_ALIVE_MS: Final = 15 * SECOND_MS  # proxies close connections on which nothing moves
RETRY_MS: Final = 1_000  # after which a client comes back whose stream ended
_HEADERS: Final = [(b"cache-control", b"no-store"), (b"x-accel-buffering", b"no"), VARY]  # nginx would hold events back
_json: Final = msgspec.json.Encoder().encode


class Reading(msgspec.Struct):
    """Reads on from a cursor, the events of one queue or of all; what others have is passed over."""

    call: Call
    queue: str | None
    limit: int
    after: str | None

    async def page(self, wait_ms: int) -> EventPage:
        """Return events, waiting up to `wait_ms` for the first one; an empty page at time-out or drain."""
        end = asyncio.get_running_loop().time() + wait_ms / 1000
        while True:
            left_ms = max(0, int((end - asyncio.get_running_loop().time()) * 1000))
            found = await self.call.unless_gone(self.call.engine.events(self.after, limit=self.limit, wait_ms=left_ms))
            self.after = found.cursor
            page = found if self.queue is None else _of_queue(found, self.queue)
            if page.events or not left_ms or not found.events:
                return page


def _of_queue(page: EventPage, queue: str) -> EventPage:
    events = [event for event in page.events if event.gap or event.queue == queue]
    return EventPage(events=events, cursor=page.cursor, now_ms=page.now_ms)


async def read_events(call: Call) -> Reply:
    """GET /v1/events: what comes after a cursor, as a page, or with `Accept: text/event-stream` without end."""
    streams = media.wants_stream(call.headers.get(b"accept"))
    if not streams:
        call.reply_format = media.format_of_reply(call.headers.get(b"accept"))
    given = parse_query(shapes.EventsQuery, call, "wait")
    after = or_none(given.after) or call.header(b"last-event-id") or None
    reading = Reading(call, or_none(given.queue), given.limit, after)
    if streams:
        first = await reading.page(0)  # what is wrong is said before the stream begins
        return Reply(stream=_stream(reading, first), media=media.EVENT_STREAM, headers=_HEADERS)
    return Reply(document=views.events(await reading.page(call.wait_ms() or 0)))


async def _stream(reading: Reading, page: EventPage) -> AsyncGenerator[bytes, None]:
    """Yield blocks of events, and a sign of life where there are none; ends when the server drains or the store fails.

    The client comes back then, with the last id it saw.
    """
    yield f"retry: {RETRY_MS}\n\n".encode()
    while True:
        yield _blocks(page)
        if reading.call.services.status.draining:
            return
        try:
            page = await reading.page(KEEP_ALIVE_MS)
        except StoreFault:
            return


@lru_cache(maxsize=32)  # hundreds of streams are at the same place: writing it for each would be most of the work
def _blocks(page: EventPage) -> bytes:
    """Return the events of a page; the id behind them lets a client pass over what it was not shown."""
    blocks = [b"" if page.events else b": keep-alive\n"]
    for event in page.events:
        kind = "gap" if event.gap else "state"
        head = f"id: {event.cursor}\nevent: {kind}\ndata: ".encode()
        blocks.append(head + _json(views.event(event)) + b"\n\n")
    if not page.events or page.events[-1].cursor != page.cursor:
        blocks.append(f"id: {page.cursor}\n\n".encode())
    return b"".join(blocks)
