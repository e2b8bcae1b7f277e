"""What a running task knows of its job, and what `bind=True` gives it."""

import inspect
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from headrace import App, BoundTask, MaxRetriesExceeded, Request, Retry, Snooze, current
from headrace.context import CURRENT
from headrace.exceptions import cause_of

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
BAD = ValueError("bad")


@pytest.fixture
def task() -> BoundTask:
    app = App()

    @app.task(name="t", bind=True)
    def bound(self: BoundTask, x: int) -> int:
        return x

    return bound


def inside(task: BoundTask, **facts: Any) -> Any:
    """Return what `with` makes the current request."""

    class Inside:
        def __enter__(self) -> Request:
            self.request = Request(**{"id": "j", "task": task.name, "queue": "q", "max_attempts": 3, **facts})
            self.token = CURRENT.set(self.request)
            return self.request

        def __exit__(self, *_: object) -> None:
            CURRENT.reset(self.token)

    return Inside()


def test_the_task_is_the_first_argument_and_none_of_the_callers() -> None:
    app = App()

    @app.task(name="t", bind=True)
    def add(self: BoundTask, x: int, y: int = 0) -> list[Any]:
        return [self.name, self.app is app, x + y]

    assert add(1, y=2) == ["t", True, 3]
    assert add.apply((1,)).get() == ["t", True, 1]
    assert list(inspect.signature(add).parameters) == ["x", "y"]
    assert app.job("t", (1,), {"y": 2}, {}).payload == {"x": 1, "y": 2}
    with pytest.raises(TypeError, match="too many positional arguments"):
        app.job("t", (1, 2, 3), {}, {})


def test_the_request_is_that_of_the_job(task: BoundTask) -> None:
    heard: list[Any] = []
    with inside(task, attempt=2, cancelled=True, tell=lambda *said: heard.append(said)) as request:
        assert task.request is request is current()
        assert (task.request.retries, task.cancelled) == (1, True)
        task.progress(50)
        task.checkpoint({"page": 3})
        assert request.last_checkpoint == {"page": 3}
    assert heard == [("progress", 50), ("checkpoint", {"page": 3})]


def test_outside_of_a_job_there_is_a_request_of_nobody(task: BoundTask) -> None:
    task.progress(1)
    assert (task.request.id, task.request.attempt, task.cancelled) == ("", 1, False)
    with pytest.raises(LookupError, match="only while a Headrace task runs"):
        current()


def test_a_lease_ends_by_a_clock_of_the_worker() -> None:
    moment = 100.0
    request = Request(id="j", task="t", queue="q", lease_end=130.0, clock=lambda: moment)
    assert request.seconds_left == 30.0
    assert request.deadline is not None
    assert timedelta(seconds=25) < request.deadline - datetime.now(UTC) <= timedelta(seconds=30)
    moment = 140.0
    assert request.seconds_left == -10.0
    nobody = Request(id="", task="t", queue="q")
    assert (nobody.seconds_left, nobody.deadline) == (math.inf, None)


@pytest.mark.parametrize(
    ("meta", "headers"),
    [
        ({"headrace": {"headers": {"a": 1}}}, {"a": 1}),
        ({"headrace": {"headers": "of another language"}}, {}),
        ({"headrace": 5}, {}),
        ({}, {}),
    ],
)
def test_headers_are_what_the_caller_gave(meta: dict[str, Any], headers: dict[str, Any]) -> None:
    assert Request(id="j", task="t", queue="q", meta=meta).headers == headers


def test_a_retry_ends_the_run(task: BoundTask) -> None:
    with inside(task), pytest.raises(Retry, match="bad") as caught:
        task.retry(exc=BAD, countdown=90)
    assert (caught.value.wait_ms(), caught.value.exc, caught.value.__cause__) == (90_000, BAD, BAD)
    with inside(task), pytest.raises(Retry) as caught:
        raise task.retry(eta=NOON, throw=False)
    assert caught.value.wait_ms(NOON - timedelta(seconds=2)) == 2000
    with inside(task), pytest.raises(Retry) as caught:
        task.retry()
    assert caught.value.wait_ms() is None, "as the backoff of the job says"


@pytest.mark.parametrize(("attempt", "most"), [(3, None), (3, 10), (2, 1), (1, 0)])
def test_after_the_last_retry_there_is_none(task: BoundTask, attempt: int, most: int | None) -> None:
    with inside(task, attempt=attempt), pytest.raises(MaxRetriesExceeded, match="bad") as caught:
        task.retry(exc=BAD, max_retries=most)
    assert cause_of(caught.value) is BAD


def test_a_plain_call_has_nothing_to_be_tried_again(task: BoundTask) -> None:
    with pytest.raises(ValueError, match="bad"):
        task.retry(exc=BAD)
    with pytest.raises(Retry):
        task.retry()


def test_words_of_the_tasks_own_go_before_the_error() -> None:
    assert cause_of(Retry(exc=BAD)) is BAD
    own = Retry("the bank is closed", exc=BAD)
    assert (cause_of(own), str(own)) == (own, "the bank is closed")
    assert cause_of(BAD) is BAD


def test_times_are_seconds_or_spans_and_never_before_now() -> None:
    assert Retry(countdown=timedelta(minutes=1)).wait_ms() == 60_000
    assert Retry(countdown=-5).wait_ms() == 0
    assert Retry(eta=NOON).wait_ms(NOON + timedelta(days=1)) == 0
    assert Snooze(1.5).wait_ms() == 1500
    with pytest.raises(ValueError, match="not both"):
        Retry(countdown=1, eta=NOON)
    with pytest.raises(ValueError, match="aware datetime"):
        Retry(eta=datetime(2026, 1, 2))  # noqa: DTZ001
