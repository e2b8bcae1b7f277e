"""HTTP by hand: bytes into a socket, and whatever comes back; for requests that no client would send."""

import http.client
import socket
from dataclasses import dataclass

from tests.support.contract import Exchange

REPLY_S = 10.0


@dataclass(frozen=True)
class RawReply:
    """What a server answered."""

    status: int
    headers: dict[str, str]
    content: bytes

    def exchange(self, method: str, path: str) -> Exchange:
        """Return it as the reply to a request, for the contract to judge."""
        return Exchange(method, path, self.status, self.headers, self.content)


def speak(port: int, data: bytes, *, then_close: bool = False, timeout_s: float = REPLY_S) -> RawReply | None:
    """Send bytes on a connection of their own; return the first reply, None when the server just closes.

    `then_close`: nothing more will come (half-close). TimeoutError when nothing happens at all: that is a fault.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=timeout_s) as connection:
        try:
            connection.sendall(data)
            if then_close:
                connection.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it refused early; its answer may still be there
        return read(connection)


def read(connection: socket.socket) -> RawReply | None:
    """Return the next reply; None when the server closes instead."""
    response = http.client.HTTPResponse(connection)
    try:
        response.begin()
        content = response.read()
    except (http.client.RemoteDisconnected, ConnectionResetError):
        return None
    return RawReply(response.status, {name.lower(): value for name, value in response.getheaders()}, content)


def head(method: str, path: str, *lines: str) -> bytes:
    """Return request line and headers, Host included."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *lines, "", ""]).encode("latin-1")
