"""What a worker tells of itself, and what it does when the server says quiet, run or stop."""

import os
import platform
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from headrace import Client, Directive, NotFound, State, WorkerRecord, WorkerState, __version__
from headrace_worker.duty import Duty

from tests.sdk.worker.conftest import END_S, MakeWorker, WorkerProcess, ended, reached
from tests.support.servers import ServerProcess
from tests.support.waiting import eventually


@pytest.fixture
def name(queue: str) -> str:
    """A worker id that no other test uses."""
    return f"{queue}-w"


def seen(client: Client, worker_id: str, fits: Callable[[WorkerRecord], bool]) -> WorkerRecord:
    """Return the record of a worker once it fits."""

    def looked_up() -> WorkerRecord | None:
        try:
            record = client.worker(worker_id)
        except NotFound:
            return None
        return record if fits(record) else None

    record = eventually(looked_up, END_S, f"the record of {worker_id}")
    assert record is not None
    return record


def gone(client: Client, worker_id: str) -> bool:
    try:
        client.worker(worker_id)
    except NotFound:
        return True
    return False


class TestDuty:
    """The state of the worker, by itself."""

    @pytest.fixture
    def calls(self) -> list[str]:
        return []

    @pytest.fixture
    def duty(self, calls: list[str]) -> Duty:
        made = Duty(lambda: calls.append("stop"))
        made.changed = lambda: calls.append(made.now.value)
        return made

    def test_it_goes_between_run_and_quiet(self, duty: Duty, calls: list[str]) -> None:
        for word in (Directive.RUN, Directive.QUIET, Directive.QUIET, None, Directive.RUN):
            duty.obey(word)
        assert (calls, duty.takes_jobs) == (["quiet", "run"], True)

    def test_a_stop_is_for_good(self, duty: Duty, calls: list[str]) -> None:
        duty.obey(Directive.STOP)
        duty.stopping()
        for word in (Directive.STOP, Directive.RUN, Directive.QUIET):
            duty.obey(word)
        assert (calls, duty.now) == (["stop", "stop"], Directive.STOP)

    def test_a_word_of_a_later_server_changes_nothing(self, duty: Duty, calls: list[str]) -> None:
        duty.obey(Directive("dance"))
        assert (calls, duty.now) == ([], Directive.RUN)


def test_a_worker_tells_what_it_is_and_says_goodbye(
    shared_server: ServerProcess, client: Client, queue: str, name: str, make_worker: MakeWorker, tmp_path: Path
) -> None:
    worker = make_worker(
        shared_server.url, "--name", name, "--processes", "1", "--threads", "3", "--label", "release=41"
    )
    info = seen(client, name, lambda record: record.info.pid == worker.pid).info
    assert (info.state, list(info.queues or ())) == (Directive.RUN, [queue])
    assert (info.slots, info.busy, info.processes) == (3, 0, 1)
    assert info.versions == {"headrace": __version__, "python": platform.python_version()}
    assert info.labels == {"release": "41"}
    assert {"noop", "block"} < set(info.tasks or ())
    assert (info.rss_bytes or 0) > 20_000_000
    assert worker.terminate() == 0
    assert gone(client, name)


def test_a_busy_worker_tells_what_it_holds_and_counts_what_it_did(
    shared_server: ServerProcess, client: Client, queue: str, name: str, make_worker: MakeWorker, tmp_path: Path
) -> None:
    started, go = tmp_path / "started", tmp_path / "go"
    make_worker(shared_server.url, "--name", name, "--processes", "1", "--threads", "3")
    assert ended(client, client.enqueue("noop", queue=queue).id).state is State.SUCCEEDED
    assert ended(client, client.enqueue("one_argument", [1, 2], queue=queue).id).state is State.DEAD
    job = client.enqueue("block", [str(started), str(go)], queue=queue, lease_ms=1_000)
    record = seen(client, name, lambda record: record.info.busy == 1)
    assert (record.state, record.leased, record.job_ids) == (WorkerState.UP, 1, (job.id,))
    assert record.info.counts == {"succeeded": 1, "failed": 1, "retried": 0}
    go.touch()


@pytest.mark.parametrize("processes", ["0", "1"])
def test_a_quiet_worker_finishes_what_it_has_and_takes_nothing_until_it_is_resumed(
    shared_server: ServerProcess,
    client: Client,
    queue: str,
    name: str,
    make_worker: MakeWorker,
    tmp_path: Path,
    processes: str,
) -> None:
    started, go = tmp_path / "started", tmp_path / "go"
    worker = make_worker(shared_server.url, "--name", name, "--processes", processes)
    running = client.enqueue("block", [str(started), str(go)], queue=queue)
    eventually(started.exists, END_S)
    client.quiet_worker(name)
    seen(client, name, lambda record: record.info.state is Directive.QUIET)
    later = client.enqueue("noop", queue=queue)
    go.touch()
    assert ended(client, running.id).result == "went on"
    assert worker.process.alive
    assert client.get(later.id).delivery == 0
    client.resume_worker(name)
    assert ended(client, later.id).state is State.SUCCEEDED
    seen(client, name, lambda record: record.info.state is Directive.RUN)


