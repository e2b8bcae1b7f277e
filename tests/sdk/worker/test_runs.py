"""Whole workers against a real server: what happens to jobs of every kind."""

import time
from pathlib import Path
from typing import Any

import pytest
from headrace import Client, NewJob, RetryPolicy, State
from headrace_worker import bounds

from tests.sdk.worker.conftest import END_S, MakeWorker, ended, reached
from tests.support.proxy import Proxy
from tests.support.servers import ServerProcess
from tests.support.waiting import eventually

SOON = RetryPolicy(initial_ms=50, jitter=False)
ONE_RUN = RetryPolicy(max_attempts=1)


@pytest.mark.parametrize("processes", ["0", "1"])
def test_jobs_run_and_their_results_come_back(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, processes: str
) -> None:
    make_worker(shared_server.url, "--processes", processes, "--name", f"{queue}-w")
    sync = client.enqueue("spell", {"x": 1}, queue=queue, meta={"tenant": 7})
    coroutine = client.enqueue("context_async", queue=queue)
    told = client.enqueue("context", queue=queue, meta={"tenant": 7})
    assert ended(client, sync.id).result == [[], {"x": 1}]
    assert ended(client, coroutine.id).result == [coroutine.id] * 3
    job = ended(client, told.id)
    assert job.worker == f"{queue}-w"
    assert job.result | {"seconds_left": None} == {
        "id": told.id,
        "task": "context",
        "queue": queue,
        "attempt": 1,
        "max_attempts": 3,
        "delivery": 1,
        "fence": job.fence,
        "meta": {"tenant": 7},
        "seconds_left": None,
        "lease_lost": False,
    }
    assert 20 < job.result["seconds_left"] <= 30


@pytest.mark.parametrize("processes", ["0", "1"])
def test_a_task_that_calls_another_one_reaches_the_server_of_its_worker(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, processes: str
) -> None:
    make_worker(shared_server.url, "--processes", processes)  # `--url` alone says where: clean_env has no HEADRACE_URL
    caller = ended(client, client.enqueue("call_another", [queue], queue=queue).id)
    assert ended(client, caller.result).state is State.SUCCEEDED


def test_a_failure_is_retried_with_its_error_on_the_job(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker
) -> None:
    make_worker(shared_server.url)
    job = client.enqueue("raise_system_exit", queue=queue, retry=RetryPolicy(max_attempts=2, initial_ms=10))
    dead = ended(client, job.id)
    assert (dead.state, dead.reason, dead.attempt) == (State.DEAD, "max_attempts", 2)
    assert dead.error is not None
    assert (dead.error.type, dead.error.message) == ("SystemExit", "leaving")
    assert dead.error.stack is not None
    assert 'sys.exit("leaving")' in dead.error.stack
    assert "headrace_worker" not in dead.error.stack, "the traceback begins in the task"


def test_a_payload_that_does_not_fit_is_dead_at_once(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker
) -> None:
    make_worker(shared_server.url)
    job = ended(client, client.enqueue("mark", {"colour": "blue"}, queue=queue).id)
    assert (job.state, job.reason, job.attempt) == (State.DEAD, "not_retryable", 1)
    assert job.error is not None
    assert job.error.type == "TypeError"


@pytest.mark.parametrize(
    ("kind", "error", "words"),
    [
        ("object", "ResultNotWritable", "a value of type object that cannot be written"),
        ("surrogate", "ResultNotWritable", "cannot be written"),
        ("nan", "ResultRefused", "the server refuses the result"),
        ("deep", "ResultNotWritable", "cannot be written"),
        ("huge", "ResultRefused", "result: is 2000005 bytes long; the limit is 1048576; keep what is large elsewhere"),
        ("enormous", "ResultRefused", "bytes, more than a request may carry; keep what is large elsewhere"),
    ],
)
def test_a_result_that_cannot_travel_fails_its_job_and_spares_its_neighbours(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, kind: str, error: str, words: str
) -> None:
    jobs = [NewJob(task="give", payload=[kind], queue=queue), *[NewJob(task="noop", queue=queue)] * 20]
    first, *others = client.enqueue_batch(jobs).jobs
    make_worker(shared_server.url)
    for job in others:
        assert ended(client, job.id).state is State.SUCCEEDED
    dead = ended(client, first.id)
    assert (dead.state, dead.reason, dead.delivery) == (State.DEAD, "not_retryable", 1)
    assert dead.error is not None
    assert dead.error.type == error
    assert words in dead.error.message


