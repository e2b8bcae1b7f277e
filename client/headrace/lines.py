"""Lines of a log: text for people, logfmt, or JSON in the names of the Elastic Common Schema.

For the commands that run for long: the worker and the relay of alerts. The server's lines look the same
(headrace_server/telemetry/lines.py); neither package imports the other.
"""

import json
import logging
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

Fields = Mapping[str, Any]  # ts, level, logger and msg come first

_PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+.:/@,*[]{}()<>?!%&;#$^~|`'")
_HEAD: Final = ("ts", "level", "logger", "msg", "stack")

# Our names -> those of ECS; durations apart, and what is in neither list goes under `headrace.`.
_ECS: Final = {
    "ts": "@timestamp",
    "level": "log.level",
    "logger": "log.logger",
    "msg": "message",
    "stack": "error.stack_trace",
    "error": "error.type",
    "why": "error.message",
    "trace": "trace.id",
    "url": "url.full",
    "pid": "process.pid",
    "job": "headrace.job.id",
    "task": "headrace.job.task",
    "queue": "headrace.job.queue",
    "attempt": "headrace.job.attempt",
    "worker": "headrace.worker.id",
}
_ECS_VERSION: Final = "8.11.0"
_NS_PER_MS: Final = 1_000_000
HIDDEN: Final = "***"


def ecs(fields: Fields, *, service: str) -> str:
    """Return a line of JSON; `service`: which of Headrace's programs writes it, as in `worker`."""
    always = {
        "ecs.version": _ECS_VERSION,
        "service.name": f"headrace-{service}",
        "event.dataset": f"headrace.{service}",
    }
    named: dict[str, Any] = {}
    for name, value in fields.items():
        if name == "took_ms":
            named["event.duration"] = round(value * _NS_PER_MS)
        else:
            named[_ECS.get(name, f"headrace.{name}")] = value
    return json.dumps(named | always, default=str, ensure_ascii=False)


def logfmt(fields: Fields) -> str:
    """Return a line of name=value."""
    return " ".join(f"{name}={_word(value)}" for name, value in fields.items())


def text(fields: Fields) -> str:
    """Return what a terminal shows: time of day, level, message, facts; a stack goes below, as it is."""
    facts = " ".join(f"{name}={_word(value)}" for name, value in fields.items() if name not in _HEAD)
    message = str(fields["msg"])
    shown = message if message.isprintable() else json.dumps(message, ensure_ascii=False)
    line = f"{fields['ts'][11:23]} {fields['level'].upper():7} {shown}" + (f"  {facts}" if facts else "")
    return f"{line}\n{fields['stack']}" if "stack" in fields else line


FORMATS: Final = ("auto", "text", "logfmt", "json")  # auto: text on a terminal, else logfmt


def writer(format: str, service: str) -> Callable[[Fields], str]:
    """Return what writes one event in a format; one that is not known is `auto`."""
    known: dict[str, Callable[[Fields], str]] = {"text": text, "logfmt": logfmt, "json": partial(ecs, service=service)}
    return known.get(format) or (text if sys.stderr.isatty() else logfmt)


class LineFormatter(logging.Formatter):
    """One record, one line; the texts in `secrets` never appear in it."""

    def __init__(self, service: str, format: str = "auto", secrets: Sequence[str] = ()) -> None:
        super().__init__()
        self._write = writer(format, service)
        forms = {form for text in secrets if text for form in (text, json.dumps(text, ensure_ascii=False)[1:-1])}
        self._secrets = sorted(forms, key=len, reverse=True)

    def facts(self, record: logging.LogRecord) -> Mapping[str, Any]:
        """Return what a record says beside its message; a fact that is None is left out."""
        return getattr(record, "facts", {})

    def format(self, record: logging.LogRecord) -> str:
        """Return time, level, logger, message, the facts, and the stack of an exception."""
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        fields = {
            "ts": f"{at}.{record.msecs:03.0f}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "msg": record.getMessage(),
            **self.facts(record),
        }
        if record.exc_info and record.exc_info[0] is not None:
            fields["error"] = record.exc_info[0].__name__
            fields["stack"] = self.formatException(record.exc_info)
        line = self._write({name: value for name, value in fields.items() if value is not None})
        for secret in self._secrets:
            line = line.replace(secret, HIDDEN)
        return line


def _word(value: object) -> str:
    shown = f"{value:.3g}" if isinstance(value, float) else str(value)
    return shown if shown and _PLAIN.issuperset(shown) else json.dumps(shown, ensure_ascii=False)
