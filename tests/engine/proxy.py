"""A proxy between engine and store that loses what it is told to lose, and holds what it is told to hold."""

import asyncio
import contextlib
import tempfile
from pathlib import Path

from headrace_server.engine.scripts import Script


def call_of(script: Script) -> bytes:
    """Return the bytes by which a request that calls this script is known; what loads it holds others."""
    return b"FCALL\r\n$%d\r\n%s\r\n" % (len(script.function), script.function.encode())


class StoreProxy:
    """Forwards a unix socket; `lose_reply` and `lose_request` break the next connection that sends `word`."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._folder = tempfile.TemporaryDirectory(prefix="hr-proxy-")  # a socket path has room for 107 bytes only
        self._path = Path(self._folder.name) / "s"
        self._faults: list[tuple[str, bytes]] = []
        self._held: dict[bytes, asyncio.Event] = {}  # what lets a request go, by its word
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.lost = 0

    @property
    def url(self) -> str:
        """The URL to give to an engine."""
        return f"unix://{self._path}"

    def lose_reply(self, word: bytes, times: int = 1) -> None:
        """Let the next request with this word reach the store, then cut the connection instead of answering."""
        self._faults += [("reply", word)] * times

    def lose_request(self, word: bytes) -> None:
        """Cut the connection instead of forwarding the next request with this word."""
        self._faults.append(("request", word))

    def hold_request(self, word: bytes) -> asyncio.Event:
        """Forward the next request with this word, and what comes behind it, no sooner than the event is set."""
        return self._held.setdefault(word, asyncio.Event())

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_unix_server(self._serve, self._path)

    async def close(self) -> None:
        """Stop listening and break what is open."""
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._folder.cleanup()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        store_reader, store_writer = await asyncio.open_unix_connection(self._target)
        replies = asyncio.create_task(_pass_on(store_reader, writer))
        try:
            while request := await reader.read(1 << 20):
                if held := next((word for word in self._held if word in request), None):
                    await self._held.pop(held).wait()
                fault = next((fault for fault in self._faults if fault[1] in request), None)
                if fault:
                    self._faults.remove(fault)
                    self.lost += 1
                    replies.cancel()  # also those to what was sent before, if they are still on their way
                    await asyncio.wait((replies,))
                if fault and fault[0] == "request":
                    return
                store_writer.write(request)
                if fault:
                    await store_reader.read(1 << 20)
                    return
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            replies.cancel()
            await asyncio.gather(replies, return_exceptions=True)
            for end in (writer, store_writer):
                end.close()
                with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                    await end.wait_closed()
            self._tasks.discard(task)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(1 << 20):
            writer.write(data)
    writer.close()  # the store has gone
