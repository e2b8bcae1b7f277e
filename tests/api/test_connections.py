"""Connections: keep-alive, bounds of the head and the body, and clients that are too slow."""

import json
import select
import time
from collections.abc import Iterator

import pytest

from tests.api.raw import Connection, request
from tests.support.servers import ServerProcess
from tests.support.together import serving

LIMIT = 8 * 1024 * 1024
HEAD_LIMIT = 64 * 1024
TIMEOUT_MS = 1_000
JOB = {"task": "t", "queue": "connections"}


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[ServerProcess]:
    """A server that waits only a second for a request to arrive."""
    impatience = {"HEADRACE_RECEIVE_TIMEOUT_MS": str(TIMEOUT_MS)}
    with serving(tmp_path_factory.mktemp("quick"), request, impatience) as server:
        yield server


@pytest.fixture
def line(quick: ServerProcess) -> Iterator[Connection]:
    """A connection to that server."""
    with Connection(quick.url) as connection:
        yield connection


def test_many_requests_on_one_connection(line: Connection) -> None:
    for _ in range(5):
        assert line.request("POST", "/v1/jobs", JOB).status == 201
        assert line.request("GET", "/v1/jobs/x").status == 404
        assert line.request("GET", "/nowhere").status == 404


def test_a_connection_stays_open_longer_than_a_request_may_take(line: Connection) -> None:
    assert line.request("GET", "/livez").status == 200
    time.sleep(TIMEOUT_MS / 1000 + 0.5)  # longer than the deadline: it must not run while nothing is sent
    assert line.request("GET", "/livez").status == 200


def test_requests_one_after_the_other_without_waiting(line: Connection) -> None:
    line.send(request("POST", "/v1/jobs", JOB) + request("GET", "/livez") + request("GET", "/nowhere"))
    assert [line.reply().status for _ in range(3)] == [201, 200, 404]


def test_head_has_headers_only(line: Connection) -> None:
    line.send(request("HEAD", "/livez") + request("GET", "/livez"))
    head = line._read.readline()
    assert b"200" in head
    while line._read.readline() != b"\r\n":
        pass
    assert line.reply().body == b'{"status":"ok"}'


@pytest.mark.parametrize("pieces", [1, 7])
@pytest.mark.parametrize("size", [HEAD_LIMIT, 200 * 1024])
def test_headers_over_the_cap(quick: ServerProcess, size: int, pieces: int) -> None:
    data = request("GET", "/livez", None, "X-Large: " + "x" * size)
    with Connection(quick.url) as line:
        step = len(data) // pieces + 1
        for start in range(0, len(data), step):
            line.send(data[start : start + step])
        reply = line.reply()
        assert (reply.status, reply.problem()["code"]) == (431, "headers_too_large")
        assert line.is_closed()


@pytest.mark.parametrize("pieces", [1, 2])
def test_headers_just_under_the_cap(line: Connection, pieces: int) -> None:
    data = request("GET", "/livez", None, "X-Large: " + "x" * (HEAD_LIMIT - 100))
    half = len(data) // 2 if pieces == 2 else len(data)
    line.send(data[:half])
    line.send(data[half:])
    assert line.reply().status == 200


def test_a_body_may_be_larger_than_the_head(line: Connection) -> None:
    body = {**JOB, "payload": "x" * 500_000}
    assert line.request("POST", "/v1/jobs", body).status == 201
    assert line.request("GET", "/livez").status == 200


