"""Real servers on one data directory, while their store is killed."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.support.processes import runs
from tests.support.servers import ServerProcess, store_pid
from tests.support.waiting import eventually

MakeServer = Callable[..., ServerProcess]
LIFE_S = 0.25  # less than a server takes to start


def kill_store(data_dir: Path) -> None:
    os.kill(eventually(lambda: store_pid(data_dir)) or 0, signal.SIGKILL)


def takes_jobs(server: ServerProcess) -> bool:
    return httpx.post(f"{server.url}/v1/jobs", json={"task": "t"}).status_code == 201


@pytest.mark.parametrize("beside_another", [True, False])
def test_a_server_bears_with_a_store_that_dies_while_it_starts(
    make_server: MakeServer, tmp_path: Path, beside_another: bool
) -> None:
    data_dir = tmp_path / "data"
    if beside_another:
        make_server(data_dir=data_dir)
    starting = make_server(data_dir=data_dir, started=False)
    starting.launch()
    for _ in range(4):
        kill_store(data_dir)
        time.sleep(LIFE_S)  # the deaths are meant to fall into different steps of the start
    starting.ready()
    eventually(lambda: takes_jobs(starting), 5.0, "jobs are taken within 5 s of the last death (G25)")


def test_sigterm_stops_the_store_last_and_leaves_nothing(make_server: MakeServer, tmp_path: Path) -> None:
    first, second = (make_server(data_dir=tmp_path / "data") for _ in range(2))
    pid = store_pid(tmp_path / "data")
    assert pid is not None
    assert first.terminate() == 0
    assert httpx.post(f"{second.url}/v1/jobs", json={"task": "t"}).status_code == 201
    assert second.terminate() == 0
    assert not runs(pid)
    assert not (tmp_path / "data" / "store.sock").exists()


def test_a_server_refuses_a_broken_data_directory_with_78(make_server: MakeServer, tmp_path: Path) -> None:
    broken = tmp_path / "data"
    broken.mkdir(mode=0o755)
    (broken / "letters").touch()
    server = make_server(data_dir=broken, started=False)
    server.launch()
    assert server.child.wait() == 78
    assert "holds other things" in server.output()
    assert "--data-dir" in server.output()
