"""The last inch: addresses, credentials, forks, and what a broken connection says about the request; real sockets."""

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from headrace import App, AsyncClient, Client, ConnectionFailed, OutcomeUnknown, Patience, TimedOut
from headrace._transport import Endpoint, find_servers

ONE_TRY = Patience(total_s=0)
SECRET = "s3cret-token"
REPLY = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 15\r\n\r\n{"version":"1"}'


@contextmanager
def listener(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """Yield the URL of a server that hands every connection to `answer` and then closes it."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def _slam(connection: socket.socket) -> None:
    connection.recv(65536)


def _garbage(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"SSH-2.0-OpenSSH\r\n")


def _half(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(REPLY[:-3])


@pytest.mark.parametrize("answer", [_slam, _garbage, _half])
def test_a_connection_that_breaks_leaves_the_outcome_open(answer: Callable[[socket.socket], None]) -> None:
    with listener(answer) as url, Client(url, retry=ONE_TRY) as client, pytest.raises(OutcomeUnknown) as caught:
        client.server_info()
    assert not isinstance(caught.value, TimedOut)
    assert caught.value.code == "reply_lost"


def _wait(done: threading.Event) -> None:
    done.wait(5)


def test_no_answer_in_time_is_a_time_out() -> None:
    done = threading.Event()
    with listener(lambda _: _wait(done)) as url, Client(url, retry=ONE_TRY, timeout=0.1) as client:
        with pytest.raises(TimedOut):
            client.server_info()
        done.set()


def _unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def test_nobody_there_is_a_failed_connection_that_names_the_address() -> None:
    url = f"http://127.0.0.1:{_unused_port()}"
    with Client(url, retry=ONE_TRY) as client, pytest.raises(ConnectionFailed, match=url):
        client.server_info()


def test_an_unresolvable_host_is_a_failed_connection() -> None:
    with Client("http://no-such-host.invalid", retry=ONE_TRY) as client, pytest.raises(ConnectionFailed):
        client.server_info()


def test_the_awaiting_client_says_the_same() -> None:
    async def ask(url: str) -> None:
        async with AsyncClient(url, retry=ONE_TRY) as client:
            await client.server_info()

    with listener(_slam) as url, pytest.raises(OutcomeUnknown):
        asyncio.run(ask(url))
    with pytest.raises(ConnectionFailed):
        asyncio.run(ask(f"http://127.0.0.1:{_unused_port()}"))


def test_the_token_is_sent_and_never_shown() -> None:
    seen: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        seen.append(connection.recv(65536))

    with listener(answer) as url, Client(url, token=SECRET, retry=ONE_TRY) as client:
        with pytest.raises(OutcomeUnknown) as caught:
            client.server_info()
        shown = [repr(client), repr(caught.value), str(caught.value), repr(App(url, token=SECRET)), repr(vars(client))]
    assert f"authorization: bearer {SECRET}".encode() in seen[0].lower()
    assert not [text for text in shown if SECRET in text]


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_server_on_this_machine_is_not_asked_through_a_proxy(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, f"http://127.0.0.1:{_unused_port()}")

    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(REPLY)

    with listener(answer) as url, Client(url, retry=ONE_TRY) as client:
        assert client.server_info().version == "1"


def test_address_and_token_come_from_the_environment_unless_given() -> None:
    environ = {"HEADRACE_URL": "http://one:1/", "HEADRACE_TOKEN": "t1"}
    assert find_servers(None, None, environ) == (Endpoint("http://one:1", "t1"),)
    assert find_servers("https://two/base/", "t2", environ) == (Endpoint("https://two/base", "t2"),)
    assert find_servers(None, None, {}) == (Endpoint("http://127.0.0.1:8080", None),)


@pytest.mark.parametrize("given", ["http://a:1, http://b:2/,http://a:1,", ["http://a:1", "http://b:2", "http://a:1/"]])
def test_several_servers_are_a_list_or_have_commas_between_them(given: str | list[str]) -> None:
    two = (Endpoint("http://a:1"), Endpoint("http://b:2"))
    assert find_servers(given, None, {}) == two
    assert find_servers(None, None, {"HEADRACE_URL": "http://a:1,http://b:2"}) == two


def test_the_newline_of_a_secrets_file_is_not_part_of_the_token() -> None:
    assert find_servers(None, None, {"HEADRACE_TOKEN": "t1\n"})[0].token == "t1"
    assert find_servers(None, None, {"HEADRACE_TOKEN": " \n"})[0].token is None


@pytest.mark.parametrize("token", [f"{SECRET} x", f"{SECRET}\nx", f"{SECRET}ä"])
def test_a_token_that_no_header_can_carry_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(ValueError, match="HEADRACE_TOKEN") as caught:
        Client(token=token)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("127.0.0.1:8080", "http://"),
        ("ftp://host", "http://"),
        ("http://", "http://"),
        ("http://host:port", "cannot be read"),
        ("http://[::1", "cannot be read"),
        ("http://my host:8080", "cannot be read"),
        ("http://host,host2:8080", "http://"),
        (f"http://user:{SECRET}@host", "HEADRACE_TOKEN"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_at_once(url: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        Client(url)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "local"),
    [("http://127.0.0.1", True), ("http://[::1]:8080", True), ("http://localhost", True), ("http://10.0.0.1", False)],
)
def test_local_servers_are_recognized(url: str, local: bool) -> None:
    assert find_servers(url, None, {})[0].is_local is local


def test_a_format_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="'json', 'msgpack'"):
        Client(format="xml")  # type: ignore[arg-type]


FORK = """
import os, sys
from headrace import Client
client = Client(sys.argv[1])
before = client.server_info().version
child = os.fork()
if child == 0:
    os._exit(int(client.server_info().version))
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(before, code, client.server_info().version)
"""


def test_a_forked_child_does_not_share_the_parent_s_connection() -> None:
    connections: list[int] = []

    def answer(connection: socket.socket) -> None:
        number = len(connections) + 1
        connections.append(number)
        with connection:
            while connection.recv(65536):
                connection.sendall(REPLY.replace(b'"1"', f'"{number}"'.encode()))

    def serve_many(connection: socket.socket) -> None:
        threading.Thread(target=answer, args=(connection.dup(),), daemon=True).start()

    with listener(serve_many) as url:
        done = subprocess.run([sys.executable, "-c", FORK, url], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.split() == ["1", "2", "1"], "parent, child, parent: a connection each"
