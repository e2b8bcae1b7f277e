"""Answers as text: tables for people, JSON for programs; it must not know where they come from."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any, Final

from headrace.models import Job, Raw
from headrace.operating import QueueStats
from headrace.words import State

_COLUMNS: Final = (
    State.READY,
    State.LEASED,
    State.SCHEDULED,
    State.RETRYING,
    State.SUCCEEDED,
    State.DEAD,
    State.CANCELLED,
)
_CELL_CHARS: Final = 200  # a longer value is cut in a table; -o json shows all of it
# Left out where there is nothing in them, as the API does.
_IF_ANY: Final = (
    "meta", "trace", "tags", "limits", "cancel_requested", "deduplicated", "replaced", "abridged", "max_crashes"
)  # fmt: skip


def document(model: Any) -> Any:
    """Return a model as a JSON document: absent fields left out, instants as RFC 3339 text."""
    if isinstance(model, Raw):
        return f"<{len(model.data)} bytes of {model.media_type or 'unknown type'}>"
    if is_dataclass(model):
        pairs = ((f.name, getattr(model, f.name)) for f in fields(model))
        return {name: document(value) for name, value in pairs if _is_said(name, value)}
    if isinstance(model, datetime):
        return model.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(model, Mapping):
        return {str(name): document(value) for name, value in model.items()}
    if isinstance(model, list | tuple):
        return [document(item) for item in model]
    return model


def _is_said(name: str, value: Any) -> bool:
    if name in _IF_ANY:
        return bool(value)
    if name == "run":
        return bool(value != 1)
    return name == "payload" or value is not None


def as_json(value: Any) -> str:
    """Return JSON text; what JSON cannot write is shown as Python shows it."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=repr)


def as_line(value: Any) -> str:
    """Return JSON text without line breaks."""
    return json.dumps(value, ensure_ascii=False, default=repr)


def job_table(job: Job) -> str:
    """Return a job, one field a line."""
    rows = document(job)
    if job.state is State.SUCCEEDED and job.result is None:
        rows["result"] = None
    return field_table(rows)


def field_table(fields: Mapping[str, Any]) -> str:
    """Return a document, one field a line."""
    width = max((len(name) for name in fields), default=0)
    return "\n".join(f"{name:<{width}}  {_cell(name, value)}" for name, value in fields.items())


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[int] = ()) -> str:
    """Return rows under their heads; the columns `numbers` end at the same place, all others begin there."""
    clean = [list(head), *[[printable(cell) for cell in row] for row in rows]]
    widths = [max(len(row[i]) for row in clean) for i in range(len(head))]
    lines = [
        "  ".join(c.rjust(w) if i in numbers else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
        for row in clean
    ]
    return "\n".join(line.rstrip() for line in lines)


def queue_table(queues: Sequence[QueueStats]) -> str:
    """Return queues, one a line; a queue that gives or takes no jobs says so behind its name."""
    head = ["QUEUE", "BACKLOG", *(state.value.upper() for state in _COLUMNS), "OLDEST READY"]
    rows = [
        [_name(q), str(q.backlog), *(str(q.counts.get(state, 0)) for state in _COLUMNS), age(q.oldest_ready_age_ms)]
        for q in queues
    ]
    return table(head, rows, numbers=range(1, len(head)))


def _name(queue: QueueStats) -> str:
    marks = [word for word in ("paused", "draining") if getattr(queue, word, False)]
    return f"{queue.queue} ({', '.join(marks)})" if marks else queue.queue


def _cell(name: str, value: Any) -> str:
    if name == "error" and isinstance(value, dict):
        return f"{value.get('type', '')}: {value.get('message', '')}"
    text = (
        value
        if isinstance(value, str) and name not in ("payload", "result")
        else json.dumps(value, ensure_ascii=False, default=repr)
    )
    text = printable(text)
    return text if len(text) <= _CELL_CHARS else f"{text[:_CELL_CHARS]}... ({len(text)} characters)"


def printable(text: str) -> str:
    """Return words of others as one line that cannot drive a terminal."""
    return "".join(c if c.isprintable() else " " for c in text)


def age(age_ms: int | None) -> str:
    """Return how old something is, in seconds or minutes; a dash for nothing."""
    if age_ms is None:
        return "-"
    seconds = age_ms / 1000
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
