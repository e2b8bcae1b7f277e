"""Cursors: a place as text that its holder cannot read; it must not know what kind of place.

The digest in front finds every cursor that was altered or used with another thing. It is no secret: a place that
somebody forged with care has the right kind and may name anything. Its first bit is 0, so that a cursor begins with a
letter: one that began with `-` would look like an option where it is typed behind one, as in `tail --after CURSOR`.
"""

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
    data = msgspec.msgpack.encode(place)
    return base64.urlsafe_b64encode(_digest(bound_to, data) + data).rstrip(b"=").decode()


def read(cursor: str, kind: type[T], bound_to: Any) -> T:
    """Return the place of a cursor. Raises CursorInvalid for one that is not ours, or belongs to another thing."""
    try:
        data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        digest, data = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
        place = msgspec.msgpack.decode(data, type=kind)
    except (binascii.Error, ValueError) as error:  # msgspec's errors are ValueErrors
        raise CursorInvalid("this is no cursor that was given out here") from error
    if digest != _digest(bound_to, data):
        raise CursorInvalid("this cursor was altered, or belongs to another filter; begin without a cursor")
    return place


def _digest(bound_to: Any, data: bytes) -> bytes:
    thing = hashlib.blake2b(msgspec.msgpack.encode(bound_to)).digest()
    digest = hashlib.blake2b(thing + data, digest_size=_DIGEST_BYTES).digest()
    return bytes((digest[0] & 0x7F,)) + digest[1:]
