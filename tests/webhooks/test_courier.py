"""The courier alone: where it connects to, whom it believes, what it makes of answers. Names are those of a test."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path
from threading import Event, Thread

import pytest
from headrace_server.domain.addresses import Address, networks
from headrace_server.domain.webhooks import Parcel, Receipt
from headrace_server.webhooks import Courier

from tests.support.receiver import Answer, Receiver

pytestmark = pytest.mark.anyio
TLS = Path(__file__).parent / "tls"  # a key and its certificate, for the name receiver.test, good for a hundred years
LOOPBACK = networks(["127.0.0.1/32"])
BODY = b"{}"


class Names:
    """Answers look-ups in turn, the last one for ever, and counts them."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def look_up(self, host: str) -> list[Address]:
        self.asked.append(host)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return [ip_address(text) for text in answer]


@asynccontextmanager
async def a_courier(
    names: Names | None = None, *, allowed: bool = True, trusted: bool = True
) -> AsyncIterator[Courier]:
    """A courier that trusts the certificate of receiver.test, unless it shall not."""
    tls = ssl.create_default_context(cafile=TLS / "certificate.pem") if trusted else None
    courier = Courier(LOOPBACK if allowed else (), look_up=names and names.look_up, tls=tls)
    try:
        yield courier
    finally:
        await courier.close()


def parcel(url: str, timeout_ms: int = 10_000) -> Parcel:
    return Parcel(url=url, headers={"Content-Type": "application/json"}, body=BODY, timeout_ms=timeout_ms)


