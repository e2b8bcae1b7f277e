"""Bytes on a connection: for what no client library would send, or what only the connection shows."""

import json
import socket
import struct
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_S = 20.0


@dataclass
class Reply:
    """One HTTP reply as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    def problem(self) -> dict[str, Any]:
        """Return the problem document that it must be."""
        assert self.headers["content-type"] == "application/problem+json", self
        found: dict[str, Any] = json.loads(self.body)
        assert found["status"] == self.status
        return found


class Connection:
    """One TCP connection to a server."""

    def __init__(self, url: str, *, receive_buffer: int | None = None) -> None:
        """Connect; `receive_buffer` bounds what the kernel takes while nobody reads, in bytes."""
        parts = urlsplit(url)
        self.socket = socket.socket()
        self.socket.settimeout(TIMEOUT_S)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect((parts.hostname, parts.port))
        self._read = self.socket.makefile("rb")

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._read.close()
        self.socket.close()

    def reset(self) -> None:
        """Close with a reset: nothing that is under way is still delivered."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def request(self, method: str, path: str, body: Any = None, *lines: str) -> Reply:
        """Send a JSON request with more header `lines` and return the reply."""
        self.send(request(method, path, body, *lines))
        return self.reply()

    def reply(self) -> Reply:
        """Read one reply, past any 100 Continue."""
        line = self._read.readline()
        assert line.startswith(b"HTTP/1.1 "), line
        status = int(line.split()[1])
        headers: dict[str, str] = {}
        while (line := self._read.readline().rstrip(b"\r\n")) != b"":
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        if status == 100:
            return self.reply()
        return Reply(status, headers, self._read.read(int(headers.get("content-length", "0"))))

    def is_closed(self) -> bool:
        """Wait for the server to close; AssertionError when it sends something instead."""
        try:
            data = self._read.read(1)
        except ConnectionResetError:
            return True
        assert data == b"", data
        return True


def request(method: str, path: str, body: Any = None, *lines: str) -> bytes:
    """Return the bytes of a request."""
    data = b"" if body is None else json.dumps(body).encode()
    head = [f"{method} {path} HTTP/1.1", "Host: localhost", *lines]
    if body is not None:
        head += ["Content-Type: application/json", f"Content-Length: {len(data)}"]
    return "\r\n".join([*head, "", ""]).encode("latin-1") + data
