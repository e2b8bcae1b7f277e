"""One request of a connection and its reply as bytes; head and body of a reply go out in one write.

It must not know routes, nor the bounds of a connection. A write to a socket is the dearest part of a short reply, so a
head that says how long its body is waits for it; the head of a stream, whose first part may take long, does not.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Final
from urllib.parse import unquote

import httptools
import msgspec
from starlette.types import ASGIApp, Message
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from headrace_server.api.exchange import ID_HEADER, WHOLE_REPLY
from headrace_server.api.problems import PROBLEM_JSON, Problem

# Whatever no header may have (RFC 9110, 5.5) becomes a line end, so that one look at a head finds all of it.
_CONTROLS: Final = bytes(set(range(0x20)) - {0x09}) + b"\x7f"
_AS_LINE_ENDS: Final = bytes.maketrans(_CONTROLS, b"\n" * len(_CONTROLS))
_LINE_END: Final = 2  # characters
_JOINED_BYTES: Final = 16 * 1024  # to copy a part that is not longer takes less than to write two

_log = logging.getLogger(__name__)


class Cycle:
    """A request, and how its reply is sent; the messages are those of ASGI, and WHOLE_REPLY."""

    __slots__ = (
        "_body",
        "_default_headers",
        "_expected_bytes",
        "_flow",
        "_has_news",
        "_head",
        "_is_chunked",
        "_more_body",
        "_news",
        "_on_response",
        "_transport",
        "_wants_100",
        "disconnected",
        "keep_alive",
        "response_complete",
        "response_started",
        "scope",
        "task",
    )

    def __init__(
        self,
        scope: dict[str, Any],
        transport: asyncio.Transport,
        flow: FlowControl,
        default_headers: Sequence[tuple[bytes, bytes]],
        on_response: Callable[[], None],
        *,
        keep_alive: bool,
        wants_100: bool = False,
    ) -> None:
        """Take a request of which the head has come; `on_response` is called once the reply is written."""
        self.scope = scope
        self._transport = transport
        self._flow = flow
        self._default_headers = default_headers
        self._on_response = on_response
        self.keep_alive = keep_alive
        self._wants_100 = wants_100  # to be told that it may send its body
        self.task: asyncio.Task[None] | None = None  # in which it is served
        self.disconnected = False
        self._body = b""  # what came and was not received yet
        self._more_body = True
        self._has_news = False  # for `receive`
        self._news: asyncio.Event | None = None  # most requests are here as a whole before anybody has to wait
        self.response_started = self.response_complete = False
        self._head = b""  # of the reply, as long as it has not been written
        self._is_chunked = False
        self._expected_bytes = 0  # of the reply's body

    def feed(self, body: bytes) -> None:
        """Take a part of the body that has come."""
        if self.response_complete:
            return
        self._body += body
        if len(self._body) > HIGH_WATER_LIMIT:
            self._flow.pause_reading()
        self._tell()

    def end_body(self) -> None:
        """Take in that all of the body has come."""
        self._more_body = False
        self._tell()

    def hang_up(self) -> None:
        """Take in that nobody listens any more."""
        self.disconnected = True
        self._tell()

    def _tell(self) -> None:
        self._has_news = True
        if self._news is not None:
            self._news.set()

    async def run(self, app: ASGIApp, running: set[asyncio.Task[None]]) -> None:
        """Have the request served, and leave `running`; a reply that was not finished breaks the connection off."""
        try:
            await app(self.scope, self.receive, self.send)
        except Exception:  # noqa: BLE001 - of the application itself, which answers all others
            _log.exception("fault of the application")
        finally:
            if self.task is not None:
                running.discard(self.task)
            if not self.response_complete and not self.disconnected:
                self._transport.close()

    async def receive(self) -> Message:
        """Return what has come of the body, once there is some, or that the client has gone or been answered."""
        if self._wants_100 and not self._transport.is_closing():
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._wants_100 = False
        if not self.disconnected and not self.response_complete:
            self._flow.resume_reading()
            if not self._has_news:
                self._news = self._news or asyncio.Event()
                self._news.clear()
                await self._news.wait()
            self._has_news = False
        if self.disconnected or self.response_complete:
            return {"type": "http.disconnect"}
        body, self._body = self._body, b""
        return {"type": "http.request", "body": body, "more_body": self._more_body}

    async def send(self, message: Message) -> None:
        """Send a part of the reply: its start, then its body, or all of it. Returns once the connection takes more."""
        if self._flow.write_paused and not self.disconnected:
            await self._flow.drain()
        if self.disconnected:
            return
        if self.response_complete:
            raise RuntimeError("the reply has ended")
        if self.response_started:
            self._continue(message.get("body", b""), more=message.get("more_body", False))
        elif message["type"] == WHOLE_REPLY:
            body = message["body"]
            self._start(message["status"], message["headers"], len(body))
            self._write(body if self.scope["method"] != "HEAD" else b"")
            self._end()
        else:
            length = next((value for name, value in message["headers"] if name == b"content-length"), None)
            self._start(message["status"], message["headers"], None if length is None else int(length))

    def _start(self, status: int, headers: list[tuple[bytes, bytes]], length: int | None) -> None:
        self.response_started = True
        self._wants_100 = False
        sent = [*self._default_headers, *headers]
        if length is not None:
            self._expected_bytes = length
        elif self.scope["method"] != "HEAD" and status not in (204, 304):
            self._is_chunked = True
            sent.append((b"transfer-encoding", b"chunked"))
        if not self.keep_alive:
            sent.append((b"connection", b"close"))
        head = STATUS_LINE[status] + b"%b: %b\r\n" * len(sent) % tuple(chain.from_iterable(sent))
        if head.translate(_AS_LINE_ENDS).count(b"\n") != _LINE_END * (1 + len(sent)):
            raise RuntimeError("a header has control characters: what follows them could pass for a header, or a reply")
        self._head = head + b"\r\n"
        if self._is_chunked:
            self._write(b"")

    def _continue(self, body: bytes, *, more: bool) -> None:
        if self.scope["method"] == "HEAD":
            self._expected_bytes = 0
            self._write(b"")
        elif self._is_chunked:
            part = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            self._write(part if more else part + b"0\r\n\r\n")
        else:
            self._expected_bytes -= len(body)
            if self._expected_bytes < 0 or (not more and self._expected_bytes):
                raise RuntimeError("a reply is not as long as it says")
            self._write(body)
        if not more:
            self._end()

    def _end(self) -> None:
        self.response_complete = True
        self._tell()
        if not self.keep_alive:
            self._transport.close()
        self._on_response()

    def _write(self, part: bytes) -> None:
        """Write a part of the body, and the head with it if that is still here."""
        head, self._head = self._head, b""
        if len(part) > _JOINED_BYTES and head:
            self._transport.writelines((head, part))
        elif head or part:
            self._transport.write(head + part)


def refusal(problem: Problem, default_headers: list[tuple[bytes, bytes]]) -> bytes:
    """Return the bytes of a problem that ends a connection, because of what never becomes a request."""
    request_id = secrets.token_hex(8)
    body = msgspec.json.encode(problem.document(request_id=request_id))
    headers = [
        *default_headers,
        (ID_HEADER, request_id.encode()),
        (b"content-type", PROBLEM_JSON),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    lines = [name + b": " + value + b"\r\n" for name, value in headers]
    return b"".join([STATUS_LINE[problem.status], *lines, b"\r\n", body])


@lru_cache(maxsize=1024)  # most requests go to a few paths
def target(url: bytes) -> tuple[str, bytes, bytes]:
    """Return path, path as it came, and query of a request; raises what the parser raises of one without a path."""
    parts = httptools.parse_url(url)
    path = parts.path.decode("ascii")
    return unquote(path) if "%" in path else path, parts.path, parts.query or b""
