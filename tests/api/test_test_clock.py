"""`headrace server --test-clock`: its clock can be set, it says so, and it keeps away from stores with real jobs."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from headrace import Client, NotFound

from tests.support.servers import ServerEnded, ServerProcess, run_headrace

PATH = "/v1/test/clock"


@pytest.fixture(scope="module")
def clock_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("clock"), flags=["--test-clock"])
    try:
        yield server.start()
    finally:
        server.end()


def test_a_delayed_job_runs_days_later_within_a_moment(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, flags=["--test-clock"])
    try:
        with httpx.Client(base_url=server.start().url) as http:
            assert http.get("/v1/server").json()["test_clock"] is True
            job = http.post("/v1/jobs", json={"task": "t", "delay_ms": 3 * 86_400_000}).json()
            before = http.get(PATH).json()
            moved = http.post(PATH, json={"advance_ms": 3 * 86_400_000}).json()
            assert (moved["done"], before["ahead_ms"]) == (True, 0)
            assert moved["now"] >= moved["target"] > job["run_at"] > before["now"]
            [leased] = http.post("/v1/leases", json={"queues": ["default"]}).json()["jobs"]
            assert leased["id"] == job["id"]
            assert leased["deadline"] > moved["now"]
        assert "TEST CLOCK" in server.output()
        with httpx.Client(base_url=server.restart().url) as http:  # the time is the store's
            assert http.get(PATH).json()["now"] > moved["now"]
    finally:
        server.end()


def test_a_store_of_everyday_is_refused_and_so_is_one_of_tests(tmp_path: Path) -> None:
    for first, second in (([], ["--test-clock"]), (["--test-clock"], [])):
        folder = tmp_path / ("tests" if first else "everyday")
        made = ServerProcess(folder, flags=first)
        other = ServerProcess(folder, flags=second)
        try:
            made.start().terminate()
            with pytest.raises(ServerEnded, match=f"ended with {os.EX_CONFIG}") as ended:
                other.start()
            assert "--test-clock" in str(ended.value)
        finally:
            made.end()
            other.end()


def test_several_processes_cannot_drive_one_clock() -> None:
    code, _, said = run_headrace("server", "--port", "0", "--test-clock", "--processes", "2")
    assert (code, "needs one process" in said) == (os.EX_CONFIG, True)


def test_everybodys_clock_cannot_be_set(shared_server: ServerProcess) -> None:
    with Client(shared_server.url) as client:
        for verb in (client.clock, lambda: client.advance_clock("3d")):
            with pytest.raises(NotFound) as caught:
                verb()
            assert caught.value.code == "no_test_clock"
        assert not client.server_info().test_clock


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""),
        ({"advance_ms": 1, "to": "2099-01-01T00:00:00Z"}, "/to"),
        ({"advance_ms": -1}, "/advance_ms"),
        ({"advance_ms": 315_360_000_001}, "/advance_ms"),
        ({"to": "2001-01-01T00:00:00Z"}, "/to"),
        ({"to": "2099-01-01T00:00:00"}, "/to"),
    ],
)
def test_a_faulty_wish_is_refused(clock_server: ServerProcess, body: dict[str, object], pointer: str) -> None:
    reply = httpx.post(clock_server.url + PATH, json=body)
    assert (reply.status_code, [fault["pointer"] for fault in reply.json()["errors"]]) == (422, [pointer])


def test_the_client_sets_it_by_spans(clock_server: ServerProcess) -> None:
    with Client(clock_server.url) as client:
        before = client.clock()
        after = client.advance_clock("36h")
        assert 36 * 3600 <= (after - before).total_seconds() < 36 * 3600 + 30
        assert client.advance_clock(0) >= after
        job = client.enqueue("t", delay_ms=3_600_000)
        client.advance_clock(3_600_000)
        assert client.get(job.id).state == "ready"
