"""One request of a connection and its reply as bytes: uvicorn's, but head and body of a reply go out in one write.

It must not know routes, nor the bounds of a connection. A write to a socket is the dearest part of a short reply, so a
head that says how long its body is waits for it; the head of a stream, whose first part may take long, does not.
"""

import secrets
from typing import Any, Final

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from headrace_server.api.call import ID_HEADER
from headrace_server.api.problems import PROBLEM_JSON, Problem

_CONTROLS: Final = bytes(set(range(0x20)) - {0x09}) + b"\x7f"  # what no header may have (RFC 9110, 5.5)
_LINE_END: Final = 2  # characters


class Cycle(RequestResponseCycle):
    """A request, and how its reply is sent; the messages are those of ASGI."""

    _head = b""  # of a reply, as long as it has not been written

    async def send(self, message: Any) -> None:
        """Send a part of the reply: its start, then its body. Returns once the connection takes more."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if not self.response_started:
            self._start(message["status"], message["headers"])
        elif not self.response_complete:
            self._continue(message.get("body", b""), more=message.get("more_body", False))
        else:
            raise RuntimeError("the reply has ended")

    def _start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.response_started = True
        self.waiting_for_100_continue = False
        given = (*self.default_headers, *headers)
        lines = [STATUS_LINE[status], *[b"%b: %b\r\n" % (name, value) for name, value in given]]
        for name, value in headers:
            if name == b"content-length":
                self.expected_content_length = int(value)
                self.chunked_encoding = False
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        if self.chunked_encoding is None and self.scope["method"] != "HEAD" and status not in (204, 304):
            self.chunked_encoding = True
            lines.append(b"transfer-encoding: chunked\r\n")
        head = b"".join(lines)
        if len(head) - len(head.translate(None, _CONTROLS)) != _LINE_END * len(lines):
            raise RuntimeError("a header has control characters: what follows them could pass for a header, or a reply")
        self._head = head + b"\r\n"
        if self.chunked_encoding:
            self._write()

    def _continue(self, body: bytes, *, more: bool) -> None:
        if self.scope["method"] == "HEAD":
            self.expected_content_length = 0
            self._write()
        elif self.chunked_encoding:
            self._write(*([b"%x\r\n" % len(body), body, b"\r\n"] if body else []), *([] if more else [b"0\r\n\r\n"]))
        else:
            self.expected_content_length -= len(body)
            if self.expected_content_length < 0 or (not more and self.expected_content_length):
                raise RuntimeError("a reply is not as long as it says")
            self._write(body)
        if not more:
            self._end()

    def _end(self) -> None:
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()

    def _write(self, *parts: bytes) -> None:
        """Write what there is in one go."""
        head, self._head = self._head, b""
        written = [part for part in (head, *parts) if part]
        if written:
            self.transport.writelines(written)


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
