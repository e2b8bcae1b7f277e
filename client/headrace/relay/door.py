"""HTTP for a few small requests, over h11: one request a connection, everything bounded; it must not know what for."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Final, NamedTuple

import h11

MAX_BODY_BYTES: Final = 1_048_576  # some thousand alerts
MAX_CONNECTIONS: Final = 64
RECEIVE_S: Final = 5.0  # for the whole request
SEND_S: Final = 5.0
_CHUNK_BYTES: Final = 65_536


class Request(NamedTuple):
    """What was asked for."""

    method: str
    path: str  # without the query
    headers: Mapping[str, str]  # names in lower case
    body: bytes


class Answer(NamedTuple):
    """What is said to it."""

    status: HTTPStatus
    body: bytes = b""
    headers: Mapping[str, str] = {}


class TooLarge(Exception):
    """A body beyond the bound."""


class Door:
    """Listens; each request is answered by `answer`, which must not raise, once it has come within `receive_s`."""

    def __init__(self, answer: Callable[[Request], Awaitable[Answer]], receive_s: float = RECEIVE_S) -> None:
        self._answer = answer
        self._receive_s = receive_s
        self._server: asyncio.Server | None = None
        self._receiving: set[asyncio.Task[None]] = set()
        self._answering: set[asyncio.Task[None]] = set()

    async def open(self, host: str, port: int) -> str:
        """Listen, and return where: the URL. Raises OSError."""
        self._server = await asyncio.start_server(self._accept, host, port)
        at: tuple[str, int] = self._server.sockets[0].getsockname()
        return f"http://{f'[{at[0]}]' if ':' in at[0] else at[0]}:{at[1]}"

    async def close(self, grace_s: float) -> None:
        """Listen no more; what is being answered may end within `grace_s` seconds."""
        if self._server is None:
            return
        self._server.close()
        for task in self._receiving:
            task.cancel()
        if self._answering:
            await asyncio.wait(self._answering, timeout=grace_s)
        left = [*self._receiving, *self._answering]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take in a connection; this is no coroutine, because the tasks are ours to end."""
        full = len(self._receiving) + len(self._answering) >= MAX_CONNECTIONS
        task = asyncio.ensure_future(_turn_away(reader, writer) if full else self._converse(reader, writer))
        self._receiving.add(task)
        task.add_done_callback(self._receiving.discard)
        task.add_done_callback(self._answering.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        task = asyncio.current_task()
        try:
            answer = await _received(connection, reader, writer, self._receive_s)
            if isinstance(answer, Request):
                assert task is not None
                self._receiving.discard(task)
                self._answering.add(task)
                answer = _fitting(answer, await self._answer(answer))
            if answer is not None:
                await _send(connection, reader, writer, answer)
        except (OSError, TimeoutError):
            pass  # whoever asked has gone, or does not listen
        finally:
            await _close(writer)


def _fitting(request: Request, answer: Answer) -> Answer:
    """Return an answer as its request allows it: HEAD gets no body."""
    return answer._replace(body=b"") if request.method == "HEAD" else answer


async def _turn_away(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Close a connection that is one too many; asyncio complains of one whose reader is gone before it."""
    await _close(writer)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def _received(
    connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, within_s: float
) -> Request | Answer | None:
    """Return the request; an answer to one that cannot be taken; None where there is none."""
    try:
        async with asyncio.timeout(within_s):
            return await _receive(connection, reader, writer)
    except TimeoutError:
        return Answer(HTTPStatus.REQUEST_TIMEOUT)
    except TooLarge:
        return Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    except h11.RemoteProtocolError as error:
        return Answer(HTTPStatus(error.error_status_hint))


async def _receive(
    connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Request | None:
    """Return one request, or None when the other side closes without one."""
    head: h11.Request | None = None
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            if connection.they_are_waiting_for_100_continue:
                go_on = h11.InformationalResponse(status_code=HTTPStatus.CONTINUE, headers=[])
                writer.write(connection.send(go_on) or b"")
            connection.receive_data(await reader.read(_CHUNK_BYTES))
        elif isinstance(event, h11.Request):
            head = event
            _check_length(head)
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > MAX_BODY_BYTES:
                raise TooLarge
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            return _request(head, bytes(body))
        else:
            return None


def _check_length(head: h11.Request) -> None:
    """Refuse what says itself that it is too large, before it is sent. Raises TooLarge."""
    if any(name == b"content-length" and int(value) > MAX_BODY_BYTES for name, value in head.headers):
        raise TooLarge


def _request(head: h11.Request, body: bytes) -> Request:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
    path = head.target.decode("latin-1").partition("?")[0]
    return Request(head.method.decode("ascii"), path, headers, body)


async def _send(
    connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answer
) -> None:
    refused = connection.their_state is not h11.DONE
    headers = {
        "Content-Type": "application/json",
        "Content-Length": str(len(answer.body)),
        "Cache-Control": "no-store",
        "Connection": "close",
        **answer.headers,
    }
    reason = answer.status.phrase.encode()
    head = h11.Response(status_code=answer.status, headers=list(headers.items()), reason=reason)
    parts = [connection.send(event) for event in (head, h11.Data(data=answer.body), h11.EndOfMessage())]
    writer.write(b"".join(part for part in parts if part))
    async with asyncio.timeout(SEND_S):
        await writer.drain()
        if refused:  # what is still coming must be taken in, or the system throws the answer away with it
            writer.write_eof()
            while await reader.read(_CHUNK_BYTES):
                pass
