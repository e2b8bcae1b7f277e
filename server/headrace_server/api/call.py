"""One request as handlers see it, and the reply they return; it must not know what any operation does."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Final, TypeVar
from urllib.parse import parse_qs

import msgspec
from starlette.types import Receive, Scope, Send

from headrace_server.api import media
from headrace_server.api.exchange import IS_CLOSING, Exchange, Headers
from headrace_server.api.faults import Reading
from headrace_server.api.problems import Problem
from headrace_server.api.request_ids import RequestIds
from headrace_server.api.status import Status
from headrace_server.domain.addresses import Network
from headrace_server.domain.jobs import Format
from headrace_server.domain.limits import MAX_WAIT_MS, SECOND_MS
from headrace_server.engine import Engine

T = TypeVar("T")
MAX_DIGITS: Final = 9  # of a number in a query or header: all that mean something are shorter
VARY: Final = (b"vary", b"accept")  # of every reply that could have come in the other format


class ClientGone(Exception):
    """The client closed its connection: there is nobody to reply to."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one request may hold, as the operator set it."""

    max_header_bytes: int
    max_body_bytes: int
    max_payload_bytes: int


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """What handlers call; made by app.py."""

    engine: Engine
    status: Status
    limits: Limits
    webhook_networks: tuple[Network, ...] = ()  # beside the public one


class Reply(msgspec.Struct, kw_only=True):
    """What goes back: either a document, written in the format the reader asked for, or raw bytes."""

    status: int = 200
    document: Any = None
    raw: bytes | None = None  # instead of a document
    stream: AsyncGenerator[bytes, None] | None = None  # instead of a document: parts of a body without end
    media: bytes = b""  # of raw and stream
    headers: Headers = []
    on_lost: Callable[[], Awaitable[object]] | None = None  # called when the client left before it had the last byte


