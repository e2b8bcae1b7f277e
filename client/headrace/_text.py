"""Answers as text: tables for people, JSON for programs; it must not know where they come from."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any, Final

from headrace.models import Job, QueueStats, Raw
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
_IF_ANY: Final = ("meta", "trace", "deduplicated")  # left out where there is nothing in them, as the API does


def document(model: Any) -> Any:
    """Return a model as a JSON document: absent fields left out, instants as RFC 3339 text."""
    if isinstance(model, Raw):
        return f"<{len(model.data)} bytes of {model.media_type or 'unknown type'}>"
    if is_dataclass(model):
        pairs = ((f.name, getattr(model, f.name)) for f in fields(model))
        shown = ((n, v) for n, v in pairs if n == "payload" or (v if n in _IF_ANY else v is not None))
        return {name: document(value) for name, value in shown}
    if isinstance(model, datetime):
        return model.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(model, Mapping):
        return {str(name): document(value) for name, value in model.items()}
    if isinstance(model, list | tuple):
        return [document(item) for item in model]
    return model


def as_json(value: Any) -> str:
    """Return JSON text; what JSON cannot write is shown as Python shows it."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=repr)


def job_table(job: Job) -> str:
    """Return a job, one field a line."""
    rows = list(document(job).items())
    if job.state is State.SUCCEEDED and job.result is None:
        rows.append(("result", None))
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {_cell(name, value)}" for name, value in rows)


def queue_table(queues: Sequence[QueueStats]) -> str:
    """Return queues, one a line."""
    head = ["QUEUE", "BACKLOG", *(state.value.upper() for state in _COLUMNS), "OLDEST READY"]
    rows = [
        [q.queue, str(q.backlog), *(str(q.counts.get(state, 0)) for state in _COLUMNS), _age(q.oldest_ready_age_ms)]
        for q in queues
    ]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = [
        [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]
        for row in [head, *rows]
    ]
    return "\n".join("  ".join(line).rstrip() for line in lines)


def _cell(name: str, value: Any) -> str:
    if name == "error" and isinstance(value, dict):
        return f"{value.get('type', '')}: {value.get('message', '')}"
    text = (
        value
        if isinstance(value, str) and name not in ("payload", "result")
        else json.dumps(value, ensure_ascii=False, default=repr)
    )
    text = "".join(c if c.isprintable() else " " for c in text)
    return text if len(text) <= _CELL_CHARS else f"{text[:_CELL_CHARS]}... ({len(text)} characters)"


def _age(age_ms: int | None) -> str:
    if age_ms is None:
        return "-"
    seconds = age_ms / 1000
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
