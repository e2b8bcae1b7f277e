"""How one event is written: text for people, logfmt, or JSON in the names of the Elastic Common Schema; pure."""

import json
from collections.abc import Callable, Mapping
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
    "code": "error.code",
    "detail": "error.message",
    "method": "http.request.method",
    "request_id": "http.request.id",
    "status": "http.response.status_code",
    "path": "url.path",
    "trace": "trace.id",
    "url": "url.full",
    "exit_code": "process.exit_code",
}
_ALWAYS: Final = {"ecs.version": "8.11.0", "service.name": "headrace-server", "event.dataset": "headrace.server"}
_NS_PER_MS: Final = 1_000_000


def ecs(fields: Fields) -> str:
    """Return a line of JSON."""
    named: dict[str, Any] = {}
    for name, value in fields.items():
        if name == "took_ms":
            named["event.duration"] = round(value * _NS_PER_MS)
        else:
            named[_ECS.get(name, f"headrace.{name}")] = value
    return json.dumps(named | _ALWAYS, default=str, ensure_ascii=False)


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


WRITERS: Final[Mapping[str, Callable[[Fields], str]]] = {"text": text, "logfmt": logfmt, "json": ecs}


def _word(value: Any) -> str:
    shown = str(value)
    return shown if shown and _PLAIN.issuperset(shown) else json.dumps(shown, ensure_ascii=False)
