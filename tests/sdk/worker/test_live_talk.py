"""Whole workers against a real server: progress, checkpoints, cancels, and jobs that may run only so long."""

import time
from pathlib import Path
from typing import Any

import pytest
from headrace import AttemptOutcome, Client, Conflict, RetryPolicy, State

from tests.sdk.worker.conftest import END_S, MakeWorker, ended, reached
from tests.support.proxy import Fault, Proxy
from tests.support.servers import ServerProcess
from tests.support.waiting import eventually

SOON = RetryPolicy(initial_ms=50, jitter=False)
ONE_RUN = RetryPolicy(max_attempts=1)


@pytest.mark.parametrize("processes", ["0", "1"])
def test_what_a_task_says_is_on_the_job_soon_whatever_the_lease(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, tmp_path: Path, processes: str
) -> None:
    make_worker(shared_server.url, "--processes", processes)
    go = tmp_path / "go"
    job = client.enqueue("report", [3, str(go)], queue=queue, lease_ms=3_600_000)

    def told() -> Any:
        now = client.get(job.id)
        return (now.progress, now.checkpoint) == ({"step": 3}, [3])

    eventually(told, END_S, "progress and checkpoint are on the job, an hour before its heartbeat")
    go.touch()
    assert ended(client, job.id).result == [3]


def test_a_run_that_fails_right_after_its_checkpoint_hands_it_on(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker
) -> None:
    make_worker(shared_server.url)
    jobs = [client.enqueue("resume", [row], queue=queue, retry=SOON) for row in range(20)]
    for row, job in enumerate(jobs):
        assert ended(client, job.id).result == [{"row": row}, 2]


def test_a_last_checkpoint_is_sent_again_when_its_reply_was_lost(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker
) -> None:
    with Proxy(shared_server.port) as proxy:
        proxy.plan = lambda number: Fault.CUT_REPLY if number % 3 == 0 else Fault.PASS
        make_worker(proxy.url)
        jobs = [client.enqueue("resume", [row], queue=queue, retry=SOON) for row in range(10)]
        for row, job in enumerate(jobs):
            over = ended(client, job.id)
            assert (over.result, over.crashes) == ([{"row": row}, 2], 0)


def test_a_checkpoint_survives_the_process_that_made_it(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, tmp_path: Path
) -> None:
    worker = make_worker(shared_server.url)
    job = client.enqueue("report", [7, str(tmp_path / "go")], queue=queue, lease_ms=1_000)
    eventually(lambda: client.get(job.id).checkpoint == [7], END_S, "the checkpoint is with the server")
    worker.process.kill9()
    (again,) = client.lease(queue, wait_ms=10_000).jobs
    assert (again.checkpoint, again.attempt) == ([7], 1)


def test_a_worker_that_stops_sends_the_checkpoints_of_what_it_gives_back(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, tmp_path: Path
) -> None:
    worker = make_worker(shared_server.url, "--drain-timeout", "0")
    started = tmp_path / "started"
    job = client.enqueue("checkpoint_when_stopped", [str(started)], queue=queue)
    eventually(started.exists, END_S)
    assert worker.terminate() == 0
    back = client.get(job.id)
    assert (back.state, back.checkpoint, back.attempt) == (State.READY, "stopped", 1)


@pytest.mark.parametrize("processes", ["0", "1"])
def test_a_task_that_is_asked_to_end_decides_how(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, tmp_path: Path, processes: str
) -> None:
    make_worker(shared_server.url, "--processes", processes)
    started = {then: tmp_path / then for then in ("raise", "fail", "return", "coroutine")}
    jobs = {
        then: client.enqueue(
            "until_cancelled_async" if then == "coroutine" else "until_cancelled",
            [str(file)] if then == "coroutine" else [str(file), then],
            queue=queue,
            lease_ms=1_000,
        )
        for then, file in started.items()
    }
    eventually(lambda: all(file.exists() for file in started.values()), END_S)
    for job in jobs.values():
        asked = client.cancel(job.id, reason="too late")
        assert (asked.state, asked.cancel_requested) == (State.LEASED, True)
    over = {then: ended(client, job.id) for then, job in jobs.items()}
    assert {then: (job.state, job.reason) for then, job in over.items()} == {
        "raise": (State.CANCELLED, "too late"),
        "fail": (State.CANCELLED, "too late"),
        "return": (State.SUCCEEDED, None),
        "coroutine": (State.CANCELLED, "too late"),
    }
    assert {job.attempt for job in over.values()} == {1}


