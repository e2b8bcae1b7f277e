"""Messages on the pipe between supervisor and child: a length of four bytes, then the message; it must not do I/O.

Down go pickles, made by our own supervisor from what the server sent (a payload may hold integers of any size). Up come
msgpack lists only: the child runs user code, and nothing that it says may run code here.
"""

import json
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
    END = "end"  # bool, whether it is the worker's last child: nothing runs any more, say goodbye and exit


class Up(StrEnum):
    """What the child says."""

    READY = "ready"  # Imported: the app is
    FAILED = "failed"  # text: the app cannot be imported
    SAID = "said"  # [[key, topic, JSON], ...]
    DONE = "done"  # [[key, milliseconds, outcome as Outcome.to_wire has it], ...]; may be empty
    STALLED = "stalled"  # bool: a task blocks the event loop, or does not any more
    CHANGED = "changed"  # [file, ...]: files that the app was made of are other ones now


_DOWN: Final = {kind.value: kind for kind in Down}  # asking a dict is much quicker than asking the class
_UP: Final = {kind.value: kind for kind in Up}


class Setup(NamedTuple):
    """What a child is started with, as the one argument of its command line."""

    app: str  # module:app
    slots: int  # jobs at a time
    log_level: str
    is_first: bool = False  # of this worker
    watches_files: bool = False  # tells when the app's files change
    tells_plan: bool = False  # says what is periodic
    fd: int = -1  # the inherited end of the pipe
    tickets: int = -1  # likewise, of the tickets
    blackbox: int = -1  # likewise, of the file for its stacks
    parent: int = 0  # the supervisor's process id

    def to_text(self) -> str:
        """Return it as one word."""
        return json.dumps(self._asdict(), separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> "Setup":
        """Return what `to_text` was called on."""
        return cls(**json.loads(text))


class Order(NamedTuple):
    """One job for the executor."""

    key: int  # of this supervisor's lease of it
    facts: dict[str, Any]  # fields of headrace.context.Request; what is left out is as that has it, moments are unix s


def pack_down(kind: Down, content: Any) -> bytes:
    """Return one frame for the child."""
    plain = (
        [tuple(order) for order in content] if kind is Down.RUN else content
    )  # a class of its own takes thrice as long
    return _framed(pickle.dumps((str(kind), plain), protocol=pickle.HIGHEST_PROTOCOL))


def unpack_down(body: bytes) -> tuple[Down, Any]:
    """Return what `pack_down` was given; `body` is from our own supervisor."""
    word, content = pickle.loads(body)
    kind = _DOWN[word]
    return kind, [Order(*parts) for parts in content] if kind is Down.RUN else content


def pack_up(kind: Up, content: Any) -> bytes:
    """Return one frame for the supervisor."""
    return _framed(msgpack.packb([str(kind), content]))


def unpack_up(body: bytes) -> tuple[Up, Any]:
    """Return what `pack_up` was given; ValueError for anything else."""
    kind, content = msgpack.unpackb(body, strict_map_key=False)
    return (_UP.get(kind) if isinstance(kind, str) else None) or Up(kind), content


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