@pytest.mark.parametrize(("kind", "result"), [("big", 2**100), ("bytes", {"$bin": "AP8="}), ("set", {"$set": [1, 2]})])
def test_integers_of_any_size_binary_and_sets_are_results(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, kind: str, result: Any
) -> None:
    make_worker(shared_server.url)
    job = ended(client, client.enqueue("give", [kind], queue=queue).id)
    assert (job.state, job.result) == (State.SUCCEEDED, result)


def test_async_tasks_share_one_loop_up_to_the_number_of_slots(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, tmp_path: Path
) -> None:
    folder = tmp_path / "meeting"
    folder.mkdir()
    make_worker(shared_server.url, "--threads", "40")
    jobs = [NewJob(task="meet", payload=[str(folder), str(n), 40], queue=queue, retry=ONE_RUN) for n in range(40)]
    for job in client.enqueue_batch(jobs).jobs:
        assert ended(client, job.id).result == 40


def test_an_unknown_task_goes_back_unharmed_and_waits_for_a_worker_that_knows_it(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker
) -> None:
    old = make_worker(shared_server.url)
    job = client.enqueue("demo.add", [2, 3], queue=queue)
    put_off = reached(client, job.id, State.SCHEDULED)
    assert (put_off.attempt, put_off.crashes, put_off.reason) == (1, 0, "unknown_task")
    assert put_off.run_at is not None
    assert "put off (unknown_task)" in client.explain(job.id).summary
    known = client.enqueue("noop", queue=queue)
    assert ended(client, known.id).state is State.SUCCEEDED, "what is behind it is not held up"
    assert old.terminate() == 0
    make_worker(shared_server.url, app="headrace_worker.demo:app")
    finished = ended(client, job.id)
    assert (finished.result, finished.attempt, finished.crashes) == (5, 1, 0)


def test_demo_tasks(shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker) -> None:
    make_worker(shared_server.url, app="headrace_worker.demo:app")
    assert client.enqueue("demo.add", [2, 3], queue=queue, wait_s=20).result == 5
    assert client.enqueue("demo.sleep", [0.01], queue=queue, wait_s=20).result == 0.01
    taken = client.enqueue("demo.steps", {"count": 2, "seconds": 0.01}, queue=queue, wait_s=20)
    assert taken.result == 2
    for payload in ({"a": [1]}, [1, 2], "x", None, 2**70, {}):
        assert client.enqueue("demo.echo", payload, queue=queue, wait_s=20).result == payload
    job = client.enqueue("demo.fail", ["on purpose"], queue=queue, retry=ONE_RUN, wait_s=20)
    assert job.error is not None
    assert (job.state, job.error.type, job.error.message) == (State.DEAD, "RuntimeError", "on purpose")


def test_a_task_that_holds_the_gil_keeps_its_lease(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, tmp_path: Path
) -> None:
    make_worker(shared_server.url)
    job = client.enqueue("hold_gil", [str(tmp_path / "started"), 3.5], queue=queue, lease_ms=1_000)
    finished = ended(client, job.id)
    assert (finished.state, finished.delivery, finished.crashes, finished.attempt) == (State.SUCCEEDED, 1, 0, 1)


