"""The worker inside of a test: it runs tasks, says when all is done, and tells what is left."""

import threading

import pytest
from headrace import App
from headrace_worker.testing import WorkerThread

from tests.support.waiting import eventually


@pytest.fixture
def tasks(headrace_app: App) -> App:
    """Tasks on two queues, of which one enqueues the other."""

    @headrace_app.task(name="spawn", queue="one")
    def spawn(n: int) -> int:
        if n:
            headrace_app.send_task("count", [n])
        return n

    @headrace_app.task(name="count", queue="two")
    def count(n: int) -> int:
        headrace_app.send_task("spawn", [n - 1])
        return n

    return headrace_app


def test_a_worker_runs_the_tasks_of_the_app(tasks: App, headrace_worker: WorkerThread) -> None:
    assert tasks.send_task("spawn", [0]).get(timeout=10) == 0


def test_drain_waits_for_what_tasks_enqueue(tasks: App, headrace_worker: WorkerThread) -> None:
    tasks.send_task("spawn", [15])
    headrace_worker.drain()
    assert [tasks.client.queue_stats(queue).counts["succeeded"] for queue in ("one", "two")] == [16, 15]


def test_drain_tells_what_is_left_and_why(headrace_app: App) -> None:
    go_on = threading.Event()
    headrace_app.task(name="stuck")(lambda: go_on.wait(30))
    with WorkerThread(headrace_app) as worker:
        headrace_app.send_task("stuck")
        with pytest.raises(TimeoutError, match=r"stuck \((ready|leased), .*\): .+"):
            worker.drain(timeout=0.3)
        go_on.set()
        worker.drain()


def test_drain_does_not_wait_for_what_is_due_later(tasks: App, headrace_worker: WorkerThread) -> None:
    handle = tasks.send_task("spawn", [0], countdown=60)
    headrace_worker.drain()
    assert handle.state == "scheduled"


def test_a_worker_says_goodbye(tasks: App) -> None:
    with WorkerThread(tasks) as worker:
        eventually(lambda: [each.id for each in tasks.client.iter_workers()] == [worker.id])
    assert list(tasks.client.iter_workers()) == []


def test_what_keeps_a_worker_from_working_is_raised(headrace_app: App) -> None:
    headrace_app.conf.include = ["no_such_module"]
    with pytest.raises(Exception, match="no_such_module"):
        WorkerThread(headrace_app).start()


def test_drain_does_not_wait_for_what_is_held_back(tasks: App, headrace_worker: WorkerThread) -> None:
    tasks.client.pause_queue("one")
    tasks.send_task("spawn", [0])
    headrace_worker.drain()
    assert tasks.client.queue_stats("one").counts["ready"] == 1
