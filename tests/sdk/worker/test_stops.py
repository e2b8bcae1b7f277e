"""How a worker ends: what has started finishes, what has not goes back, and no attempt is counted for either."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from headrace import Client, NewJob, State

from tests.sdk.worker.conftest import END_S, MakeWorker, WorkerProcess, ended, reached
from tests.support.servers import ServerProcess, run_headrace
from tests.support.waiting import eventually

BOTH = pytest.mark.parametrize("task", ["block", "block_async"])


def unharmed(client: Client, job_id: str) -> None:
    """Assert that a job is back in its queue, with nothing counted against it."""
    job = client.get(job_id)
    assert (job.state, job.attempt, job.crashes) == (State.READY, 1, 0)


@BOTH
def test_running_jobs_finish_within_the_drain_timeout(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, tmp_path: Path, task: str
) -> None:
    started, go = tmp_path / "started", tmp_path / "go"
    worker = make_worker(shared_server.url, "--threads", "1")
    running = client.enqueue(task, [str(started), str(go)], queue=queue)
    eventually(started.exists, END_S)
    behind = client.enqueue("noop", queue=queue)
    worker.process.signal(signal.SIGTERM)
    eventually(lambda: worker.says("worker stopping"), END_S)
    go.touch()
    assert worker.process.wait(END_S) == 0
    assert client.get(running.id).result == "went on"
    unharmed(client, behind.id)
    assert client.get(behind.id).delivery == 0, "nothing is leased after SIGTERM"


@BOTH
@pytest.mark.parametrize("processes", ["0", "1"])
def test_what_does_not_finish_in_time_goes_back(
    shared_server: ServerProcess,
    client: Client,
    queue: str,
    make_worker: MakeWorker,
    tmp_path: Path,
    task: str,
    processes: str,
) -> None:
    started = tmp_path / "started"
    worker = make_worker(shared_server.url, "--drain-timeout", "0.2", "--processes", processes)
    job = client.enqueue(task, [str(started), "never"], queue=queue)
    eventually(started.exists, END_S)
    assert worker.terminate() == 0
    unharmed(client, job.id)
    assert client.get(job.id).reason == "worker_stopped"


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_skips_the_drain(
    shared_server: ServerProcess,
    client: Client,
    queue: str,
    make_worker: MakeWorker,
    tmp_path: Path,
    second: signal.Signals,
) -> None:
    started = tmp_path / "started"
    worker = make_worker(shared_server.url, "--drain-timeout", "600")
    (child,) = worker.children
    job = client.enqueue("block", [str(started), "never"], queue=queue)
    eventually(started.exists, END_S)
    worker.process.signal(signal.SIGTERM)
    eventually(lambda: worker.says("worker stopping"), END_S)
    worker.process.signal(second)
    assert worker.process.wait(END_S) == 0
    unharmed(client, job.id)
    assert not psutil.pid_exists(child)


def test_the_code_of_a_released_job_has_ended_before_another_worker_can_get_it(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, tmp_path: Path
) -> None:
    started = tmp_path / "started"
    worker = make_worker(shared_server.url, "--drain-timeout", "0")
    job = client.enqueue("block", [str(started), "never"], queue=queue)
    eventually(started.exists, END_S)
    running = psutil.Process(int(started.read_text()))
    worker.process.signal(signal.SIGTERM)
    reached(client, job.id, State.READY)
    assert not running.is_running()
    assert worker.process.wait(END_S) == 0


def test_an_idle_worker_stops_at_once(shared_server: ServerProcess, make_worker: MakeWorker) -> None:
    worker = make_worker(shared_server.url)
    before = time.monotonic()
    assert worker.terminate() == 0
    assert time.monotonic() - before < 5.0, "it does not wait for its parked poll"


def test_a_stop_during_a_long_import_is_heard(shared_server: ServerProcess, queue: str, tmp_path: Path) -> None:
    (tmp_path / "slow_app.py").write_text(
        "import pathlib, time\npathlib.Path(__file__).with_name('importing').touch()\ntime.sleep(60)\n"
    )
    env = {"PYTHONPATH": str(tmp_path)}
    worker = WorkerProcess(tmp_path / "log", shared_server.url, queue, app="slow_app:app", env=env)
    try:
        eventually((tmp_path / "importing").exists, END_S)
        assert worker.terminate() == 0
    finally:
        worker.process.end()


def test_no_job_is_left_held_by_workers_that_stop_under_load(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker
) -> None:
    """Also what was granted at the very moment in which the poll was cut off."""
    jobs = client.enqueue_batch([NewJob(task="noop", queue=queue)] * 400, atomic=False).jobs
    for done in (50, 150, 250):
        worker = make_worker(shared_server.url)
        eventually(lambda: client.queue_stats(queue).counts[State.SUCCEEDED] >= done, 30.0)  # noqa: B023 - now
        assert worker.terminate() == 0
        assert client.queue_stats(queue).counts[State.LEASED] == 0
    make_worker(shared_server.url)
    for job in jobs:
        finished = ended(client, job.id)
        assert (finished.state, finished.attempt, finished.crashes) == (State.SUCCEEDED, 1, 0)


def test_a_worker_that_cannot_reach_the_server_stops_all_the_same(
    make_server: Callable[..., ServerProcess], queue: str, make_worker: MakeWorker, tmp_path: Path
) -> None:
    server = make_server()
    started, go = tmp_path / "started", tmp_path / "go"
    worker = make_worker(server.url, "--drain-timeout", "0")
    with Client(server.url) as client:
        client.enqueue("block", [str(started), str(go)], queue=queue)
    eventually(started.exists, END_S)
    server.kill9()
    assert worker.terminate() == 69, "a lease was left to run out"
    assert worker.says("the server cannot be reached")


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["no_such_module:app"], 78, "there is no module 'no_such_module'"),
        (["tests.sdk.worker.apps:nothing"], 78, "it has the apps app"),
        (["tests.sdk.worker.apps"], 78, "write module:app"),
        (["headrace_worker.demo:app", "--url", "nonsense"], 78, "http://"),
        (["headrace_worker.demo:app", "--queues", "no spaces"], 2, "letters, digits"),
        (["headrace_worker.demo:app", "--threads", "0"], 2, "from 1 to"),
        (["headrace_worker.demo:app", "--name", "a/b"], 2, "letters, digits"),
        (["headrace_worker.demo:app", "--threads", "many"], 2, "'many' is no whole number"),
        (["headrace_worker.demo:app", "--drain-timeout", "nan"], 2, "a number of seconds"),
        (["headrace_worker.demo:app", "--drain-timeout", "long"], 2, "a number of seconds"),
        (["headrace_worker.demo:app", "--processes", "0", "--reload"], 78, "--reload: there is no child process"),
        (["headrace_worker.demo:app", "--label", "no-value"], 2, "KEY=VALUE"),
        (["headrace_worker.demo:app", *["--label=a=b"] * 17], 78, "17 labels, and at most 16"),
        (["headrace_worker.demo:app", "--health-port", "70000"], 2, "a port"),
        (["headrace_worker.demo:app", "--queues", "a,b", "--exclude", "b,a"], 78, "--exclude leaves none"),
    ],
)
def test_wrong_usage_is_told_in_one_line(args: list[str], code: int, words: str) -> None:
    exit_code, out, err = run_headrace("worker", *args)
    assert (exit_code, out) == (code, "")
    assert words in err
    assert "Traceback" not in err


def test_help_tells_what_a_stranger_needs() -> None:
    code, out, _ = run_headrace("worker", "--help")
    assert code == 0
    for word in ("MODULE:APP", "HEADRACE_TOKEN", "SIGQUIT"):
        assert word in out
    for flag in ("queues", "exclude", "threads", "processes", "name", "label", "drain-timeout", "health-port", "url"):
        assert f"--{flag}" in out