class Call(Exchange):
    """One request: its headers, path parameters, query and body, and the services to serve it with."""

    reply_format = Format.JSON  # that of the reply; a handler that does not negotiate itself finds what was asked for
    _body: bytes | None = None
    _body_format: Format | None = None
    _gone: asyncio.Task[Any] | None = None
    _preferences: dict[str, str] | None = None
    params: dict[str, str]  # of the path

    def __init__(self, scope: Scope, receive: Receive, send: Send, ids: RequestIds, services: Services) -> None:
        super().__init__(scope, receive, send, ids)
        self.services = services

    @property
    def engine(self) -> Engine:
        """The engine that serves this call."""
        return self.services.engine

    @property
    def body_format(self) -> Format:
        """The format that Content-Type names; Problem 415 for another, and for a body that is compressed."""
        if self._body_format is None:
            self._body_format = self._named_format()
        return self._body_format

    def _named_format(self) -> Format:
        if self.headers.get(b"content-encoding", b"identity").lower() not in (b"identity", b""):
            raise Problem("unsupported_media_type", "Send the body as it is, without Content-Encoding.")
        return media.format_of_body(self.headers.get(b"content-type"))

    @property
    def reading(self) -> Reading:
        """How to read the body."""
        return Reading(self.body_format, self.services.limits.max_payload_bytes)

    def durability(self) -> tuple[bytes, bytes]:
        """Return the header that says what a 2xx of an enqueue stands for."""
        return self.services.status.durability_header

    def header(self, name: bytes) -> str | None:
        """Return a request header as text (latin-1, as HTTP has it), or None."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    def query(self, name: str) -> str | None:
        """Return the last value of a query parameter, or None."""
        if not self.scope["query_string"]:
            return None
        values = self.queries().get(name)
        return values[-1] if values else None

    def queries(self) -> dict[str, list[str]]:
        """Return all query parameters, each with its values in order."""
        raw: bytes = self.scope["query_string"]
        return parse_qs(raw.decode("latin-1"), keep_blank_values=True)

    async def body(self) -> bytes:
        """Return the whole body; Problem 413 when it is longer than the server takes, ClientGone when it breaks off."""
        if self._body is not None:
            return self._body
        limit = self.services.limits.max_body_bytes
        length = self.headers.get(b"content-length", b"0")
        if int(length) > limit:  # the HTTP parser has seen that these are digits
            raise _too_large(limit)
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            chunk: bytes = message.get("body", b"")
            size += len(chunk)
            if size > limit:
                raise _too_large(limit)
            chunks.append(chunk)
            if not message.get("more_body"):
                self._body = chunk if len(chunks) == 1 else b"".join(chunks)
                return self._body

    def wait_ms(self) -> int | None:
        """Return the wait that `Prefer: wait=N` (RFC 7240) or `?wait=N` asks for, at most MAX_WAIT_MS, or None.

        A preference that cannot be read is ignored, as the RFC wants it; a faulty query parameter is a Problem.
        """
        text = self.query("wait")
        if text is not None:
            if not text.isascii() or not text.isdigit():
                raise Problem("invalid_request", "The query parameter `wait` must be a number of seconds.")
            return _capped(text)
        value = self._preference("wait")
        return _capped(value) if value.isascii() and value.isdigit() else None

    @property
    def minimal(self) -> bool:
        """Whether `Prefer: return=minimal` (RFC 7240) lets the reply leave out what the client can do without."""
        return b"prefer" in self.headers and self._preference("return").lower() == "minimal"

    def _preference(self, wanted: str) -> str:
        if b"prefer" not in self.headers:
            return ""
        if self._preferences is None:
            self._preferences = _preferences(self.header(b"prefer"))
        return self._preferences.get(wanted, "")

    async def unless_gone(self, work: Awaitable[T]) -> T:
        """Return what `work` returns, or cancel it and raise ClientGone once the client closes its connection.

        The body must have been read, or not be wanted. `work` is awaited to its end in either case. It runs in this
        task, which is cancelled for it, as by asyncio.timeout: no other stands between what it waits for and the reply.
        """
        task = asyncio.current_task()
        assert task is not None, "called in a task"
        cancelled_before, works, seen_gone = task.cancelling(), True, False

        def cancel(_: object) -> None:
            nonlocal seen_gone
            if works:  # else this was scheduled before the end, and is run behind it
                seen_gone = task.cancel()

        gone = self._listen()
        gone.add_done_callback(cancel)
        try:
            return await work
        except asyncio.CancelledError:
            if not seen_gone or task.cancelling() > cancelled_before + 1:  # it was not us, or not us alone
                raise
            raise ClientGone from None
        finally:
            works = False
            gone.remove_done_callback(cancel)
            if seen_gone:
                task.uncancel()

    def is_gone(self) -> bool:
        """Tell whether the client was seen closing its connection; without our protocol only after `unless_gone`."""
        if self._gone is not None and self._gone.done():
            return True
        is_closing: Callable[[], bool] | None = self.scope.get(IS_CLOSING)
        return is_closing is not None and is_closing()

    def _listen(self) -> asyncio.Task[Any]:
        if self._gone is None:
            self._gone = asyncio.ensure_future(self._until_disconnect())
        return self._gone

    async def _until_disconnect(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass  # what is left of a body that nobody asked for

    def close(self) -> None:
        """Stop listening for the end of the connection."""
        if self._gone is not None:
            self._gone.cancel()


def applied(wait_ms: int | None = None, *, minimal: bool = False) -> Headers:
    """Return the header that says which preferences a reply followed (RFC 7240), no header where there were none."""
    followed = [f"wait={wait_ms // SECOND_MS}"] if wait_ms else []
    followed += ["return=minimal"] if minimal else []
    return [(b"preference-applied", ", ".join(followed).encode())] if followed else []


def _preferences(given: str | None) -> dict[str, str]:
    """Return what Prefer says under each name; the first of a name counts (RFC 7240, section 2)."""
    found: dict[str, str] = {}
    for preference in given.split(",") if given else ():
        name, _, value = preference.partition(";")[0].partition("=")
        found.setdefault(name.strip().lower(), value.strip().strip('"'))
    return found


def _capped(seconds: str) -> int:
    return min(int(seconds) * SECOND_MS, MAX_WAIT_MS) if len(seconds) <= MAX_DIGITS else MAX_WAIT_MS


def _too_large(limit: int) -> Problem:
    return Problem("body_too_large", f"The body is longer than {limit} bytes. Send several smaller requests.")
