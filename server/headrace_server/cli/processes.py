"""`--processes N`: one parent that holds the socket and the embedded store, N children that serve on it.

The children share the parent's listening socket: a child that ends loses no connection that was not accepted yet, as
it would with a socket of its own (SO_REUSEPORT); docs/adr/0012 has the measurement.
"""

import asyncio
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable
from typing import Final

from headrace_server import app
from headrace_server.cli.children import Child
from headrace_server.cli.refusals import Refused
from headrace_server.config import Settings

READY: Final = b"1"
GRACE_EXTRA_S: Final = 5.0  # beyond the children's own grace period: then they hang


class ChildRefused(Refused):
    """A child ended before it was ready; it has said why itself."""

    def __init__(self, exit_code: int) -> None:
        super().__init__("a server process ended before it was ready; see above")
        self.exit_code = exit_code if exit_code > 0 else os.EX_SOFTWARE


async def serve_in_children(
    settings: Settings,
    bound: socket.socket,
    *,
    ready: Callable[[], None],
    before_drain: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Run the children until a signal; the store is stopped after the last one.

    Raises ChildRefused when one cannot start, StoreRefused when the store cannot be used.
    """
    stopping = app.Stopping(before_drain)
    async with app.open_store(settings) as store:  # refused here once, not by every child
        with tempfile.TemporaryFile() as numbers:
            children = Children(settings, bound, numbers.fileno())
            if store.watch is not None:
                store.watch.add_done_callback(lambda _: children.ask_to_stop())
            try:
                await children.start()
                stopping.stop = children.ask_to_stop
                ready()
                await children.keep()
            finally:
                await children.stop()
        if store.watch is not None and store.watch.done():
            store.watch.result()  # nobody supervises the store any more: that is a fault, whatever it was


class Children:
    """The server processes."""

    def __init__(self, settings: Settings, bound: socket.socket, numbers: int) -> None:
        """Take the socket, and the file of their metrics: mapped by all, so that whoever is asked tells the sum."""
        self._grace_s = settings.grace_ms / 1000 + GRACE_EXTRA_S
        self._ready, self._tell = os.pipe()
        fds = (bound.fileno(), self._tell, numbers)
        argv = [sys.executable, "-m", "headrace_server.cli.child", *map(str, fds)]
        # everything a child needs is in its environment: secrets never stand in a command line
        env = {**os.environ, **settings.environ()}
        rows = range(settings.processes)
        self._all = [Child(f"server {n + 1}", [*argv, str(n)], env, pass_fds=fds) for n in rows]
        self._asked = asyncio.Event()

    async def start(self) -> None:
        """Start all of them and wait until each has said that it serves."""
        for child in self._all:
            await child.start()
        ended = [asyncio.ensure_future(child.wait()) for child in self._all]
        said = asyncio.ensure_future(self._all_ready())
        try:
            done, _ = await asyncio.wait((said, *ended), return_when=asyncio.FIRST_COMPLETED)
            for first in ended:
                if first in done:
                    raise ChildRefused(first.result())
        finally:
            for task in (said, *ended):
                task.cancel()

    async def _all_ready(self) -> None:
        """Read one byte from each child; they share the pipe."""
        loop = asyncio.get_running_loop()
        said = 0
        while said < len(self._all):
            readable = asyncio.Event()
            loop.add_reader(self._ready, readable.set)
            try:
                await readable.wait()
            finally:
                loop.remove_reader(self._ready)
            said += len(os.read(self._ready, len(self._all)))

    async def keep(self) -> None:
        """Restart children that end, until `ask_to_stop`; then wait for all of them."""
        kept = [asyncio.ensure_future(child.keep()) for child in self._all]
        await self._asked.wait()
        await self.stop()
        await asyncio.gather(*kept)

    def ask_to_stop(self) -> None:
        """Drain all children; called again: they cut what is still running."""
        if self._asked.is_set():
            for child in self._all:
                child.signal(signal.SIGTERM)
        self._asked.set()

    async def stop(self) -> None:
        """End all children."""
        await asyncio.gather(*(child.stop(grace_s=self._grace_s) for child in self._all))
