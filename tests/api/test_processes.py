"""Several processes on one port, exit codes, and what is left behind by a kill -9."""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.processes import runs
from tests.support.servers import ServerProcess, store_pid
from tests.support.stores import StoreProcess
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(180)
START_S = 30.0


def _children(server: ServerProcess) -> list[int]:
    """The server processes of a parent."""
    found = psutil.Process(server.pid).children()
    return [child.pid for child in found if runs(child.pid) and "headrace_server.cli.child" in _words(child)]


def _words(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.NoSuchProcess):  # a zombie is one of these
        return " ".join(process.cmdline())
    return ""


def _answers(server: ServerProcess) -> bool:
    try:
        return httpx.get(f"{server.url}/readyz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def test_all_processes_serve_one_port(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server(flags=["--processes", "2"])
    assert len(_children(server)) == 2
    for child in _children(server):
        os.kill(child, signal.SIGSTOP)  # only the other one can answer now
        other = [pid for pid in _children(server) if pid != child]
        try:
            eventually(lambda: _answers(server), 10, f"{other} answers")
        finally:
            os.kill(child, signal.SIGCONT)
    assert server.terminate() == 0
    assert store_pid(server.data_dir or Path()) is None


def test_whichever_process_is_scraped_tells_of_all(make_server: Callable[..., ServerProcess]) -> None:
    """And what one has counted is not lost with it."""
    server = make_server(flags=["--processes", "2"])
    asked = 20
    for _ in range(asked):
        assert httpx.get(f"{server.url}/livez").status_code == 200  # on a connection of its own each
    eventually(lambda: _livez_count(server) == asked, 10, "the last one is counted, too: that is after its answer")
    assert {_livez_count(server) for _ in range(10)} == {asked}
    victim = _children(server)[0]
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: victim not in _children(server) and len(_children(server)) == 2, START_S, "it is started again")
    eventually(lambda: len(_told(server, "process_open_fds")) == 2, START_S, "it tells how it is")
    assert _livez_count(server) == asked


def _livez_count(server: ServerProcess) -> float:
    told = _told(server, "headrace_http_requests_total")
    return sum(value for labels, value in told.items() if ("route", "/livez") in labels)


def _told(server: ServerProcess, name: str) -> dict[frozenset[tuple[str, str]], float]:
    text = httpx.get(f"{server.url}/metrics").raise_for_status().text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {frozenset(sample.labels.items()): sample.value for sample in samples if sample.name == name}


def test_g22_a_process_that_dies_is_started_again_and_loses_nothing(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server(flags=["--processes", "2"])
    job = httpx.post(f"{server.url}/v1/jobs", json={"task": "t"}).json()
    victims = _children(server)
    for victim in victims:
        os.kill(victim, signal.SIGKILL)
    eventually(lambda: len(set(_children(server)) - set(victims)) == 2, START_S, "both are started again")
    eventually(lambda: _answers(server), START_S, "they serve")
    assert httpx.get(f"{server.url}/v1/jobs/{job['id']}").json() == job


def test_children_end_with_a_parent_that_is_killed(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server(flags=["--processes", "2"])
    children = _children(server)
    server.child.kill9()
    eventually(lambda: not any(runs(child) for child in children), 15, "the children are gone")
    assert _answers(server.start())


def test_settings_reach_the_children_and_secrets_stay_out_of_their_command_lines(
    make_server: Callable[..., ServerProcess], valkey: StoreProcess
) -> None:
    server = make_server(
        redis_url=valkey.url,
        flags=["--processes", "2"],
        env={"HEADRACE_TOKENS": "s3cret-token", "HEADRACE_SHARDS": "3"},
    )
    headers = {"authorization": "Bearer s3cret-token"}
    assert httpx.get(f"{server.url}/v1/server").status_code == 401
    assert httpx.get(f"{server.url}/v1/server", headers=headers).json()["shards"] == 3
    for process in (psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)):
        assert "s3cret-token" not in _words(process)
    assert server.terminate() == 0
    assert "s3cret-token" not in server.output()


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ({"flags": ["--host", "0.0.0.0"]}, 78, "HEADRACE_TOKENS"),
        ({"flags": ["--processes", "0"]}, 78, "HEADRACE_PROCESSES"),
        ({"env": {"HEADRACE_PROCESSES": "many"}}, 78, "HEADRACE_PROCESSES"),
        ({"env": {"HEADRACE_LOG_LEVEL": "loud"}}, 78, "HEADRACE_LOG_LEVEL"),
        ({"flags": ["--host", "192.0.2.1"], "env": {"HEADRACE_TOKENS": "t"}}, 78, "HEADRACE_HOST"),
        ({"redis_url": "redis://127.0.0.1:1/0"}, 69, "does not answer"),
        ({"redis_url": "redis://127.0.0.1:1/0", "flags": ["--processes", "2"]}, 69, "does not answer"),
        ({"redis_url": "http://x:geheim@y"}, 78, "redis://"),
    ],
)
def test_a_server_that_cannot_start_says_why_and_what_to_do(
    make_server: Callable[..., ServerProcess], options: dict[str, object], code: int, words: str
) -> None:
    server = make_server(started=False, **options)
    server.launch()
    assert server.child.wait() == code
    assert words in server.output()
    assert "Traceback" not in server.output()
    assert "geheim" not in server.output()


def test_a_port_that_is_taken_is_a_refusal(make_server: Callable[..., ServerProcess], server: ServerProcess) -> None:
    second = make_server(started=False, flags=["--port", str(server.port)])
    second.launch()
    assert second.child.wait() == 78
    assert "another --port" in second.output()


def test_data_of_another_shape_is_a_refusal(make_server: Callable[..., ServerProcess], valkey: StoreProcess) -> None:
    make_server(redis_url=valkey.url).terminate()
    for flags in ([], ["--processes", "2"]):
        second = make_server(started=False, redis_url=valkey.url, flags=flags, env={"HEADRACE_SHARDS": "2"})
        second.launch()
        assert second.child.wait() == 78
        assert "HEADRACE_SHARDS=1" in second.output()


def test_a_signal_while_it_starts_ends_it(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server(started=False)
    server.launch()
    eventually(lambda: "started the store" in server.output() or "listening" in server.output(), START_S, "it starts")
    begun = time.monotonic()
    assert server.terminate() == 0
    assert time.monotonic() - begun < 3.0
    assert store_pid(server.data_dir or Path()) is None
