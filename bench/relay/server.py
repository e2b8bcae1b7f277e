"""uvicorn, an application that reads nothing, and a store: `python -m relay.server PORT PORT_OF_THE_STORE TAPE`.

A producer sends POST /jobs: what Headrace sent for such a job goes to the store at once, its enqueue and its lease.
When the store has answered, the body goes on to the consumer, whose POST /next waits for it, and then the producer is
answered. The next POST /next means that the job is done, and what Headrace sent then follows. After the last job it is
answered when the store has done everything.
"""

import asyncio
import sys
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import hiredis
import uvicorn
import uvloop

from relay.tape import Commands, Job, Recorded

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Store(asyncio.Protocol):
    """A connection to the store: commands follow each other, and answers are only counted."""

    def __init__(self) -> None:
        self._reader = hiredis.Reader()
        self._waiting: deque[tuple[int, Callable[[], None]]] = deque()  # how many answers are still to come, for whom
        self._answered = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are of no class of asyncio

    def send(self, commands: Commands, then: Callable[[], None]) -> None:
        """Send commands, and call `then` when all are answered."""
        self._waiting.append((commands.answers, then))
        self._transport.write(commands.data)

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while self._reader.gets() is not False:
            self._answered += 1
        while self._waiting and self._answered >= self._waiting[0][0]:
            answers, then = self._waiting.popleft()
            self._answered -= answers
            then()


class Relay:
    """The application: two paths, and no look at any byte of a body."""

    def __init__(self, store: Store, jobs: list[Job]) -> None:
        self._store = store
        self._jobs = iter(jobs)
        self._left = len(jobs)
        self._leased: deque[tuple[bytes, Commands]] = deque()  # bodies, and what follows when these jobs are done
        self._parked: asyncio.Future[bytes] | None = None
        self._rest: Commands | None = None  # of the job that the consumer has

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        message = await receive()
        body = message["body"]
        while message["more_body"]:
            message = await receive()
            body += message["body"]
        answer = await (self._put(body) if scope["path"] == "/jobs" else self._next())
        head = [(b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": answer})

    def _put(self, body: bytes) -> asyncio.Future[bytes]:
        job = next(self._jobs)
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._store.send(job.hand_over, partial(self._put_and_leased, body, job.rest, answer))
        return answer

    def _put_and_leased(self, body: bytes, rest: Commands, answer: asyncio.Future[bytes]) -> None:
        self._leased.append((body, rest))
        self._hand_over()
        answer.set_result(b"")

    def _next(self) -> asyncio.Future[bytes]:
        self._parked = answer = asyncio.get_running_loop().create_future()
        if self._rest is not None:
            self._left -= 1
            self._store.send(self._rest, _nothing if self._left else partial(answer.set_result, b""))
        self._hand_over()
        return answer

    def _hand_over(self) -> None:
        if self._parked is not None and self._leased:
            body, self._rest = self._leased.popleft()
            self._parked.set_result(body)
            self._parked = None


def _nothing() -> None:
    """Do nothing: nobody waits for these answers."""


async def main(port: int, store_port: int, tape: Path) -> None:
    recorded = Recorded.read(tape)
    loop = asyncio.get_running_loop()
    _, store = await loop.create_connection(Store, "127.0.0.1", store_port)
    ready = asyncio.Event()
    store.send(recorded.setup, ready.set)
    await ready.wait()
    config = uvicorn.Config(
        Relay(store, recorded.jobs), port=port, http="httptools", lifespan="off", log_level="error", access_log=False
    )
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))
