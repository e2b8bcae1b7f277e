"""Documents into models: one reader for all, driven by the models' own annotations; it must not know HTTP."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from types import UnionType
from typing import Any, Literal, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

from headrace._codec import value_of
from headrace.models import Job
from headrace.receipts import Receipt
from headrace.words import OpenEnum, State

T = TypeVar("T")
Document = Mapping[str, Any]


def read(cls: type[T], document: Document) -> T:
    """Return a model made from a document: unknown fields are ignored, absent and null ones keep their default.

    Raises TypeError or ValueError for a document that does not fit.
    """
    if not isinstance(document, Mapping):
        raise TypeError(f"{cls.__name__}: an object was expected, not {type(document).__name__}")
    plan = plan_of(cls)  # type: ignore[arg-type]  # classes are hashable, which mypy does not see in type[T]
    values = {name: convert(document[name]) for name, convert in plan.items() if document.get(name) is not None}
    return cls(**values)


def read_job(document: Document) -> Job:
    """Return a job; payload and result are values, in whichever way they travelled."""
    return read(Job, with_values(document, "payload", "result"))


def read_receipt(document: Document) -> Receipt:
    """Return the receipt of a job, out of its receipt or all of it; `read` would take four times as long."""
    return Receipt(
        id=_text(document["id"]),
        state=State(document["state"]),
        deduplicated=document.get("deduplicated") is True,
        replaced=document.get("replaced") is True,
    )


def read_instant(text: str) -> datetime:
    """Return an aware datetime in UTC from RFC 3339 text."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} names no time zone")
    return instant.astimezone(UTC)


def write_instant(name: str, instant: datetime) -> str:
    """Return RFC 3339 text with milliseconds, rounded up: a job must not start before its time."""
    if instant.tzinfo is None:
        raise ValueError(f"{name} must be an aware datetime: datetime.now(UTC) or value.astimezone()")
    utc = instant.astimezone(UTC)
    utc += timedelta(microseconds=-utc.microsecond % 1000)
    return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def with_values(document: Document, *names: str) -> Document:
    """Return a document in which payload and result are values, in whichever way they travelled."""
    raw = {name: document[name + "_raw"] for name in names if document.get(name + "_raw") is not None}
    if not raw:
        return document
    values = {name: value_of(data, str(document.get(name + "_type", ""))) for name, data in raw.items()}
    return {**document, **values}


Convert: TypeAlias = Callable[[Any], Any]


def _plain(kind: type[Any]) -> Convert:
    def check(value: Any) -> Any:
        if not isinstance(value, kind):
            raise TypeError(f"{kind.__name__} expected, not {type(value).__name__}")
        return value

    return check


_text = _plain(str)


def _listed(value: Any) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise TypeError(f"a list expected, not {type(value).__name__}")
    return value


def _number(value: Any) -> float:
    if not isinstance(value, int | float):
        raise TypeError(f"a number expected, not {type(value).__name__}")
    return float(value)


def _counts(document: Document) -> dict[State, int]:
    return {State(word): int(n) for word, n in document.items()}


_BY_TYPE: dict[Any, Convert] = {
    str: _text,
    int: _plain(int),
    bool: _plain(bool),
    float: _number,
    datetime: read_instant,
    Mapping[State, int]: _counts,
    Mapping[str, Any]: _plain(Mapping),
    Mapping[str, str]: _plain(Mapping),
    Mapping[str, int]: _plain(Mapping),
    Any: lambda value: value,
}


@functools.cache
def plan_of(cls: type[Any]) -> dict[str, Convert]:
    """Return what makes the fields of a model out of those of a document, by their names."""
    hints = get_type_hints(cls)
    return {f.name: _converter(_wanted(hints[f.name])) for f in fields(cls)}


def _converter(hint: Any) -> Convert:
    """Return what makes a value of this type out of what a document holds."""
    if hint in _BY_TYPE:
        return _BY_TYPE[hint]
    if get_origin(hint) is Literal:  # a closed list where we ask, open where we read
        return _BY_TYPE[str]
    if get_origin(hint) in (tuple, Sequence):
        item = _converter(get_args(hint)[0])
        return lambda values: tuple(item(value) for value in _listed(values))
    if is_dataclass(hint):
        return functools.partial(read, hint)  # type: ignore[arg-type]  # a class, though mypy sees instances, too
    if isinstance(hint, type) and issubclass(hint, OpenEnum):
        return hint
    raise TypeError(f"no document holds a {hint}")


def _wanted(hint: Any) -> Any:
    """Return the first type of a union, which is the one to read: `Backoff | str | None` is written as it comes."""
    return get_args(hint)[0] if get_origin(hint) in (Union, UnionType) else hint
