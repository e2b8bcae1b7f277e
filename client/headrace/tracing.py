"""Which trace a call belongs to (W3C Trace Context): found where the call is made, kept on its job, handed to its task.

    with trace_context(request.headers):  # of the HTTP request that the application is serving
        charge.delay(order)

Where an application says nothing, it is OpenTelemetry's current span, if that is in use; in a task it is the trace of
the task's own job, so that whatever a task sends away belongs to the same trace. This module must not know clients.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from headrace.context import CURRENT
from headrace.spans import headers_of, is_imported

NAMES: Final = ("traceparent", "tracestate", "baggage")
MAX_CHARS: Final = 8_000  # of all three: the server drops what is longer, and proxies refuse long headers
# Of any version but ff; what a later one appends is passed on. An id of zeros is no id.
_TRACEPARENT: Final = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-[\x21-\x7e]*)?"
)

_given: Final[ContextVar[Mapping[str, str] | None]] = ContextVar("headrace_trace", default=None)


@contextmanager
def trace_context(headers: Mapping[str, str]) -> Iterator[None]:
    """Send what is enqueued inside with the trace of these headers, in any case; with none, where they hold none.

    A `traceparent` that cannot be read is left out with its `tracestate`, as the standard has it.
    """
    token = _given.set(checked(headers))
    try:
        yield
    finally:
        _given.reset(token)


def given_trace() -> Mapping[str, str] | None:
    """Return what the innermost `trace_context` gave, None outside of any."""
    return _given.get()


def current_trace() -> Mapping[str, str]:
    """Return traceparent, tracestate and baggage of what this code works on; empty where there is no trace."""
    given = _given.get()
    if given is not None:
        return given
    spans = _of_open_telemetry()
    if spans:
        return spans
    request = CURRENT.get(None)
    return {} if request is None else request.trace


def _of_open_telemetry() -> Mapping[str, str]:
    """Return the trace of OpenTelemetry's current span. Who has not imported the package has no span."""
    return checked(headers_of()) if is_imported() else {}


def checked(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Return what of the headers can travel with a job: never a reason for a call to fail."""
    named = {name.lower(): value for name, value in headers.items() if name.lower() in NAMES}
    found = {name: named[name] for name in NAMES if named.get(name)}
    found = {name: value for name, value in found.items() if value.isascii() and value.isprintable()}
    if not _TRACEPARENT.fullmatch(found.get("traceparent", "")):
        found = {name: value for name, value in found.items() if name == "baggage"}
    for longest in ("baggage", "tracestate"):
        if sum(map(len, found.values())) > MAX_CHARS:
            found.pop(longest, None)
    return found if sum(map(len, found.values())) <= MAX_CHARS else {}
