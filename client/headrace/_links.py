"""The ways of blocking code to one server: plain sockets where nothing stands between, else httpx.

A call over a plain socket costs a fifth of what httpx takes for it (docs/adr/0063). Neither way repeats anything.
"""

import select
import socket
from typing import TYPE_CHECKING, Final, Protocol

from headrace._http1 import Garbled, ReplyReader, write_request
from headrace._pool import Pool
from headrace._steps import Outcome, Reply, Request
from headrace._transport import Endpoint, connect_s, cut, slow, unsent

if TYPE_CHECKING:
    import httpx

_READ_BYTES: Final = 64 * 1024


class Link(Protocol):
    """A way to one server; may be used from any thread."""

    def ask(self, request: Request, timeout_s: float) -> Outcome:
        """Send a request once and return what came of it."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


def link_to(server: Endpoint, transport: "httpx.BaseTransport | None") -> Link:
    """Return the way to a server; `transport`: of httpx, where its owner wants one."""
    if transport is None and server.is_plain:
        return PlainLink(server)
    from headrace._httpx_links import HttpxLink

    return HttpxLink(server, transport)


class PlainLink:
    """The way over plain sockets."""

    def __init__(self, server: Endpoint) -> None:
        self._server = server
        self._place = server.place()
        self._pool: Pool[_Connection] = Pool()

    @property
    def url(self) -> str:
        """The server's address."""
        return self._server.url

    def ask(self, request: Request, timeout_s: float) -> Outcome:
        """Send a request once and return what came of it. Raises ValueError for a header that is none."""
        data = write_request(request, self._place.base, self._place.headers)
        try:
            connection = self._pool.take() or _Connection(self._place.host, self._place.port, connect_s(timeout_s))
        except (OSError, UnicodeError) as error:  # UnicodeError: of a name that no resolver can be asked for
            return unsent(self._server, error)
        try:
            return connection.ask(data, timeout_s)
        except TimeoutError as error:
            return slow(self._server, request, error)
        except (OSError, Garbled) as error:
            return cut(self._server, request, error)
        finally:
            self._pool.give(connection)

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()


class _Connection:
    """A socket that carries one request after the other. Everything may raise OSError."""

    def __init__(self, host: str, port: int, timeout_s: float) -> None:
        self._socket = socket.create_connection((host, port), timeout_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.is_whole = False

    def ask(self, data: bytes, timeout_s: float) -> Reply:
        """Return the reply to a request. Raises Garbled, and TimeoutError where for that long nothing moves."""
        self.is_whole = False
        if self._socket.gettimeout() != timeout_s:  # a call of the system, and mostly nothing new
            self._socket.settimeout(timeout_s)
        self._send(memoryview(data))
        reader = ReplyReader()
        while (reply := reader.feed(self._socket.recv(_READ_BYTES))) is None:
            pass
        self.is_whole = reader.reusable
        return reply

    @property
    def is_usable(self) -> bool:
        """Whether it can carry another request: what can be read now is its end, or nothing that was asked for."""
        return self.is_whole and not is_readable(self._socket.fileno())

    def close(self) -> None:
        """End it."""
        self._socket.close()

    def _send(self, left: memoryview) -> None:
        try:
            while left:
                left = left[self._socket.send(left) :]
        except ConnectionError:
            pass  # a server may refuse before it has read all, and close: its answer is still to be read


def is_readable(descriptor: int) -> bool:
    """Return whether something can be read from a socket now, be it its end."""
    if not hasattr(select, "poll"):  # Windows, whose select knows no highest number
        return bool(select.select([descriptor], [], [], 0)[0])
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
