"""The log of events as a stream: what the document says of it, whole, resumable, and nobody who vanishes harms it."""

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.world import AUTHORIZED, World
from tests.support.contract import EVENT_STREAM, stream_faults
from tests.support.raw import head
from tests.support.servers import ServerProcess
from tests.support.waiting import eventually

STREAM = {"Accept": EVENT_STREAM}
LINES = [f"{name}: {value}" for name, value in (AUTHORIZED | STREAM).items()]
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset, as a killed process' kernel may


class Listener:
    """A client of the stream; it keeps the bytes as they came."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.content = b""
        self._parts = response.iter_bytes()

    def ids(self, count: int) -> list[str]:
        """Return the ids of the first `count` events, waiting for them (the client's time-out ends that)."""
        while self.content.count(b"\ndata: ") < count or not self.content.endswith(b"\n\n"):
            self.content += next(self._parts)
        assert list(stream_faults(self.content)) == []
        blocks = [block for block in self.content.decode().split("\n\n") if "\ndata: " in block]
        return [line[4:] for block in blocks for line in block.split("\n") if line.startswith("id: ")][:count]

    def rest(self) -> bytes:
        """Return all that comes until the server ends the stream."""
        return self.content + b"".join(self._parts)


@contextmanager
def listening(client: httpx.Client, headers: dict[str, str] | None = None, **params: str) -> Iterator[Listener]:
    """Open a stream from a cursor on."""
    with client.stream("GET", "/v1/events", params=params, headers=STREAM | (headers or {})) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith(EVENT_STREAM)
        assert response.headers["x-request-id"]
        yield Listener(response)


def cursor_of(client: httpx.Client) -> str:
    cursor: str = client.get("/v1/events").json()["cursor"]
    return cursor


def test_a_stream_tells_what_happens_while_it_is_open(client: httpx.Client) -> None:
    with listening(client, queue="stream-open") as listener:
        client.post("/v1/jobs", json={"task": "a", "queue": "stream-other"})
        job = client.post("/v1/jobs", json={"task": "a", "queue": "stream-open"}).json()
        listener.ids(1)
        assert job["id"].encode() in listener.content
        assert b"stream-other" not in listener.content


def test_a_stream_goes_on_after_the_last_event_that_was_read(client: httpx.Client) -> None:
    after = cursor_of(client)
    for _ in range(3):
        client.post("/v1/jobs", json={"task": "a", "queue": "stream-on"})
    with listening(client, after=after, queue="stream-on") as listener:
        ids = listener.ids(3)
    for how in ({"headers": {"Last-Event-ID": ids[0]}}, {"after": ids[0]}):
        with listening(client, queue="stream-on", **how) as listener:
            assert listener.ids(2) == ids[1:]


def test_the_query_wins_over_the_header(client: httpx.Client) -> None:
    after = cursor_of(client)
    client.post("/v1/jobs", json={"task": "a", "queue": "stream-wins"})
    with listening(client, {"Last-Event-ID": "rubbish"}, after=after, queue="stream-wins") as listener:
        listener.ids(1)


FORGED = ["x", "0", "-1", "0-0-0", "9" * 40, "{}", "W10=", "!" * 4_096, "1-99999999999999999999", "%00"]


@pytest.mark.parametrize("forged", FORGED)
def test_a_forged_cursor_is_refused_before_a_stream_begins(client: httpx.Client, forged: str) -> None:
    for headers in (STREAM, {}):
        for given in ({"params": {"after": forged}}, {"headers": {"Last-Event-ID": forged}}):
            options: dict[str, Any] = {**given, "headers": {**headers, **given.get("headers", {})}}
            reply = client.get("/v1/events", **options)
            assert (reply.status_code, reply.json()["code"]) in ((422, "invalid_cursor"), (422, "invalid_request"))


def test_a_head_of_a_stream_has_no_body(client: httpx.Client) -> None:
    reply = client.head("/v1/events", headers=STREAM)
    assert (reply.status_code, reply.content) == (200, b"")
    assert reply.headers["content-type"].startswith(EVENT_STREAM)


def open_stream(world: World) -> socket.socket:
    """Return a connection on which a stream has begun."""
    connection = socket.create_connection(("127.0.0.1", world.server.port), timeout=10.0)
    connection.sendall(head("GET", "/v1/events", *LINES))
    assert connection.recv(12) == b"HTTP/1.1 200"
    return connection


def vanish(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    connection.close()


@pytest.mark.parametrize("leave", [socket.socket.close, vanish])
def test_listeners_that_vanish_leave_nothing_behind(world: World, leave: Callable[[socket.socket], None]) -> None:
    before = open_files(world.server)
    seen = len(world.server.output())
    for connection in [open_stream(world) for _ in range(50)]:
        leave(connection)
    world.enqueue("stream-vanish")
    eventually(lambda: open_files(world.server) <= before + 5, what="the connections of the vanished are closed")
    assert world.http.get("/readyz").status_code == 200
    assert "Traceback" not in world.server.output()[seen:]


def open_files(server: ServerProcess) -> int:
    return len(list(Path(f"/proc/{server.pid}/fd").iterdir()))


def test_a_listener_that_does_not_read_holds_up_nobody(world: World) -> None:
    connection = open_stream(world)
    batch = {"defaults": {"task": "a", "queue": "stream-slow"}, "jobs": [{}] * 100}
    for _ in range(20):
        assert world.http.post("/v1/jobs/batch", json=batch).status_code == 201
    with listening(world.http, queue="stream-quick") as listener:
        world.enqueue("stream-quick")
        assert len(listener.ids(1)) == 1
    vanish(connection)


def test_a_stream_and_a_request_share_no_connection(world: World) -> None:
    """What comes after a stream on its connection waits for its end, and harms nobody else."""
    connection = open_stream(world)
    connection.sendall(head("GET", "/v1/server", *LINES[:1]))
    assert world.http.get("/v1/server").status_code == 200
    vanish(connection)


def test_a_stream_ends_whole_when_the_server_drains(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server()
    with httpx.Client(base_url=server.url, timeout=20.0) as client, listening(client) as listener:
        client.post("/v1/jobs", json={"task": "a", "queue": "stream-drain"})
        listener.ids(1)
        assert server.terminate() == 0
        assert list(stream_faults(listener.rest())) == []  # a cut chunk would have raised
