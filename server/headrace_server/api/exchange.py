"""One request and the way back for its reply, as ASGI has them; it must not know what is asked for."""

import re
from collections.abc import Sequence
from typing import Any, Final

from starlette.types import Message, Receive, Scope, Send

from headrace_server.api.request_ids import RequestIds
from headrace_server.telemetry.meters import NO_ROUTE

Headers = list[tuple[bytes, bytes]]
ID_HEADER: Final = b"x-request-id"
IS_CLOSING: Final = "headrace.is_closing"  # in a scope: what knows of the end of the connection before any listener
WHOLE_REPLY: Final = "headrace.reply"  # an extension of ASGI: one message with the start of a reply and all its body
EXTENSIONS: Final[dict[str, dict[object, object]]] = {WHOLE_REPLY: {}}
_TRACE_ID: Final = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-")  # of a traceparent


class Exchange:
    """What there is of a request before it is known what it wants, and the way back."""

    route = NO_ROUTE  # the path with its parameters as names, once it is known
    status = 0  # of the reply, once that has begun
    extra: Sequence[tuple[bytes, bytes]] = ()  # headers of any reply to it

    def __init__(self, scope: Scope, receive: Receive, send: Send, ids: RequestIds) -> None:
        self.scope = scope
        self.receive = receive
        self._send = send
        self.path: str = scope["path"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.id = ids.passed_on(self.headers.get(ID_HEADER)) or ids.new()

    @property
    def quoted_path(self) -> str:
        """The path as it came, percent-encoded."""
        path: bytes = self.scope["raw_path"]
        return path.decode("latin-1")

    @property
    def started(self) -> bool:
        """Whether the head of the reply has gone out."""
        return self.status > 0

    @property
    def is_preflight(self) -> bool:
        """A browser asking whether a page may call at all."""
        return self.scope["method"] == "OPTIONS" and b"access-control-request-method" in self.headers

    def facts(self) -> dict[str, str]:
        """What a line of the log says about a request; of its headers two ids, nothing of its query and body."""
        facts = {"method": self.scope["method"], "path": self.path, "request_id": self.id}
        trace = _TRACE_ID.match(self.headers.get(b"traceparent", b""))
        return {**facts, "trace": trace[1].decode()} if trace else facts

    async def send_reply(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole reply."""
        message = self._head(status, headers, len(body))
        if WHOLE_REPLY in self.scope.get("extensions", ()):
            message["type"] = WHOLE_REPLY
            message["body"] = body
            await self._send(message)
            return
        await self._send(message)
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def start(self, status: int, headers: Headers, length: int | None) -> None:
        """Send the head of a reply; a stream has no length."""
        await self._send(self._head(status, headers, length))

    def _head(self, status: int, headers: Headers, length: int | None) -> dict[str, Any]:
        self.status = status
        sent = [*headers, (ID_HEADER, self.id.encode()), *self.extra]
        if length is not None and status not in (204, 304):  # neither has a length (RFC 9110, 8.6)
            sent.append((b"content-length", b"%d" % length))
        return {"type": "http.response.start", "status": status, "headers": sent}

    async def send_body(self, body: bytes, *, more: bool) -> None:
        """Send a part of the body."""
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def send_with_id(self, message: Message) -> None:
        """Pass on what another ASGI application sends."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], (ID_HEADER, self.id.encode("latin-1")), *self.extra]
        await self._send(message)
