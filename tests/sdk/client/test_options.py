"""Options of tasks and calls in the API's terms: retries, limits of time and rate, what travels in the meta."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import pytest
from headrace import App, Discard, MaxRetriesExceeded, Rate, Reject, Retry, RetryPolicy, shared_task
from headrace.options import CallOptions, TaskOptions, job_options, rate_of


def made(call: CallOptions | None = None, /, **options: Any) -> dict[str, Any]:
    found = job_options(TaskOptions(**options), call or {}, limit_key="task:t")
    return {name: value for name, value in found.items() if value is not None}


@pytest.mark.parametrize(
    ("options", "policy"),
    [
        ({"retry_backoff": True}, {"backoff": "exponential", "initial_ms": 1000}),
        ({"retry_backoff": True, "default_retry_delay": 5}, {"backoff": "exponential", "initial_ms": 5000}),
        ({"retry_backoff": 3}, {"backoff": "exponential", "initial_ms": 3000}),
        ({"retry_backoff": 1}, {"backoff": "exponential", "initial_ms": 1000}),
        ({"retry_backoff": False, "default_retry_delay": 2}, {"backoff": "constant", "initial_ms": 2000}),
        ({"retry_backoff": "linear", "default_retry_delay": 2}, {"backoff": "linear", "initial_ms": 2000}),
        ({"default_retry_delay": timedelta(minutes=3)}, {"initial_ms": 180_000}),
        ({"retry_backoff_max": 60}, {"max_ms": 60_000}),
        ({"max_retries": 0}, {"max_attempts": 1}),
        ({"dont_autoretry_for": (ValueError, "Auth*")}, {"non_retryable": ["ValueError", "Auth*"]}),
    ],
)
def test_retries_are_written_as_celery_writes_them(options: dict[str, Any], policy: dict[str, Any]) -> None:
    assert made(**options) == {"retry": RetryPolicy(**policy)}


def test_a_task_without_wishes_leaves_retries_to_the_server() -> None:
    assert made(autoretry_for=(OSError,)) == {}, "which errors are tried again is the worker's to know"


class NotFoundOnDisk(FileNotFoundError):
    pass


@pytest.mark.parametrize(
    ("options", "error", "again"),
    [
        ({}, ValueError(), True),
        ({"autoretry_for": (OSError,)}, NotFoundOnDisk(), True),
        ({"autoretry_for": (OSError,)}, ValueError(), False),
        ({"autoretry_for": ()}, ValueError(), False),
        ({"dont_autoretry_for": (OSError,)}, NotFoundOnDisk(), False),
        ({"dont_autoretry_for": ("NotFound*",)}, NotFoundOnDisk(), False),
        ({"dont_autoretry_for": ("NotFound",)}, NotFoundOnDisk(), True),
        ({"autoretry_for": (OSError,), "dont_autoretry_for": (FileNotFoundError,)}, NotFoundOnDisk(), False),
        ({"autoretry_for": (OSError,)}, Retry(), True),
        ({"autoretry_for": (OSError,)}, SystemExit(), True),
        ({"autoretry_for": (OSError,)}, asyncio.CancelledError(), True),
        ({}, MaxRetriesExceeded(), False),
        ({}, Reject(), False),
        ({}, Discard(), False),
    ],
)
def test_which_errors_are_tried_again(options: dict[str, Any], error: BaseException, again: bool) -> None:
    assert TaskOptions(**options).retries(error) is again


@pytest.mark.parametrize(
    ("limit", "rate"),
    [
        ("10/m", Rate(count=10, per_ms=60_000)),
        ("100/s", Rate(count=100, per_ms=1000)),
        ("5/h", Rate(count=5, per_ms=3_600_000)),
        (" 7 ", Rate(count=7, per_ms=1000)),
        (3, Rate(count=3, per_ms=1000)),
        (0.5, Rate(count=1, per_ms=2000)),
    ],
)
def test_a_rate_limit_is_a_rate(limit: str | float, rate: Rate) -> None:
    assert rate_of(limit) == rate


@pytest.mark.parametrize("limit", ["", "m", "10/d", "0/s", "-1/s", "1.5/s", "10 per minute", 0, -3, 0.0])
def test_what_is_no_rate_is_refused_where_it_is_written(limit: str | float) -> None:
    with pytest.raises(ValueError, match="rate_limit"):
        TaskOptions(rate_limit=limit)


def test_a_rate_limit_is_a_limit_on_each_job() -> None:
    assert made(rate_limit="10/m") == {"limits": ["task:t"]}
    assert made(rate_limit="10/m", limits=["a", "b"]) == {"limits": ["a", "b", "task:t"]}
    assert made({"limits": ["c"]}, rate_limit="10/m", limits=["a", "b"]) == {"limits": ["c", "task:t"]}
    with pytest.raises(ValueError, match="at most 4 limits"):
        made(rate_limit="10/m", limits=["a", "b", "c", "d"])


def test_the_server_ends_a_run_that_the_worker_should_have_killed() -> None:
    assert made(time_limit=30) == {"max_runtime_ms": 35_000}
    assert made(time_limit=30, max_runtime=timedelta(seconds=60)) == {"max_runtime_ms": 60_000}
    assert made(soft_time_limit=30) == {}
    assert made({"time_limit": 5}, time_limit=30)["max_runtime_ms"] == 10_000


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"time_limit": 0}, "more than 0"),
        ({"soft_time_limit": timedelta(seconds=-1)}, "more than 0"),
        ({"time_limit": 5, "soft_time_limit": timedelta(seconds=5)}, "shorter than time_limit"),
        ({"max_retries": -1}, "from 0 to 999, not -1"),
        ({"max_retries": 1000}, "from 0 to 999, not 1000"),
        ({"retry_backoff": "quick"}, "'quick': write True, False, seconds or exponential, linear, constant"),
    ],
)
def test_values_that_make_no_sense_are_refused_where_they_are_written(options: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        TaskOptions(**options)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("acks_late", "acks_late is no option of a task; a job is acknowledged after it ran, always"),
        ("countdown", "task.apply_async(countdown=...)"),
        ("prioritiy", "did you mean 'priority'?"),
        ("xyz", "a task has no option 'xyz'"),
    ],
)
def test_a_task_is_told_of_an_option_that_would_be_without_effect(name: str, words: str) -> None:
    wish: dict[str, Any] = {name: 1}
    app = App("http://127.0.0.1:9")
    with pytest.raises(TypeError, match=re.escape(words)):
        app.task(**wish)(print_nothing)
    with pytest.raises(TypeError, match=re.escape(words)):
        shared_task(**wish)(print_nothing)
    with pytest.raises(TypeError, match=re.escape(words)):
        app.conf.task_annotations = {"*": wish}
    with pytest.raises(TypeError, match=re.escape(words)):
        app.conf.task_routes = {"*": wish}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("task_id", "task_id is no option of a call; the server makes the id; idempotency_key"),
        ("link", "the last line of a task can send the next one"),
        ("max_retries", "it is an option of the task: @app.task(max_retries=...)"),
        ("count_down", "did you mean 'countdown'?"),
        ("xyz", "a call has no option 'xyz'"),
    ],
)
def test_a_call_is_told_of_an_option_that_would_be_without_effect(name: str, words: str) -> None:
    wish: Any = {name: 1}
    app = App("http://127.0.0.1:9")
    task = app.task(print_nothing)
    with pytest.raises(TypeError, match=re.escape(words)):
        task.apply_async(**wish)
    with pytest.raises(TypeError, match=re.escape(words)):
        task.delay_many([()], **wish)
    with pytest.raises(TypeError, match=re.escape(words)):
        task.s().set(**wish).delay()
    with pytest.raises(TypeError, match=re.escape(words)):
        app.send_task("elsewhere", **wish)
    with pytest.raises(TypeError, match=re.escape(words)):
        task.apply(**wish)


def print_nothing() -> None: ...


def test_a_result_that_nobody_wants_is_not_stored() -> None:
    assert made(ignore_result=True, result_ttl=60) == {"result_ttl_ms": 0}
    assert made({"ignore_result": False}, ignore_result=True, result_ttl=60) == {"result_ttl_ms": 60_000}


def test_what_a_call_tells_the_worker_travels_in_the_meta() -> None:
    call: CallOptions = {
        "time_limit": timedelta(seconds=9),
        "soft_time_limit": 5,
        "headers": {"tenant": 7},
        "meta": {"mine": 1},
    }
    told = {"time_limit": 9.0, "soft_time_limit": 5, "headers": {"tenant": 7}}
    assert made(call)["meta"] == {"mine": 1, "headrace": told}
    assert made({"meta": {"mine": 1}})["meta"] == {"mine": 1}
    with pytest.raises(ValueError, match="'headrace' is taken"):
        made({"meta": {"headrace": {}}})
