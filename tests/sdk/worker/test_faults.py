"""Workers when something dies, hangs or loses replies: every job ends once, and what must count counts."""

import os
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from headrace import Client, NewJob, RetryPolicy, State

from tests.sdk.worker.conftest import END_S, MakeWorker, ended, reached
from tests.support.proxy import Fault, Proxy
from tests.support.servers import ServerProcess
from tests.support.stores import StoreProcess
from tests.support.waiting import eventually

SOON = RetryPolicy(initial_ms=50, jitter=False)
MakeServer = Callable[..., ServerProcess]


def test_a_killed_child_costs_its_jobs_an_attempt_and_names_the_signal(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, tmp_path: Path
) -> None:
    make_worker(shared_server.url)
    later = RetryPolicy(initial_ms=3_000, jitter=False)
    job = client.enqueue("die_once", [str(tmp_path / "been-here")], queue=queue, retry=later)
    waiting = reached(client, job.id, State.RETRYING)
    assert waiting.error is not None
    assert waiting.error.type == "WorkerProcessDied"
    assert "signal 9 (SIGKILL)" in waiting.error.message
    finished = ended(client, job.id)
    assert (finished.result, finished.attempt, finished.delivery, finished.crashes) == ("survived", 2, 2, 0)


def test_a_poison_job_is_dead_after_its_attempts_and_others_live_on(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker
) -> None:
    make_worker(shared_server.url, "--threads", "1")
    poison = client.enqueue("exit_process", [3], queue=queue, retry=SOON)
    dead = ended(client, poison.id)
    assert (dead.state, dead.reason, dead.attempt) == (State.DEAD, "max_attempts", 3)
    assert dead.error is not None
    assert "exit status 3" in dead.error.message
    healthy = client.enqueue("noop", queue=queue)
    assert ended(client, healthy.id).attempt == 1


def test_a_killed_supervisor_takes_its_child_along_and_its_jobs_run_again(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, tmp_path: Path
) -> None:
    started, go = tmp_path / "started", tmp_path / "go"
    first = make_worker(shared_server.url)
    (child,) = [psutil.Process(pid) for pid in first.children]
    job = client.enqueue("block", [str(started), str(go)], queue=queue, lease_ms=1_000)
    eventually(started.exists, END_S)
    first.process.kill9()
    eventually(lambda: not child.is_running(), 5.0, "no child is left behind")
    go.touch()
    make_worker(shared_server.url)
    finished = ended(client, job.id)
    assert (finished.result, finished.crashes, finished.attempt, finished.delivery) == ("went on", 1, 1, 2)


def test_a_killed_supervisor_takes_a_child_along_that_holds_the_gil(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, tmp_path: Path
) -> None:
    started = tmp_path / "started"
    worker = make_worker(shared_server.url)
    (child,) = [psutil.Process(pid) for pid in worker.children]
    client.enqueue("hold_gil", [str(started), 60], queue=queue)
    eventually(started.exists, END_S)
    worker.process.kill9()
    eventually(lambda: not child.is_running(), 5.0, "no child is left behind")


@pytest.mark.parametrize("task", ["block", "block_async"])
def test_a_lost_lease_ends_the_job_here_and_only_the_other_result_counts(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, tmp_path: Path, task: str
) -> None:
    started = tmp_path / "started"
    frozen = make_worker(shared_server.url, "--threads", "1")  # no second slot: its own poll must not get the job again
    job = client.enqueue(task, [str(started), str(tmp_path / "go")], queue=queue, lease_ms=1_000)
    eventually(started.exists, END_S)
    frozen.process.signal(signal.SIGSTOP)
    reached(client, job.id, State.READY)
    started.unlink()
    other = make_worker(shared_server.url)
    eventually(started.exists, END_S, "the job runs again, elsewhere")
    frozen.process.signal(signal.SIGCONT)
    suffix = ".lost" if task == "block" else ".cancelled"
    eventually((tmp_path / f"started{suffix}").exists, END_S, "the first run is told")
    eventually(lambda: frozen.says("result thrown away"), END_S)
    (tmp_path / "go").touch()
    finished = ended(client, job.id)
    assert (finished.result, finished.crashes, finished.delivery) == ("went on", 1, 2)
    assert frozen.terminate() == 0
    assert other.terminate() == 0


