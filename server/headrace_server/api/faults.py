"""The slow path of parsing: lists every fault of a body that the typed decoder refused, each with a JSON pointer.

It walks the same types (`shapes`) that the decoder decodes into, so a rule is written once. It must not know HTTP.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from itertools import islice
from operator import attrgetter
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw
from msgspec import inspect as info

from headrace_server.api.leaves import fault_of, one_of
from headrace_server.api.payloads import Unwritable, as_json, as_json_object, payload_fault
from headrace_server.api.problems import Fault
from headrace_server.api.shapes import RULES
from headrace_server.api.shapes.rules import Get, Rule
from headrace_server.domain.jobs import Format
from headrace_server.domain.limits import MAX_CHECKPOINT_BYTES, MAX_DEPTH, MAX_FAULTS, MAX_PROGRESS_BYTES

_JSON_BYTES: Final = {"progress": MAX_PROGRESS_BYTES, "checkpoint": MAX_CHECKPOINT_BYTES}


class Reading(msgspec.Struct, frozen=True):
    """How a body is to be read."""

    format: Format
    max_payload_bytes: int


def list_faults(shape: Any, data: bytes, reading: Reading, pointer: str = "") -> list[Fault]:
    """Return the first MAX_FAULTS faults of well-formed `data` at `pointer`, against a struct or a union of them."""
    return list(islice(_walk(_info(shape), data, reading, pointer), MAX_FAULTS))


def value_faults(value: msgspec.Struct, reading: Reading, pointer: str = "") -> list[Fault]:
    """Return the faults that types cannot express: of values kept as bytes, and between fields."""
    found: list[Fault] = []
    checks = _checks(type(value))
    for name in checks.payloads:
        if (data := getattr(value, name)) is not UNSET:
            found += _raw_faults("payload", bytes(data), reading, f"{pointer}/{name}")
    if checks.always or checks.rare(value) != checks.absent:
        found += _rare_faults(checks, value, reading, pointer)
    return found


def _rare_faults(checks: "_Checks", value: msgspec.Struct, reading: Reading, pointer: str) -> list[Fault]:
    found: list[Fault] = []
    for name, kind in checks.raws:
        if (data := getattr(value, name)) is not UNSET:
            found += _raw_faults(kind, bytes(data), reading, f"{pointer}/{name}")
    for name in checks.parts:
        if isinstance(part := getattr(value, name), msgspec.Struct):
            found += value_faults(part, reading, f"{pointer}/{name}")
    for rule in checks.rules:
        if not rule.trigger or getattr(value, rule.trigger) is not UNSET:
            found += rule_faults(rule, partial(getattr, value), pointer)
    return found


def rule_faults(rule: Rule, get: Get, pointer: str) -> Iterator[Fault]:
    """Yield the faults that a rule finds in a body at `pointer`."""
    for field, detail in rule.faults(get):
        yield Fault(f"{pointer}/{field}" if field else pointer, detail)


class _Checks(msgspec.Struct, frozen=True):
    """What of a struct the decoder cannot check.

    It is looked at for every body and every item of a list. Nearly all of them have a payload at most: `rare` reads all
    other fields in question in one call, and where these are `absent` there is nothing more to look at.
    """

    payloads: tuple[str, ...]  # fields with a payload or a result
    raws: tuple[tuple[str, str], ...]  # other fields kept as bytes, with their kind
    parts: tuple[str, ...]  # fields that are structs
    rules: tuple[Rule, ...]
    rare: Callable[[Any], Any]
    absent: Any
    always: bool  # one of the rules is about any body


@cache
def _checks(shape: type) -> _Checks:
    struct = _info(shape)
    assert isinstance(struct, info.StructType)
    kinds = {field.name: _extra(field.type).get("raw", "") for field in struct.fields}
    raws = tuple((name, kind) for name, kind in kinds.items() if kind not in ("", "item", "payload"))
    parts = tuple(field.name for field in struct.fields if isinstance(field.type, info.StructType))
    rules = RULES.get(shape, ())
    names = tuple({*(name for name, _ in raws), *parts, *(rule.trigger for rule in rules if rule.trigger)})
    return _Checks(
        payloads=tuple(name for name, kind in kinds.items() if kind == "payload"),
        raws=raws,
        parts=parts,
        rules=rules,
        rare=attrgetter(*names) if names else lambda _: (),
        absent=UNSET if len(names) == 1 else (UNSET,) * len(names),
        always=not all(rule.trigger for rule in rules),
    )


@cache
def _info(shape: Any) -> info.Type:
    return info.type_info(shape)


def _extra(kind: info.Type) -> dict[str, Any]:
    return (kind.extra or {}) if isinstance(kind, info.Metadata) else {}


def _walk(kind: info.Type, data: bytes, reading: Reading, pointer: str) -> Iterable[Fault]:
    extra = _extra(kind)
    if "raw" in extra:
        return _raw_walk(extra["raw"], data, reading, pointer)
    if isinstance(kind, info.Metadata):
        kind = kind.type
    walk = _WALKS.get(type(kind))
    if walk is not None:
        return walk(kind, data, reading, pointer)
    wrong = fault_of(kind, extra.get("is", ""), _decode(data, Any, reading))
    return (Fault(pointer, wrong),) if wrong else ()


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

    def get(name: str) -> Any:
        return _decode(bytes(members[name]), Any, reading) if name in members else UNSET

    for rule in RULES.get(kind.cls, ()):
        yield from rule_faults(rule, get, pointer)


def _walk_union(kind: info.UnionType, data: bytes, reading: Reading, pointer: str) -> Iterable[Fault]:
    """Walk a struct by its tag, or a list that may be left away around its only item."""
    structs = {t.tag: t for t in kind.types if isinstance(t, info.StructType)}
    if not structs:
        is_list = _decode(data, list[Raw], reading) is not UNSET
        fitting = next(t for t in kind.types if isinstance(t, info.ListType) == is_list)
        return _walk(fitting, data, reading, pointer)
    tag_field = next(iter(structs.values())).tag_field
    members = _decode(data, dict[str, Raw], reading)
    if members is UNSET:
        return (Fault(pointer, "must be an object"),)
    if tag_field not in members:
        return (Fault(f"{pointer}/{tag_field}", "is missing"),)
    tag = _decode(bytes(members[tag_field]), str, reading)
    if tag not in structs:
        return (Fault(f"{pointer}/{tag_field}", one_of(structs)),)
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


def _walk_dict(kind: info.DictType, data: bytes, reading: Reading, pointer: str) -> Iterable[Fault]:
    members = _decode(data, dict[str, Raw], reading)
    if members is UNSET:
        yield Fault(pointer, "must be an object")
        return
    if kind.max_length is not None and len(members) > kind.max_length:
        yield Fault(pointer, f"must have at most {kind.max_length} fields; it has {len(members)}")
        return
    for name, value in members.items():
        place = f"{pointer}/{_escape(name)}"
        yield from _walk(kind.key_type, _encode(name, reading), reading, place)
        yield from _walk(kind.value_type, bytes(value), reading, place)


_WALKS: Final[dict[type[info.Type], Callable[[Any, bytes, Reading, str], Iterable[Fault]]]] = {
    info.UnionType: _walk_union,
    info.StructType: _walk_struct,
    info.ListType: _walk_list,
    info.DictType: _walk_dict,
}


def _raw_walk(kind: str, data: bytes, reading: Reading, pointer: str) -> Iterable[Fault]:
    """Check the encoded form of a value that is kept as bytes."""
    if kind != "binary":
        return _raw_faults(kind, data, reading, pointer)
    binary = _decode(data, bytes, reading)
    if binary is UNSET:
        return (Fault(pointer, "must be base64 (RFC 4648), in msgpack binary"),)
    return _raw_faults(kind, binary, reading, pointer)


def _raw_faults(kind: str, data: bytes, reading: Reading, pointer: str) -> Iterable[Fault]:
    if kind == "item":
        return ()
    if kind in ("payload", "binary") and len(data) > reading.max_payload_bytes:
        detail = f"is {len(data)} bytes long; the limit is {reading.max_payload_bytes}"
        return (Fault(pointer, detail, "payload_too_large"),)
    wrong = _raw_fault(kind, data, reading.format)
    return (Fault(pointer, wrong),) if wrong else ()


def _raw_fault(kind: str, data: bytes, format: Format) -> str | None:
    if kind == "binary":
        return None
    if kind == "payload":
        return payload_fault(data, format)
    try:
        if kind == "object":
            as_json_object(data, format)
        else:
            as_json(data, format, _JSON_BYTES[kind])
    except Unwritable as fault:
        return str(fault)
    return None


def _decode(data: bytes, kind: Any, reading: Reading) -> Any:
    """Return the value, or UNSET when it is of another kind."""
    try:
        if reading.format is Format.JSON:
            return msgspec.json.decode(data, type=kind)
        return msgspec.msgpack.decode(data, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return UNSET


def _encode(value: str, reading: Reading) -> bytes:
    return msgspec.json.encode(value) if reading.format is Format.JSON else msgspec.msgpack.encode(value)


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


TOO_DEEP: Final = Fault("", f"is nested deeper than {MAX_DEPTH} levels")