async def sent(url: str, names: Names | None = None, timeout_ms: int = 10_000, **how: bool) -> Receipt:
    async with a_courier(names, **how) as courier:
        return await courier.send(parcel(url, timeout_ms))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def secure() -> Iterator[Receiver]:
    """A receiver that shows the certificate of receiver.test."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(TLS / "certificate.pem", TLS / "key.pem")
    with Receiver(tls=tls) as running:
        yield running


async def test_a_name_is_looked_up_once_and_its_address_is_connected_to(receiver: Receiver) -> None:
    """A second look-up would lead elsewhere: whoever answers them may change his mind in between."""
    names = Names(["127.0.0.1"], ["127.0.0.2"])
    found = await sent(f"http://receiver.test:{receiver.port}/a?b=c", names)
    assert (found.status, found.error) == (204, "")
    [message] = receiver.messages
    assert (message.path, message.headers["host"]) == ("/a?b=c", f"receiver.test:{receiver.port}")
    assert names.asked == ["receiver.test"]


async def test_each_attempt_is_looked_at_anew(receiver: Receiver) -> None:
    names = Names(["127.0.0.1"], ["127.0.0.2"])
    async with a_courier(names) as courier:
        found = [await courier.send(parcel(f"http://receiver.test:{receiver.port}/")) for _ in range(2)]
    assert [each.error for each in found] == ["", "address_refused"]
    assert len(receiver.messages) == 1


@pytest.mark.parametrize(
    "answer", [["127.0.0.1"], ["169.254.169.254"], ["::1"], ["::ffff:127.0.0.1"], ["93.184.216.34", "10.0.0.1"]]
)
async def test_an_address_that_is_not_public_is_never_connected_to(secure: Receiver, answer: list[str]) -> None:
    found = await sent(f"https://receiver.test:{secure.port}/", Names(answer), allowed=False)
    assert (found.error, found.status) == ("address_refused", None)
    assert secure.messages == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::ffff:7f00:1]", "localhost"]
)
async def test_other_ways_to_write_it_do_not_help(receiver: Receiver, host: str) -> None:
    found = await sent(f"https://{host}:{receiver.port}/", allowed=False)
    assert found.error == "address_refused"
    assert receiver.messages == []


async def test_http_goes_to_the_networks_of_the_operator_alone() -> None:
    assert (await sent("http://receiver.test/", Names(["93.184.216.34"]))).error == "address_refused"


async def test_tls_names_the_host_and_believes_its_certificate_alone(secure: Receiver) -> None:
    names = Names(["127.0.0.1"])
    good, other = f"https://receiver.test:{secure.port}/", f"https://other.test:{secure.port}/"
    assert (await sent(good, names)).status == 204
    found = await sent(other, names)
    assert (found.error, "other.test" in found.detail) == ("tls_failed", True)
    assert (await sent(good, names, trusted=False)).error == "tls_failed"
    assert len(secure.messages) == 1


async def test_a_second_address_is_tried_when_the_first_takes_nothing(receiver: Receiver) -> None:
    allowed = networks(["127.0.0.0/8"])
    names = Names(["127.0.0.2", "127.0.0.1"])
    courier = Courier(allowed, look_up=names.look_up)
    try:
        assert (await courier.send(parcel(f"http://receiver.test:{receiver.port}/"))).status == 204
    finally:
        await courier.close()


async def test_what_is_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody_knows(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    assert (await sent(f"https://{'a' * 64}.example/")).error == "name_not_found"
    assert (await sent("https://nowhere.test/", Names([]))).error == "name_not_found"
    monkeypatch.setattr(socket, "getaddrinfo", nobody_knows)
    assert (await sent("https://nowhere.test/")).error == "name_not_found"


async def test_nobody_listens() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        found = await sent(f"http://127.0.0.1:{closed.getsockname()[1]}/")
    assert found.error == "connection_failed"


async def test_a_look_up_that_hangs_costs_the_attempt_its_time() -> None:
    class Silent(Names):
        async def look_up(self, host: str) -> list[Address]:
            await asyncio.Event().wait()
            raise AssertionError("never")

    assert (await sent("https://receiver.test/", Silent([]), timeout_ms=100)).error == "timeout"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 400, 404, 500])
async def test_only_two_hundreds_will_do(receiver: Receiver, status: int) -> None:
    receiver.answer("/", Answer(status, headers={"Location": receiver.url("/elsewhere")}))
    found = await sent(receiver.url())
    assert (found.status, found.error) == (status, f"http_{status}")
    assert [message.path for message in receiver.messages] == ["/"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("5", 5_000), ("0", 0), ("-5", None), ("Fri, 31 Dec 1999 23:59:59 GMT", None), ("9" * 30, None)],
)
async def test_how_long_a_receiver_wants_to_be_left_alone(receiver: Receiver, text: str, wanted: int | None) -> None:
    receiver.answer("/", Answer(503, headers={"Retry-After": text}))
    assert (await sent(receiver.url())).retry_after_ms == wanted


async def test_the_environments_proxy_is_not_asked(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    assert (await sent(receiver.url())).status == 204


Play = Callable[[socket.socket], None]


@asynccontextmanager
async def a_door(play: Play) -> AsyncIterator[str]:
    """A listener whose one connection is played by hand; its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError), listener.accept()[0] as connection:
                heard = b""
                while not heard.endswith(BODY):  # to close with something unread would cut the connection
                    heard += connection.recv(65_536)
                play(connection)  # until the courier has heard enough

        listener.settimeout(30)
        thread = Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            thread.join()


def talk_for_ever(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")


async def test_an_answer_without_end_is_cut() -> None:
    async with a_door(talk_for_ever) as url:
        assert (await sent(url)).status == 200


async def test_an_answer_that_is_no_http() -> None:
    async with a_door(lambda connection: connection.sendall(b"220 mail.example ESMTP\r\n")) as url:
        assert (await sent(url)).error == "no_http"


async def test_an_answer_that_drips_is_not_waited_for() -> None:
    over = Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not over.wait(0.02):
            connection.sendall(b"x")

    async with a_door(drip) as url:
        found = await sent(url, timeout_ms=300)
        over.set()
    assert found.error == "timeout"
    assert found.took_ms >= 300
