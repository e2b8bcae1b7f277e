"""HTTP for probes: GET /livez, /readyz and /metrics, on a thread of its own; it must not know what they say.

Each answer is made on the supervisor's event loop, so it sees one moment, and a loop that hangs is found out: then
/livez is red. Whoever answers a probe on the loop itself can only let the probe time out.
"""

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, NamedTuple

from headrace_worker import bounds, log


class Answer(NamedTuple):
    """What one path says."""

    status: HTTPStatus
    body: bytes
    media_type: str = "application/json"


Page = Callable[[], Answer]
_POLL_S: Final = 0.25  # how long the end of a worker may wait for this thread


def told(code: HTTPStatus, /, **facts: object) -> Answer:
    """Return an answer in JSON."""
    return Answer(code, json.dumps(facts).encode() + b"\n")


class Health:
    """The door; `open` it on the loop that makes the answers."""

    def __init__(self, pages: Mapping[str, Page]) -> None:
        self._pages = pages
        self._server: _Server | None = None

    @property
    def url(self) -> str | None:
        """Where it listens; None while it does not."""
        if self._server is None:
            return None
        host, port = str(self._server.server_address[0]), self._server.server_address[1]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def open(self, host: str, port: int) -> None:
        """Listen. Raises OSError."""
        loop = asyncio.get_running_loop()
        self._server = _Server(host, port, lambda path: self._answer(loop, path))
        serve = self._server.serve_forever
        threading.Thread(target=serve, args=(_POLL_S,), name="headrace-health", daemon=True).start()
        log.info("health", url=self.url)

    def close(self) -> None:
        """Listen no more."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    def _answer(self, loop: asyncio.AbstractEventLoop, path: str) -> Answer:
        """Return what a path says; called on the thread of the request."""
        page = self._pages.get(path)
        if page is None:
            return told(HTTPStatus.NOT_FOUND, status="not found", paths=sorted(self._pages))
        try:
            return asyncio.run_coroutine_threadsafe(_made(page), loop).result(bounds.PULSE_S)
        except TimeoutError:
            return told(HTTPStatus.SERVICE_UNAVAILABLE, status="stuck", for_at_least_s=bounds.PULSE_S)
        except (CancelledError, RuntimeError):  # the loop has ended
            return told(HTTPStatus.SERVICE_UNAVAILABLE, status="stopped")


async def _made(page: Page) -> Answer:
    return page()


class _Server(ThreadingHTTPServer):
    """At most a few requests at a time: whoever has more is turned away at the door."""

    daemon_threads = True

    def __init__(self, host: str, port: int, answer: Callable[[str], Answer]) -> None:
        self.answer = answer
        self._seats = threading.BoundedSemaphore(bounds.PROBES)
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give the request a thread, if there is one left."""
        if self._seats.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer on the thread, and leave."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._seats.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: the other side went away."""


class _Handler(BaseHTTPRequestHandler):
    """One connection, one request."""

    server: _Server
    timeout = bounds.PROBE_S
    server_version = "headrace-worker"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer."""
        answer = self.server.answer(self.path.partition("?")[0])
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.media_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_HEAD = do_GET  # noqa: N815 - the name is the method's

    def log_message(self, *_: Any) -> None:
        """Say nothing: a probe every second is no news."""
