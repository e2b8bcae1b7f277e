"""What blocking code has and awaiting code must have, too: pairs of classes, and functions beside their twins."""

import inspect
from typing import Any

import headrace.results
from headrace import App, AsyncClient, AsyncJobHandle, Client, JobHandle
from headrace.eager import AsyncEagerResult, EagerResult
from headrace.results import AsyncResultSet, ResultSet
from headrace.signatures import Signature
from headrace.tasks import BaseTask

PAIRS: list[tuple[type, type]] = [
    (Client, AsyncClient),
    (JobHandle, AsyncJobHandle),
    (ResultSet, AsyncResultSet),
    (EagerResult, AsyncEagerResult),
]
HOMES: list[Any] = [App, BaseTask, Signature, headrace.results]  # where a function has its twin beside it
HANDLES = ("JobHandle", "EagerResult")  # what only a call that talks returns
# Without a twin: they cannot talk, or exist for one side alone.
APART = {"App.AsyncResult": "another name of handle", "BaseTask.AsyncResult": "likewise"}


def public(home: Any) -> list[str]:
    return [name for name in (home.__all__ if inspect.ismodule(home) else dir(home)) if not name.startswith("_")]


def signature(member: Any) -> inspect.Signature | None:
    """Return the signature of a function or property; None for anything else."""
    function = member.fget if isinstance(member, property) else member
    return inspect.signature(function) if inspect.isfunction(function) else None


def blocking_words(annotation: Any) -> str:
    """Return an annotation as the blocking twin has it."""
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    for prefix, word in (("Async", "JobHandle"), ("Async", "EagerResult"), ("Async", "Iterator"), ("Async", "Client")):
        text = text.replace(prefix + word, word)
    return text


def parameters(member: Any) -> list[tuple[str, Any, Any, str]]:
    """Return what a caller may give: names, kinds, defaults, types."""
    found = signature(member)
    assert found is not None
    return [(p.name, p.kind, _default(p), blocking_words(p.annotation)) for p in found.parameters.values()]


def _default(parameter: inspect.Parameter) -> str:
    return repr(parameter.default)


def talks(home: Any, name: str) -> bool:
    """Return whether a function needs a twin: it has one, or returns what only the server can give."""
    found = signature(getattr(home, name))
    answer = "" if found is None else str(found.return_annotation)
    return f"a{name}" in public(home) or ("Async" not in answer and any(word in answer for word in HANDLES))


def is_twin(home: Any, name: str) -> bool:
    return name.startswith("a") and name[1:] in public(home)


def is_awaited(member: Any) -> bool:
    function = member.fget if isinstance(member, property) else member
    found = signature(member)
    answer = "" if found is None else str(found.return_annotation)
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function) or "Async" in answer


MEMBERS = [(one, other, name) for one, other in PAIRS for name in sorted({*public(one), *public(other)})]
TWINS = [(home, name) for home in HOMES for name in public(home) if talks(home, name) and not is_twin(home, name)]
IDS_OF_MEMBERS = [f"{one.__name__}.{name}" for one, _, name in MEMBERS]
IDS_OF_TWINS = [f"{home.__name__}.{name}" for home, name in TWINS]
