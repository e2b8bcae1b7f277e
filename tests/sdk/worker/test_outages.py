"""What a day in production brings: killed and frozen workers, servers that are away or are replaced one by one.

Every job ends, nothing is done twice but what was cut off in the middle, and nothing is left behind.
"""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil
import pytest
from headrace import Client, Job, NewJob, State

from tests.sdk.worker.conftest import END_S, MakeWorker, WorkerProcess, ended, reached
from tests.support.processes import runs
from tests.support.servers import ServerProcess
from tests.support.stores import StoreProcess
from tests.support.waiting import eventually

MakeServer = Callable[..., ServerProcess]
MakeStore = Callable[..., StoreProcess]


def marks(client: Client, queue: str, file: Path, count: int, **options: int) -> Sequence[Job]:
    """Enqueue jobs that leave a line each in a file."""
    jobs = [NewJob(task="mark", payload=[str(file), str(n)], queue=queue, **options) for n in range(count)]
    return client.enqueue_batch(jobs, atomic=False).jobs


def done(client: Client, queue: str) -> int:
    return client.queue_stats(queue).counts[State.SUCCEEDED]


def lines(file: Path) -> Counter[int]:
    """Return how often each line was left."""
    return Counter(map(int, file.read_text().split()))


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """Where the workers of a test keep their temporary files."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    return folder


def left_behind(client: Client, queue: str, scratch: Path, processes: Sequence[psutil.Process]) -> list[str]:
    """Return what is left of workers that have ended."""
    eventually(lambda: not any(runs(process.pid) for process in processes), 5.0, "their processes have ended")
    leases = client.queue_stats(queue).counts[State.LEASED]
    return [*([f"{leases} leases"] if leases else []), *(path.name for path in scratch.iterdir())]


def processes_of(worker: WorkerProcess) -> list[psutil.Process]:
    process = psutil.Process(worker.pid)
    return [process, *process.children(recursive=True)]


def test_a_worker_killed_under_load_loses_no_job(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, tmp_path: Path, scratch: Path
) -> None:
    env = {"TMPDIR": str(scratch)}
    jobs = marks(client, queue, tmp_path / "marks", 600, lease_ms=1_000)
    worker = make_worker(shared_server.url, env=env)
    for share in (0.2, 0.5):
        eventually(lambda: done(client, queue) >= 600 * share, 30.0)  # noqa: B023 - now
        processes = processes_of(worker)
        worker.process.kill9()
        eventually(lambda: not any(runs(process.pid) for process in processes), 5.0)  # noqa: B023 - now
        worker = make_worker(shared_server.url, env=env)
    ends = [ended(client, job.id) for job in jobs]
    assert {(job.state, job.attempt) for job in ends} == {(State.SUCCEEDED, 1)}
    seen = lines(tmp_path / "marks")
    assert set(seen) == set(range(600))
    cut_off = {number for number, job in enumerate(ends) if job.crashes}
    assert {number for number, times in seen.items() if times > 1} <= cut_off, "only what was cut off ran again"
    processes = processes_of(worker)
    assert worker.terminate() == 0
    assert left_behind(client, queue, scratch, processes) == []


def test_a_worker_frozen_for_twice_the_lease_does_no_harm(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, tmp_path: Path, scratch: Path
) -> None:
    """The supervisor and its children, as a laptop that sleeps or a machine that is migrated."""
    env = {"TMPDIR": str(scratch)}
    started, go = tmp_path / "started", tmp_path / "go"
    alone = ("--processes", "1", "--threads", "1")  # no second slot: a frozen worker's own poll must not get the job
    frozen = make_worker(shared_server.url, *alone, env=env)
    job = client.enqueue("block", [str(started), str(go)], queue=queue, lease_ms=1_000)
    eventually(started.exists, END_S)
    processes = processes_of(frozen)
    os.killpg(frozen.pid, signal.SIGSTOP)
    stopped = time.monotonic()
    started.unlink()
    other = make_worker(shared_server.url, *alone, env=env)
    eventually(started.exists, END_S, "the job runs elsewhere")
    go.touch()
    finished = ended(client, job.id)
    eventually(lambda: time.monotonic() - stopped > 2.0, 5.0, "it was frozen for twice the lease")
    os.killpg(frozen.pid, signal.SIGCONT)
    eventually(lambda: frozen.says("job was lost") or frozen.says("result thrown away"), END_S)
    again = client.get(job.id)
    assert (finished.result, finished.crashes, finished.delivery, finished.attempt) == ("went on", 1, 2, 1)
    assert (again.finished_at, again.worker) == (finished.finished_at, finished.worker), (
        "the zombie's result changed nothing"
    )
    new = client.enqueue("noop", queue=queue)
    assert other.terminate() == 0
    assert ended(client, new.id).state is State.SUCCEEDED
    after = client.enqueue("noop", queue=queue)
    assert ended(client, after.id).state is State.SUCCEEDED, "the thawed worker works on"
    assert frozen.terminate() == 0
    assert left_behind(client, queue, scratch, processes) == []


def test_thirty_seconds_without_a_server_lose_no_result_and_repeat_no_job(
    make_server: MakeServer, queue: str, make_worker: MakeWorker, tmp_path: Path, scratch: Path
) -> None:
    """As long as the leases: all of them have run out when the server is back, and nobody else has had the jobs."""
    server = make_server()
    started, go = tmp_path / "started", tmp_path / "go"
    with Client(server.url) as client:
        last = client.enqueue("block", [str(started), str(go)], queue=queue)
        worker = make_worker(server.url, env={"TMPDIR": str(scratch)})
        eventually(started.exists, END_S)
        jobs = [last, *marks(client, queue, tmp_path / "marks", 400)]
        eventually(lambda: done(client, queue) >= 100, 30.0)
        server.kill9()
        killed = time.monotonic()
        go.touch()  # so that at least this one has ended and cannot be settled
        eventually(lambda: worker.says("settle failed"), END_S, "it is in the middle of its settles")
        eventually(lambda: time.monotonic() - killed > 30.0, 40.0, "the outage is over")
        server.start()
        eventually(lambda: done(client, queue) == len(jobs), 60.0, "all of them are settled, some seconds after")
        ends = [ended(client, job.id) for job in jobs]
        assert {(job.state, job.attempt) for job in ends} == {(State.SUCCEEDED, 1)}
        assert lines(tmp_path / "marks") == Counter(range(400)), "each ran, and none ran twice"
        processes = processes_of(worker)
        assert worker.terminate() == 0
        assert left_behind(client, queue, scratch, processes) == []


def test_a_rolling_restart_of_two_servers_is_not_noticed_by_any_job(
    make_store: MakeStore,
    make_server: MakeServer,
    queue: str,
    make_worker: MakeWorker,
    tmp_path: Path,
    scratch: Path,
) -> None:
    store = make_store()
    servers = [make_server(redis_url=store.url) for _ in range(2)]
    urls = ",".join(server.url for server in servers)
    with Client(urls) as client:
        worker = make_worker(urls, env={"TMPDIR": str(scratch)})
        jobs: list[Job] = []
        for number in range(4):
            jobs += marks(client, queue, tmp_path / f"marks{number}", 200)
            eventually(lambda: done(client, queue) >= len(jobs) - 150, 30.0)  # noqa: B023 - now
            servers[number % 2].restart()
        ends = [ended(client, job.id) for job in jobs]
        assert {(job.state, job.attempt, job.crashes) for job in ends} == {(State.SUCCEEDED, 1, 0)}
        for number in range(4):
            assert lines(tmp_path / f"marks{number}") == Counter(range(200)), "each ran, and none ran twice"
        processes = processes_of(worker)
        assert worker.terminate() == 0
        assert left_behind(client, queue, scratch, processes) == []


def test_a_worker_with_two_urls_starts_and_works_while_the_first_server_is_away(
    make_store: MakeStore, make_server: MakeServer, queue: str, make_worker: MakeWorker
) -> None:
    store = make_store()
    first, second = (make_server(redis_url=store.url) for _ in range(2))
    first.kill9()
    with Client(second.url) as client:
        worker = make_worker(f"{first.url},{second.url}")
        assert ended(client, client.enqueue("noop", queue=queue).id).state is State.SUCCEEDED
        first.start()
        second.kill9()
    with Client(first.url) as client:
        assert ended(client, client.enqueue("noop", queue=queue).id).state is State.SUCCEEDED
    assert worker.terminate() == 0


def test_a_stop_during_an_outage_ends_and_what_ran_goes_to_others(
    make_server: MakeServer, queue: str, make_worker: MakeWorker, tmp_path: Path
) -> None:
    server = make_server()
    started, go = tmp_path / "started", tmp_path / "go"
    with Client(server.url) as client:
        worker = make_worker(server.url, "--drain-timeout", "1")
        job = client.enqueue("block", [str(started), str(go)], queue=queue, lease_ms=1_000)
        eventually(started.exists, END_S)
        server.kill9()
        assert worker.terminate() == 69
        server.start()
        go.touch()
        make_worker(server.url)
        assert ended(client, job.id).result == "went on"
        reached(client, job.id, State.SUCCEEDED)
