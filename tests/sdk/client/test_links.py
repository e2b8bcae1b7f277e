"""What plain connections do where networks and servers end, wait and go on; real sockets, asked in both ways."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack

import httpx
import pytest
from headrace._alinks import AsyncPlainLink
from headrace._alinks import link_to as async_link_to
from headrace._httpx_links import AsyncHttpxLink, HttpxLink
from headrace._links import PlainLink, link_to
from headrace._steps import Loss, Outcome, Request
from headrace._transport import Endpoint

from tests.sdk.client.links import (
    GET,
    OK,
    WAIT_S,
    Answer,
    Asker,
    Servant,
    awaiting,
    awaiting_fast,
    blocking,
    content,
    lost,
    replying,
)
from tests.support.waiting import eventually

Serve = Callable[[Answer], Servant]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server that answers as told."""
    with ExitStack() as ends:

        def start(answer: Answer) -> Servant:
            servant = Servant(answer)
            ends.callback(servant.close)
            return servant

        yield start


Way = Callable[[Endpoint], AbstractContextManager[Asker]]


@pytest.fixture(params=[blocking, awaiting, awaiting_fast])
def way(request: pytest.FixtureRequest) -> Way:
    """The blocking and the awaiting link, this one on both kinds of event loops."""
    made: Way = request.param
    return made


def test_one_connection_carries_one_request_after_the_other(serve: Serve, way: Way) -> None:
    servant = serve(replying(*[OK] * 5))
    with way(servant.server) as ask:
        assert [content(ask()) for _ in range(5)] == [b"ok"] * 5
    assert servant.connections == 1


def test_a_connection_that_was_closed_while_it_was_idle_is_not_asked(serve: Serve, way: Way) -> None:
    servant = serve(replying(OK))
    with way(servant.server) as ask:
        for number in (1, 2, 3):
            assert content(ask()) == b"ok"
            eventually(lambda number=number: servant.ended == number)  # type: ignore[misc]
    assert servant.connections == 3


