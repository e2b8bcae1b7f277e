"""The slow path of parsing: lists every fault of a body that the typed decoder refused, each with a JSON pointer.

It walks the same types (`shapes.py`) that the decoder decodes into, so a rule is written once. It must not know HTTP.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from itertools import islice
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, Raw
from msgspec import inspect as info

from headrace_server.api.payloads import Unwritable, as_json_object, payload_fault
from headrace_server.api.problems import Fault
from headrace_server.api.shapes import EXCLUSIVE
from headrace_server.domain.jobs import Format
from headrace_server.domain.limits import MAX_DEPTH, MAX_FAULTS, MAX_KEY_CHARS, MAX_NAME_CHARS

_Instant = Annotated[datetime, Meta(tz=True)]
_WORDS: Final = {
    "name": f"must be 1 to {MAX_NAME_CHARS} characters of A-Z a-z 0-9 _ . -",
    "worker": f"must be 1 to {MAX_NAME_CHARS} characters of A-Z a-z 0-9 _ . - : @",
    "token": "must be the 32 hexadecimal digits of a lease's token",
    "key": f"must be 1 to {MAX_KEY_CHARS} visible ASCII characters",
}


class Reading(msgspec.Struct, frozen=True):
    """How a body is to be read."""

    format: Format
    max_payload_bytes: int


def list_faults(shape: Any, data: bytes, reading: Reading, pointer: str = "") -> list[Fault]:
    """Return the first MAX_FAULTS faults of well-formed `data` at `pointer`, against a struct or a union of them."""
    return list(islice(_walk(_info(shape), data, reading, pointer), MAX_FAULTS))


def value_faults(value: msgspec.Struct, reading: Reading, pointer: str = "") -> list[Fault]:
    """Return the faults that types cannot express: of values kept as bytes, and of fields that exclude each other."""
    found: list[Fault] = []
    given = {name: part for name in value.__struct_fields__ if (part := getattr(value, name)) is not UNSET}
    for name, kind in raw_fields(type(value)):
        if name in given:
            found += _raw_faults(kind, bytes(given[name]), reading, f"{pointer}/{name}")
    for name, part in given.items():
        if isinstance(part, msgspec.Struct):
            found += value_faults(part, reading, f"{pointer}/{name}")
    found += _pair_faults(type(value), given, pointer)
    return found


@cache
def _info(shape: Any) -> info.Type:
    return info.type_info(shape)


@cache
def raw_fields(shape: type) -> tuple[tuple[str, str], ...]:
    """Return the fields of a struct that are kept as bytes, each with its kind: payload or object."""
    struct = _info(shape)
    assert isinstance(struct, info.StructType)
    kinds = ((field.name, _extra(field.type).get("raw", "")) for field in struct.fields)
    return tuple((name, kind) for name, kind in kinds if kind)


def _extra(kind: info.Type) -> dict[str, Any]:
    return (kind.extra or {}) if isinstance(kind, info.Metadata) else {}


def _walk(kind: info.Type, data: bytes, reading: Reading, pointer: str) -> Iterable[Fault]:
    extra = _extra(kind)
    if isinstance(kind, info.Metadata):
        kind = kind.type
    if isinstance(kind, info.RawType):
        return _raw_faults(extra["raw"], data, reading, pointer)
    if isinstance(kind, info.UnionType):
        return _walk_union(kind, data, reading, pointer)
    if isinstance(kind, info.StructType):
        return _walk_struct(kind, data, reading, pointer)
    if isinstance(kind, info.ListType):
        return _walk_list(kind, data, reading, pointer)
    return (
        ()
        if _fits(kind, _decode(data, Any, reading))
        else (Fault(pointer, _WORDS.get(extra.get("is", "")) or _must(kind)),)
    )


def _walk_struct(kind: info.StructType, data: bytes, reading: Reading, pointer: str) -> Iterable[Fault]:
    members = _decode(data, dict[str, Raw], reading)
    if members is UNSET:
        yield Fault(pointer, "must be an object")
        return
    known = {field.encode_name: field for field in kind.fields}
    for name in members:
        if name not in known and name != kind.tag_field:
            yield Fault(f"{pointer}/{_escape(name)}", "is not a known field")
    for name, field in known.items():
        if name in members:
            yield from _walk(field.type, bytes(members[name]), reading, f"{pointer}/{name}")
        elif field.required:
            yield Fault(f"{pointer}/{name}", "is missing")
    yield from _pair_faults(kind.cls, members, pointer)


def _walk_union(kind: info.UnionType, data: bytes, reading: Reading, pointer: str) -> Iterable[Fault]:
    structs = {t.tag: t for t in kind.types if isinstance(t, info.StructType)}
    tag_field = next(iter(structs.values())).tag_field
    members = _decode(data, dict[str, Raw], reading)
    if members is UNSET:
        return (Fault(pointer, "must be an object"),)
    if tag_field not in members:
        return (Fault(f"{pointer}/{tag_field}", "is missing"),)
    tag = _decode(bytes(members[tag_field]), str, reading)
    if tag not in structs:
        return (Fault(f"{pointer}/{tag_field}", _one_of(structs)),)
    return _walk_struct(structs[tag], data, reading, pointer)


def _walk_list(kind: info.ListType, data: bytes, reading: Reading, pointer: str) -> Iterable[Fault]:
    items = _decode(data, list[Raw], reading)
    if items is UNSET:
        yield Fault(pointer, "must be an array")
        return
    low, high = kind.min_length or 0, kind.max_length
    if len(items) < low or (high is not None and len(items) > high):
        yield Fault(pointer, f"must have {low} to {high} items; it has {len(items)}")
        return
    for index, item in enumerate(items):
        yield from _walk(kind.item_type, bytes(item), reading, f"{pointer}/{index}")


def _raw_faults(kind: str, data: bytes, reading: Reading, pointer: str) -> Iterable[Fault]:
    if kind == "item":
        return ()
    if kind == "object":
        try:
            as_json_object(data, reading.format)
        except Unwritable as fault:
            return (Fault(pointer, str(fault)),)
        return ()
    if len(data) > reading.max_payload_bytes:
        detail = f"is {len(data)} bytes long; the limit is {reading.max_payload_bytes}"
        return (Fault(pointer, detail, "payload_too_large"),)
    wrong = payload_fault(data, reading.format)
    return (Fault(pointer, wrong),) if wrong else ()


def _pair_faults(shape: type, given: dict[str, Any], pointer: str) -> Iterable[Fault]:
    for pair in EXCLUSIVE.get(shape, ()):
        if pair.first in given and pair.second in given:
            yield Fault(f"{pointer}/{pair.second}", f"excludes {pair.first}: give one of the two")


def _decode(data: bytes, kind: Any, reading: Reading) -> Any:
    """Return the value, or UNSET when it is of another kind."""
    try:
        if reading.format is Format.JSON:
            return msgspec.json.decode(data, type=kind)
        return msgspec.msgpack.decode(data, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return UNSET


def _fits(kind: info.Type, value: Any) -> bool:
    match kind:
        case info.BoolType():
            return type(value) is bool
        case info.IntType() | info.FloatType():
            numbers = (int,) if isinstance(kind, info.IntType) else (int, float)
            return (
                type(value) in numbers
                and (kind.ge is None or value >= kind.ge)
                and (kind.le is None or value <= kind.le)
            )
        case info.StrType():
            return (
                type(value) is str
                and (kind.max_length is None or len(value) <= kind.max_length)
                and (kind.pattern is None or _matches(kind.pattern, value))
            )
        case info.EnumType():
            return type(value) is str and value in {member.value for member in kind.cls}
        case info.DateTimeType():
            return _is_instant(value)
    raise TypeError(f"no rule for {kind}: a new kind of field needs one here")


def _matches(pattern: str, text: str) -> bool:
    return re.search(pattern, text) is not None


def _is_instant(value: Any) -> bool:
    try:
        msgspec.convert(value, _Instant)
    except msgspec.ValidationError:
        return False
    return True


def _must(kind: info.Type) -> str:
    match kind:
        case info.BoolType():
            return "must be true or false"
        case info.IntType():
            return f"must be an integer from {kind.ge} to {kind.le}"
        case info.FloatType():
            return f"must be a number from {kind.ge} to {kind.le}"
        case info.StrType(max_length=int() as high):
            return f"must be a text of at most {high} characters"
        case info.EnumType():
            return _one_of(member.value for member in kind.cls)
        case info.DateTimeType():
            return "must be an instant with a time zone, like 2026-01-02T03:04:05.678Z"
    return "must be a text"


def _one_of(words: Iterable[Any]) -> str:
    return "must be one of " + ", ".join(map(str, words))


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


TOO_DEEP: Final = Fault("", f"is nested deeper than {MAX_DEPTH} levels")
