"""The ways of awaiting code to one server, as `_links` has them for blocking code."""

import asyncio
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from headrace._http1 import Garbled, ReplyReader, write_request
from headrace._links import is_readable
from headrace._pool import Pool
from headrace._steps import Outcome, Reply, Request
from headrace._transport import Endpoint, connect_s, cut, slow, unsent

if TYPE_CHECKING:
    import httpx

_EYEBALLS_S: Final = 0.25  # after that the next address of a name is tried beside the one before (RFC 8305)


class AsyncLink(Protocol):
    """A way to one server, of one event loop."""

    async def ask(self, request: Request, timeout_s: float) -> Outcome:
        """Send a request once and return what came of it; cancelled, it closes the connection."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


def link_to(server: Endpoint, transport: "httpx.AsyncBaseTransport | None") -> AsyncLink:
    """Return the way to a server; `transport`: of httpx, where its owner wants one."""
    if transport is None and server.is_plain:
        return AsyncPlainLink(server)
    from headrace._httpx_links import AsyncHttpxLink

    return AsyncHttpxLink(server, transport)


class AsyncPlainLink:
    """The way over plain sockets."""

    def __init__(self, server: Endpoint) -> None:
        self._server = server
        self._place = server.place()
        self._pool: Pool[_Connection] = Pool()
        self._busy: set[_Connection] = set()

    @property
    def url(self) -> str:
        """The server's address."""
        return self._server.url

    async def ask(self, request: Request, timeout_s: float) -> Outcome:
        """Send a request once and return what came of it; cancelled, it closes the connection.

        Raises ValueError for a header that is none.
        """
        data = write_request(request, self._place.base, self._place.headers)
        try:
            connection = self._pool.take() or await _connect(self._place.host, self._place.port, connect_s(timeout_s))
        except (OSError, UnicodeError) as error:  # UnicodeError: of a name that no resolver can be asked for
            return unsent(self._server, error)
        self._busy.add(connection)
        try:
            return await connection.ask(data, timeout_s)
        except TimeoutError as error:
            return slow(self._server, request, error)
        except (OSError, Garbled) as error:
            return cut(self._server, request, error)
        finally:
            self._busy.discard(connection)
            self._pool.give(connection)

    async def close(self) -> None:
        """Close the connections, also those on which a reply is waited for: it was cut, then."""
        idle, busy = self._pool.close(), list(self._busy)
        for connection in busy:
            connection.close()
        for connection in idle + busy:
            await connection.gone.wait()


async def _connect(host: str, port: int, timeout_s: float) -> "_Connection":
    loop = asyncio.get_running_loop()
    # Names only: asyncio forgets a socket whose race is cancelled at its end. uvloop takes the addresses of a name one
    # after the other, and does not know the word.
    races = isinstance(loop, asyncio.BaseEventLoop) and not _is_address(host)
    wish: dict[str, Any] = {"happy_eyeballs_delay": _EYEBALLS_S} if races else {}
    async with asyncio.timeout(timeout_s):
        _, connection = await loop.create_connection(_Connection, host, port, **wish)
    return connection


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


class _Connection(asyncio.Protocol):
    """A connection that carries one request after the other; the loop has set TCP_NODELAY."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()
        self._transport: asyncio.Transport
        self._timer: asyncio.TimerHandle
        self._answer: asyncio.Future[Reply] | None = None  # of the request that is on its way
        self._reader = ReplyReader()
        self._received = 0  # bytes, of all replies

    async def ask(self, data: bytes, timeout_s: float) -> Reply:
        """Return the reply to a request.

        Raises Garbled, another OSError where the connection breaks, and TimeoutError where for that long nothing moves.
        """
        self._reader = ReplyReader()
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(data)
        self._watch(timeout_s)
        try:
            return await self._answer
        finally:
            self._answer = None
            self._timer.cancel()

    @property
    def is_whole(self) -> bool:
        """Whether it can carry another request, as far as the loop has seen."""
        return self._reader.reusable and not self._transport.is_closing()

    @property
    def is_usable(self) -> bool:
        """Whether it can carry another request now; the loop may have been too busy to see that it has ended."""
        return self.is_whole and not is_readable(self._transport.get_extra_info("socket").fileno())

    def close(self) -> None:
        """End it, with whatever is on its way."""
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one without saying so

    def data_received(self, data: bytes) -> None:
        """Read on; what nobody has asked for ends the connection."""
        self._received += len(data)
        if self._answer is None:
            self.close()
        else:
            self._feed(self._answer, data)

    def eof_received(self) -> None:
        """Take the end for what it says about the reply; then the loop closes."""
        if self._answer is not None:
            self._feed(self._answer, b"")

    def connection_lost(self, error: Exception | None) -> None:
        """Tell whoever waits."""
        self.gone.set()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionError("it was closed"))

    def _feed(self, answer: "asyncio.Future[Reply]", data: bytes) -> None:
        if answer.done():  # it had failed, or nobody waits any more
            return
        try:
            reply = self._reader.feed(data)
        except Garbled as error:
            answer.set_exception(error)
        else:
            if reply is not None:
                answer.set_result(reply)

    def _watch(self, timeout_s: float, seen: tuple[int, int] | None = None) -> None:
        """Look again and again whether something has moved, either way; give up where nothing has."""
        moved = self._received, self._transport.get_write_buffer_size()
        if moved != seen:
            self._timer = asyncio.get_running_loop().call_later(timeout_s, self._watch, timeout_s, moved)
        elif self._answer is not None and not self._answer.done():
            self._answer.set_exception(TimeoutError())
