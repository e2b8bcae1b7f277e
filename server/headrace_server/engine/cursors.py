"""Cursors: a place as text that its holder cannot read; it must not know what kind of place."""

import base64
import binascii
import hashlib
from typing import Any, TypeVar

import msgspec

from headrace_server.domain.finding import CursorInvalid

T = TypeVar("T")

_DIGEST_BYTES = 6


def write(place: Any, bound_to: Any) -> str:
    """Return a place as text; `bound_to` is what it belongs to, a filter say."""
    data = _digest(bound_to) + msgspec.msgpack.encode(place)
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def read(cursor: str, kind: type[T], bound_to: Any) -> T:
    """Return the place of a cursor. Raises CursorInvalid for one that is not ours, or belongs to another thing."""
    try:
        data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        place = msgspec.msgpack.decode(data[_DIGEST_BYTES:], type=kind)
    except (binascii.Error, ValueError) as error:  # msgspec's errors are ValueErrors
        raise CursorInvalid("this is no cursor that was given out here") from error
    if data[:_DIGEST_BYTES] != _digest(bound_to):
        raise CursorInvalid("this cursor belongs to another filter; begin without a cursor")
    return place


def _digest(bound_to: Any) -> bytes:
    return hashlib.blake2b(msgspec.msgpack.encode(bound_to), digest_size=_DIGEST_BYTES).digest()
