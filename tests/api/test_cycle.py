"""A reply as bytes: what is written, and when."""

import asyncio
from typing import Any

import pytest
from headrace_server.api.cycle import Cycle
from headrace_server.api.exchange import WHOLE_REPLY
from uvicorn.protocols.http.flow_control import FlowControl

pytestmark = pytest.mark.anyio
LENGTH_2 = [(b"content-length", b"2")]


class Wire(asyncio.Transport):
    """A connection that keeps each write by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.closed = False

    def writelines(self, list_of_data: Any) -> None:
        self.writes.append(b"".join(list_of_data))

    def write(self, data: Any) -> None:
        self.writes.append(bytes(data))

    def close(self) -> None:
        self.closed = True


class Line:
    """One request on a wire, and what has been written of its reply."""

    def __init__(self, method: str = "GET", *, keep_alive: bool = True) -> None:
        self.wire, self.ended = Wire(), 0
        scope: Any = {"method": method}
        self.cycle = Cycle(scope, self.wire, FlowControl(self.wire), [], self._end, keep_alive=keep_alive)

    def _end(self) -> None:
        self.ended += 1

    async def start(self, headers: list[tuple[bytes, bytes]], status: int = 200) -> None:
        await self.cycle.send({"type": "http.response.start", "status": status, "headers": headers})

    async def body(self, body: bytes, *, more: bool = False) -> None:
        await self.cycle.send({"type": "http.response.body", "body": body, "more_body": more})


async def test_a_short_reply_is_one_write() -> None:
    line = Line()
    await line.start(LENGTH_2)
    assert line.wire.writes == []
    await line.body(b"ok")
    assert line.wire.writes == [b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"]
    assert (line.ended, line.wire.closed) == (1, False)


@pytest.mark.parametrize("body", [b"", b"ok", b"x" * 100_000])
async def test_a_whole_reply_is_one_message(body: bytes) -> None:
    line = Line()
    length = [(b"content-length", b"%d" % len(body))]
    await line.cycle.send({"type": WHOLE_REPLY, "status": 200, "headers": length, "body": body})
    assert line.wire.writes == [b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)]
    assert (line.ended, line.wire.closed) == (1, False)
    with pytest.raises(RuntimeError, match="has ended"):
        await line.body(b"ok")


async def test_the_head_of_a_stream_does_not_wait_for_its_first_part() -> None:
    line = Line()
    await line.start([])
    assert line.wire.writes == [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"]
    for part in (b"one", b""):
        await line.body(part, more=True)
    await line.body(b"two")
    assert line.wire.writes[1:] == [b"3\r\none\r\n", b"3\r\ntwo\r\n0\r\n\r\n"]


@pytest.mark.parametrize(("method", "status", "headers"), [("HEAD", 200, LENGTH_2), ("GET", 304, []), ("GET", 204, [])])
async def test_a_reply_without_a_body_is_its_head(method: str, status: int, headers: list[tuple[bytes, bytes]]) -> None:
    line = Line(method)
    await line.start(headers, status)
    await line.body(b"ok" if method == "HEAD" else b"")
    [head] = line.wire.writes
    assert (head[-4:], b"chunked" in head, line.ended) == (b"\r\n\r\n", False, 1)


async def test_the_last_reply_of_a_connection_says_so_and_closes_it() -> None:
    line = Line(keep_alive=False)
    await line.start(LENGTH_2)
    await line.body(b"o", more=True)
    assert not line.wire.closed
    await line.body(b"k")
    assert line.wire.writes == [b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\no", b"k"]
    assert line.wire.closed


@pytest.mark.parametrize("value", [b"a\r\nset-cookie: b", b"a\nb", b"a\rb", b"a\0b", b"a\x7f"])
async def test_a_header_cannot_bring_another_one(value: bytes) -> None:
    line = Line()
    with pytest.raises(RuntimeError, match="control characters"):
        await line.start([*LENGTH_2, (b"x-header", value)])
    assert line.wire.writes == []


@pytest.mark.parametrize("body", [b"o", b"ok!"])
async def test_a_body_of_another_length_than_was_said_is_not_sent(body: bytes) -> None:
    line = Line()
    await line.start(LENGTH_2)
    with pytest.raises(RuntimeError, match="not as long"):
        await line.body(body)
    assert line.wire.writes == []


async def test_a_body_is_received_as_it_comes() -> None:
    line = Line()
    receiving = asyncio.ensure_future(line.cycle.receive())
    await asyncio.sleep(0)
    assert not receiving.done()
    line.cycle.feed(b"one")
    assert await receiving == {"type": "http.request", "body": b"one", "more_body": True}
    line.cycle.feed(b"two")
    line.cycle.feed(b"three")
    line.cycle.end_body()
    assert await line.cycle.receive() == {"type": "http.request", "body": b"twothree", "more_body": False}
    receiving = asyncio.ensure_future(line.cycle.receive())
    await asyncio.sleep(0)
    line.cycle.hang_up()
    assert await receiving == await line.cycle.receive() == {"type": "http.disconnect"}


async def test_all_who_wait_for_the_end_of_a_request_hear_of_it() -> None:
    line = Line()
    waiting = [asyncio.ensure_future(line.cycle.receive()) for _ in range(2)]
    await asyncio.sleep(0)
    await line.start(LENGTH_2)
    await line.body(b"ok")
    assert await asyncio.gather(*waiting) == [{"type": "http.disconnect"}] * 2


@pytest.mark.parametrize("fails", [False, True])
async def test_a_reply_that_is_not_finished_breaks_the_connection_off(fails: bool) -> None:
    line, running = Line(), set[asyncio.Task[None]]()

    async def application(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": LENGTH_2})
        if fails:
            raise RuntimeError("of the application")

    line.cycle.task = asyncio.ensure_future(line.cycle.run(application, running))
    running.add(line.cycle.task)
    await line.cycle.task
    assert (line.wire.writes, line.wire.closed, running) == ([], True, set())


async def test_nothing_is_written_to_who_has_gone() -> None:
    line = Line()
    await line.start(LENGTH_2)
    line.cycle.hang_up()
    await line.body(b"ok")
    assert line.wire.writes == []
