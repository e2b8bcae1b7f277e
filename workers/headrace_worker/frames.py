"""Messages on the pipe between supervisor and child: a length of four bytes, then the message; it must not do I/O.

Down go pickles, made by our own supervisor from what the server sent (a payload may hold integers of any size). Up come
msgpack lists only: the child runs user code, and nothing that it says may run code here.
"""

import pickle
import struct
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Final, NamedTuple

import msgpack  # type: ignore[import-untyped]

from headrace_worker import bounds

_LENGTH: Final = struct.Struct(">I")


class Down(StrEnum):
    """What the supervisor says."""

    RUN = "run"  # [Order, ...]
    FORGET = "forget"  # [key, ...]: their tickets were taken back; answered, as a sign of life
    EXTENDED = "extended"  # [(key, deadline), ...]
    LOST = "lost"  # [key, ...]: the lease is gone, so is the result
    ASKED = "asked"  # [key, ...]: somebody wants these jobs to end; the tasks decide
    CANCEL = "cancel"  # None: cancel whatever still runs


class Up(StrEnum):
    """What the child says."""

    READY = "ready"  # {task: queue}: the app is imported
    FAILED = "failed"  # text: the app cannot be imported
    SAID = "said"  # [[key, topic, JSON], ...]
    DONE = "done"  # [[key, milliseconds, *outcome], ...]; may be empty


class Order(NamedTuple):
    """One job for the executor."""

    key: int  # of this supervisor's lease of it
    facts: dict[str, Any]  # fields of headrace.context.Request


def pack_down(kind: Down, content: Any) -> bytes:
    """Return one frame for the child."""
    return _framed(pickle.dumps((kind.value, content), protocol=pickle.HIGHEST_PROTOCOL))


def unpack_down(body: bytes) -> tuple[Down, Any]:
    """Return what `pack_down` was given; `body` is from our own supervisor."""
    kind, content = pickle.loads(body)
    return Down(kind), content


def pack_up(kind: Up, content: Any) -> bytes:
    """Return one frame for the supervisor."""
    return _framed(msgpack.packb([kind.value, content]))


def unpack_up(body: bytes) -> tuple[Up, Any]:
    """Return what `pack_up` was given; ValueError for anything else."""
    kind, content = msgpack.unpackb(body, strict_map_key=False)
    return Up(kind), content


class Splitter:
    """Cuts a stream of bytes into the frames it holds."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take in some bytes; yield the bodies of the frames that are complete. ValueError for an absurd length."""
        self._buffer += data
        start = 0
        try:
            while len(self._buffer) - start >= _LENGTH.size:
                (length,) = _LENGTH.unpack_from(self._buffer, start)
                if length > bounds.FRAME_BYTES:
                    raise ValueError(f"a frame of {length} bytes")
                end = start + _LENGTH.size + length
                if len(self._buffer) < end:
                    break
                yield bytes(self._buffer[start + _LENGTH.size : end])
                start = end
        finally:
            del self._buffer[:start]


def _framed(body: bytes) -> bytes:
    return _LENGTH.pack(len(body)) + body
