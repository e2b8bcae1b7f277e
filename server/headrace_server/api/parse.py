"""Bytes -> typed bodies, or a Problem that lists all their faults; it must not know what is done with them.

The fast path decodes straight into the types of `shapes.py`; only what it refuses is walked once more (`faults.py`).
"""

import struct
from collections.abc import Sequence
from functools import cache
from typing import Any, Final, TypeVar, cast

import msgspec
from msgspec import Raw

from headrace_server.api.faults import TOO_DEEP, Reading, list_faults, value_faults
from headrace_server.api.problems import Fault, Problem, invalid
from headrace_server.api.verdicts import Invalid
from headrace_server.domain.jobs import Format

_MSGPACK_LIST: Final = struct.Struct(">BI")  # array 32
T = TypeVar("T", bound=msgspec.Struct)
Decoder = msgspec.json.Decoder[Any] | msgspec.msgpack.Decoder[Any]


def body(shape: type[T], data: bytes, reading: Reading) -> T:
    """Return a request's body as `shape`; raises Problem malformed_body, or invalid_request with every fault."""
    require_text(data, reading.format)
    value, faults = _decode(shape, data, reading, "")
    if value is None:
        raise invalid(faults)
    return cast("T", value)


def faultless(shape: type[T], data: bytes, reading: Reading) -> T | None:
    """Return a body that is of this shape and has no fault; None for any other, which `body` tells the faults of."""
    require_text(data, reading.format)
    try:
        value: T = _decoder(shape, reading.format).decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return None if value_faults(value, reading) else value


def items(shape: Any, raws: Sequence[Raw], reading: Reading, pointer: str) -> list[Any]:
    """Return each item of a list as `shape`, or as Invalid with its faults; one bad item never rejects the others."""
    found = []
    for index, value in enumerate(all_at_once(shape, raws, reading.format)):
        faults = value_faults(value, reading, f"{pointer}/{index}")
        found.append(Invalid(faults, value.job_id if hasattr(value, "job_id") else "") if faults else value)
    return found or [_item(shape, bytes(raw), reading, f"{pointer}/{index}") for index, raw in enumerate(raws)]


def all_at_once(shape: Any, raws: Sequence[Raw], format: Format) -> list[Any]:
    """Return all items, decoded in one call; none where one of them is faulty, for then each is looked at by itself."""
    try:
        return cast("list[Any]", _decoder(list[shape], format).decode(_list_of(raws, format)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []


def _list_of(raws: Sequence[Raw], format: Format) -> bytes:
    if format is Format.JSON:
        return b"[" + b",".join(raws) + b"]"
    return _MSGPACK_LIST.pack(0xDD, len(raws)) + b"".join(raws)


def _item(shape: Any, data: bytes, reading: Reading, pointer: str) -> Any:
    value, faults = _decode(shape, data, reading, pointer)
    return Invalid(faults, _job_id_of(data, reading.format)) if value is None else value


def require_text(data: bytes, format: Format) -> None:
    """Raise Problem malformed_body for JSON that is not UTF-8; the decoder sees only the texts that it returns."""
    if format is Format.JSON and not data.isascii():
        try:
            data.decode()
        except UnicodeDecodeError as fault:
            raise Problem("malformed_body", f"The body is not UTF-8: byte {fault.start} is wrong.") from None


def _decode(shape: Any, data: bytes, reading: Reading, pointer: str) -> tuple[Any, list[Fault]]:
    """Return the value and no faults, or None and at least one fault; raises Problem for what no value at all."""
    try:
        value = _decoder(shape, reading.format).decode(data)
    except msgspec.ValidationError as refusal:
        _require_well_formed(data, reading.format)
        return None, list_faults(shape, data, reading, pointer) or [Fault(pointer, str(refusal))]
    except RecursionError:
        raise invalid([TOO_DEEP]) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise Problem("malformed_body", f"{fault}.") from None
    faults = value_faults(value, reading, pointer)
    return (None, faults) if faults else (value, faults)


@cache
def _decoder(shape: Any, format: Format) -> Decoder:
    return msgspec.json.Decoder(shape) if format is Format.JSON else msgspec.msgpack.Decoder(shape)


def _require_well_formed(data: bytes, format: Format) -> None:
    """Raise Problem for a body that breaks off or goes wrong behind the fault that the typed decoder stopped at."""
    try:
        _decoder(Raw, format).decode(data)
    except RecursionError:
        raise invalid([TOO_DEEP]) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise Problem("malformed_body", f"{fault}.") from None


def _job_id_of(data: bytes, format: Format) -> str:
    try:
        found = _decoder(dict[str, Any], format).decode(data).get("job_id")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    return found if isinstance(found, str) else ""
