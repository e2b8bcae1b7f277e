"""GET /v1/events as a stream, on real connections: what is told, how a reader comes back, and when it ends."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from headrace_server.api import Server, bind, events, make_server, url_of

from tests.api.conftest import Api
from tests.api.streams import Stream
from tests.support.servers import ServerProcess
from tests.support.stores import StoreProcess
from tests.support.waiting import eventually_async

BUFFER = 64 * 1024  # what a connection holds before its writer has to wait


def _enqueue(server: ServerProcess, queue: str, count: int = 1) -> list[str]:
    jobs = [{"task": "t", "queue": queue}] * count
    reply = httpx.post(f"{server.url}/v1/jobs/batch", json={"jobs": jobs})
    assert reply.status_code == 201, reply.text
    return [job["id"] for job in reply.json()["jobs"]]


def test_a_stream_tells_changes_as_they_happen(shared_server: ServerProcess) -> None:
    with Stream(shared_server.url, "?queue=told") as stream:
        assert stream.reply.getheader("cache-control") == "no-store"
        assert stream.block() == {"retry": "1000"}
        begun = stream.id()
        [job_id] = _enqueue(shared_server, "told")
        event = stream.event()
        assert (event["type"], event["job_id"], event["state"]) == ("state", job_id, "ready")
        assert event["cursor"] != begun
        httpx.post(f"{shared_server.url}/v1/jobs/{job_id}/cancel", json={"reason": "why"})
        event = stream.event()
        assert (event["was"], event["state"], event["reason"]) == ("ready", "cancelled", "why")


@pytest.mark.parametrize("how", ["header", "query"])
def test_a_reader_that_comes_back_misses_nothing(shared_server: ServerProcess, how: str) -> None:
    queue = f"back.{how}"
    with Stream(shared_server.url, f"?queue={queue}") as stream:
        cursor = stream.id()
    first = _enqueue(shared_server, queue, 3)
    seen: list[str] = []
    for _ in range(2):
        query, lines = f"?queue={queue}", [f"Last-Event-ID: {cursor}"]
        if how == "query":  # which wins over the header
            query, lines = f"{query}&after={quote(cursor)}", ["Last-Event-ID: AAAA"]
        with Stream(shared_server.url, query, *lines) as stream:
            event = stream.event()
            seen.append(event["job_id"])
            cursor = event["cursor"]
    assert seen == first[:2]


def test_what_other_queues_do_moves_the_place_of_a_reader_on(shared_server: ServerProcess) -> None:
    with Stream(shared_server.url, "?queue=quiet") as stream:
        cursor = stream.id()
    _enqueue(shared_server, "loud")
    with Stream(shared_server.url, "?queue=quiet", f"Last-Event-ID: {cursor}") as stream:
        assert stream.id() != cursor


def test_g29_a_stream_ends_with_its_server_and_the_server_soon(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server()
    with Stream(server.url) as stream:
        stream.id()
        begun = time.monotonic()
        server.child.signal(signal.SIGTERM)
        while stream.block() is not None:
            pass
        assert server.child.wait() == 0
        assert time.monotonic() - begun < 2.0


def test_a_stream_ends_when_the_store_goes_and_begins_again_with_it(
    make_server: Callable[..., ServerProcess], make_store: Callable[..., StoreProcess]
) -> None:
    store = make_store()
    server = make_server(redis_url=store.url)
    with Stream(server.url) as stream:
        cursor = stream.id()
        store.kill9()
        while stream.block() is not None:
            pass
    away = httpx.get(f"{server.url}/v1/events", headers={"accept": "text/event-stream"})
    assert (away.status_code, away.json()["code"]) == (503, "store_unreachable")
    store.start()
    asyncio.run(eventually_async(lambda: _is_ready(server), what="the server has found its store again"))
    with Stream(server.url, "", f"Last-Event-ID: {cursor}") as stream:
        [job_id] = _enqueue(server, "q")
        told = stream.event()
        if told["type"] == "gap":  # another run of a store may have lost what was before it
            told = stream.event()
        assert told["job_id"] == job_id


async def _is_ready(server: ServerProcess) -> bool:
    return httpx.get(f"{server.url}/readyz").status_code == 200


@dataclass
class Serving:
    """The application of the fixture `api` behind real sockets, in this process: its insides can be looked at."""

    server: Server
    url: str

    def requests(self) -> int:
        """Return how many requests are being served."""
        return len(self.server.server_state.tasks)

    def waiting_bytes(self) -> int:
        """Return how much of all replies waits for readers."""
        transports = [connection.transport for connection in self.server.server_state.connections]
        return sum(transport.get_write_buffer_size() for transport in transports if transport is not None)


@pytest.fixture
async def serving(api: Api) -> AsyncIterator[Serving]:
    def drain() -> None:
        api.status.draining = True
        api.engine.drain()

    ready = asyncio.Event()
    server = make_server(
        api.application, drain=drain, ready=ready.set, grace_ms=2_000, max_header_bytes=8_192, receive_timeout_ms=5_000
    )
    bound = bind("127.0.0.1", 0)
    task = asyncio.create_task(server.serve(sockets=[bound]))
    await ready.wait()
    yield Serving(server, url_of(bound))
    server.stop()
    await task


@pytest.mark.anyio
async def test_a_silent_stream_shows_that_it_lives(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "KEEP_ALIVE_MS", 50)
    stream = await asyncio.to_thread(Stream, serving.url)
    begun = await asyncio.to_thread(stream.id)
    for _ in range(3):
        assert await asyncio.to_thread(stream.block) == {"": "keep-alive", "id": begun}
    stream.close()


@pytest.mark.anyio
async def test_nothing_is_read_for_a_client_that_has_left(serving: Serving) -> None:
    stream = await asyncio.to_thread(Stream, serving.url)
    await asyncio.to_thread(stream.id)
    assert serving.requests() == 1
    stream.close()

    async def ended() -> bool:
        return serving.requests() == 0

    await eventually_async(ended, what="the request has ended")


@pytest.mark.anyio
async def test_a_slow_reader_holds_up_itself_alone(api: Api, serving: Serving) -> None:
    slow = await asyncio.to_thread(Stream, serving.url, "?limit=100", receive_buffer=4_096)
    await asyncio.to_thread(slow.id)
    quick = await asyncio.to_thread(Stream, serving.url)
    made: list[str] = []
    most = 0
    for _ in range(40):
        made += await _batch(api, 100)
        found = await asyncio.to_thread(quick.events, 100)
        assert [event["job_id"] for event in found] == made[-100:]
        most = max(most, serving.waiting_bytes())
    # 4,000 events are 1.2 MB; the one who reads nothing holds up a buffer and the page that is being written
    assert most < BUFFER + 100 * 400
    assert [event["job_id"] for event in await asyncio.to_thread(slow.events, 4_000)] == made
    slow.close()
    quick.close()


async def _batch(api: Api, count: int) -> list[str]:
    reply = await api.post("/v1/jobs/batch", {"jobs": [{"task": "t"}] * count})
    jobs: list[dict[str, Any]] = reply.json()["jobs"]
    return [job["id"] for job in jobs]
