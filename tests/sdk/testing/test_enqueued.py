"""`assert_enqueued`: it finds what was put in, whichever way it was called, and says what there is when it does not."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from headrace import App, BoundTask, Task
from headrace.testing import AssertEnqueued
from headrace_worker.testing import WorkerThread


@pytest.fixture
def send(headrace_app: App) -> Task[[str, bool], str]:
    @headrace_app.task(name="mail.send", queue="mail")
    def send(to: str, urgent: bool = False) -> str:
        return to

    return send


def test_a_job_is_found_by_its_task(send: Task[[str, bool], str], assert_enqueued: AssertEnqueued) -> None:
    handle = send.delay("ann", True)
    assert [job.id for job in assert_enqueued(send)] == [handle.id]
    assert [job.id for job in assert_enqueued("mail.send", queue="mail", count=1)] == [handle.id]


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [(["ann"], None), (None, {"to": "ann"}), (["ann", False], None), (["ann"], {"urgent": False})],
)
def test_equal_calls_are_equal(
    send: Task[[str, bool], str],
    assert_enqueued: AssertEnqueued,
    args: list[str] | None,
    kwargs: dict[str, object] | None,
) -> None:
    send.delay("ann", urgent=False)
    assert_enqueued(send, args, kwargs, count=1)


@dataclass
class Letter:
    to: str
    at: datetime


def test_arguments_are_compared_as_the_task_gets_them(headrace_app: App, assert_enqueued: AssertEnqueued) -> None:
    @headrace_app.task(name="mail.post", bind=True)
    def post(self: BoundTask, letter: Letter, *, stamps: set[int]) -> None: ...

    letter = Letter("ann", datetime(2026, 1, 2, tzinfo=UTC))
    post.delay(letter, stamps={1, 2})
    assert_enqueued(post, (letter,), {"stamps": {2, 1}}, count=1)
    assert_enqueued(post, (letter,), {"stamps": {1}}, count=0)
    headrace_app.send_task("elsewhere", [letter.at])
    assert_enqueued("elsewhere", [letter.at], count=1)


def test_jobs_come_oldest_first_and_count_when_they_are_done(
    send: Task[[str, bool], str], headrace_worker: WorkerThread, assert_enqueued: AssertEnqueued
) -> None:
    handles = [send.delay(name) for name in ("ann", "bob", "cid")]
    headrace_worker.drain()
    assert [job.id for job in assert_enqueued(send, count=3)] == [handle.id for handle in handles]


def test_what_is_missing_is_told_with_what_is_there(
    send: Task[[str, bool], str], headrace_app: App, assert_enqueued: AssertEnqueued
) -> None:
    send.delay("ann")
    headrace_app.send_task("other", kwargs={"x": 1}, queue="q")
    with pytest.raises(AssertionError) as failed:
        assert_enqueued(send, ["bob"], count=2)
    assert str(failed.value).splitlines() == [
        "2 jobs mail.send('bob') expected, found 0; enqueued were:",
        "  mail.send('ann') in queue 'mail': ready",
        "  other(x=1) in queue 'q': ready",
    ]


@pytest.mark.parametrize(("wish", "found"), [({"queue": "mail.slow"}, 0), ({"count": 2}, 1), ({"count": 0}, 1)])
def test_each_wish_counts(
    send: Task[[str, bool], str], assert_enqueued: AssertEnqueued, wish: dict[str, object], found: int
) -> None:
    send.delay("ann")
    with pytest.raises(AssertionError, match=f"found {found};"):
        assert_enqueued(send, **wish)


def test_nothing_enqueued_is_told_as_nothing(send: Task[[str, bool], str], assert_enqueued: AssertEnqueued) -> None:
    assert_enqueued(send, count=0)
    with pytest.raises(AssertionError, match=r"at least one job mail.send.* found 0; nothing was enqueued"):
        assert_enqueued(send)


@pytest.mark.parametrize("_", range(2))
def test_a_test_sees_nothing_of_another(_: int, send: Task[[str, bool], str], assert_enqueued: AssertEnqueued) -> None:
    assert assert_enqueued.jobs() == []
    send.apply_async(("ann",), idempotency_key="same-in-both", unique="this-too")
    assert_enqueued(send, count=1)
