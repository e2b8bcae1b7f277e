"""G1 against a power cut: with `appendfsync always` nothing acknowledged is lost; with `no` the cut is seen to bite."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import redis

from tests.support.servers import ServerProcess
from tests.support.shims import Clock
from tests.support.stores import StoreProcess
from tests.support.waiting import eventually
from tests.torture.powercut import cut_power, env_with_fsync_log

pytestmark = pytest.mark.torture

MakeStore = Callable[..., StoreProcess]
MakeServer = Callable[..., ServerProcess]
WRITERS = 4
LOAD_S = 1.0


def write_until_cut(store: StoreProcess, acknowledged: list[str], writer: int) -> None:
    with store.client() as client:
        try:
            for n in range(10**9):
                client.set(f"{writer}:{n}", "x" * 64)
                acknowledged.append(f"{writer}:{n}")
        except redis.exceptions.ConnectionError:
            return


def lost_keys(store: StoreProcess, log: Path, *, rewrite: bool) -> tuple[int, int]:
    """Write from several connections, cut the power, start again; return how many were acknowledged and lost."""
    store.start(env=env_with_fsync_log(log))
    acknowledged: list[str] = []
    writers = [threading.Thread(target=write_until_cut, args=(store, acknowledged, n)) for n in range(WRITERS)]
    for thread in writers:
        thread.start()
    time.sleep(LOAD_S)  # the load itself: nothing is waited for
    if rewrite:
        store.call("BGREWRITEAOF")
        time.sleep(LOAD_S / 4)
    cut_power(store, log)
    for thread in writers:
        thread.join()
    store.start()
    with store.client() as client:
        found = client.exists(*acknowledged)
    return len(acknowledged), len(acknowledged) - int(found)


@pytest.mark.parametrize("kind", ["valkey", "redis7"])
@pytest.mark.parametrize("rewrite", [False, True])
def test_fsync_always_loses_nothing_acknowledged(
    make_store: MakeStore, tmp_path: Path, kind: str, rewrite: bool
) -> None:
    acknowledged, lost = lost_keys(make_store(kind, started=False), tmp_path / "fsyncs", rewrite=rewrite)
    assert acknowledged > 100
    assert lost == 0


def test_control_without_fsync_the_cut_loses_keys(make_store: MakeStore, tmp_path: Path) -> None:
    store = make_store(started=False, appendfsync="no")
    acknowledged, lost = lost_keys(store, tmp_path / "fsyncs", rewrite=False)
    assert acknowledged > 100
    assert lost > 0


def test_the_clock_of_a_store_can_be_moved(make_store: MakeStore, tmp_path: Path) -> None:
    day_s = 24 * 3600
    clock = Clock(tmp_path / "clock")
    store = make_store(started=False).start(env=clock.env)
    before = int(store.call("TIME")[0])
    clock.shift_ms(day_s * 1000)
    # the store reads its clock once in a while: the next commands may still see the time before the change
    eventually(lambda: day_s <= int(store.call("TIME")[0]) - before < day_s + 60, what="the store's clock is moved")


def enqueue_until_cut(url: str, acknowledged: list[str], writer: int) -> None:
    with httpx.Client(base_url=url, timeout=10.0) as client:
        for n in range(10**9):
            reply = client.post("/v1/jobs", json={"task": "t", "payload": [writer, n]})
            if reply.status_code != 201:
                return
            acknowledged.append(reply.json()["id"])


def lost_jobs(store: StoreProcess, server: ServerProcess, log: Path) -> list[str]:
    """Enqueue from several clients, cut the power, start the store again; return accepted jobs that are gone."""
    acknowledged: list[str] = []
    clients = [threading.Thread(target=enqueue_until_cut, args=(server.url, acknowledged, n)) for n in range(WRITERS)]
    for thread in clients:
        thread.start()
    eventually(lambda: len(acknowledged) >= 2 * WRITERS, 30.0, "some jobs were accepted")
    time.sleep(LOAD_S)
    cut_power(store, log)
    for thread in clients:
        thread.join()
    store.start()
    with httpx.Client(base_url=server.url) as client:
        eventually(lambda: client.get("/readyz").status_code == 200, 5.0, "the server has found the store again (G25)")
        return [job_id for job_id in acknowledged if client.get(f"/v1/jobs/{job_id}").status_code != 200]


@pytest.mark.parametrize("kind", ["valkey", "redis7"])
def test_no_accepted_job_is_lost_in_a_power_cut(
    make_store: MakeStore, make_server: MakeServer, tmp_path: Path, kind: str
) -> None:
    """G1, mode fsync: a 201 stands for an fsync."""
    store = make_store(kind, started=False).start(env=env_with_fsync_log(tmp_path / "fsyncs"))
    assert lost_jobs(store, make_server(redis_url=store.url, watched=False), tmp_path / "fsyncs") == []


def test_control_relaxed_loses_jobs_in_a_power_cut(
    make_store: MakeStore, make_server: MakeServer, tmp_path: Path
) -> None:
    store = make_store(started=False, appendfsync="everysec").start(env=env_with_fsync_log(tmp_path / "fsyncs"))
    server = make_server(redis_url=store.url, watched=False, flags=["--durability", "relaxed"])
    assert lost_jobs(store, server, tmp_path / "fsyncs")
