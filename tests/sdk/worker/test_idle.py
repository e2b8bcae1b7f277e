"""What a worker costs that has nothing to do."""

import time

import psutil

from tests.sdk.worker.conftest import END_S, MakeWorker
from tests.support.proxy import Proxy
from tests.support.servers import ServerProcess
from tests.support.waiting import eventually

WATCHED_S = 30.0
POLLS = 2  # that begin in this time: each is parked for 20 s
BEATS = 1  # an idle worker says every 45 s that it lives
CORE = 0.01


def test_an_idle_worker_costs_less_than_a_hundredth_of_a_core_and_two_requests_a_minute_beyond_its_poll(
    shared_server: ServerProcess, make_worker: MakeWorker
) -> None:
    with Proxy(shared_server.port) as proxy:
        worker = make_worker(proxy.url, "--log-level", "info")
        eventually(lambda: proxy.requests >= 2, END_S, "it has introduced itself and polls")
        processes = [psutil.Process(pid) for pid in (worker.pid, *worker.children)]
        began, requests = time.monotonic(), proxy.requests
        spent = sum(_seconds(process) for process in processes)
        eventually(lambda: time.monotonic() - began >= WATCHED_S, WATCHED_S + 5.0)
        assert proxy.requests - requests <= POLLS + BEATS
        used = sum(_seconds(process) for process in processes) - spent
        assert used / (time.monotonic() - began) < CORE
        assert worker.terminate() == 0


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
