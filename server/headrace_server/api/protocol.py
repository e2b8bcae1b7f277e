"""One HTTP connection: uvicorn's httptools protocol with the bounds that it lacks, and problem documents for what never
becomes a request. It must not know routes.

- Request line and headers have a cap (431); the parser alone would take 20 MB of them.
- A whole request must arrive within a deadline (408 and the connection closes), so slow clients cannot hold it.
- A connection that breaks is told to the request that is running, also when others are queued behind it.
"""

import asyncio
from typing import Any, ClassVar, Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from headrace_server.api.cycle import Cycle, refusal, target
from headrace_server.api.exchange import EXTENSIONS, IS_CLOSING
from headrace_server.api.problems import Problem

HEADER_OVERHEAD: Final = 4  # colon, space and line end of each header
LINGER_S: Final = 1.0  # how long what a refused client still sends is thrown away
_ASGI: Final = {"version": "3.0", "spec_version": "2.3"}


class Protocol(HttpToolsProtocol):
    """A connection; subclasses made by `protocol_class` carry the bounds."""

    max_header_bytes: ClassVar[int]
    receive_timeout_s: ClassVar[float]
    cycle: Any  # that of the request which is being read, or was read last

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline: asyncio.TimerHandle | None = None
        self._receiving = True  # a request, or the first one is awaited
        self._in_head = True
        self._piece_bytes = 0  # data that arrived together, and is being read
        self._idle: asyncio.TimerHandle | None = None  # looks whether the connection has rested for too long
        self._idle_since = 0.0  # on the event loop's clock; 0: there is a request
        self._head_bytes = 0  # data that arrived while the head was read, not what came behind another request
        self._refused = False
        self._last = False  # no request after the one that is being read
        self._running: Cycle | None = None  # the one whose reply is due

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock: a connection that stays silent is closed, too."""
        super().connection_made(transport)
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the request that is running, which is not the last one read when the client pipelines."""
        self.connections.discard(self)
        self._disarm()
        if self._idle is not None:
            self._idle.cancel()
        for cycle in (self._running, self.cycle):
            if cycle is not None:
                cycle.hang_up()
        self.flow.resume_writing()
        if exc is None:
            self.transport.close()
        self.parser = None  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Feed the parser; most requests arrive in one piece and never need a timer."""
        if not self._refused:
            self._feed(data)

    def _feed(self, data: bytes) -> None:
        self._idle_since = 0.0
        self._piece_bytes = len(data)
        if self._in_head:
            self._head_bytes += self._piece_bytes
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._stay_in_http1(data[offer.args[0] :])
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")
        if self._refused:
            return
        if self._in_head and self._head_bytes > self.max_header_bytes:
            self._refuse(Problem("headers_too_large", self._cap_text()))
        elif self._receiving and self._deadline is None:
            self._arm()

    def on_message_begin(self) -> None:
        """Note that a request has begun."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._receiving = self._in_head = True
        self._head_bytes = max(self._head_bytes, 1)

    def on_headers_complete(self) -> None:
        """Start serving, unless the head is too large."""
        if self._refused or self._head_is_too_large():
            return
        before = self.cycle
        self.cycle = self._new_cycle()  # of a target without a path: an error, of the parser's
        self._in_head = False
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def _new_cycle(self) -> Cycle:
        version = self.parser.get_http_version()
        return Cycle(
            self._scope(version),
            self.transport,
            self.flow,
            self.server_state.default_headers,
            self.on_response_complete,
            keep_alive=version != "1.0" and self.parser.should_keep_alive() and not self._last,
            wants_100=self.expect_100_continue,
        )

    def _scope(self, http_version: str) -> Any:
        path, raw_path, query = target(self.url)
        return {
            "type": "http",
            "asgi": _ASGI,
            "http_version": http_version,
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "method": self.parser.get_method().decode("ascii"),
            "root_path": "",
            "path": path,
            "raw_path": raw_path,
            "query_string": query,
            "headers": self.headers,
            "extensions": EXTENSIONS,
            IS_CLOSING: self.transport.is_closing,
        }

    def on_body(self, body: bytes) -> None:
        """Hand on a part of the body, unless its request was refused."""
        if not self._refused:
            self.cycle.feed(body)

    def on_message_complete(self) -> None:
        """Stop the clock."""
        if self.parser.should_upgrade() and self._framing():
            return  # the parser skips the body of a request that offers another protocol: it comes, see _stay_in_http1
        self._receiving = False
        self._head_bytes = 0
        self._in_head = True  # what follows, in the same data perhaps, is the head of the next one
        self._disarm()
        if not self._refused:
            self.cycle.end_body()

    def shutdown(self) -> None:
        """Close after the request that is running or being read; at once when there is none."""
        if self._in_head and self._head_bytes and not self._refused:
            self._last = True
        else:
            super().shutdown()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP."""
        if not self._refused:
            self._refuse(Problem("malformed_request", msg))

    def on_response_complete(self) -> None:
        """Start the request that came behind this one, or let the connection rest."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self._rest()

    def _rest(self) -> None:
        """Close the connection unless a request comes in time.

        A timer for every request would cost more than its route: one looks, when it goes off, how long there was none.
        """
        self._idle_since = self.loop.time()
        if self._idle is None:
            self._idle = self.loop.call_at(self._idle_since + self.timeout_keep_alive, self._on_rested)

    def _on_rested(self) -> None:
        self._idle = None
        if not self._idle_since:
            return
        end = self._idle_since + self.timeout_keep_alive
        if self.loop.time() < end:
            self._idle = self.loop.call_at(end, self._on_rested)
        else:
            self.transport.close()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._running = cycle
        cycle.task = self.loop.create_task(cycle.run(app, self.tasks))
        self.tasks.add(cycle.task)

    def _stay_in_http1(self, rest: bytes) -> None:
        """Go on after a request that offered another protocol (RFC 9110, 7.8), as Java's client does with h2c.

        `rest` is what came behind its head: the body, which the parser does not read once it has seen the offer.
        """
        framing = self._framing() if self._receiving else []
        self.parser = httptools.HttpRequestParser(_BodyOnly(self) if framing else self)
        if framing:
            self.parser.feed_data(b"POST / HTTP/1.1\r\n" + b"".join(framing) + b"\r\n")
        if rest:
            self._feed(rest)

    def _framing(self) -> list[bytes]:
        """Return the header lines that say how long the body is; none where there is no body."""
        names = (b"content-length", b"transfer-encoding")
        return [b"%s: %s\r\n" % (name, value) for name, value in self.headers if name in names and value != b"0"]

    def _head_is_too_large(self) -> bool:
        if self._head_bytes + self._piece_bytes <= self.max_header_bytes:
            return False  # not even all that came since it began is
        head = len(self.url) + sum(len(name) + len(value) + HEADER_OVERHEAD for name, value in self.headers)
        if head <= self.max_header_bytes:
            return False
        self._refuse(Problem("headers_too_large", self._cap_text()))
        return True

    def _cap_text(self) -> str:
        return (
            f"The request line and headers are longer than {self.max_header_bytes} bytes. Send fewer or shorter ones."
        )

    def _arm(self) -> None:
        self._deadline = self.loop.call_later(self.receive_timeout_s, self._on_deadline)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _on_deadline(self) -> None:
        self._deadline = None
        if self.flow.read_paused:  # it waits for us, not we for it
            self._arm()
        elif not self.transport.is_closing():
            seconds = f"{self.receive_timeout_s:g}"
            self._refuse(Problem("request_timeout", f"The request had not arrived after {seconds} seconds."))

    def _refuse(self, problem: Problem) -> None:
        """Close the connection, with a problem document where it has a place."""
        self._refused = True
        self._disarm()
        if not self._may_answer():
            self.transport.close()
            return
        self.transport.write(refusal(problem, self.server_state.default_headers))
        # Closing with unread data in the socket would send a reset, and the client might never see the reply.
        self.transport.write_eof()
        self.loop.call_later(LINGER_S, self.transport.close)

    def _may_answer(self) -> bool:
        """Tell whether a reply now would be the reply to the request that is being read."""
        if self._in_head:
            return self._head_bytes > 0 and (self._running is None or self._running.response_complete)
        if self._running is None or self.cycle is not self._running or self._running.response_started:
            return False
        self._running.hang_up()
        return True


class _BodyOnly:
    """Takes one body for a protocol whose own parser has read the head."""

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol
        self._done = False

    def on_body(self, body: bytes) -> None:
        """Hand on a part of the body."""
        self._protocol.on_body(body)

    def on_message_complete(self) -> None:
        """Let the protocol's own parser read what follows.

        Who offers another protocol has to wait for the answer: requests sent behind it in one go are not served.
        """
        if self._done:
            self._protocol.transport.close()
            return
        self._done = True
        self._protocol.parser = httptools.HttpRequestParser(self._protocol)
        self._protocol.on_message_complete()


def protocol_class(*, max_header_bytes: int, receive_timeout_ms: int) -> type[Protocol]:
    """Return the connection class with these bounds; uvicorn makes the objects itself."""
    bounds = {"max_header_bytes": max_header_bytes, "receive_timeout_s": receive_timeout_ms / 1000}
    return type("BoundedProtocol", (Protocol,), bounds)
