"""The ASGI application: door, routes, errors, and the reply's bytes; it must not know what any operation does.

Plain ASGI, no middleware classes: each layer of those costs every request, and some hide that a client went away.
"""

import asyncio
import logging
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Final
from urllib.parse import quote, unquote

import msgspec
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from headrace_server.api import media, problems
from headrace_server.api.acts import is_act
from headrace_server.api.call import ID_HEADER, VARY, WHOLE_REPLY, Call, ClientGone, Headers, Reply, Services
from headrace_server.api.door import Door
from headrace_server.api.problems import Problem
from headrace_server.api.request_ids import RequestIds
from headrace_server.api.routes import Operation
from headrace_server.domain.errors import StoreFault
from headrace_server.domain.finding import CursorInvalid
from headrace_server.telemetry.meters import NO_ROUTE

HELD_BACK_FROM: Final = 64 * 1024  # bytes of a reply that fit into the connection's buffer: a longer one is sent in two
BAD_REQUEST: Final = 400
_TRACE_ID: Final = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-")  # of a traceparent

_log = logging.getLogger(__name__)


class Application:
    """Serves requests with the operations of a route table."""

    def __init__(self, services: Services, door: Door, routes: Sequence[Route]) -> None:
        self._services = services
        self._door = door
        self.routes = routes
        self._fixed: dict[str, list[Route]] = {}  # most requests go to a path without parameters: no pattern is tried
        for route in routes:
            if not route.param_convertors:
                self._fixed.setdefault(route.path, []).append(route)
        fixed = (route for found in self._fixed.values() for route in found)
        self._asked = {(route.path, method): route for route in fixed for method in route.methods or ()}
        self._ids = RequestIds()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; the server makes nothing but HTTP scopes (no lifespan, no WebSocket)."""
        request = _Request(scope, receive, send, self._ids)
        begun, meters = time.perf_counter(), self._services.engine.meters
        meters.opened()
        try:
            await self._serve(request)
        except Exception as fault:  # noqa: BLE001 - the last line of defence: whatever it is, the client gets an answer
            await self._answer_fault(request, fault)
        finally:
            meters.answered(request.route, scope["method"], request.status, time.perf_counter() - begun)
        if _log.isEnabledFor(logging.DEBUG):
            took_ms = round((time.perf_counter() - begun) * 1000, 3)
            _log.debug("request", extra={**request.facts(), "status": request.status, "took_ms": took_ms})

    async def _answer_fault(self, request: "_Request", fault: Exception) -> None:
        match fault:
            case ClientGone():
                _log.debug("client gone", extra=request.facts())
                return
            case Problem():
                problem = fault
            case CursorInvalid():
                problem = Problem("invalid_cursor", str(fault))
            case StoreFault():
                _log.warning("store fault", extra={**request.facts(), "code": fault.code.value, "detail": fault.detail})
                problem = problems.of_store(fault)
            case _:
                _log.error("fault of the server", exc_info=fault, extra=request.facts())
                problem = Problem("internal")
        await self._refuse(request, problem)

    async def _serve(self, request: "_Request") -> None:
        headers = request.headers
        request.extra = self._door.cross_origin_headers(headers)
        is_preflight = request.is_preflight
        self._door.check(request.path, headers, preflight=is_preflight)
        if is_preflight:
            await request.send_reply(204, [], b"")
            return
        route, params = self._find(request)
        request.route = route.path
        operation = route.endpoint
        if isinstance(operation, Operation):
            await self._operate(request, operation, params)
            if is_act(route) and request.status < BAD_REQUEST:
                _log.info(route.name, extra={**request.facts(), "status": request.status})
            return
        request.scope["path_params"] = params
        await route.app(request.scope, request.receive, request.send_with_id)

    async def _operate(self, request: "_Request", operation: Operation, params: dict[str, str]) -> None:
        call = Call(
            request.scope,
            request.receive,
            self._services,
            headers=request.headers,
            params=params,
            negotiates=operation.negotiates,
        )
        try:
            reply = await operation.handler(call)
            if reply.stream is not None:
                await _pass_on(request, reply, reply.stream)
            elif reply.on_lost is None:
                await request.send_reply(reply.status, *_encoded(reply, call))
            else:
                await _hand_over(request, reply, call, reply.on_lost)
        finally:
            call.close()

    def _find(self, request: "_Request") -> tuple[Route, dict[str, str]]:
        """Return the route of a request and its path parameters; raises Problem no_such_route or method_not_allowed."""
        method = request.scope["method"]
        asked = self._asked.get((request.path, method))
        if asked is not None:
            return asked, {}
        allowed: set[str] = set()
        for route in self._fixed.get(request.path) or self.routes:
            quoted = isinstance(route.endpoint, Operation) and route.endpoint.quoted
            match = route.path_regex.match(request.quoted_path if quoted else request.path)
            if match is None:
                continue
            methods = route.methods or {"GET", "HEAD"}
            if method in methods:
                params = match.groupdict()
                return route, {name: unquote(text) for name, text in params.items()} if quoted else params
            allowed |= methods
        if not allowed:
            raise Problem("no_such_route")
        raise Problem("method_not_allowed", headers=[(b"allow", ", ".join(sorted(allowed)).encode())])

    async def _refuse(self, request: "_Request", problem: Problem) -> None:
        if request.started:
            # half a reply cannot be taken back: without its end the client sees that it is broken
            return
        document = problem.document(instance=quote(request.path), request_id=request.id)
        headers: Headers = [(b"content-type", problems.PROBLEM_JSON), *problem.headers]
        if problem.retry_after_ms is not None:
            headers.append((b"retry-after", str(-(-problem.retry_after_ms // 1000)).encode()))
        await request.send_reply(problem.status, headers, msgspec.json.encode(document))


class _Request:
    """What there is of a request before it is known what it wants, and the way back."""

    __slots__ = ("_send", "extra", "headers", "id", "path", "receive", "route", "scope", "status")

    def __init__(self, scope: Scope, receive: Receive, send: Send, ids: RequestIds) -> None:
        self.scope = scope
        self.receive = receive
        self._send = send
        self.path: str = scope["path"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.id = ids.passed_on(self.headers.get(ID_HEADER)) or ids.new()
        self.extra: Headers = []
        self.route = NO_ROUTE  # the path with its parameters as names, once it is known
        self.status = 0  # of the reply, once that has begun

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
        head = self._head(status, headers, len(body))
        if WHOLE_REPLY in self.scope.get("extensions", ()):
            await self._send({**head, "type": WHOLE_REPLY, "body": body})
            return
        await self._send(head)
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def start(self, status: int, headers: Headers, length: int | None) -> None:
        """Send the head of a reply; a stream has no length."""
        await self._send(self._head(status, headers, length))

    def _head(self, status: int, headers: Headers, length: int | None) -> Message:
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


def _encoded(reply: Reply, call: Call) -> tuple[Headers, bytes]:
    if reply.raw is not None:
        return [(b"content-type", reply.media), *reply.headers], reply.raw
    if reply.document is None:
        return reply.headers, b""
    headers = [(b"content-type", media.MEDIA[call.reply_format]), VARY, *reply.headers]
    return headers, media.encode(reply.document, call.reply_format)


async def _pass_on(request: _Request, reply: Reply, stream: AsyncGenerator[bytes, None]) -> None:
    """Send the parts of a stream as they come; a slow reader holds up the next part, so nothing gathers here."""
    await request.start(reply.status, [(b"content-type", reply.media), *reply.headers], None)
    if request.scope["method"] != "HEAD":
        async with aclosing(stream):
            async for part in stream:
                await request.send_body(part, more=True)
    await request.send_body(b"", more=False)


async def _hand_over(request: _Request, reply: Reply, call: Call, on_lost: Callable[[], Awaitable[object]]) -> None:
    """Send a reply, and call `on_lost` for whatever reason it did not reach its client."""
    delivered = False
    try:
        delivered = await _delivered(request, reply.status, *_encoded(reply, call), call)
    finally:
        if not delivered:
            await on_lost()


async def _delivered(request: _Request, status: int, headers: Headers, body: bytes, call: Call) -> bool:
    """Send a reply unless its client was seen gone before its last byte was handed over; return whether it was sent.

    A long reply waits in the connection's buffer while the client reads: its last byte is held back until that is
    nearly empty, and no client can have taken the whole reply without it.
    """
    if call.is_gone():
        return False
    if len(body) <= HELD_BACK_FROM:
        await request.send_reply(status, headers, body)
        return True
    await request.start(status, headers, len(body))
    await request.send_body(body[:-1], more=True)
    await request.send_body(b"", more=True)  # returns once the buffer has drained
    await asyncio.sleep(0)  # let the listener hear of a connection that closed in this very moment
    if call.is_gone():
        return False
    await request.send_body(body[-1:], more=False)
    return True
