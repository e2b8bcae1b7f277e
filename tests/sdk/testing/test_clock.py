"""The clock of the test server: whatever is due on the way happens, at its own time."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from headrace import App
from headrace.testing import Clock
from headrace_worker.testing import WorkerThread

SLACK_S = 30.0  # the clock goes on while the test runs, on machines that have other things to do


def test_a_clock_is_turned_on(headrace_clock: Clock) -> None:
    before = headrace_clock.now
    after = headrace_clock.advance("3d")
    assert timedelta(days=3) <= after - before < timedelta(days=3, seconds=SLACK_S)
    assert after <= headrace_clock.now


@pytest.mark.parametrize(
    ("by", "span"),
    [
        (90, timedelta(seconds=90)),
        (0.5, timedelta(seconds=0.5)),
        (timedelta(hours=2), timedelta(hours=2)),
        ("90s", timedelta(seconds=90)),
        ("10m", timedelta(minutes=10)),
        ("1.5h", timedelta(minutes=90)),
    ],
)
def test_spans_are_written_as_one_likes(headrace_clock: Clock, by: float | timedelta | str, span: timedelta) -> None:
    before = headrace_clock.now
    assert span <= headrace_clock.advance(by) - before < span + timedelta(seconds=SLACK_S)


@pytest.mark.parametrize("by", ["", "3", "three days", "3w"])
def test_a_text_that_is_no_span_is_refused(headrace_clock: Clock, by: str) -> None:
    with pytest.raises(ValueError, match=r"span|float"):
        headrace_clock.advance(by)


def test_a_test_begins_now(headrace_clock: Clock) -> None:
    """Whatever the tests before it have turned."""
    assert abs(headrace_clock.now - datetime.now(UTC)) < timedelta(seconds=SLACK_S)
    headrace_clock.advance("30d")


test_a_test_begins_now_again = test_a_test_begins_now


def test_a_delayed_job_waits_until_the_clock_is_turned(headrace_app: App, headrace_clock: Clock) -> None:
    handle = headrace_app.send_task("later", countdown=timedelta(days=2))
    headrace_clock.advance("47h")
    assert handle.state == "scheduled"
    headrace_clock.advance("1h")
    assert handle.state == "ready"


@pytest.fixture
def runs(headrace_app: App, headrace_clock: Clock) -> list[float]:
    """The seconds at which the task `fail` ran, which fails three times; its retries are due after 60, 120, 240 s."""
    begin, runs = headrace_clock.now, []

    @headrace_app.task(name="fail", max_retries=3, retry_backoff=60, retry_jitter=False)
    def fail() -> None:
        runs.append((headrace_clock.now - begin).total_seconds())
        if len(runs) < 4:
            raise ConnectionError

    return runs


def test_each_retry_runs_at_its_own_time(
    headrace_app: App, runs: list[float], headrace_worker: WorkerThread, headrace_clock: Clock
) -> None:
    headrace_app.send_task("fail")
    headrace_clock.advance("1d")
    assert [round((after - before) / 60) for before, after in pairwise(runs)] == [1, 2, 4]


def test_a_job_that_a_task_delays_runs_on_the_way(headrace_app: App, headrace_clock: Clock) -> None:
    days: list[int] = []
    begin = headrace_clock.now

    @headrace_app.task(name="daily")
    def daily() -> None:
        days.append((headrace_clock.now - begin).days)
        headrace_app.send_task("daily", countdown=timedelta(days=1))

    with WorkerThread(headrace_app) as worker:
        headrace_clock.settle = worker.drain
        headrace_app.send_task("daily")
        headrace_clock.advance(timedelta(days=3, hours=1))
    assert days == [0, 1, 2, 3]


def test_a_rate_lets_jobs_go_on_the_way(headrace_app: App, headrace_clock: Clock) -> None:
    begin, seconds = headrace_clock.now, []

    @headrace_app.task(name="slow", rate_limit="1/m")
    def slow() -> None:
        seconds.append((headrace_clock.now - begin).total_seconds())

    with WorkerThread(headrace_app) as worker:
        headrace_clock.settle = worker.drain
        slow.delay_many([()] * 4)
        headrace_clock.advance("150s")
        assert len(seconds) == 3
        headrace_clock.advance("10m")
    assert len(seconds) == 4
    assert all(later - earlier > 59 for earlier, later in pairwise(seconds))
