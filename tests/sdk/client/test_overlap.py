"""Requests of which one is written while the other is answered: what becomes of their connections; real sockets."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import httpx
import pytest
from headrace import AsyncClient, Client, ConnectionFailed, Patience
from headrace._links import PlainLink
from headrace._steps import Loss
from headrace._transport import Endpoint

from tests.sdk.client.links import GET, OK, WAIT_S, Servant, content, lost, replying
from tests.support.servers import ServerProcess
from tests.support.waiting import eventually


class Counted:
    """A server that answers once as many requests are there as it waits for."""

    def __init__(self, wanted: int) -> None:
        self.together = threading.Barrier(wanted)
        self.servant = Servant(self._answer)

    def _answer(self, connection: socket.socket) -> None:
        connection.recv(65536)
        self.together.wait(WAIT_S)
        connection.sendall(OK)
        connection.recv(65536)


@pytest.fixture
def link() -> Iterator[PlainLink]:
    """A link to a server that answers when two requests are there."""
    counted = Counted(2)
    link = PlainLink(counted.servant.server)
    yield link
    link.close()
    counted.servant.close()


def test_a_second_request_is_sent_before_the_first_is_answered(link: PlainLink) -> None:
    first, second = link.begin(GET, WAIT_S), link.begin(GET, WAIT_S)
    assert [content(begun.outcome()) for begun in (second, first)] == [b"ok"] * 2
    assert content(first.outcome()) == b"ok", "asked again, it says the same"


def test_what_is_given_up_takes_its_connection_along() -> None:
    servant = Servant(replying(OK, OK))
    link = PlainLink(servant.server)
    link.begin(GET, WAIT_S).close()
    eventually(lambda: servant.ended == 1)
    assert content(link.ask(GET, WAIT_S)) == b"ok"
    assert servant.connections == 2, "the answer that nobody reads is not that to the next request"
    link.close()
    servant.close()


def test_what_cannot_be_sent_says_so_when_it_is_asked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    assert lost(PlainLink(Endpoint(f"http://127.0.0.1:{port}")).begin(GET, WAIT_S).outcome()) is Loss.NOT_SENT


def dead() -> str:
    """Return the address of a server that is not there."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_requests_that_overlap_go_to_the_next_server_too(shared_server: ServerProcess, queue: str) -> None:
    with Client([dead(), shared_server.url], retry=Patience(total_s=0)) as client:
        assert len(set(client.enqueue_payloads("t", range(1600), queue=queue).ids)) == 1600

    async def main() -> int:
        async with AsyncClient([dead(), shared_server.url], retry=Patience(total_s=0)) as client:
            return len(set((await client.enqueue_payloads("t", range(1600), queue=queue)).ids))

    assert asyncio.run(main()) == 1600


def test_no_server_at_all_is_the_error_of_the_call() -> None:
    with Client(dead(), retry=Patience(total_s=0)) as client, pytest.raises(ConnectionFailed):
        client.enqueue_payloads("t", range(1600))


def test_a_transport_of_the_caller_carries_them_too(shared_server: ServerProcess, queue: str) -> None:
    with Client(shared_server.url, transport=httpx.HTTPTransport()) as client:
        assert len(set(client.enqueue_payloads("t", range(1600), queue=queue).ids)) == 1600


def test_a_call_that_is_interrupted_keeps_no_connection(queue: str) -> None:
    """What interrupts it may come at any time, while the next payload is asked for, too."""
    servant = Servant(replying(*[OK] * 3))

    def payloads() -> Iterator[int]:
        yield from range(1000)
        raise KeyboardInterrupt

    with Client(servant.server.url, retry=Patience(total_s=0)) as client:
        with pytest.raises(KeyboardInterrupt):
            client.enqueue_payloads("t", payloads(), queue=queue)
        eventually(lambda: servant.ended == servant.connections == 1)
    servant.close()
