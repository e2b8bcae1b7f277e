"""G1 against a power cut: with `appendfsync always` nothing acknowledged is lost; with `no` the cut is seen to bite."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from tests.support.shims import Clock
from tests.support.stores import StoreProcess
from tests.torture.powercut import cut_power, env_with_fsync_log

MakeStore = Callable[..., StoreProcess]
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
    assert day_s <= int(store.call("TIME")[0]) - before < day_s + 60
