"""JSON and msgpack: which of the two a request is written in, which one its reply shall be, and the bytes of either."""

from collections.abc import Container
from typing import Any, Final

import msgspec

from headrace_server.api.problems import Problem
from headrace_server.domain.jobs import Format

JSON: Final = b"application/json"
MSGPACK: Final = b"application/msgpack"
EVENT_STREAM: Final = b"text/event-stream"
OPENMETRICS: Final = b"application/openmetrics-text"
_PLAIN_TEXT: Final = frozenset((b"text/plain", b"text/*", b"*/*"))
MEDIA: Final = {Format.JSON: JSON, Format.MSGPACK: MSGPACK}
_FORMATS: Final = {
    JSON: Format.JSON,
    MSGPACK: Format.MSGPACK,
    b"application/vnd.msgpack": Format.MSGPACK,
    b"application/x-msgpack": Format.MSGPACK,
}
# What a reader may accept, with the format it gets; `*/*` and nothing at all mean JSON.
_RANGES: Final = _FORMATS | {b"*/*": Format.JSON, b"application/*": Format.JSON, b"": Format.JSON}
_ENCODE: Final = {Format.JSON: msgspec.json.Encoder().encode, Format.MSGPACK: msgspec.msgpack.Encoder().encode}


def encode(document: Any, format: Format) -> bytes:
    """Return a document's bytes; binary is base64 in JSON."""
    return _ENCODE[format](document)


def format_of_body(content_type: bytes | None) -> Format:
    """Return the format that Content-Type names; raises Problem unsupported_media_type for any other, and for none."""
    found = _FORMATS.get(content_type or b"") or _FORMATS.get((content_type or b"").partition(b";")[0].strip().lower())
    if found is None:
        raise Problem("unsupported_media_type", headers=[(b"accept", b"application/json, application/msgpack")])
    return found


def format_of_reply(accept: bytes | None) -> Format:
    """Return the best format that Accept admits (RFC 9110, 12.5.1); raises Problem not_acceptable for neither."""
    found = _RANGES.get(accept or b"")
    return found if found is not None else _RANGES[_best(accept or b"", _RANGES)]


def wants_stream(accept: bytes | None) -> bool:
    """Tell whether Accept wants events as a stream rather than a document; raises Problem not_acceptable for neither.

    A stream must be named: what takes anything gets a document.
    """
    return _best(accept or b"*/*", {*_RANGES, EVENT_STREAM}) == EVENT_STREAM


def wants_openmetrics(accept: bytes | None) -> bool:
    """Tell whether Accept wants metrics as OpenMetrics, not as text; raises Problem not_acceptable for neither."""
    return _best(accept or b"*/*", {*_PLAIN_TEXT, OPENMETRICS}) == OPENMETRICS


def _best(accept: bytes, known: Container[bytes]) -> bytes:
    best, best_weight = None, 0.0
    for part in accept.split(b","):
        media, *parameters = (piece.strip().lower() for piece in part.split(b";"))
        weight = _weight(parameters)
        if media in known and weight > best_weight:
            best, best_weight = media, weight
    if best is None:
        raise Problem("not_acceptable")
    return best


def _weight(parameters: list[bytes]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition(b"=")
        if name.strip() == b"q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
