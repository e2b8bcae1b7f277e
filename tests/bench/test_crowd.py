"""The load of a front door: it takes answers as they come, in pieces or not, and nothing but answers."""

import socketserver
import threading
from collections.abc import Iterator

import pytest
from crowd import Crowd, Refused, post, whole

CREATED = b"HTTP/1.1 201 Created\r\ncontent-length: 4\r\nserver: nobody\r\n\r\nbody"
REQUEST = post("/v1/jobs", b"{}")


class Server(socketserver.ThreadingTCPServer):
    """Answers each request by `pieces`, one write each, and counts the requests."""

    daemon_threads = True
    pieces: tuple[bytes, ...] = (CREATED,)

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        self.requests: list[bytes] = []


class Connection(socketserver.BaseRequestHandler):
    server: Server

    def handle(self) -> None:
        while request := self.request.recv(4096):
            self.server.requests.append(request)
            for piece in self.server.pieces:
                self.request.sendall(piece)
            if not self.server.pieces:
                return


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield made
        made.shutdown()


@pytest.mark.parametrize("times", [3, 20])
def test_every_connection_asks_again_until_all_is_answered(server: Server, times: int) -> None:
    with Crowd(server.server_address[1], 3) as crowd:
        assert crowd.ask(REQUEST, times) > 0
        assert crowd.ask(REQUEST, 1) > 0
    assert server.requests == [REQUEST] * (times + 3)


def test_an_answer_in_pieces_is_one(server: Server) -> None:
    server.pieces = (CREATED[:40], CREATED[40:-2], CREATED[-2:])
    with Crowd(server.server_address[1], 2) as crowd:
        crowd.ask(REQUEST, 10)
    assert len(server.requests) == 10


def test_a_beginning_is_not_the_whole() -> None:
    assert not any(whole(CREATED[:cut]) for cut in range(len(CREATED)))
    assert whole(CREATED)


@pytest.mark.parametrize("answer", [CREATED.replace(b"201", b"503"), CREATED.replace(b"length", b"lengte")])
def test_no_error_is_counted_as_an_answer(server: Server, answer: bytes) -> None:
    server.pieces = (answer,)
    with Crowd(server.server_address[1], 1) as crowd, pytest.raises(Refused, match="nobody"):
        crowd.ask(REQUEST, 1)


def test_a_connection_that_is_closed_is_no_answer(server: Server) -> None:
    server.pieces = ()
    with Crowd(server.server_address[1], 1) as crowd, pytest.raises(Refused, match="closed"):
        crowd.ask(REQUEST, 1)
