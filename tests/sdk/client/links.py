"""Servers made of a socket, and plain links that a test asks in each way."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

import uvloop
from headrace._alinks import AsyncPlainLink
from headrace._links import PlainLink
from headrace._steps import Loss, NoReply, Outcome, Reply, Request
from headrace._transport import Endpoint

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
GET = Request(method="GET", path="/v1/server")
WAIT_S = 10.0
Answer = Callable[[socket.socket], None]


class Servant:
    """A server that hands each connection to `answer`, in a thread of its own, and closes it then."""

    def __init__(self, answer: Answer) -> None:
        self.connections = 0
        self.ended = 0
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.server = Endpoint(f"http://127.0.0.1:{self._socket.getsockname()[1]}")
        self._threads: list[threading.Thread] = []
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in (self._listener, *self._threads):
            thread.join(WAIT_S)

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            self._threads.append(threading.Thread(target=self._serve, args=(connection,), daemon=True))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(ConnectionError):  # a client may break off
            self._answer(connection)
        self.ended += 1


class Asker:
    """A link that a test can ask, whichever way it works."""

    def __init__(self, ask: Callable[[Request, float], Outcome], close: Callable[[], Any]) -> None:
        self._ask = ask
        self.close = close

    def __call__(self, request: Request = GET, timeout_s: float = WAIT_S) -> Outcome:
        return self._ask(request, timeout_s)


@contextmanager
def blocking(server: Endpoint) -> Iterator[Asker]:
    link = PlainLink(server)
    yield Asker(link.ask, link.close)
    link.close()


@contextmanager
def awaiting(server: Endpoint, loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None) -> Iterator[Asker]:
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        link = AsyncPlainLink(server)
        yield Asker(
            lambda request, timeout_s: runner.run(link.ask(request, timeout_s)), lambda: runner.run(link.close())
        )
        runner.run(link.close())


def awaiting_fast(server: Endpoint) -> AbstractContextManager[Asker]:
    return awaiting(server, uvloop.new_event_loop)


def replying(*replies: bytes) -> Answer:
    """Answer that many requests of a connection, each with its reply, and then close it."""

    def answer(connection: socket.socket) -> None:
        for reply in replies:
            if not connection.recv(65536):
                return
            connection.sendall(reply)

    return answer


def lost(outcome: Outcome) -> Loss:
    assert isinstance(outcome, NoReply)
    return outcome.loss


def content(outcome: Outcome) -> bytes:
    assert isinstance(outcome, Reply), outcome
    return outcome.content
