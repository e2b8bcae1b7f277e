"""A small TCP proxy that does to HTTP/1.1 what networks do: it cuts, delays and swallows, request by request.

    with Proxy(server.port) as proxy:
        proxy.faults = [Fault.CUT_REPLY]          # for the next requests, in their order; then all pass
        client = Client(proxy.url)

It runs in a thread of its own, so that tests may block. It does not parse HTTP: bytes from the client begin a request
when the reply to the one before has begun, which holds for every client that does not pipeline.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Any, Self

CHUNK = 64 * 1024
START_S = 5.0


class Fault(Enum):
    """What happens to one request."""

    PASS = "pass"
    CUT_REQUEST = "cut_request"  # the connection closes before the server sees a byte
    CUT_REPLY = "cut_reply"  # the server does the work, and its reply is thrown away with the connection
    CUT_MIDWAY = "cut_midway"  # the client gets the first bytes of the reply and then nothing
    SWALLOW = "swallow"  # the server does the work, and the connection stays open without an answer


@dataclass(frozen=True)
class Delay:
    """The reply comes this much later."""

    seconds: float


What = Fault | Delay


class Proxy:
    """A proxy in front of `127.0.0.1:port`, on a free port of its own; use it as a context manager."""

    def __init__(self, port: int, *, faults: Iterable[What] = ()) -> None:
        self.faults: list[What] = list(faults)
        self.plan: Callable[[int], What] | None = None  # instead of `faults`: the number of the request -> its fault
        self.requests = 0  # seen so far
        self._target = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._listen())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_S)
        self._loop.close()

    def refuse(self) -> None:
        """Stop listening: new connections are refused, open ones are cut."""
        self._call(self._close())

    def accept(self) -> None:
        """Listen again, on the same port."""
        self._call(self._listen())

    def _call(self, coroutine: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(START_S)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, client_in: asyncio.StreamReader, client_out: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            server_in, server_out = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            client_out.transport.abort()
            return
        connection = _Connection(self, client_in, client_out, server_in, server_out)
        try:
            await connection.run()
        except asyncio.CancelledError:
            return  # the proxy closes: asyncio's stream server would report a cancelled handler as an error
        finally:
            client_out.transport.abort()
            server_out.transport.abort()

    def fault_of_next(self) -> What:
        """Return what happens to the request that begins now."""
        self.requests += 1
        if self.plan is not None:
            return self.plan(self.requests)
        return self.faults.pop(0) if self.faults else Fault.PASS


@dataclass
class _Connection:
    """One client connection and the server connection behind it."""

    proxy: Proxy
    client_in: asyncio.StreamReader
    client_out: asyncio.StreamWriter
    server_in: asyncio.StreamReader
    server_out: asyncio.StreamWriter
    fault: What = Fault.PASS
    replying: bool = True  # the next bytes of the client begin a request

    async def run(self) -> None:
        """Carry bytes both ways until either side, or a fault, ends it."""
        ways = {asyncio.create_task(self._requests()), asyncio.create_task(self._replies())}
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _requests(self) -> None:
        while chunk := await self.client_in.read(CHUNK):
            if self.replying:
                self.replying, self.fault = False, self.proxy.fault_of_next()
            if self.fault is Fault.CUT_REQUEST:
                return
            self.server_out.write(chunk)
            await self.server_out.drain()

    async def _replies(self) -> None:
        while chunk := await self.server_in.read(CHUNK):
            begins, self.replying = not self.replying, True
            if self.fault is Fault.CUT_REPLY:
                return
            if self.fault is Fault.SWALLOW:
                self.replying = False
                continue
            if begins and isinstance(self.fault, Delay):
                await asyncio.sleep(self.fault.seconds)
            if self.fault is Fault.CUT_MIDWAY:
                chunk = chunk[: len(chunk) // 2]
            self.client_out.write(chunk)
            await self.client_out.drain()
            if self.fault is Fault.CUT_MIDWAY:
                return
