"""Values that JSON has no word for, as objects with one tag that any language can write and read; it knows no bytes.

`tagged` makes plain values of Python's own types, and `untagged` makes them again. The tags stand in
docs/guide/serializers.md.
"""

import base64
import json
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Final
from uuid import UUID

import msgpack  # type: ignore[import-untyped]

from headrace._codec import NotWritable, Path

_DEPTH: Final = 100  # deeper than any server takes, and an end to circles
_SCALARS: Final = frozenset({type(None), bool, int, float, str})


def tagged(value: Any, *, path: Path = (), binary: bool = False) -> Any:
    """Return `value` as plain dicts, lists, strings, numbers, booleans and None, with tags where these do not tell.

    Objects become plain ones without a tag: dataclasses and pydantic models by their fields, enums by their value; an
    annotation makes them again (`headrace.annotations`). `path` leads to the value in messages; `binary`: the format
    has bytes of its own. Raises NotWritable (a TypeError) for what has no plain form, ValueError for circles.
    """
    try:
        return _plain(value, binary, 0)
    except NotWritable as error:
        error.path = (*path, *error.path)
        raise


def untagged(value: Any) -> Any:
    """Return what `tagged` was given: objects with one known tag become Python's types, and all others stay.

    Raises ValueError for a known tag around something that it cannot stand for.
    """
    if isinstance(value, list):
        return [untagged(item) for item in value]
    if isinstance(value, dict):
        if len(value) == 1:
            [(tag, inner)] = value.items()
            if tag in _READ:
                return _read(tag, inner)
        return {name: untagged(inner) for name, inner in value.items()}
    if isinstance(value, msgpack.Timestamp):  # what other languages write for an instant in msgpack
        return value.to_datetime()
    return value


def _plain(value: Any, binary: bool, depth: int) -> Any:
    kind = type(value)
    if kind in _SCALARS:
        return value
    if depth > _DEPTH:
        raise ValueError(f"nested in more than {_DEPTH} levels, or in itself")
    if kind is not dict and isinstance(value, Enum):
        return _plain(value.value, binary, depth)
    if kind is dict or isinstance(value, Mapping):  # the types themselves first: asking an abstract one is slow
        return _escaped({_key(key): _at(_step(key), inner, binary, depth) for key, inner in value.items()})
    if isinstance(value, list | tuple):
        return [_at(index, item, binary, depth) for index, item in enumerate(value)]
    if isinstance(value, AbstractSet):
        return {"$set": _in_order([_at("$set", item, binary, depth) for item in value])}
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value) if binary else {"$bin": base64.b64encode(value).decode()}
    return _object(value, binary, depth)


def _at(step: str | int, value: Any, binary: bool, depth: int) -> Any:
    """Return what is inside of something, plain; the error about it is led there."""
    if type(value) in _SCALARS:
        return value
    try:
        return _plain(value, binary, depth + 1)
    except NotWritable as error:
        error.path = (step, *error.path)
        raise


def _escaped(plain: dict[Any, Any]) -> dict[Any, Any]:
    """Return a dict that nobody can take for a tag."""
    if len(plain) == 1:
        [key] = plain
        if isinstance(key, str) and key.startswith("$"):
            return {"$dict": plain}
    return plain


def _document(dumped: Any) -> Any:
    return _escaped(dumped) if isinstance(dumped, dict) else dumped


def _key(key: Any) -> Any:
    """Return a key as JSON can have it: text, or a number, which becomes text there."""
    if type(key) is str:
        return key
    if isinstance(key, Enum):
        key = key.value
    if type(key) in _SCALARS or isinstance(key, str | int | float):
        return key
    if isinstance(key, datetime):
        return _instant(key)
    if isinstance(key, date | time | UUID | Decimal):
        return str(key)
    raise NotWritable((repr(key),), key, "JSON, as a key,")


def _step(key: Any) -> str | int:
    return key if isinstance(key, int | str) else str(key)


def _object(value: Any, binary: bool, depth: int) -> Any:
    for kind, tag, write in _WRITE:
        if isinstance(value, kind):
            return {tag: write(value)}
    if is_dataclass(value) and not isinstance(value, type):
        named = ((f.name, getattr(value, f.name)) for f in fields(value))
        return {name: _at(name, inner, binary, depth) for name, inner in named}
    if callable(getattr(value, "model_dump", None)) and not isinstance(value, type):  # pydantic
        return _document(value.model_dump(mode="json", by_alias=True, round_trip=True))
    if isinstance(value, str | int | float):  # of a class of its own
        return value
    raise NotWritable((), value, "msgpack" if binary else "JSON")


def _in_order(items: list[Any]) -> list[Any]:
    """Return the items of a set in an order that is the same in every process: equal calls have equal bytes."""
    return sorted(items, key=lambda item: json.dumps(item, sort_keys=True, default=repr))


def _instant(value: datetime) -> str:
    offset = value.utcoffset()
    if offset is not None and offset % timedelta(minutes=1):  # RFC 3339 knows no seconds of an offset
        value = value.astimezone(UTC)
    text = value.isoformat()
    return text[:-6] + "Z" if text.endswith("+00:00") else text


def _seconds(value: timedelta) -> float:
    seconds = value.total_seconds()
    return int(seconds) if seconds.is_integer() else seconds


# datetime is a date, too: the first that fits counts.
_WRITE: Final[tuple[tuple[type, str, Callable[[Any], Any]], ...]] = (
    (datetime, "$datetime", _instant),
    (date, "$date", date.isoformat),
    (time, "$time", time.isoformat),
    (timedelta, "$duration", _seconds),
    (UUID, "$uuid", str),
    (Decimal, "$decimal", str),
)


def _read(tag: str, inner: Any) -> Any:
    try:
        return _READ[tag](inner)
    except (TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise ValueError(f"{tag} cannot stand for {_short(inner)}: {error}") from None


def _duration(inner: Any) -> timedelta:
    return timedelta(seconds=inner)


def _decimal(inner: Any) -> Decimal:
    return Decimal(str(inner))


def _bin(inner: str) -> bytes:
    return base64.b64decode(inner, validate=True)


def _set(inner: list[Any]) -> set[Any]:
    return {_hashable(untagged(item)) for item in inner}


def _hashable(item: Any) -> Any:
    return tuple(_hashable(each) for each in item) if isinstance(item, list) else item


def _dict(inner: dict[Any, Any]) -> dict[Any, Any]:
    return {name: untagged(value) for name, value in inner.items()}


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."


_READ: Final[Mapping[Any, Callable[[Any], Any]]] = {
    "$datetime": datetime.fromisoformat,
    "$date": date.fromisoformat,
    "$time": time.fromisoformat,
    "$duration": _duration,
    "$uuid": UUID,
    "$decimal": _decimal,
    "$bin": _bin,
    "$set": _set,
    "$dict": _dict,
}