@pytest.mark.parametrize(
    "reply", [OK.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"), b"HTTP/1.0 200 OK\r\n\r\nok"]
)
def test_a_server_that_wants_no_more_requests_gets_none(serve: Serve, way: Way, reply: bytes) -> None:
    servant = serve(replying(reply))
    with way(servant.server) as ask:
        assert [content(ask()) for _ in range(3)] == [b"ok"] * 3
    assert servant.connections == 3


def test_what_comes_unasked_ends_the_connection(serve: Serve, way: Way) -> None:
    told, heard = threading.Event(), threading.Event()

    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(OK)
        told.wait(WAIT_S)
        connection.sendall(b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 3\r\n\r\nold")
        heard.set()
        while connection.recv(65536):
            connection.sendall(OK)

    servant = serve(answer)
    with way(servant.server) as ask:
        assert content(ask()) == b"ok"
        told.set()
        assert heard.wait(WAIT_S)
        assert content(ask()) == b"ok", "and not `old`, the answer to nothing"
    assert servant.connections == 2


def test_a_reply_comes_in_pieces(serve: Serve, way: Way) -> None:
    def answer(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.recv(65536)
        for place in range(len(OK)):
            connection.sendall(OK[place : place + 1])

    with way(serve(answer).server) as ask:
        assert content(ask()) == b"ok"


def test_a_refusal_is_heard_that_comes_before_the_body_was_read(serve: Serve, way: Way) -> None:
    refusal = b"HTTP/1.1 413 Too Large\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno"
    large = Request(method="POST", path="/v1/jobs", content=bytes(20_000_000))
    with way(serve(replying(refusal)).server) as ask:
        assert content(ask(large)) == b"no"


def test_a_large_body_and_a_large_reply_are_whole(serve: Serve, way: Way) -> None:
    size = 5_000_000

    def answer(connection: socket.socket) -> None:
        with connection.makefile("rb") as reader:
            while reader.readline() != b"\r\n":
                pass
            body = reader.read(size)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size + body)

    body = bytes(range(250)) * (size // 250)
    with way(serve(answer).server) as ask:
        assert content(ask(Request(method="POST", path="/v1/jobs", content=body))) == body


def test_what_says_nothing_is_slow_and_what_ends_is_cut(serve: Serve, way: Way) -> None:
    done = threading.Event()
    with way(serve(lambda _: done.wait(WAIT_S)).server) as ask:  # type: ignore[arg-type, return-value]
        assert lost(ask(timeout_s=0.05)) is Loss.SLOW
        done.set()
    for said in (b"", OK[:-1], b"SSH-2.0-OpenSSH\r\n\r\n"):
        with way(serve(replying(said)).server) as ask:
            assert lost(ask()) is Loss.CUT


def test_a_connection_that_is_slow_is_not_asked_again(serve: Serve, way: Way) -> None:
    late = threading.Event()

    def answer(connection: socket.socket) -> None:
        first = servant.connections == 1
        connection.recv(65536)
        if first:
            late.wait(WAIT_S)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nold" if first else OK)

    servant = serve(answer)
    with way(servant.server) as ask:
        assert lost(ask(timeout_s=0.05)) is Loss.SLOW
        late.set()
        assert content(ask()) == b"ok"


def test_a_name_that_cannot_be_asked_for_is_no_connection(way: Way) -> None:
    for name in ("no-such-host.invalid", "a..b"):
        with way(Endpoint(f"http://{name}:1")) as ask:
            assert lost(ask()) is Loss.NOT_SENT


def test_a_header_that_is_none_is_refused_before_anything_is_sent(serve: Serve, way: Way) -> None:
    servant = serve(replying(OK))
    with way(servant.server) as ask, pytest.raises(ValueError, match="header"):
        ask(Request(method="GET", path="/", headers={"Idempotency-Key": "a\r\nX: y"}))
    assert servant.connections == 0


def test_a_closed_link_keeps_no_connection(serve: Serve, way: Way) -> None:
    servant = serve(replying(OK, OK))
    with way(servant.server) as ask:
        ask()
        ask.close()
        eventually(lambda: servant.ended == 1, what="the server sees the end")


def test_a_reply_that_moves_on_may_take_longer_than_one_wait(serve: Serve) -> None:
    go_on = threading.Event()

    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(OK[:20])
        go_on.wait(WAIT_S)
        connection.sendall(OK[20:])

    server = serve(answer).server

    async def ask() -> Outcome:
        link = AsyncPlainLink(server)
        asyncio.get_running_loop().call_later(2.5, go_on.set)  # longer than one wait, shorter than two
        outcome = await link.ask(GET, 2.0)
        await link.close()
        return outcome

    assert content(asyncio.run(ask())) == b"ok"


def test_an_ask_that_is_cancelled_closes_its_connection(serve: Serve) -> None:
    asked = threading.Event()

    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        asked.set()
        assert connection.recv(65536) == b""

    servant = serve(answer)

    async def main() -> None:
        link = AsyncPlainLink(servant.server)
        asking = asyncio.create_task(link.ask(GET, WAIT_S))
        await asyncio.to_thread(asked.wait, WAIT_S)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.to_thread(eventually, lambda: servant.ended == 1)
        await link.close()

    asyncio.run(main())


def _echo(connection: socket.socket) -> None:
    """Answer every request with its path."""
    with connection.makefile("rb") as reader:
        while line := reader.readline():
            while reader.readline() != b"\r\n":
                pass
            path = line.split()[1]
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(path), path))


def test_threads_share_a_link_and_each_gets_its_own_reply(serve: Serve) -> None:
    servant = serve(_echo)
    link = PlainLink(servant.server)
    paths = [f"/v1/jobs/{number}" for number in range(400)]
    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(lambda path: link.ask(Request(method="GET", path=path), WAIT_S), paths))
    link.close()
    assert [content(outcome).decode() for outcome in outcomes] == paths
    assert servant.connections <= 8


def test_tasks_share_a_link_and_each_gets_its_own_reply(serve: Serve) -> None:
    servant = serve(_echo)
    paths = [f"/v1/jobs/{number}" for number in range(30)]

    async def main() -> list[Outcome]:
        link = AsyncPlainLink(servant.server)
        outcomes: list[Outcome] = []
        for _ in range(2):
            outcomes += await asyncio.gather(*(link.ask(Request(method="GET", path=path), WAIT_S) for path in paths))
        await link.close()
        return outcomes

    assert [content(outcome).decode() for outcome in asyncio.run(main())] == paths * 2
    assert servant.connections == 30, "those of the first round were kept"


@pytest.mark.parametrize(
    ("url", "environ", "is_plain"),
    [
        ("http://10.0.0.1", {}, True),
        ("https://10.0.0.1", {}, False),
        ("http://bücher.invalid", {}, False),
        ("http://10.0.0.1", {"http_proxy": "http://127.0.0.1:9"}, False),
        ("http://10.0.0.1", {"ALL_PROXY": "http://127.0.0.1:9"}, False),
        ("http://10.0.0.1", {"https_proxy": "http://127.0.0.1:9"}, True),
        ("http://127.0.0.1", {"http_proxy": "http://127.0.0.1:9"}, True),
    ],
)
def test_tls_proxies_and_transports_are_left_to_httpx(
    url: str, environ: dict[str, str], is_plain: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    server = Endpoint(url)
    with ExitStack() as ends:
        link = link_to(server, None)
        ends.callback(link.close)
        assert type(link) is (PlainLink if is_plain else HttpxLink)
        assert type(async_link_to(server, None)) is (AsyncPlainLink if is_plain else AsyncHttpxLink)
        own = httpx.MockTransport(lambda _: httpx.Response(200))
        assert isinstance(link_to(server, own), HttpxLink)
        assert isinstance(async_link_to(server, own), AsyncHttpxLink)
