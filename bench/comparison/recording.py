"""Proxies that keep or count what passes, so that the same bytes can be sent again; they change nothing."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType
from typing import Self

CHUNK = 256 * 1024
REPLAYED = {b"FUNCTION", b"FCALL", b"CONFIG"}  # what changes the store; the rest asks, or says who asks


class Proxy(socketserver.ThreadingTCPServer):
    """Passes connections on to another port of this machine; use it as a context manager."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.target = port
        self.port: int = self.server_address[1]
        self.lock = threading.Lock()

    def sent(self, connection: int, data: bytes) -> None:
        """Take note of what a client sent."""

    def answered(self, data: bytes) -> None:
        """Take note of what it was answered."""

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
        self.server_close()


class _Connection(socketserver.BaseRequestHandler):
    server: Proxy

    def handle(self) -> None:
        with socket.create_connection(("127.0.0.1", self.server.target)) as upstream:
            threading.Thread(target=self._back, args=(upstream,), daemon=True).start()
            with suppress(OSError):
                while data := self.request.recv(CHUNK):
                    self.server.sent(id(self), data)
                    upstream.sendall(data)
            with suppress(OSError):
                upstream.shutdown(socket.SHUT_RDWR)

    def _back(self, upstream: socket.socket) -> None:
        with suppress(OSError):
            while data := upstream.recv(CHUNK):
                self.server.answered(data)
                self.request.sendall(data)
            self.request.shutdown(socket.SHUT_RDWR)


class Tape(Proxy):
    """Keeps the commands that change a store, in the order in which they came."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.commands: list[bytes] = []
        self._pending: dict[int, bytes] = {}

    def sent(self, connection: int, data: bytes) -> None:
        with self.lock:
            rest = self._pending.get(connection, b"") + data
            for command in whole_commands(rest):
                rest = rest[len(command) :]
                if _first_word(command) in REPLAYED:
                    self.commands.append(command)
            self._pending[connection] = rest


class Meter(Proxy):
    """Counts requests over HTTP and the bytes of both directions."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self._requests = self._sent = self._answered = 0

    def counts(self) -> tuple[int, int, int]:
        """Return requests, bytes sent, and bytes answered so far."""
        with self.lock:
            return self._requests, self._sent, self._answered

    def sent(self, connection: int, data: bytes) -> None:
        with self.lock:
            self._requests += data.count(b" HTTP/1.1\r\n")
            self._sent += len(data)

    def answered(self, data: bytes) -> None:
        with self.lock:
            self._answered += len(data)


def whole_commands(data: bytes) -> Iterator[bytes]:
    """Yield the complete commands at the start of a client's bytes (RESP: an array of strings with their lengths)."""
    start = 0
    while (end := _end_of_command(data, start)) is not None:
        yield data[start:end]
        start = end


def _end_of_command(data: bytes, start: int) -> int | None:
    line = data.find(b"\r\n", start)
    if line < 0:
        return None
    at = line + 2
    for _ in range(int(data[start + 1 : line])):
        line = data.find(b"\r\n", at)
        if line < 0:
            return None
        at = line + 2 + int(data[at + 1 : line]) + 2
    return at if at <= len(data) else None


def _first_word(command: bytes) -> bytes:
    return command.split(b"\r\n", 3)[2].upper()


def function_of(command: bytes) -> bytes:
    """Return the name of the function that a command calls; empty when it calls none."""
    words = command.split(b"\r\n", 5)
    return words[4] if words[2].upper() == b"FCALL" else b""