def test_a_hard_cancel_tears_down_coroutines_and_throws_results_away(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, tmp_path: Path
) -> None:
    worker = make_worker(shared_server.url)
    coroutine, thread = tmp_path / "coroutine", tmp_path / "thread"
    jobs = [
        client.enqueue("block_async", [str(coroutine), "never"], queue=queue, lease_ms=1_000),
        client.enqueue("until_cancelled", [str(thread), "return"], queue=queue, lease_ms=1_000),
    ]
    eventually(lambda: coroutine.exists() and thread.exists(), END_S)
    for job in jobs:
        assert client.cancel(job.id, mode="hard").state is State.CANCELLED
    eventually(Path(f"{coroutine}.cancelled").exists, END_S, "the coroutine is cancelled")
    eventually(Path(f"{thread}.asked").exists, END_S, "the thread sees it by the same flag as a soft one")
    eventually(lambda: worker.says("result thrown away"), END_S)
    assert [client.get(job.id).state for job in jobs] == [State.CANCELLED] * 2
    free = client.enqueue("noop", queue=queue)
    assert ended(client, free.id).state is State.SUCCEEDED


def test_a_task_that_cancels_itself_unasked_has_failed(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker
) -> None:
    make_worker(shared_server.url)
    job = ended(client, client.enqueue("cancel_without_being_asked", queue=queue, retry=ONE_RUN).id)
    assert job.error is not None
    assert (job.state, job.error.type, job.error.message) == (State.DEAD, "Cancelled", "nobody asked")


def test_the_type_of_an_error_decides_by_itself(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker
) -> None:
    make_worker(shared_server.url)
    made = client.enqueue("raise_system_exit", queue=queue, retry=RetryPolicy(non_retryable=["System*"]))
    job = ended(client, made.id)
    assert (job.state, job.reason, job.attempt) == (State.DEAD, "non_retryable", 1)


def test_no_lease_lasts_beyond_the_run_time_of_its_job(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker
) -> None:
    make_worker(shared_server.url)
    job = client.enqueue("seconds_left", [1.5], queue=queue, lease_ms=1_000, max_runtime_ms=2_000)
    most = ended(client, job.id).result
    assert 1.0 < most <= 2.0


def test_a_run_that_takes_too_long_has_failed_and_is_told(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, tmp_path: Path
) -> None:
    make_worker(shared_server.url)
    started = tmp_path / "started"
    job = client.enqueue(
        "block_async", [str(started), "never"], queue=queue, lease_ms=30_000, max_runtime_ms=1_000, retry=ONE_RUN
    )
    over = ended(client, job.id)
    assert over.error is not None
    assert (over.state, over.error.type, over.crashes) == (State.DEAD, "MaxRuntimeExceeded", 0)
    assert [attempt.outcome for attempt in client.attempts(job.id)] == [AttemptOutcome.TIMED_OUT]
    begun = time.monotonic()
    eventually(Path(f"{started}.cancelled").exists, END_S, "the coroutine is cancelled")
    assert time.monotonic() - begun < 5, "long before the next third of its lease"
    with pytest.raises(Conflict):
        client.cancel(job.id)


def test_a_job_that_has_not_started_goes_back_when_somebody_wants_it_to_end(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, tmp_path: Path
) -> None:
    """It is cancelled before it has run: nothing of it happens."""
    started, go = tmp_path / "started", tmp_path / "go"
    make_worker(shared_server.url, "--threads", "1")
    block = client.enqueue("block", [str(started), str(go)], queue=queue)
    eventually(started.exists, END_S)
    behind = client.enqueue("mark", [str(tmp_path / "trace")], queue=queue)
    assert client.cancel(behind.id).state in (State.CANCELLED, State.LEASED)
    go.touch()
    assert ended(client, block.id).state is State.SUCCEEDED
    assert reached(client, behind.id, State.CANCELLED)
    assert not (tmp_path / "trace").exists()