def test_a_request_line_over_the_cap(line: Connection) -> None:
    line.send(b"GET /" + b"x" * HEAD_LIMIT + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert line.reply().problem()["code"] == "headers_too_large"


def test_a_body_that_says_it_is_too_long_is_refused_before_it_comes(line: Connection) -> None:
    head = request("POST", "/v1/jobs", None, "Content-Type: application/json", f"Content-Length: {LIMIT + 1}")
    line.send(head)
    assert line.reply().problem()["code"] == "body_too_large"


def test_a_client_that_asks_first_is_told_before_it_sends(line: Connection) -> None:
    ask = ("Content-Type: application/json", "Expect: 100-continue")
    line.send(request("POST", "/v1/jobs", None, *ask, f"Content-Length: {LIMIT + 1}"))
    assert line.reply().status == 413


def test_a_client_that_asks_first_may_go_on(line: Connection) -> None:
    ask = ("Content-Type: application/json", "Expect: 100-continue", "Content-Length: 12")
    line.send(request("POST", "/v1/jobs", None, *ask))
    assert line._read.readline() == b"HTTP/1.1 100 Continue\r\n"
    assert line._read.readline() == b"\r\n"
    line.send(b'{"task":"t"}')
    assert line.reply().status == 201


def test_a_body_in_chunks_is_cut_off_at_the_limit(line: Connection) -> None:
    line.send(request("POST", "/v1/jobs", None, "Content-Type: application/json", "Transfer-Encoding: chunked"))
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    for _ in range(9):
        line.send(chunk)
    assert line.reply().problem()["code"] == "body_too_large"


def test_a_refused_body_leaves_the_connection_usable(line: Connection) -> None:
    for _ in range(2):
        assert line.request("POST", "/nowhere", {"x": "y" * 300_000}).status == 404
    assert line.request("GET", "/livez").status == 200


@pytest.mark.parametrize(
    "start",
    [
        b"POST /v1/jo",
        b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\n",
        b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{",
    ],
)
def test_a_request_that_does_not_end_in_time(line: Connection, start: bytes) -> None:
    begun = time.monotonic()
    line.send(start)
    reply = line.reply()
    assert (reply.status, reply.problem()["code"]) == (408, "request_timeout")
    assert reply.headers["connection"] == "close"
    assert line.is_closed()
    assert TIMEOUT_MS / 1000 - 0.1 <= time.monotonic() - begun < 5


def test_the_deadline_is_for_the_whole_request_however_it_trickles(line: Connection) -> None:
    line.send(b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
    begun = time.monotonic()
    while not select.select([line.socket], [], [], 0.1)[0]:
        assert time.monotonic() - begun < 5
        line.send(b" ")
    assert line.reply().status == 408


def test_a_connection_that_says_nothing_is_closed(line: Connection) -> None:
    assert line.is_closed()


def test_a_slow_second_request_is_refused_too(line: Connection) -> None:
    assert line.request("GET", "/livez").status == 200
    line.send(b"GET /liv")
    assert line.reply().status == 408


def test_a_long_poll_is_not_slow(line: Connection) -> None:
    body = {"queues": ["connections-nobody"], "wait_ms": TIMEOUT_MS + 500}
    assert line.request("POST", "/v1/leases", body).status == 200


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /livez HTTP/9.9\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /v1/jobs HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"CONNECT example.com:80 HTTP/1.1\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nBad Header: x\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused_with_a_problem(line: Connection, data: bytes) -> None:
    line.send(data)
    reply = line.reply()
    assert 400 <= reply.status < 500
    assert reply.problem()["code"]


def test_a_client_that_offers_http2_is_served_in_http1(line: Connection) -> None:
    offer = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__")
    large = {**JOB, "payload": "x" * 500_000}
    for body in (JOB, large):
        reply = line.request("POST", "/v1/jobs", body, *offer)
        assert (reply.status, json.loads(reply.body)["payload"]) == (201, body.get("payload"))
        assert line.request("GET", "/livez", None, *offer).status == 200
        assert line.request("GET", "/livez").status == 200


def test_http_1_0_is_answered_and_closed(line: Connection) -> None:
    line.send(b"GET /livez HTTP/1.0\r\nHost: localhost\r\n\r\n")
    assert line.reply().body == b'{"status":"ok"}'
    assert line.is_closed()


def test_no_header_names_the_software(line: Connection) -> None:
    assert "server" not in line.request("GET", "/livez").headers
