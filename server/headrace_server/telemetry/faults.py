"""Sentry: faults of the server itself, where a DSN is set; nothing of it is imported otherwise.

Told is what the log tells with an exception: its type and stack. Bodies, headers, paths, local variables and messages
of exceptions (which may repeat any of them) are not in an event; the client is not the process's global one, so nothing
else adds to it.
"""

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sentry_sdk import Client
    from sentry_sdk.transport import Transport

FLUSH_S: Final = 2.0
_IN_LOOP: Final = "in the loop "
_TAGS: Final = ("method", "request_id", "loop", "code")  # of what a line of the log says beside

_log = logging.getLogger(__name__)


class CannotReport(Exception):
    """Sentry is asked for, and cannot be used; the text says why, and what to do."""


class FaultHandler(logging.Handler):
    """Sends every record of an error that has an exception."""

    def __init__(self, client: "Client", *, messages: bool) -> None:
        super().__init__(logging.ERROR)
        self._client = client
        self._wanted = {"type", "module", "stacktrace", "mechanism"} | ({"value"} if messages else set())

    def emit(self, record: logging.LogRecord) -> None:
        """Send one; a fault of the report itself must not become one of a request."""
        try:
            if record.exc_info and record.exc_info[1] is not None:
                self._client.capture_event(self._event(record, record.exc_info[1]))
        except Exception:  # noqa: BLE001 - as above
            self.handleError(record)

    def close(self) -> None:
        """Send what has not been sent, for as long as that is decent."""
        self._client.close(timeout=FLUSH_S)
        super().close()

    def _event(self, record: logging.LogRecord, fault: BaseException) -> Any:
        from sentry_sdk.utils import event_from_exception

        found, _ = event_from_exception(fault, self._client.options, {"type": "headrace", "handled": True})
        values = [
            {name: part for name, part in value.items() if name in self._wanted}
            for value in found["exception"]["values"]
        ]
        facts = {name: str(getattr(record, name)) for name in _TAGS if hasattr(record, name)}
        if loop := _loop_of(fault):
            facts["loop"] = loop
        level = "fatal" if record.levelno >= logging.CRITICAL else "error"
        return {"level": level, "logger": record.name, "exception": {"values": values}, "tags": facts}


def report_faults(dsn: str, *, messages: bool, release: str, transport: "Transport | None" = None) -> FaultHandler:
    """Have faults that are logged reported from now on. Raises CannotReport."""
    try:
        from sentry_sdk import Client
        from sentry_sdk.utils import BadDsn
    except ImportError:
        raise CannotReport("HEADRACE_SENTRY_DSN is set: install headrace[sentry].") from None
    try:
        client = Client(
            dsn=dsn,
            release=release,
            transport=transport,
            default_integrations=False,
            auto_enabling_integrations=False,
            include_local_variables=False,
            max_breadcrumbs=0,
            max_request_body_size="never",
        )
    except BadDsn:
        raise CannotReport("HEADRACE_SENTRY_DSN is no DSN of Sentry.") from None
    handler = FaultHandler(client, messages=messages)
    logging.getLogger().addHandler(handler)
    return handler


def note_loop(fault: BaseException, loop: str) -> None:
    """Put on a fault in which background duty it happened: for the stack that is shown, and for its report."""
    fault.add_note(_IN_LOOP + loop)


def tell_stray(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what failed where nobody waits for it; asyncio's own words show the arguments of callbacks and of faults."""
    fault = context.get("exception")
    if fault is None:
        _log.warning("%s", context.get("message", "something odd in the event loop"))
    else:
        _log.error("fault in the background", exc_info=fault)


def report_end(fault: BaseException) -> None:
    """Log what ends this process, and send its report, where faults are reported, before the process is gone."""
    _log.critical("a fault ends this process", exc_info=fault)
    for handler in logging.getLogger().handlers:
        if isinstance(handler, FaultHandler):
            handler.close()


def _loop_of(fault: BaseException) -> str | None:
    notes = [note for note in getattr(fault, "__notes__", ()) if note.startswith(_IN_LOOP)]
    return notes[0].removeprefix(_IN_LOOP) if notes else None
