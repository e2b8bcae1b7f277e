"""Structured logs on stderr: one line per event, without secrets; it must not know who logs what.

Everybody logs with the standard library: `logging.getLogger(__name__).info("store restarted", extra={"failures": 2})`.
"""

import json
import logging
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from headrace_server.telemetry.frames import frames
from headrace_server.telemetry.lines import WRITERS

LEVELS: Final = ("debug", "info", "warning", "error")
FORMATS: Final = ("auto", *WRITERS)  # auto: text on a terminal, else logfmt
HIDDEN: Final = "***"
FLOOD_S: Final = 10.0
FLOOD_LINES: Final = 10  # of one kind in so many seconds; the others are counted
FLOOD_KINDS: Final = 256
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


def configure(level: str, format: str, secrets: Sequence[str]) -> None:
    """Send the logs of this process to stderr; the texts in `secrets` never appear in them."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter(format, secrets))
    handler.addFilter(Flood())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for chatty in ("asyncio", "uvicorn", "uvicorn.error"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


class Flood(logging.Filter):
    """Lets the first warnings and errors of a kind through, then counts: while the store is away every request fails.

    The next line that passes says how many did not (`left_out`). A kind is logger, message and `code`.
    """

    def __init__(self) -> None:
        super().__init__()
        self._kinds: dict[tuple[str, Any, Any], list[float]] = {}  # begin of the window, lines since then

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is to be written."""
        if record.levelno < logging.WARNING:
            return True
        if len(self._kinds) > FLOOD_KINDS:
            self._kinds.clear()
        kind = self._kinds.setdefault((record.name, record.msg, getattr(record, "code", None)), [record.created, 0])
        if abs(record.created - kind[0]) >= FLOOD_S:  # a clock may be set back
            left_out = int(kind[1]) - FLOOD_LINES
            if left_out > 0:
                record.left_out = left_out
            kind[:] = [record.created, 0]
        kind[1] += 1
        return kind[1] <= FLOOD_LINES


class LineFormatter(logging.Formatter):
    """One record, one line."""

    def __init__(self, format: str, secrets: Sequence[str]) -> None:
        super().__init__()
        self._write = WRITERS[("text" if sys.stderr.isatty() else "logfmt") if format == "auto" else format]
        forms = {form for text in secrets if text for form in (text, json.dumps(text, ensure_ascii=False)[1:-1])}
        self._secrets = sorted(forms, key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line: time, level, logger, message, then whatever `extra` held, and the stack of an exception.

        The messages of exceptions are in it only at level debug, and where a fault ends the process.
        """
        line = self._write(dict(_fields(record, self)))
        for secret in self._secrets:
            line = line.replace(secret, HIDDEN)
        return line


def _fields(record: logging.LogRecord, formatter: logging.Formatter) -> Iterator[tuple[str, Any]]:
    yield "ts", datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    yield "level", record.levelname.lower()
    yield "logger", record.name
    yield "msg", record.getMessage()
    for name, value in vars(record).items():
        if name not in _STANDARD:
            yield name, value
    if record.exc_info and record.exc_info[0] is not None:
        yield "error", record.exc_info[0].__name__
        shown = record.levelno >= logging.CRITICAL or logging.getLogger().isEnabledFor(logging.DEBUG)
        yield "stack", formatter.formatException(record.exc_info) if shown else frames(record.exc_info[1])
