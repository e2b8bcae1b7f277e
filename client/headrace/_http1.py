"""HTTP/1.1 as far as a client of one server meets it: a request into bytes, bytes into a reply; it must not do I/O.

No request says `Expect`, `Upgrade` or HEAD, and none is sent before the reply to the one before is whole. What a reply
may look like then is RFC 9112, sections 4 to 7; whatever else comes is Garbled, and its connection is not used again.
"""

import re
from collections.abc import Generator, Sequence
from typing import Final, NamedTuple, TypeAlias, TypeVar
from urllib.parse import urlencode

from headrace._steps import Reply, Request

_HEAD_BYTES: Final = 64 * 1024  # of a reply's head: many times what any server or proxy writes
_STATUS_LINE: Final = re.compile(r"HTTP/1\.([01]) ([1-9][0-9][0-9])(?: .*)?")
_CHUNK_SIZE: Final = re.compile(rb"([0-9a-fA-F]{1,16})[ \t]*(?:;.*)?")
_SHOWN_CHARS: Final = 40

T = TypeVar("T")
Reading: TypeAlias = Generator[None, bytes, T]  # is sent what the connection brings, b"" at its end


class Garbled(Exception):
    """What came is no reply of HTTP/1.1, or not a whole one."""


def write_request(request: Request, base: str, common: Sequence[str]) -> bytes:
    """Return a request as bytes; `base` goes before its path, `common` are header lines that every request has.

    Raises ValueError for a header that is more than its line; the text does not show it, for it may be a secret.
    """
    query = "?" + urlencode(request.params) if request.params else ""
    lines = [f"{request.method} {base}{request.path}{query} HTTP/1.1", *common]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    content = request.content or b""
    if content or request.method not in ("GET", "DELETE"):
        lines.append(f"Content-Length: {len(content)}")
    head = "".join(lines)
    if not (head.isascii() and head.isprintable()):  # a line break would begin a header of its own
        raise ValueError("a header of this request holds characters that no header can carry")
    return "\r\n".join([*lines, "", ""]).encode("ascii") + content


class Head(NamedTuple):
    """What stands before the body."""

    status: int
    headers: dict[str, str]  # by name in lower case
    keeps: bool  # the connection stays open


class ReplyReader:
    """The reply to one request, made of the bytes of its connection as they come."""

    def __init__(self) -> None:
        self.reusable = False  # once the reply is whole: whether the connection can carry another request
        self._buffer = bytearray()
        self._reading = self._read()
        next(self._reading)

    def feed(self, data: bytes) -> Reply | None:
        """Return the reply once it is whole; b"" says that the connection has ended. Raises Garbled."""
        try:
            self._reading.send(data)
        except StopIteration as stop:
            reply: Reply = stop.value
            return reply
        return None

    def _read(self) -> Reading[Reply]:
        status, headers, keeps = yield from self._head()
        while status < 200:  # an interim word, which may come unasked: the reply is still to come
            status, headers, keeps = yield from self._head()
        has_end = status in (204, 304) or "content-length" in headers or "transfer-encoding" in headers
        content = (yield from self._content(status, headers)) if has_end else (yield from self._rest())
        self.reusable = keeps and has_end and not self._buffer  # more than was asked for: who knows what it answers
        return Reply(status=status, headers=headers, content=content)

    def _head(self) -> Reading[Head]:
        return _head((yield from self._until(b"\r\n\r\n")).decode("latin-1"))

    def _content(self, status: int, headers: dict[str, str]) -> Reading[bytes]:
        if status in (204, 304):
            return b""
        coding = headers.get("transfer-encoding")
        if coding is not None:
            if coding.lower() != "chunked":
                raise Garbled(f"a transfer coding that nobody asked for: {coding[:_SHOWN_CHARS]}")
            return (yield from self._chunks())
        length = headers["content-length"]
        if not (length.isascii() and length.isdecimal()):
            raise Garbled(f"a length that is none: {length[:_SHOWN_CHARS]!r}")
        return (yield from self._exactly(int(length)))

    def _chunks(self) -> Reading[bytes]:
        content = bytearray()
        while size := _chunk_size((yield from self._until(b"\r\n"))):
            content += yield from self._exactly(size)
            if (yield from self._exactly(2)) != b"\r\n":
                raise Garbled("a chunk that is longer than it says")
        while (yield from self._until(b"\r\n")):
            pass  # trailer fields: nobody uses them
        return bytes(content)

    def _until(self, mark: bytes) -> Reading[bytes]:
        while (end := self._buffer.find(mark)) < 0:
            if len(self._buffer) > _HEAD_BYTES:
                raise Garbled("a head without an end")
            yield from self._more()
        found = bytes(self._buffer[:end])
        del self._buffer[: end + len(mark)]
        return found

    def _exactly(self, size: int) -> Reading[bytes]:
        while len(self._buffer) < size:
            yield from self._more()
        found = bytes(self._buffer[:size])
        del self._buffer[:size]
        return found

    def _rest(self) -> Reading[bytes]:
        """Return everything until the connection ends: the way of HTTP/1.0 to say where a body does."""
        while data := (yield):
            self._buffer += data
        return bytes(self._buffer)

    def _more(self) -> Reading[None]:
        data = yield
        if not data:
            raise Garbled("it was closed " + ("within the answer" if self._buffer else "without an answer"))
        self._buffer += data


def _head(head: str) -> Head:
    first, *lines = head.split("\r\n")
    found = _STATUS_LINE.fullmatch(first)
    if found is None or found[2] == "101":
        raise Garbled(f"no answer of HTTP/1.1: {first[:_SHOWN_CHARS]!r}")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name.strip() != name:
            raise Garbled(f"no header: {line[:_SHOWN_CHARS]!r}")
        name, value = name.lower(), value.strip(" \t")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    keeps = found[1] == "1" and "close" not in headers.get("connection", "").lower()
    return Head(int(found[2]), headers, keeps)


def _chunk_size(line: bytes) -> int:
    found = _CHUNK_SIZE.fullmatch(line)
    if found is None:
        raise Garbled(f"a chunk without a size: {line[:_SHOWN_CHARS]!r}")
    return int(found[1], 16)
