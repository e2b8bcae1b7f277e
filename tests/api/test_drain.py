"""SIGTERM (G29): readiness goes red, polls are answered, running requests finish, the process ends soon, no 5xx."""

import signal
import threading
import time
from collections.abc import Callable

import httpx
import pytest

from tests.api.raw import Connection, request
from tests.support.servers import ServerProcess, store_pid
from tests.support.stores import StoreProcess
from tests.support.waiting import eventually

POLL = {"queues": ["default"], "wait_ms": 30_000}


def test_g29_open_polls_are_answered_and_the_server_ends_within_2_s(server_on: ServerProcess) -> None:
    lines = [Connection(server_on.url) for _ in range(20)]
    for line in lines[:10]:
        line.send(request("POST", "/v1/leases", POLL))
    made = lines[10].request("POST", "/v1/jobs", {"task": "t", "queue": "other"})
    path = made.headers["location"]
    for line in lines[10:19]:
        line.send(request("GET", f"{path}?wait=30"))
    time.sleep(0.3)  # they are parked: nothing outside can see that
    begun = time.monotonic()
    server_on.child.signal(signal.SIGTERM)
    replies = [line.reply() for line in lines[:19]]
    assert time.monotonic() - begun < 1.5
    assert server_on.child.wait() == 0
    assert time.monotonic() - begun < 2.0
    assert [reply.status for reply in replies] == [200] * 19
    assert all(reply.headers["connection"] == "close" for reply in replies)
    for line in lines:
        line.close()


def test_g29_a_request_that_is_arriving_is_finished(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server()
    data = request("POST", "/v1/jobs", {"task": "t", "payload": "x" * 100_000})
    with Connection(server.url) as head, Connection(server.url) as body:
        head.send(data[:30])
        body.send(data[:50_000])
        time.sleep(0.3)  # both have reached the server
        begun = time.monotonic()
        server.child.signal(signal.SIGTERM)
        time.sleep(0.5)
        head.send(data[30:])
        body.send(data[50_000:])
        assert (head.reply().status, body.reply().status) == (201, 201)
        assert server.child.wait() == 0
        assert time.monotonic() - begun < 3.0


def test_g29_a_client_that_never_finishes_is_cut_off_within_the_grace_period(
    make_server: Callable[..., ServerProcess],
) -> None:
    server = make_server(env={"HEADRACE_GRACE_MS": "1500"})
    with Connection(server.url) as line:
        line.send(request("POST", "/v1/jobs", {"task": "t"})[:-3])
        time.sleep(0.2)
        begun = time.monotonic()
        server.child.signal(signal.SIGTERM)
        assert line.is_closed()
        assert server.child.wait() == 0
        assert 0.9 < time.monotonic() - begun < 3.0


def test_a_second_signal_does_not_wait(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server()
    with Connection(server.url) as line:
        line.send(request("POST", "/v1/jobs", {"task": "t"})[:-3])
        time.sleep(0.2)
        server.child.signal(signal.SIGTERM)
        time.sleep(0.5)
        assert server.alive
        begun = time.monotonic()
        server.child.signal(signal.SIGTERM)
        assert server.child.wait() == 0
        assert time.monotonic() - begun < 1.5


def test_idle_connections_do_not_hold_the_server(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server()
    with Connection(server.url) as silent, Connection(server.url) as used:
        assert used.request("GET", "/livez").status == 200
        begun = time.monotonic()
        assert server.terminate() == 0
        assert time.monotonic() - begun < 2.0
        assert silent.is_closed()
        assert used.is_closed()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_ctrl_c_and_a_closed_terminal_drain_too(make_server: Callable[..., ServerProcess], number: int) -> None:
    server = make_server()
    server.child.signal(number)
    if signal.getsignal(number) is signal.SIG_IGN:  # this run was started so (nohup), and the server inherits that
        assert httpx.get(f"{server.url}/livez").status_code == 200
        number = signal.SIGTERM
        server.child.signal(number)
    assert server.child.wait() == 0
    assert server.data_dir
    assert store_pid(server.data_dir) is None


@pytest.mark.parametrize("processes", [1, 2])
def test_g29_no_5xx_when_servers_are_restarted_under_load(
    make_server: Callable[..., ServerProcess], valkey: StoreProcess, processes: int
) -> None:
    server = make_server(redis_url=valkey.url, flags=["--processes", str(processes)])
    stop = threading.Event()
    statuses: list[int] = []
    accepted: list[str] = []

    def load() -> None:
        with httpx.Client(base_url=server.url, timeout=10) as http:
            while not stop.is_set():
                try:
                    reply = http.post("/v1/jobs", json={"task": "t"})
                except httpx.TransportError:
                    continue  # no server listens, or it closed an idle connection: not an answer
                statuses.append(reply.status_code)
                if reply.status_code == 201:
                    accepted.append(reply.json()["id"])

    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(2):
        seen = len(statuses)
        eventually(lambda seen=seen: len(statuses) > seen + 20, 15, "requests are answered")
        assert server.terminate() == 0
        server.start()
    stop.set()
    for thread in threads:
        thread.join()
    assert set(statuses) == {201}
    with httpx.Client(base_url=server.url) as http:
        stats = http.get("/v1/queues/default/stats").json()
    assert stats["backlog"] >= len(accepted)  # more where an answer was cut
