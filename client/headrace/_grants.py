"""Grants into models: one reply to a worker holds some hundred jobs, so these have a reader of their own.

It takes what `_read.read` takes, and a third of its time: it goes through the fields that came instead of those that
there are, and fills the frozen model in one go. A job that has no task of its own is like the one before it, and takes
a third of that again.
"""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from typing import Any, Final

from headrace._codec import value_of
from headrace._read import Convert, Document, plan_of, read_instant
from headrace.leases import Leased

_INSTANTS: Final = 1_024  # that are remembered: jobs of a grant have one deadline, and those of a list came together

_instant = functools.lru_cache(maxsize=_INSTANTS)(read_instant)
_READ: Final[dict[str, Convert]] = {
    name: _instant if convert is read_instant else convert for name, convert in plan_of(Leased).items()
}
_PLAIN: Final = {
    **dict.fromkeys(("id", "task", "queue", "token"), str),
    **dict.fromkeys(("attempt", "delivery", "fence", "max_attempts", "priority"), int),
}
_OWN: Final = [f.name for f in fields(Leased) if f.default_factory is dict]  # other defaults lie in the class
_SHARED: Final = (  # what a job has of the one before it, where it says no task
    *("task", "queue", "priority", "attempt", "max_attempts", "delivery", "enqueued_at", "fence", "deadline"),
    "max_runtime_ms",
)
_NOTHING: Final[Mapping[str, Any]] = {}
_NEEDED: Final = {f.name for f in fields(Leased) if f.default is MISSING and f.default_factory is MISSING}


def read_grant(documents: Iterable[Document]) -> tuple[Leased, ...]:
    """Return leased jobs, some of which may say no more than what the one before does not. Raises as `read_leased`."""
    jobs: list[Leased] = []
    shared = _NOTHING
    for document in documents:
        if "task" in document:
            jobs.append(read_leased(document))
            values = vars(jobs[-1])
            shared = {name: values[name] for name in _SHARED if name in values}
        else:
            jobs.append(read_leased(document, shared))
    return tuple(jobs)


def read_leased(document: Document, shared: Mapping[str, Any] = _NOTHING) -> Leased:
    """Return a leased job; its payload is a value, in whichever way it travelled. `shared`: what it does not say.

    Raises TypeError or ValueError for a document that does not fit.
    """
    job = object.__new__(Leased)
    values = vars(job)  # filled as its __init__ does, which takes one slow call for each field of a frozen class
    values.update(shared)
    for name, value in document.items():
        if type(value) is _PLAIN.get(name):
            values[name] = value
        elif value is not None and name in _READ:
            values[name] = _READ[name](value)
    if document.get("payload_raw") is not None:
        values["payload"] = value_of(document["payload_raw"], str(document.get("payload_type", "")))
    if not values.keys() >= _NEEDED:
        raise TypeError(f"a leased job without {', '.join(sorted(_NEEDED - values.keys()))}")
    for name in _OWN:
        if name not in values:
            values[name] = {}
    return job
