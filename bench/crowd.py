"""Many connections that send one request again and again, each when it has its answer: what rate a server reaches.

The load shares a machine with what it measures, so it is made of little: blocking sockets, epoll, and the bytes of one
request. It must not know what is asked for. Linux only.
"""

import select
import socket
import time
from types import TracebackType
from typing import Self

ANSWER_S = 30.0
CHUNK = 64 * 1024
DONE = b"HTTP/1.1 2"
END_OF_HEAD = b"\r\n\r\n"
LENGTH = b"ontent-length: "  # of an application that names its headers as it likes


class Refused(Exception):
    """A server answered with an error, or not at all."""


def post(path: str, body: bytes) -> bytes:
    """Return the bytes of a request with a body of JSON."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def whole(answer: bytes) -> bool:
    """Return whether all of an answer is there; raises Refused unless it is one of 2xx with a length."""
    end = answer.find(END_OF_HEAD)
    if end < 0:
        return False
    at = answer.find(LENGTH, 0, end)
    if at < 0 or not answer.startswith(DONE):
        raise Refused(answer[:500].decode(errors="replace"))
    return len(answer) >= end + len(END_OF_HEAD) + int(answer[at + len(LENGTH) : answer.find(b"\r", at)])


class Crowd:
    """Some connections to one port of this machine; use it as a context manager."""

    def __init__(self, port: int, connections: int) -> None:
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        for _ in range(connections):
            each = socket.create_connection(("127.0.0.1", port), ANSWER_S)
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets[each.fileno()] = each
            each.settimeout(None)  # epoll waits: a timeout would be a system call more, before each of its own
            self._poll.register(each, select.EPOLLIN)

    def ask(self, request: bytes, times: int) -> float:
        """Send a request so many times, at least once on each connection; return answers a second, or raise Refused."""
        times = missing = max(times, len(self._sockets))
        unsent = times - len(self._sockets)
        parts: dict[int, bytes] = {}  # of answers whose end is still to come
        begun = time.perf_counter()
        for each in self._sockets.values():
            each.sendall(request)  # what is small, and follows an answer, fits into a socket's buffer
        while missing:
            for number in self._readable():
                answer = parts.pop(number, b"") + self._read(number)
                if not whole(answer):
                    parts[number] = answer
                    continue
                missing -= 1
                if unsent:
                    unsent -= 1
                    self._sockets[number].sendall(request)
        return times / (time.perf_counter() - begun)

    def _readable(self) -> list[int]:
        ready = self._poll.poll(ANSWER_S)
        if not ready:
            raise Refused(f"no answer within {ANSWER_S:.0f} s")
        return [number for number, _ in ready]

    def _read(self, number: int) -> bytes:
        data = self._sockets[number].recv(CHUNK)
        if not data:
            raise Refused("a connection was closed")
        return data

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in self._sockets.values():
            each.close()
        self._poll.close()