def test_a_worker_that_is_told_to_stop_drains_as_at_sigterm(
    shared_server: ServerProcess, client: Client, queue: str, name: str, make_worker: MakeWorker, tmp_path: Path
) -> None:
    started, go = tmp_path / "started", tmp_path / "go"
    worker = make_worker(shared_server.url, "--name", name)
    running = client.enqueue("block", [str(started), str(go)], queue=queue, lease_ms=1_000)
    eventually(started.exists, END_S)
    client.stop_worker(name)
    eventually(lambda: worker.says("worker stopping"), END_S)
    seen(client, name, lambda record: record.info.state is Directive.STOP)
    behind = client.enqueue("noop", queue=queue)
    go.touch()
    assert worker.process.wait(END_S) == 0
    assert client.get(running.id).result == "went on"
    assert client.get(behind.id).delivery == 0
    assert gone(client, name)


def test_an_idle_worker_that_is_told_to_stop_ends_at_once(
    shared_server: ServerProcess, client: Client, name: str, make_worker: MakeWorker
) -> None:
    """Its parked poll is answered, so it need not wait for its next heartbeat."""
    worker = make_worker(shared_server.url, "--name", name)
    seen(client, name, lambda record: record.info.pid == worker.pid)
    client.stop_worker(name)
    assert worker.process.wait(5.0) == 0


def test_a_killed_worker_leaves_a_record_that_its_successor_takes_over(
    shared_server: ServerProcess, client: Client, name: str, make_worker: MakeWorker
) -> None:
    first = make_worker(shared_server.url, "--name", name)
    seen(client, name, lambda record: record.info.pid == first.pid)
    client.quiet_worker(name)
    first.process.kill9()
    second = make_worker(shared_server.url, "--name", name)
    record = seen(client, name, lambda record: record.info.pid == second.pid)
    assert record.directive is Directive.RUN, "what was said to the one before is not meant for it"
    assert second.terminate() == 0


def test_excluded_queues_are_left_to_others(
    shared_server: ServerProcess, client: Client, queue: str, name: str, make_worker: MakeWorker
) -> None:
    make_worker(shared_server.url, "--name", name, "--queues", f"{queue},{queue}-b", "--exclude", queue)
    info = seen(client, name, lambda record: record.info.pid is not None).info
    assert list(info.queues or ()) == [f"{queue}-b"]
    left = client.enqueue("noop", queue=queue)
    taken = client.enqueue("noop", queue=f"{queue}-b")
    assert ended(client, taken.id).state is State.SUCCEEDED
    assert client.get(left.id).delivery == 0


def test_the_rate_limits_of_tasks_are_told_and_only_what_differs(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, tmp_path: Path
) -> None:
    task = f"{queue}.slow"
    (tmp_path / "rated_app.py").write_text(
        f"from headrace import App\napp = App()\n@app.task(name={task!r}, rate_limit='30/m')\ndef slow():\n    pass\n"
    )
    client.set_limit(f"task:{task}", concurrency=2)
    make = {"app": "rated_app:app", "env": {"PYTHONPATH": str(tmp_path)}}
    first = make_worker(shared_server.url, **make)
    limit = eventually(lambda: (now := client.limit(f"task:{task}")).rate and now, END_S)
    assert limit.rate is not None
    assert (limit.rate.count, limit.rate.per_ms, limit.concurrency) == (30, 60_000, 2)
    eventually(lambda: first.says("rate limit set"), END_S)
    assert first.terminate() == 0
    second = make_worker(shared_server.url, **make)
    assert ended(client, client.enqueue(task, queue=queue).id).state is State.SUCCEEDED
    assert not second.says("rate limit set")


def test_an_app_that_is_loaded_anew_brings_its_queues_and_rates_along(
    shared_server: ServerProcess, client: Client, queue: str, name: str, tmp_path: Path
) -> None:
    module = tmp_path / "growing_app.py"
    head = f"from headrace import App\napp = App()\n@app.task(name='{queue}.one', queue='{queue}-a')\ndef one(): pass\n"
    module.write_text(head)
    env = {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    flags = ("--name", name, "--reload")
    worker = WorkerProcess(tmp_path / "log", shared_server.url, "", *flags, app="growing_app:app", env=env)
    try:
        assert seen(client, name, lambda record: record.info.queues is not None).info.queues == (f"{queue}-a",)
        two = f"@app.task(name='{queue}.two', queue='{queue}-b', rate_limit='30/m')\ndef two(): pass\n"
        module.write_text(head + two)
        grown = seen(client, name, lambda record: len(record.info.queues or ()) == 2).info
        assert (grown.queues, grown.tasks) == ((f"{queue}-a", f"{queue}-b"), (f"{queue}.one", f"{queue}.two"))
        assert eventually(lambda: client.limit(f"task:{queue}.two").rate, END_S)
        client.enqueue(f"{queue}.one", queue=f"{queue}-a")  # ends the poll that asks for the old queues alone
        job = client.enqueue(f"{queue}.two", queue=f"{queue}-b")
        assert ended(client, job.id).state is State.SUCCEEDED
        assert worker.terminate() == 0
    finally:
        worker.process.end()


def test_sigquit_releases_at_once(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, tmp_path: Path
) -> None:
    started = tmp_path / "started"
    worker = make_worker(shared_server.url, "--drain-timeout", "600")
    job = client.enqueue("block", [str(started), "never"], queue=queue)
    eventually(started.exists, END_S)
    os.killpg(worker.pid, signal.SIGQUIT)  # as a terminal does: the child gets it, too
    assert worker.process.wait(END_S) == 0
    back = reached(client, job.id, State.READY)
    assert (back.attempt, back.crashes, back.reason) == (1, 0, "worker_stopped")
