"""The clock of a server for tests: /v1/test/clock."""

from headrace_server.api import parse, render, shapes
from headrace_server.api.build import ms_or_none, or_none
from headrace_server.api.call import Call, Reply
from headrace_server.api.problems import Fault, Problem, invalid
from headrace_server.api.replies import ClockDocument, TurnedDocument


async def get_clock(call: Call) -> Reply:
    """GET /v1/test/clock: what time it is."""
    _require_test_clock(call)
    view = await call.engine.clock()
    return Reply(document=ClockDocument(now=render.instant(view.now_ms), ahead_ms=view.ahead_ms))


async def advance_clock(call: Call) -> Reply:
    """POST /v1/test/clock: set the clock forward, and answer when everything that was due has happened."""
    _require_test_clock(call)
    given = parse.body(shapes.ClockInput, await call.body(), call.reading)
    to_ms = ms_or_none(given.to)
    if to_ms is not None and to_ms < (await call.engine.clock()).now_ms:
        raise invalid([Fault("/to", "is in the past: the clock goes forward only")])
    turned = await call.engine.advance_clock(by_ms=or_none(given.advance_ms) or 0, to_ms=to_ms)
    document = TurnedDocument(
        now=render.instant(turned.view.now_ms),
        ahead_ms=turned.view.ahead_ms,
        target=render.instant(turned.target_ms),
        moments=turned.moments,
        done=turned.done,
    )
    return Reply(document=document)


def _require_test_clock(call: Call) -> None:
    if not call.engine.has_test_clock:
        raise Problem("no_test_clock")
