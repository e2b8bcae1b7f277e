"""Calls that run here and now: as a worker would run them, with nobody to ask."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from headrace import (
    App,
    AsyncEagerResult,
    BoundTask,
    Conflict,
    Discard,
    EagerResult,
    NotWritable,
    Reject,
    Request,
    Retry,
    Snooze,
    State,
    TaskFailed,
    current,
)


@pytest.fixture
def app() -> App:
    made = App("http://127.0.0.1:9")  # nobody is there
    made.conf.task_always_eager = True
    return made


def test_a_call_runs_where_it_is_made(app: App) -> None:
    @app.task(queue="q")
    def add(x: int, y: int = 0) -> int:
        return x + y

    handle = add.delay(1, y=2)
    assert isinstance(handle, EagerResult)
    assert handle.get(timeout=0) == 3
    assert (handle.ready(), handle.successful(), handle.failed()) == (True, True, False)
    assert (handle.state, handle.status, handle.result, handle.info) == (State.SUCCEEDED, "SUCCESS", 3, 3)
    assert UUID(handle.id)
    assert (handle.job().queue, handle.job().payload) == ("q", {"x": 1, "y": 2})
    assert app.send_task(add.name, [1, 1]).get() == 2
    assert [each.get() for each in add.delay_many([(1, 1), {"x": 5}])] == [2, 5]
    with pytest.raises(LookupError, match="has no 'elsewhere'"):
        app.send_task("elsewhere")


def test_awaiting_code_has_the_same(app: App) -> None:
    @app.task
    async def double(x: int) -> int:
        await asyncio.sleep(0)
        return 2 * x

    @app.task
    def plain(x: int) -> int:
        return x

    async def main() -> list[Any]:
        handle = await double.adelay(2)
        assert isinstance(handle, AsyncEagerResult)
        assert (await handle.state, await handle.status) == (State.SUCCEEDED, "SUCCESS")
        inside = double.delay(4)  # from code that must not block
        many = await double.adelay_many([(5,)])
        return [await handle.get(), await (await plain.adelay(3)).get(), inside.get(), await many[0].get()]

    assert asyncio.run(main()) == [4, 3, 8, 10]
    assert double.delay(1).get() == 2


@dataclass
class Point:
    x: int


def test_values_travel_as_they_would(app: App) -> None:
    seen: list[Any] = []

    @app.task
    def move(point: Point, at: datetime, tags: list[str]) -> Point:
        seen.append((point, at, tags))
        tags.append("changed")
        return Point(point.x + 1)

    given, now = ["a"], datetime(2026, 1, 2, tzinfo=UTC)
    assert move.delay(Point(1), now, given).get() == Point(2)
    assert given == ["a"], "a task has a copy"
    assert seen == [(Point(1), now, ["a", "changed"])]
    with pytest.raises(TypeError, match="argument 'tags'"):
        move.delay(Point(1), now, [object()])  # type: ignore[list-item]


def test_what_fails_is_tried_again_with_fresh_arguments(app: App) -> None:
    seen: list[Any] = []

    @app.task(max_retries=3)
    def flaky(numbers: list[int]) -> int:
        seen.append((current().attempt, list(numbers)))
        numbers.clear()
        if current().attempt < 3:
            raise ValueError("not yet")
        return 5

    assert flaky.delay([1]).get() == 5
    assert seen == [(1, [1]), (2, [1]), (3, [1])]


def test_what_fails_to_the_end_is_dead(app: App) -> None:
    @app.task
    def fail() -> None:
        raise ValueError("bad")

    handle = fail.delay()
    with pytest.raises(TaskFailed, match=r"(?s)ValueError: bad.*raise ValueError") as caught:
        handle.get()
    assert (caught.value.type, caught.value.attempts, caught.value.reason) == ("ValueError", 3, "max_attempts")
    assert (handle.failed(), handle.status) == (True, "FAILURE")
    assert isinstance(handle, EagerResult)
    assert type(handle.error) is ValueError
    app.conf.task_eager_propagates = True
    with pytest.raises(ValueError, match="bad"):
        fail.delay()


@pytest.mark.parametrize(
    ("error", "attempts", "reason", "shown"),
    [
        (ValueError("x"), 2, "max_attempts", "ValueError"),
        (KeyError("x"), 1, "not_retryable", "KeyError"),
        (Reject("x"), 1, "not_retryable", "Reject"),
        (Discard("x"), 1, "discarded", "Discard"),
        (Retry(exc=OSError("x"), countdown=3600), 2, "max_attempts", "OSError"),
    ],
)
def test_how_a_run_ends_is_up_to_what_it_raises(
    app: App, error: Exception, attempts: int, reason: str, shown: str
) -> None:
    @app.task(max_retries=1, dont_autoretry_for=(KeyError,))
    def fail() -> None:
        raise error

    with pytest.raises(TaskFailed) as caught:
        fail.delay().get()
    assert (caught.value.attempts, caught.value.reason, caught.value.type) == (attempts, reason, shown)


def test_a_bound_task_asks_for_its_retries(app: App) -> None:
    @app.task(bind=True, max_retries=2)
    def fetch(self: BoundTask) -> int:
        try:
            raise OSError("busy")
        except OSError as error:
            self.retry(exc=error, countdown=60)

    with pytest.raises(TaskFailed, match="busy") as caught:
        fetch.delay().get()
    assert (caught.value.type, caught.value.attempts, caught.value.reason) == ("OSError", 3, "max_attempts")


def test_a_snooze_is_no_failure_and_keeps_its_checkpoint(app: App) -> None:
    @app.task(max_retries=0)
    def wait(until: int) -> int:
        done: int = current().last_checkpoint or 0
        current().progress({"done": done})
        if done < until:
            raise Snooze(60, checkpoint=done + 1)
        return current().delivery

    handle = wait.delay(3)
    assert (handle.get(), handle.progress, handle.job().attempt) == (4, {"done": 3}, 1)
    with pytest.raises(RuntimeError, match="snoozes for ever"):
        wait.delay(10_000)


def test_a_result_that_cannot_be_written_fails_for_good(app: App) -> None:
    @app.task
    def wrong() -> object:
        return object()

    handle = wrong.delay()
    with pytest.raises(TaskFailed, match="result: JSON cannot write this object") as caught:
        handle.get()
    assert (caught.value.attempts, caught.value.reason) == (1, "not_retryable")
    assert isinstance(handle, EagerResult)
    assert isinstance(handle.error, NotWritable)


def test_hooks_hear_what_happens(app: App) -> None:
    heard: list[Any] = []
    app.on("before_task")(lambda request: heard.append(("before", request.attempt)))
    app.on("task_retry")(lambda request, error: heard.append(("retry", str(error))))
    app.on("task_success")(lambda result: heard.append(("success", result)))
    app.on("task_failure")(lambda error: heard.append(("failure", str(error))))
    app.on("after_task")(lambda outcome, error: heard.append((outcome, error is None)))

    @app.task(max_retries=1)
    def work(fails: int) -> str:
        if current().attempt <= fails:
            raise ValueError("bad")
        return "fine"

    work.delay(1)
    succeeded = [("before", 2), ("success", "fine"), ("returned", True)]
    assert heard == [("before", 1), ("retry", "bad"), ("failed", False), *succeeded]
    heard.clear()
    work.delay(2)
    assert heard[-2:] == [("failure", "bad"), ("failed", False)]


def test_the_request_says_that_it_is_eager(app: App) -> None:
    @app.task(name="t", queue="q", max_retries=4)
    def look(*args: int, **more: int) -> list[Any]:
        request: Request = current()
        return [request.is_eager, request.queue, request.max_attempts, dict(request.headers), request.args]

    assert look.apply_async((1, 2), headers={"a": 1}).get() == [True, "q", 5, {"a": 1}, [1, 2]]


def test_what_cannot_be_cancelled_says_so_as_the_server_does(app: App) -> None:
    @app.task
    def nothing() -> None: ...

    handle = nothing.delay()
    with pytest.raises(Conflict, match="has ended") as caught:
        handle.cancel()
    assert caught.value.code == "job_final"
    handle.revoke(terminate=True)
    handle.forget()


def test_apply_runs_here_without_any_setting() -> None:
    app = App("http://127.0.0.1:9")

    @app.task(bind=True)
    async def add(self: BoundTask, x: int, y: int) -> int:
        return x + y

    assert add.apply((1,), {"y": 2}).get() == 3

    async def main() -> int:
        return await (await add.aapply((1, 2))).get()

    assert asyncio.run(main()) == 3
