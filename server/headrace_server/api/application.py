"""The ASGI application: door, routes, errors, and the reply's bytes; it must not know what any operation does.

Plain ASGI, no middleware classes: each layer of those costs every request, and some hide that a client went away.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Final
from urllib.parse import quote, unquote

import msgspec
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from headrace_server.api import media, problems
from headrace_server.api.acts import is_act
from headrace_server.api.call import VARY, Call, ClientGone, Reply, Services
from headrace_server.api.door import Door
from headrace_server.api.exchange import Headers
from headrace_server.api.problems import Problem
from headrace_server.api.request_ids import RequestIds
from headrace_server.api.routes import Operation
from headrace_server.domain.errors import StoreFault
from headrace_server.domain.finding import CursorInvalid

HELD_BACK_FROM: Final = 64 * 1024  # bytes of a reply that fit into the connection's buffer: a longer one is sent in two
BAD_REQUEST: Final = 400

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
        call = Call(scope, receive, send, self._ids, self._services)
        begun, meters = time.perf_counter(), self._services.engine.meters
        meters.opened()
        try:
            await self._serve(call)
        except Exception as fault:  # noqa: BLE001 - the last line of defence: whatever it is, the client gets an answer
            await self._answer_fault(call, fault)
        finally:
            call.close()
            meters.answered(call.route, scope["method"], call.status, time.perf_counter() - begun)
        if _log.isEnabledFor(logging.DEBUG):
            took_ms = round((time.perf_counter() - begun) * 1000, 3)
            _log.debug("request", extra={**call.facts(), "status": call.status, "took_ms": took_ms})

    async def _answer_fault(self, call: Call, fault: Exception) -> None:
        match fault:
            case ClientGone():
                _log.debug("client gone", extra=call.facts())
                return
            case Problem():
                problem = fault
            case CursorInvalid():
                problem = Problem("invalid_cursor", str(fault))
            case StoreFault():
                _log.warning("store fault", extra={**call.facts(), "code": fault.code.value, "detail": fault.detail})
                problem = problems.of_store(fault)
            case _:
                _log.error("fault of the server", exc_info=fault, extra=call.facts())
                problem = Problem("internal")
        await self._refuse(call, problem)

    async def _serve(self, call: Call) -> None:
        is_preflight = call.is_preflight
        if b"origin" in call.headers:
            call.extra = self._door.cross_origin_headers(call.headers)
        self._door.check(call.path, call.headers, preflight=is_preflight)
        if is_preflight:
            await call.send_reply(204, [], b"")
            return
        route, call.params = self._find(call)
        call.route = route.path
        operation = route.endpoint
        if not isinstance(operation, Operation):
            call.scope["path_params"] = call.params
            await route.app(call.scope, call.receive, call.send_with_id)
            return
        if not operation.negotiates:
            call.reply_format = media.format_of_reply(call.headers.get(b"accept"))
        reply = await operation.handler(call)
        if reply.stream is None and reply.on_lost is None:
            await call.send_reply(reply.status, *_encoded(reply, call))
        else:
            await _send_with_care(call, reply)
        if is_act(route) and call.status < BAD_REQUEST:
            _log.info(route.name, extra={**call.facts(), "status": call.status})

    def _find(self, call: Call) -> tuple[Route, dict[str, str]]:
        """Return the route of a request and its path parameters; raises Problem no_such_route or method_not_allowed."""
        method = call.scope["method"]
        asked = self._asked.get((call.path, method))
        if asked is not None:
            return asked, {}
        allowed: set[str] = set()
        for route in self._fixed.get(call.path) or self.routes:
            quoted = isinstance(route.endpoint, Operation) and route.endpoint.quoted
            match = route.path_regex.match(call.quoted_path if quoted else call.path)
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

    async def _refuse(self, call: Call, problem: Problem) -> None:
        if call.started:
            # half a reply cannot be taken back: without its end the client sees that it is broken
            return
        document = problem.document(instance=quote(call.path), request_id=call.id)
        headers: Headers = [(b"content-type", problems.PROBLEM_JSON), *problem.headers]
        if problem.retry_after_ms is not None:
            headers.append((b"retry-after", str(-(-problem.retry_after_ms // 1000)).encode()))
        await call.send_reply(problem.status, headers, msgspec.json.encode(document))


def _encoded(reply: Reply, call: Call) -> tuple[Headers, bytes]:
    if reply.raw is not None:
        return [(b"content-type", reply.media), *reply.headers], reply.raw
    if reply.document is None:
        return reply.headers, b""
    headers = [(b"content-type", media.MEDIA[call.reply_format]), VARY, *reply.headers]
    return headers, media.encode(reply.document, call.reply_format)


async def _send_with_care(call: Call, reply: Reply) -> None:
    """Send what is more than a whole reply that may get lost."""
    if reply.stream is not None:
        await _pass_on(call, reply, reply.stream)
    elif reply.on_lost is not None:
        await _hand_over(call, reply, reply.on_lost)


async def _pass_on(call: Call, reply: Reply, stream: AsyncGenerator[bytes, None]) -> None:
    """Send the parts of a stream as they come; a slow reader holds up the next part, so nothing gathers here."""
    await call.start(reply.status, [(b"content-type", reply.media), *reply.headers], None)
    if call.scope["method"] != "HEAD":
        async with aclosing(stream):
            async for part in stream:
                await call.send_body(part, more=True)
    await call.send_body(b"", more=False)


async def _hand_over(call: Call, reply: Reply, on_lost: Callable[[], Awaitable[object]]) -> None:
    """Send a reply, and call `on_lost` for whatever reason it did not reach its client."""
    delivered = False
    try:
        delivered = await _delivered(call, reply.status, *_encoded(reply, call))
    finally:
        if not delivered:
            await on_lost()


async def _delivered(call: Call, status: int, headers: Headers, body: bytes) -> bool:
    """Send a reply unless its client was seen gone before its last byte was handed over; return whether it was sent.

    A long reply waits in the connection's buffer while the client reads: its last byte is held back until that is
    nearly empty, and no client can have taken the whole reply without it.
    """
    if call.is_gone():
        return False
    if len(body) <= HELD_BACK_FROM:
        await call.send_reply(status, headers, body)
        return True
    await call.start(status, headers, len(body))
    await call.send_body(body[:-1], more=True)
    await call.send_body(b"", more=True)  # returns once the buffer has drained
    await asyncio.sleep(0)  # let the listener hear of a connection that closed in this very moment
    if call.is_gone():
        return False
    await call.send_body(body[-1:], more=False)
    return True
