"""The ways of blocking code to one server: plain sockets where nothing stands between, else httpx.

A call over a plain socket costs a fifth of what httpx takes for it (docs/adr/0063). Neither way repeats anything.
"""

import select
import socket
from collections.abc import Generator
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

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

    def begin(self, request: Request, timeout_s: float) -> "Begun":
        """Send a request once, and leave its reply for later."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


Asking: TypeAlias = Generator[None, None, Outcome]  # comes to a stop when the request is sent


class Begun:
    """A request that was sent, and its outcome."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._outcome: Outcome | None = None
        self._go_on()

    def outcome(self) -> Outcome:
        """Return what came of it, once that is known."""
        while self._outcome is None:
            self._go_on()
        return self._outcome

    def close(self) -> None:
        """Give up what nobody wants to know any more, and with it the connection."""
        self._asking.close()

    def _go_on(self) -> None:
        try:
            next(self._asking)
        except StopIteration as stop:
            self._outcome = stop.value


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
        return self.begin(request, timeout_s).outcome()

    def begin(self, request: Request, timeout_s: float) -> Begun:
        """Send a request once, and leave its reply for later. Raises ValueError for a header that is none."""
        return Begun(self._asking(request, timeout_s))

    def _asking(self, request: Request, timeout_s: float) -> Asking:
        data = write_request(request, self._place.base, self._place.headers)
        try:
            connection = self._pool.take() or _Connection(self._place.host, self._place.port, connect_s(timeout_s))
        except (OSError, UnicodeError) as error:  # UnicodeError: of a name that no resolver can be asked for
            return unsent(self._server, error)
        try:
            connection.send(data, timeout_s)
            yield
            return connection.receive()
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

    def send(self, data: bytes, timeout_s: float) -> None:
        """Send a request. Raises TimeoutError where for that long nothing moves, now or while its reply is read."""
        self.is_whole = False
        if self._socket.gettimeout() != timeout_s:  # a call of the system, and mostly nothing new
            self._socket.settimeout(timeout_s)
        left = memoryview(data)
        try:
            while left:
                left = left[self._socket.send(left) :]
        except ConnectionError:
            pass  # a server may refuse before it has read all, and close: its answer is still to be read

    def receive(self) -> Reply:
        """Return the reply to the request. Raises Garbled and TimeoutError."""
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


def is_readable(descriptor: int) -> bool:
    """Return whether something can be read from a socket now, be it its end."""
    if not hasattr(select, "poll"):  # Windows, whose select knows no highest number
        return bool(select.select([descriptor], [], [], 0)[0])
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
