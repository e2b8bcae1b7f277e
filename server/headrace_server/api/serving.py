"""The HTTP server of one process: uvicorn, but draining: at SIGTERM parked polls are answered, running requests finish.

It must not know what is served.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Generator
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from headrace_server.api.protocol import protocol_class

KEEP_ALIVE_S: Final = 75  # longer than the pools of clients and proxies keep theirs: they should be the ones to close
BACKLOG: Final = 2_048
LOOK_S: Final = 0.02  # between two looks whether the last request has ended
CUT_S: Final = 0.5  # of the grace: for closing connections and the store behind it


class Server(uvicorn.Server):
    """Serves until `stop`; a second `stop` cuts everything."""

    def __init__(
        self, config: uvicorn.Config, *, drain: Callable[[], None], ready: Callable[[], None], grace_ms: int
    ) -> None:
        super().__init__(config)
        self._drain = drain
        self._ready = ready
        self._grace_s = max(grace_ms / 1000 - CUT_S, CUT_S)

    def stop(self) -> None:
        """Begin to shut down; called again: at once."""
        self.force_exit = self.should_exit
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals to app.py, which has more to stop than this server."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002
        """Answer parked polls, stop accepting, let running requests finish within the grace period, cut the rest."""
        self._drain()
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        end = asyncio.get_running_loop().time() + self._grace_s
        # uvicorn tells nobody when a connection ends
        while self._busy() and not self.force_exit and asyncio.get_running_loop().time() < end:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_S)
        self._cut()
        for task in list(self.server_state.tasks):
            task.cancel()
        await asyncio.gather(*self.server_state.tasks, return_exceptions=True)

    def _busy(self) -> bool:
        return bool(self.server_state.connections or self.server_state.tasks)

    def _cut(self) -> None:
        """Break what is still open: a request without an answer is `unknown` to its client, which is the truth."""
        for connection in list(self.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()


def make_server(
    app: ASGIApp,
    *,
    drain: Callable[[], None],
    ready: Callable[[], None],
    grace_ms: int,
    max_header_bytes: int,
    receive_timeout_ms: int,
) -> Server:
    """Return a server for `app`; `ready` is called when it listens, `drain` when it begins to shut down."""
    config = uvicorn.Config(
        app,
        loop="none",  # app.py has made it
        http=protocol_class(max_header_bytes=max_header_bytes, receive_timeout_ms=receive_timeout_ms),
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        backlog=BACKLOG,
    )
    return Server(config, drain=drain, ready=ready, grace_ms=grace_ms)


def bind(host: str, port: int) -> socket.socket:
    """Return a listening-to-be socket on an address; raises OSError when it is taken or not ours."""
    family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[
        0
    ]
    bound = socket.socket(family, kind, proto)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError:
        bound.close()
        raise
    bound.set_inheritable(True)
    return bound


def url_of(bound: socket.socket) -> str:
    """Return the address of a socket as a URL."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
