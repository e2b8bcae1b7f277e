"""Requests into bytes and bytes into replies, however they come in pieces; h11 is the judge of both."""

import h11
import pytest
from headrace._http1 import Garbled, ReplyReader, write_request
from headrace._steps import Reply, Request

SIZED = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{" + b'"a":1}'
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"4;x=y\r\n{\r\n\r\r\n0A \r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n"
)
EMPTY = b"HTTP/1.1 204 No Content\r\nX-Request-ID: r\r\n\r\n"
UNCHANGED = b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n"
HINTED = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + SIZED
TWICE = b"HTTP/1.1 200\r\nVary: a\r\nvary:\tb \r\nContent-Length: 0\r\n\r\n"
UNTIL_THE_END = b"HTTP/1.1 200 OK\r\nX: \xe9\r\n\r\nall there is"
OLD = b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"
WHOLE = {
    "sized": SIZED,
    "chunked": CHUNKED,
    "empty": EMPTY,
    "unchanged": UNCHANGED,
    "hinted": HINTED,
    "twice": TWICE,
    "old": OLD,
    "until the end": UNTIL_THE_END,
}


def read(*pieces: bytes) -> tuple[Reply, bool]:
    """Return the reply in these pieces and then the end of the connection, and whether it could go on."""
    reader = ReplyReader()
    for piece in (*pieces, b""):
        reply = reader.feed(piece)
        if reply is not None:
            return reply, reader.reusable
    raise AssertionError("the end of the connection left the reply open")


def read_by_h11(data: bytes) -> Reply:
    """Return what h11 makes of the same bytes."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("host", "h")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    connection.receive_data(b"")
    status, headers, content = 0, {}, b""
    while not isinstance(event := connection.next_event(), h11.EndOfMessage):
        if isinstance(event, h11.Response):
            status = event.status_code
            for name, value in event.headers:
                known = headers.get(name.decode())
                text = value.decode("latin-1")
                headers[name.decode()] = text if known is None else f"{known}, {text}"
        elif isinstance(event, h11.Data):
            content += event.data
    return Reply(status=status, headers=headers, content=content)


@pytest.mark.parametrize("data", WHOLE.values(), ids=WHOLE)
def test_a_reply_is_what_h11_makes_of_it(data: bytes) -> None:
    assert read(data)[0] == read_by_h11(data)


@pytest.mark.parametrize("data", WHOLE.values(), ids=WHOLE)
def test_it_does_not_matter_in_which_pieces_a_reply_comes(data: bytes) -> None:
    whole = read(data)
    assert read(*(data[n : n + 1] for n in range(len(data)))) == whole
    for cut in range(1, len(data)):
        assert read(data[:cut], data[cut:]) == whole


@pytest.mark.parametrize("data", [SIZED, CHUNKED, EMPTY, HINTED])
def test_a_reply_that_is_cut_short_is_garbled(data: bytes) -> None:
    for cut in range(len(data)):
        with pytest.raises(Garbled, match="closed"):
            read(*[data[:cut]] * bool(cut))


@pytest.mark.parametrize(
    ("data", "goes_on"),
    [
        (SIZED, True),
        (CHUNKED, True),
        (EMPTY, True),
        (OLD, False),
        (UNTIL_THE_END, False),
        (SIZED.replace(b"\r\n\r\n", b"\r\nConnection: Close\r\n\r\n"), False),
        (SIZED + b"HTTP/1.1 408 Request Timeout\r\n\r\n", False),
    ],
)
def test_a_connection_is_used_again_where_the_reply_says_so(data: bytes, goes_on: bool) -> None:
    assert read(data)[1] is goes_on


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno header\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 17 + b"\r\n",
        b"x" * 70_000,
    ],
)
def test_what_is_no_reply_is_refused_and_not_waited_for(data: bytes) -> None:
    with pytest.raises(Garbled):
        ReplyReader().feed(data)


def written(request: Request, base: str = "", common: tuple[str, ...] = ("Host: h:1",)) -> tuple[h11.Request, bytes]:
    """Return how a server reads a request that we wrote."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(write_request(request, base, common))
    head, content = connection.next_event(), b""
    assert isinstance(head, h11.Request)
    while not isinstance(event := connection.next_event(), h11.EndOfMessage):
        assert isinstance(event, h11.Data)
        content += event.data
    assert connection.trailing_data == (b"", False)
    return head, content


def test_a_server_reads_what_was_written() -> None:
    request = Request(
        method="POST", path="/v1/jobs", params={"a": "b c&d", "e": "ü"}, headers={"X": "y"}, content=b"\r\n{}"
    )
    head, content = written(request, "/base")
    assert (head.method, head.target, content) == (b"POST", b"/base/v1/jobs?a=b+c%26d&e=%C3%BC", b"\r\n{}")
    assert dict(head.headers) == {b"host": b"h:1", b"x": b"y", b"content-length": b"4"}


@pytest.mark.parametrize(("method", "length"), [("GET", None), ("DELETE", None), ("POST", b"0"), ("PUT", b"0")])
def test_a_request_without_a_body_says_so_where_one_is_expected(method: str, length: bytes | None) -> None:
    head, _ = written(Request(method=method, path="/v1/jobs"))
    assert dict(head.headers).get(b"content-length") == length


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nb", "a\x00b", "ä"])
def test_a_header_that_is_more_than_its_line_is_refused_and_not_shown(value: str) -> None:
    with pytest.raises(ValueError, match="no header can carry") as caught:
        write_request(
            Request(method="GET", path="/", headers={"Idempotency-Key": value}), "", ["Authorization: s3cret"]
        )
    assert "s3cret" not in str(caught.value)
