"""Tasks, handles and the command line on a real server, with a worker that is a loop of the test."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from headrace import (
    App,
    Client,
    Completion,
    Conflict,
    Invalid,
    JobError,
    NotFinished,
    NotFound,
    State,
    TaskCancelled,
    TaskFailed,
)
from headrace.calls import arguments_of
from headrace.leases import Ack, Nack

from tests.support.servers import ServerProcess, run_headrace

NOBODY = "01909c5e-6a52-7000-8a3f-0b6f1d2c3e4f"


@pytest.fixture
def app(shared_server: ServerProcess) -> Iterator[App]:
    made = App(shared_server.url)
    yield made
    made.close()


@pytest.fixture
def work(shared_server: ServerProcess) -> Iterator[Callable[[App, str], None]]:
    """Starts a worker of the simplest kind, one job at a time: `work(app, queue)`."""
    stop = threading.Event()
    threads: list[threading.Thread] = []

    def run(app: App, queue: str) -> None:
        with Client(shared_server.url) as client:
            done: list[Completion] = []
            while not stop.is_set():
                grant = client.lease(queue, worker=f"w-{queue}", wait_ms=0 if done else 200, complete=done)
                done = [_do(app, leased.id, leased.token, leased.task, leased.payload) for leased in grant.jobs]

    def start(app: App, queue: str) -> None:
        threads.append(threading.Thread(target=run, args=(app, queue)))
        threads[-1].start()

    yield start
    stop.set()
    for thread in threads:
        thread.join()


def _do(app: App, job_id: str, token: str, name: str, payload: Any) -> Completion:
    args, kwargs = arguments_of(payload)
    try:
        return Ack(job_id=job_id, token=token, result=app.tasks[name].fn(*args, **kwargs))
    except ValueError as error:
        told = JobError(type="ValueError", message=str(error), stack="File shop.py, line 1")
        return Nack(job_id=job_id, token=token, error=told, retryable=False)


def test_a_call_comes_back_with_its_result(app: App, queue: str, work: Callable[[App, str], None]) -> None:
    @app.task(queue=queue)
    def add(x: int, y: int = 10) -> int:
        return x + y

    work(app, queue)
    assert add.delay(2, 3).get(timeout=30) == 5
    assert add.delay(2).get(timeout=30) == 12
    assert add.delay(y=1, x=2).get(timeout=30) == 3
    assert add.apply_async((2,), {"y": 4}).get(timeout=30) == 6
    assert app.send_task(add.name, [1, 1]).get(timeout=30) == 2
    handle = add.delay(1, 1)
    assert handle.get(timeout=30) == 2
    assert (handle.ready(), handle.successful(), handle.failed()) == (True, True, False)
    assert (handle.state, handle.status) == (State.SUCCEEDED, "SUCCESS")
    assert app.handle(handle.id).get(timeout=30) == 2
    assert add.handle(handle.id).get(timeout=30) == 2


def test_what_a_task_asks_for_is_on_its_jobs(app: App, queue: str) -> None:
    @app.task(
        queue=queue, unique=True, tags={"team": "a"}, limits=["stripe"], max_runtime=60, fairness_key="f", weight=2
    )
    def charge(order: int) -> None: ...

    first = charge.apply_async((1,), priority=7, expires=60, tags={"kind": "x"}, ordering_key="o")
    job = first.job()
    assert (job.tags, job.limits, job.max_runtime_ms) == ({"team": "a", "kind": "x"}, ("stripe",), 60_000)
    assert (job.priority, job.fairness_key, job.weight, job.ordering_key) == (7, "f", 2, "o")
    assert job.expires_at is not None
    assert charge.delay(1).id == first.id, "the same task and arguments are the same job"
    assert charge.delay(2).id != first.id
    assert charge.apply_async((1,), unique=False).id != first.id
    assert first.cancel(mode="hard").state is State.CANCELLED


def test_many_calls_are_sent_at_once(app: App, queue: str, work: Callable[[App, str], None]) -> None:
    @app.task(queue=queue)
    def double(x: int) -> int:
        return 2 * x

    @app.task(queue=queue)
    def negate(x: int) -> int:
        return -x

    work(app, queue)
    handles = double.delay_many([(1,), {"x": 2}, double.s(3).set(tags={"odd": "yes"})], priority=7)
    assert [handle.get(timeout=30) for handle in handles] == [2, 4, 6]
    assert [handle.job().priority for handle in handles] == [7, 7, 7]
    assert handles[2].job().tags == {"odd": "yes"}
    mixed = app.enqueue_many([double.s(1), negate.s(1)])
    assert [handle.get(timeout=30) for handle in mixed] == [2, -1]
    assert app.enqueue_many([]) == []


def test_more_calls_than_a_request_can_carry_are_several_requests(app: App, queue: str) -> None:
    @app.task(queue=queue)
    def later(number: int) -> None: ...

    handles = later.delay_many(([number] for number in range(1001)), countdown=3600)
    assert len({handle.id for handle in handles}) == 1001
    assert [handles[at].job().payload for at in (0, 999, 1000)] == [[0], [999], [1000]]


def test_calls_of_one_queue_are_sent_all_or_none_and_others_are_counted(app: App, queue: str) -> None:
    @app.task(queue=queue)
    def task(x: int) -> None: ...

    wrong = task.s(2).set(priority=999)
    with pytest.raises(Invalid, match="priority"):
        app.enqueue_many([task.s(1), wrong])
    assert app.client.list_jobs(queue=queue).jobs == ()
    with pytest.raises(Invalid, match="priority") as caught:
        app.enqueue_many([task.s(1), wrong, task.s(3).set(queue=queue + "-b")])
    assert caught.value.__notes__ == ["2 of the calls were sent"]


def test_awaiting_code_sends_many(app: App, queue: str, work: Callable[[App, str], None]) -> None:
    @app.task(queue=queue)
    def double(x: int) -> int:
        return 2 * x

    async def main() -> list[int]:
        handles = await double.adelay_many([(n,) for n in range(3)])
        other = await (await double.s(5).adelay()).get(timeout=20)
        results = [await handle.get(timeout=20) for handle in handles]
        await app.aclose()
        return [*results, other]

    work(app, queue)
    assert asyncio.run(main()) == [0, 2, 4, 10]


def test_what_a_call_tells_its_worker_is_on_the_job(app: App, queue: str) -> None:
    @app.task(queue=queue, rate_limit="10/m", time_limit=60, serializer="msgpack")
    def work(at: datetime) -> None: ...

    noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
    job = work.apply_async((noon,), headers={"tenant": 7}, soft_time_limit=5, meta={"mine": 1}).job()
    assert job.limits == (f"task:{work.name}",)
    assert job.max_runtime_ms == 65_000
    assert job.meta == {"mine": 1, "headrace": {"headers": {"tenant": 7}, "soft_time_limit": 5}}
    assert app.serializers.decode(job.payload) == [noon]


def test_the_url_may_be_set_until_the_first_call(shared_server: ServerProcess, queue: str) -> None:
    app = App("http://127.0.0.1:9")

    @app.task(queue=queue)
    def later() -> None: ...

    app.conf.url = shared_server.url
    assert later.apply_async(countdown=60).state is State.SCHEDULED
    app.close()


def test_a_failure_comes_back_with_its_traceback(app: App, queue: str, work: Callable[[App, str], None]) -> None:
    @app.task(queue=queue)
    def fail(word: str) -> None:
        raise ValueError(word)

    work(app, queue)
    handle = fail.delay("broken")
    with pytest.raises(TaskFailed, match=r"(?s)ValueError: broken.*shop\.py") as caught:
        handle.get(timeout=30)
    assert caught.value.reason == "not_retryable"
    error = handle.get(timeout=10, propagate=False)
    assert isinstance(error, TaskFailed)
    assert (handle.failed(), handle.status) == (True, "FAILURE")


def test_nobody_working_is_a_time_out_not_a_failure(app: App, queue: str) -> None:
    @app.task(queue=queue)
    def idle() -> None: ...

    handle = idle.delay()
    begun = time.monotonic()
    with pytest.raises(NotFinished):
        handle.get(timeout=0.3)
    assert 0.3 <= time.monotonic() - begun < 20
    assert not handle.ready()
    assert handle.status == "PENDING"
    handle.cancel(reason="nobody there")
    with pytest.raises(TaskCancelled, match="nobody there"):
        handle.get()
    with pytest.raises(NotFound):
        app.handle(NOBODY).get()


def test_options_of_a_call_reach_the_job(app: App, queue: str) -> None:
    @app.task(queue="elsewhere", priority=1, max_retries=4, lease=90, retention=600)
    def later() -> None: ...

    eta = datetime.now(UTC) + timedelta(minutes=5)
    job = later.apply_async(queue=queue, priority=9, eta=eta, expires=900, meta={"a": 1}).job()
    assert (job.queue, job.priority, job.max_attempts, job.meta) == (queue, 9, 5, {"a": 1})
    assert job.state is State.SCHEDULED
    assert job.run_at is not None
    assert job.run_at >= eta
    assert job.expires_at is not None
    again = later.apply_async(queue=queue, countdown=60, idempotency_key=queue)
    assert later.apply_async(queue=queue, countdown=60, idempotency_key=queue).id == again.id


def test_awaiting_code_has_the_same_tasks(app: App, queue: str, work: Callable[[App, str], None]) -> None:
    @app.task(queue=queue)
    def double(x: int) -> int:
        return 2 * x

    async def main() -> list[int]:
        handles = [await double.adelay(n) for n in range(10)]
        results = await asyncio.gather(*(handle.get(timeout=20) for handle in handles))
        assert await handles[0].state is State.SUCCEEDED
        assert await handles[0].status == "SUCCESS"
        other = await app.asend_task(double.name, [21])
        assert await other.get(timeout=20) == 42
        with pytest.raises(Conflict):
            await other.cancel()
        await app.aclose()
        return results

    work(app, queue)
    assert asyncio.run(main()) == [2 * n for n in range(10)]


def test_the_command_line_goes_the_same_way(
    app: App, queue: str, work: Callable[[App, str], None], shared_server: ServerProcess
) -> None:
    @app.task(name="cli.add")
    def add(x: int, y: int) -> int:
        return x + y

    @app.task(name="cli.fail")
    def fail() -> None:
        raise ValueError("no luck")

    work(app, queue)
    env = {"HEADRACE_URL": shared_server.url}
    code, out, err = run_headrace(
        "enqueue", "cli.add", "[2, 3]", "--queue", queue, "--wait", "25", "-o", "json", env=env
    )
    assert (code, err) == (0, "")
    job = json.loads(out)
    assert (job["state"], job["result"]) == ("succeeded", 5)
    code, out, _ = run_headrace("get", job["id"], env=env)
    assert code == 0
    assert "\nresult       " in out
    code, out, _ = run_headrace("enqueue", "cli.fail", "[]", "--queue", queue, "--wait", "25", env=env)
    assert code == 1
    assert "ValueError: no luck" in out
    code, out, _ = run_headrace("queues", queue, env=env)
    assert out.splitlines()[1].split()[0] == queue


def test_the_command_line_tells_its_ends_apart(queue: str, shared_server: ServerProcess) -> None:
    env = {"HEADRACE_URL": shared_server.url}
    options = ("--queue", queue, "--priority", "5", "--delay", "60", "-o", "json")
    code, out, _ = run_headrace("enqueue", "t", '{"a": 1}', *options, env=env)
    job = json.loads(out)
    assert (code, job["priority"], job["state"], job["payload"]) == (0, 5, "scheduled", {"a": 1})
    assert run_headrace("wait", job["id"], "--timeout", "0.2", env=env)[0] == 75
    assert run_headrace("get", NOBODY, env=env)[0] == 3
    code, _, err = run_headrace("enqueue", "t", "1", "--priority", "999", env=env)
    assert code == 4
    assert "/priority" in err
    code, out, _ = run_headrace("queues", "-o", "json", env=env)
    assert queue in [stats["queue"] for stats in json.loads(out)]
