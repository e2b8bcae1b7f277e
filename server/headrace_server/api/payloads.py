"""Payloads, results and other values that are kept as bytes: checked once, rewritten for readers of the other format.

It must not know what the values are for. A value is JSON or msgpack; its bytes were cut out of a body that is
well-formed as a whole, and JSON bodies are known to be UTF-8.
"""

import base64
import math
import re
from collections.abc import Sequence
from typing import Any, Final

import msgpack  # type: ignore[import-untyped]
import msgspec

from headrace_server.domain.jobs import Format
from headrace_server.domain.limits import MAX_DEPTH, MAX_META_BYTES

_JSON_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_BRACKETS: Final = bytes.maketrans(b"{}", b"[]")
_NO_BRACKET: Final = bytes(set(range(256)) - set(b"[]{}"))
_PACK: Final = msgspec.msgpack.Encoder().encode
_MAX_INT64: Final = 2**64  # exclusive: what msgpack can write
_MIN_INT64: Final = -(2**63)


class Unwritable(ValueError):
    """The value cannot be written in the other format."""


def payload_fault(data: bytes, format: Format) -> str | None:
    """Return what is wrong with a payload or result, or None."""
    if format is Format.JSON:
        return _too_deep() if _json_too_deep(data) else None
    if len(data) == 1:  # nothing, a truth value, a small number or something empty: the result of most tasks
        return None
    try:
        _check_msgpack(_unpack(data), depth=1)
    except Unwritable as fault:
        return str(fault)
    return None


def any_fault(payloads: Sequence[bytes], format: Format, max_bytes: int) -> bool:
    """Tell whether anything is wrong with one of many payloads."""
    if max(map(len, payloads)) > max_bytes:
        return True
    if format is Format.JSON:  # the few that have so many brackets that they may be too deep
        payloads = [data for data in payloads if data.count(b"[") + data.count(b"{") > MAX_DEPTH]
    return any(payload_fault(data, format) for data in payloads)


def as_json(data: bytes, format: Format, max_bytes: int, *, kind: type = object) -> bytes:
    """Return the JSON of a small value (progress, a checkpoint), which both formats can write.

    Raises Unwritable with the reason as its text.
    """
    if len(data) > max_bytes:
        raise Unwritable(f"is {len(data)} bytes long; the limit is {max_bytes}")
    fault = payload_fault(data, format)
    if fault:
        raise Unwritable(fault)
    value = _decode_json(data) if format is Format.JSON else _unpack(data)
    if not isinstance(value, kind):
        raise Unwritable("must be an object")
    _check_writable(value)
    return data if format is Format.JSON else msgspec.json.encode(_with_text_for_binary(value))


def as_json_object(data: bytes, format: Format) -> bytes:
    """Return the JSON of a small object (`meta`, `details`). Raises Unwritable with the reason as its text."""
    return as_json(data, format, MAX_META_BYTES, kind=dict)


def transcode(data: bytes, source: Format) -> bytes:
    """Return a checked value in the other format; raises Unwritable when that cannot hold it.

    Binary becomes {"$bin": base64} in JSON. A number keeps its value as far as a 64-bit integer or float holds it.
    """
    if source is Format.JSON:
        return to_msgpack([data])[0]
    value = _unpack(data)
    _check_writable(value)
    return msgspec.json.encode(_with_text_for_binary(value))


def to_msgpack(values: Sequence[bytes]) -> list[bytes]:
    """Return checked JSON values in msgpack: many in one go, for each by itself takes four times as long.

    Raises Unwritable when one of them cannot be written; it does not say which.
    """
    try:
        return [_PACK(value) for value in msgspec.json.decode(b"[" + b",".join(values) + b"]")]
    except (msgspec.DecodeError, OverflowError) as fault:  # a number beyond the range of a float, or of 64 bits
        raise Unwritable("holds a number out of range") from fault


def _too_deep() -> str:
    return f"is nested deeper than {MAX_DEPTH} levels"


def _json_too_deep(data: bytes) -> bool:
    """Tell whether well-formed JSON nests deeper than allowed, at the speed of C.

    Without its strings a value is a forest of brackets, and each replacement takes off the lowest level.
    """
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return False
    brackets = _JSON_STRING.sub(b"", data).translate(_BRACKETS, _NO_BRACKET)
    for _ in range(MAX_DEPTH):
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)


def _decode_json(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError as fault:  # a number beyond the range of a float: well-formed, yet no value
        raise Unwritable(f"holds a number out of range ({fault})") from None


def _unpack(data: bytes) -> Any:
    """Return a msgpack value; maps whose keys are not all texts come as lists of pairs, so that any key is possible."""
    try:
        return msgpack.unpackb(
            data, raw=False, strict_map_key=False, object_pairs_hook=_as_map, ext_hook=msgpack.ExtType
        )
    except (ValueError, msgpack.UnpackException) as fault:  # UnicodeDecodeError and StackError are ValueErrors
        raise Unwritable(f"is not valid msgpack: {fault}") from None


class _Pairs(list[Any]):
    """A map with keys other than text."""


def _as_map(pairs: list[tuple[Any, Any]]) -> Any:
    if all(type(key) is str for key, _ in pairs):
        return dict(pairs)
    return _Pairs([part for pair in pairs for part in pair])


def _children(value: Any) -> list[Any] | None:
    if type(value) is dict:
        return list(value.values())
    return value if isinstance(value, list) else None


def _check_msgpack(value: Any, *, depth: int) -> None:
    """Raise Unwritable for a value nested too deep, and for NaN and infinity, which no reader of JSON could get."""
    if type(value) is float and not math.isfinite(value):
        raise Unwritable("holds NaN or infinity")
    children = _children(value)
    if children is None:
        return
    if depth > MAX_DEPTH:
        raise Unwritable(_too_deep())
    for child in children:
        _check_msgpack(child, depth=depth + 1)


def _check_writable(value: Any) -> None:
    """Raise Unwritable for what only one of the formats can hold: other keys than text, extensions, huge integers."""
    if isinstance(value, _Pairs):
        raise Unwritable("holds a map with keys other than text")
    if type(value) is int and not _MIN_INT64 <= value < _MAX_INT64:
        raise Unwritable("holds an integer beyond 64 bits")
    if isinstance(value, msgpack.ExtType | msgpack.Timestamp):
        raise Unwritable("holds a msgpack extension")
    for child in _children(value) or ():
        _check_writable(child)


def _with_text_for_binary(value: Any) -> Any:
    if type(value) is bytes:
        return {"$bin": base64.b64encode(value).decode()}
    if type(value) is dict:
        return {key: _with_text_for_binary(child) for key, child in value.items()}
    if type(value) is list:
        return [_with_text_for_binary(child) for child in value]
    return value