def test_results_of_an_outage_are_settled_when_the_server_is_back(
    make_server: MakeServer, queue: str, make_worker: MakeWorker, tmp_path: Path
) -> None:
    """G25: the worker heals by itself within 5 s of the server's return; nothing runs twice."""
    server = make_server()
    started, go, traces = tmp_path / "started", tmp_path / "go", tmp_path / "traces"
    worker = make_worker(server.url)
    with Client(server.url) as client:
        blocked = client.enqueue("block", [str(started), str(go)], queue=queue)
        eventually(started.exists, END_S)
        server.kill9()
        go.touch()
        eventually(lambda: worker.says("settle failed"), END_S, "the worker has noticed")
        server.start()
        back = time.monotonic()
        finished = ended(client, blocked.id, 5.0)
        assert (finished.result, finished.delivery, finished.attempt) == ("went on", 1, 1)
        new = client.enqueue("mark", [str(traces)], queue=queue)
        assert ended(client, new.id, 5.0).state is State.SUCCEEDED
        assert time.monotonic() - back < 5.0
    assert traces.read_text() == "x\n"


def test_results_of_an_outage_of_the_store_are_settled_when_it_is_back(
    make_store: Callable[..., StoreProcess],
    make_server: MakeServer,
    queue: str,
    make_worker: MakeWorker,
    tmp_path: Path,
) -> None:
    """G25, with the server alive: it answers 503 and 504, and the worker goes on asking."""
    store = make_store()
    server = make_server(redis_url=store.url)
    started, go = tmp_path / "started", tmp_path / "go"
    worker = make_worker(server.url)
    with Client(server.url) as client:
        blocked = client.enqueue("block", [str(started), str(go)], queue=queue)
        eventually(started.exists, END_S)
        store.kill9()
        go.touch()
        eventually(lambda: worker.says("settle failed"), END_S, "the worker has noticed")
        store.start()
        back = time.monotonic()
        finished = ended(client, blocked.id, 5.0)
        assert (finished.result, finished.delivery, finished.attempt) == ("went on", 1, 1)
        assert ended(client, client.enqueue("noop", queue=queue).id, 5.0).state is State.SUCCEEDED
        assert time.monotonic() - back < 5.0


def test_a_result_that_outlives_its_lease_during_an_outage_still_counts(
    make_server: MakeServer, queue: str, make_worker: MakeWorker, tmp_path: Path
) -> None:
    """G7, from the worker's side: nobody else had the job, so the late result is the result."""
    server = make_server()
    started, go = tmp_path / "started", tmp_path / "go"
    worker = make_worker(server.url)
    with Client(server.url) as client:
        job = client.enqueue("block", [str(started), str(go)], queue=queue, lease_ms=1_000)
        eventually(started.exists, END_S)
        server.kill9()
        killed = time.monotonic()
        go.touch()
        eventually(lambda: worker.says("settle failed"), END_S)
        eventually(lambda: time.monotonic() - killed > 1.5, 5.0, "the lease has run out")
        server.start()
        finished = ended(client, job.id)
        assert (finished.state, finished.result, finished.attempt) == (State.SUCCEEDED, "went on", 1)


def test_kills_of_the_server_lose_nothing_and_repeat_nothing(
    make_server: MakeServer, queue: str, make_worker: MakeWorker, tmp_path: Path
) -> None:
    """G1, G9: settle-and-lease requests are cut anywhere; leases in cut replies come back under their key."""
    server = make_server()
    traces = tmp_path / "traces"
    with Client(server.url) as client:
        jobs = client.enqueue_batch(
            [NewJob(task="mark", payload=[str(traces), str(n)], queue=queue) for n in range(600)], atomic=False
        ).jobs
        make_worker(server.url)
        for share in (0.2, 0.4, 0.6):
            eventually(lambda: client.queue_stats(queue).counts[State.SUCCEEDED] >= 600 * share, 30.0)  # noqa: B023
            server.kill9()
            server.start()
        for job in jobs:
            finished = ended(client, job.id)
            assert (finished.state, finished.attempt, finished.crashes) == (State.SUCCEEDED, 1, 0)
    assert sorted(map(int, traces.read_text().split())) == list(range(600)), "each ran, and none ran twice"


