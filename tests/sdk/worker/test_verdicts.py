"""Real workers: a run ends as its task says, hooks hear of it, and arguments are what annotations ask for."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from headrace import Client, NotFound, State, TaskCancelled, TaskFailed
from headrace.tasks import BaseTask

from tests.sdk.worker import verdicts
from tests.sdk.worker.conftest import END_S, MakeWorker
from tests.sdk.worker.verdicts import Point, app
from tests.support.servers import ServerProcess
from tests.support.waiting import eventually

APP = "tests.sdk.worker.verdicts:app"


@pytest.fixture(autouse=True)
def served(shared_server: ServerProcess, queue: str) -> Iterator[None]:
    """The app's calls go to this test's server and queue."""
    app.conf.url = shared_server.url
    app.conf.task_default_queue = queue
    yield
    app.close()


def failure(task: BaseTask[Any, Any], *args: Any) -> TaskFailed:
    with pytest.raises(TaskFailed) as caught:
        task.apply_async(args).get(timeout=END_S)
    return caught.value


@pytest.mark.parametrize("processes", ["0", "1"])
def test_a_run_ends_as_its_task_says(
    shared_server: ServerProcess, make_worker: MakeWorker, client: Client, processes: str
) -> None:
    make_worker(shared_server.url, "--processes", processes, app=APP)
    assert verdicts.again.delay(3).get(timeout=END_S) == 2
    over = failure(verdicts.again, 9)
    assert (over.type, over.message, over.attempts, over.reason) == ("Busy", "busy", 3, "max_attempts")
    over = failure(verdicts.again, 9, 1)
    assert (over.type, over.attempts, over.reason) == ("Busy", 2, "not_retryable")
    over = failure(verdicts.again_in_own_words)
    assert (over.type, over.message, over.attempts) == ("Retry", "the bank is closed", 2)
    over = failure(verdicts.reject)
    assert (over.type, over.message, over.attempts) == ("Reject", "wrong order", 1)
    assert verdicts.give_back.delay().get(timeout=END_S) == 1
    assert verdicts.snooze.delay(2).get(timeout=END_S) == [1, 3]
    thrown_away = verdicts.discard.delay()
    eventually(lambda: is_gone(client, thrown_away.id), END_S, "the record goes at once")


@pytest.mark.parametrize("processes", ["0", "1"])
def test_which_errors_are_tried_again_is_up_to_the_task(
    shared_server: ServerProcess, make_worker: MakeWorker, processes: str
) -> None:
    make_worker(shared_server.url, "--processes", processes, app=APP)
    assert [failure(verdicts.only_busy, busy).attempts for busy in (True, False)] == [2, 1]
    assert failure(verdicts.never).reason == "not_retryable"


def test_hooks_and_middleware_are_around_each_run(
    shared_server: ServerProcess, make_worker: MakeWorker, tmp_path: Path
) -> None:
    make_worker(shared_server.url, app=APP)
    notes = tmp_path / "notes"
    headers = {"notes": str(notes)}

    def heard() -> list[str]:
        found = notes.read_text().splitlines()
        notes.unlink()
        return found

    assert verdicts.again.apply_async((2,), headers=headers).get(timeout=END_S) == 1
    assert heard() == [
        *("before 1", "in", "out", "task_retry busy", "after failed"),
        *("before 2", "in", "out", "task_success 1", "after returned"),
    ]
    with pytest.raises(TaskFailed):
        verdicts.never.apply_async(headers=headers).get(timeout=END_S)
    assert heard() == ["before 1", "in", "running", "out", "task_failure wrong", "after failed"]
    with pytest.raises(TaskFailed, match="refused by middleware") as caught:
        verdicts.snooze.apply_async((0,), headers={**headers, "refuse": True}).get(timeout=END_S)
    assert caught.value.attempts == 1
    assert heard() == ["before 1", "task_failure refused by middleware", "after failed"]
    handle = verdicts.until_cancelled.apply_async(headers=headers)
    eventually(lambda: notes.exists() and "running" in notes.read_text(), END_S, "it runs")
    handle.cancel()
    with pytest.raises(TaskCancelled):
        handle.get(timeout=END_S)
    assert heard()[-2:] == ["task_cancelled as you like", "after stopped"]


def test_a_task_gets_what_its_annotations_say_from_whoever_calls(
    shared_server: ServerProcess, make_worker: MakeWorker, client: Client, queue: str
) -> None:
    make_worker(shared_server.url, app=APP)
    seen = {
        "point": ["Point", 3, 2026],
        "tags": ["a", "b"],
        "kwargs": ["point", "tags"],
        "headers": {"who": "ann"},
        "queue": queue,
    }
    point = Point(3, datetime(2026, 1, 2, tzinfo=UTC))
    ours = verdicts.look.apply_async((point,), {"tags": {"b", "a"}}, headers={"who": "ann"})
    assert ours.get(timeout=END_S) == seen
    plain = {"point": {"x": 3, "at": "2026-01-02T00:00:00Z"}, "tags": ["a", "b"]}
    theirs = client.enqueue(verdicts.look.name, plain, queue=queue)
    assert client.handle(theirs.id).get(timeout=END_S) == {**seen, "headers": {}}
    misfit = client.enqueue(verdicts.look.name, {"point": {"x": 3, "at": "noon"}, "tags": []}, queue=queue)
    with pytest.raises(TaskFailed, match="argument 'point'") as caught:
        client.handle(misfit.id).get(timeout=END_S)
    assert (caught.value.type, caught.value.attempts) == ("TypeError", 1)


def is_gone(client: Client, job_id: str) -> bool:
    try:
        return client.get(job_id).state is State.GONE
    except NotFound:
        return True
