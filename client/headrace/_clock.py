"""The verbs of tests: the clock of a server that was started with `--test-clock`."""

import re
from datetime import datetime, timedelta
from typing import Final

from headrace._exchange import Exchange
from headrace._read import read, read_instant, write_instant
from headrace._steps import Steps
from headrace._wire import Call, document_of
from headrace.operating import ClockAdvance

_MS: Final = timedelta(milliseconds=1)
_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS: Final = {
    "ms": _MS,
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_ADVANCE_S: Final = 60.0  # for ten thousand stops of the clock in one request


class Clockwork(Exchange):
    """The verbs of tests."""

    def clock(self) -> Steps[datetime]:
        """Return what time it is for the server. Raises NotFound (no_test_clock) for one with everybody's clock."""
        request = self._dialect.request("GET", "/v1/test/clock")
        call = Call(request=request, read=lambda r: read_instant(document_of(r)["now"]), repeatable=True)
        return (yield from self._call(call))

    def advance_clock(self, by: int | timedelta | str) -> Steps[datetime]:
        """Set the server's clock forward, by milliseconds, a timedelta or a text as "90s", "36h", "3d".

        What is due on the way has happened, in its order, when this returns; 0 does what is due now. Returns the time
        then. Raises NotFound (no_test_clock), ValueError for a text that is no span of time.
        """
        done = yield from self._advance({"advance_ms": _millis(by)}, repeatable=False)
        while not done.done:
            done = yield from self._advance({"to": write_instant("to", done.target)}, repeatable=True)
        return done.now

    def _advance(self, body: dict[str, int | str], *, repeatable: bool) -> Steps[ClockAdvance]:
        request = self._dialect.request("POST", "/v1/test/clock", body=body)
        call = Call(
            request=request,
            read=lambda r: read(ClockAdvance, document_of(r)),
            repeatable=repeatable,
            wait_s=_ADVANCE_S,
        )
        return (yield from self._call(call))


def _millis(by: int | timedelta | str) -> int:
    if isinstance(by, int):
        return by
    return _read_span(by) // _MS if isinstance(by, str) else by // _MS


def _read_span(text: str) -> timedelta:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no span of time: write 500ms, 90s, 10m, 36h or 3d")
    return float(found[1]) * _UNITS[found[2]]