def test_lost_replies_lose_no_lease_and_repeat_no_job(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, tmp_path: Path
) -> None:
    """G9 and G27: every third request is executed and its reply is thrown away."""
    traces = tmp_path / "traces"
    jobs = client.enqueue_batch(
        [NewJob(task="mark", payload=[str(traces), str(n)], queue=queue) for n in range(300)], atomic=False
    ).jobs
    with Proxy(shared_server.port) as proxy:
        faults = (Fault.CUT_REPLY, Fault.PASS, Fault.CUT_MIDWAY, Fault.PASS, Fault.CUT_REQUEST, Fault.PASS)
        proxy.plan = lambda number: faults[number % len(faults)]
        worker = make_worker(proxy.url, "--threads", "4")
        for job in jobs:
            finished = ended(client, job.id)
            assert (finished.state, finished.attempt, finished.crashes) == (State.SUCCEEDED, 1, 0)
        assert worker.says("lease reply was lost, got it again"), "the plan did hit a lease"
        proxy.plan = None
        assert worker.terminate() == 0
    assert sorted(map(int, traces.read_text().split())) == list(range(300)), "each ran, and none ran twice"


def test_a_server_that_does_not_answer_is_given_up_and_asked_again(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker
) -> None:
    """A swallowed settle: its connection stays open without an answer. The poll goes on meanwhile."""
    with Proxy(shared_server.port) as proxy:
        worker = make_worker(proxy.url)
        eventually(lambda: proxy.requests >= 2, END_S, "the poll is parked")
        proxy.faults = [Fault.SWALLOW]
        job = client.enqueue("noop", queue=queue)
        finished = ended(client, job.id, 30.0)
        assert (finished.state, finished.delivery) == (State.SUCCEEDED, 1)
        assert worker.terminate() == 0


def test_a_crashing_module_at_a_restart_does_not_end_the_worker(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, tmp_path: Path
) -> None:
    """The file on disk may be half deployed when the child has to be replaced."""
    module = tmp_path / "deployed_app.py"
    good = (
        "from headrace import App\nimport os\napp = App()\n@app.task(name='pid')\ndef pid():\n    return os.getpid()\n"
    )
    module.write_text(good)
    worker = make_worker(shared_server.url, app="deployed_app:app", env={"PYTHONPATH": str(tmp_path)})
    first = ended(client, client.enqueue("pid", queue=queue).id).result
    module.write_text("raise RuntimeError('half a file')\n")
    os.kill(first, signal.SIGKILL)
    eventually(lambda: worker.says("child cannot start"), END_S)
    module.write_text(good)
    second = ended(client, client.enqueue("pid", queue=queue).id).result
    assert second != first


def test_heartbeats_go_on_while_a_settle_hangs(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, tmp_path: Path
) -> None:
    started, go = tmp_path / "started", tmp_path / "go"
    with Proxy(shared_server.port) as proxy:
        worker = make_worker(proxy.url)
        eventually(lambda: proxy.requests >= 2, END_S, "the poll is parked")
        proxy.plan = lambda number: Fault.SWALLOW if number == 4 else Fault.PASS
        hanging = client.enqueue("noop", queue=queue)
        eventually(lambda: proxy.requests >= 4, END_S, "the next poll is parked, and the settle hangs")
        job = client.enqueue("block", [str(started), str(go)], queue=queue, lease_ms=1_000)
        eventually(started.exists, END_S)
        first = client.get(job.id).deadline
        assert first is not None
        eventually(lambda: (client.get(job.id).deadline or first) > first + timedelta(seconds=2), END_S, "two beats")
        assert client.get(job.id).delivery == 1
        assert client.get(hanging.id).state is State.SUCCEEDED, "done, though nobody has told the worker"
        go.touch()
        assert ended(client, job.id).delivery == 1
        assert worker.terminate() == 0