def test_what_comes_while_the_gil_is_held_is_given_back(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, tmp_path: Path
) -> None:
    started = tmp_path / "started"
    make_worker(shared_server.url, "--threads", "4", "--drain-timeout", "0")
    holder = client.enqueue("hold_gil", [str(started), 20], queue=queue)
    eventually(started.exists, END_S)
    others = [client.enqueue("noop", queue=queue).id for _ in range(3)]
    make_worker(shared_server.url)
    for job_id in others:
        assert ended(client, job_id, 10.0).state is State.SUCCEEDED
    assert client.get(holder.id).state is State.LEASED


def test_nothing_waits_behind_a_job_that_blocks(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, tmp_path: Path
) -> None:
    """The prefetch window (docs/architecture.md, section 9): one long job among no-ops, and one slot."""
    started, go = tmp_path / "started", tmp_path / "go"
    noop = NewJob(task="noop", queue=queue)
    block = NewJob(task="block", payload=[str(started), str(go)], queue=queue)
    jobs = client.enqueue_batch([*[noop] * 100, block, *[noop] * 99], atomic=False).jobs
    make_worker(shared_server.url, "--threads", "1")
    eventually(started.exists, END_S)
    seen = time.monotonic()

    def given_back() -> bool:
        """A poll that was parked for the window may get them once more, and gives them back at once."""
        return client.queue_stats(queue).counts[State.READY] == len(jobs[101:])

    eventually(given_back, 5.0, "only the blocked job is held")
    assert time.monotonic() - seen < 2.0, "0.3 s are promised; the rest is for a busy machine"
    behind = [client.get(job.id) for job in jobs[101:]]
    assert all(job.attempt == 1 and job.crashes == 0 for job in behind)
    assert any(job.reason == "not_started" for job in behind), "the window was in use"
    make_worker(shared_server.url)
    for job in jobs[101:]:
        assert ended(client, job.id).state is State.SUCCEEDED
    assert client.get(jobs[100].id).state is State.LEASED
    go.touch()
    assert ended(client, jobs[100].id).result == "went on"


def test_one_blocked_slot_does_not_disturb_the_others(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, tmp_path: Path
) -> None:
    """One ten-minute job among no-ops, and a slot besides: each of them is leased once and runs at once."""
    started, go = tmp_path / "started", tmp_path / "go"
    make_worker(shared_server.url, "--threads", "2")
    blocked = client.enqueue("block", [str(started), str(go)], queue=queue)
    eventually(started.exists, END_S)
    time.sleep(bounds.BLOCKED_SLOT_MS / 1000)  # from now on the slot counts as blocked
    one_by_one = [client.enqueue("noop", queue=queue, wait_s=10) for _ in range(20)]
    assert all(job.state is State.SUCCEEDED and job.delivery == 1 for job in one_by_one)
    burst = client.enqueue_batch([NewJob(task="noop", queue=queue)] * 300, atomic=False).jobs
    finished = [ended(client, job.id) for job in burst]
    assert all(job.state is State.SUCCEEDED and job.attempt == 1 for job in finished)
    assert max(job.delivery for job in finished) <= 3, "what was given back once or twice was not tossed about"
    assert client.get(blocked.id).state is State.LEASED
    go.touch()
    assert ended(client, blocked.id).delivery == 1


def test_short_jobs_share_requests(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker
) -> None:
    for _ in range(4):
        client.enqueue_batch([NewJob(task="noop", queue=queue)] * 500, atomic=False)
    with Proxy(shared_server.port) as proxy:
        make_worker(proxy.url)
        eventually(lambda: client.queue_stats(queue).counts[State.SUCCEEDED] == 2_000, 60.0)
        assert proxy.requests < 400, "a request carries many jobs, both ways"


def test_an_app_without_tasks_is_warned_of(
    shared_server: ServerProcess, make_worker: MakeWorker, tmp_path: Path
) -> None:
    (tmp_path / "bare_app.py").write_text("from headrace import App\napp = App()\n")
    worker = make_worker(shared_server.url, app="bare_app:app", env={"PYTHONPATH": str(tmp_path)})
    eventually(lambda: worker.says("import the modules that define them"), END_S)
