"""What jobs say while they run and what they are told: progress, checkpoints, wishes that they end."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from headrace import Leased
from headrace_worker import bounds
from headrace_worker.hands import Hands
from headrace_worker.heartbeat import _portions
from headrace_worker.held import HeldJob
from headrace_worker.news import News, Topic, values, written
from headrace_worker.outcome import Kind

from tests.sdk.worker.apps import deep
from tests.sdk.worker.listening import Notes, order

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
JOB = Leased(
    id="0190",
    task="t",
    queue="q",
    token="ab" * 16,
    deadline=NOON + timedelta(seconds=30),
    attempt=1,
    delivery=1,
    fence=7,
)


def held(lease_s: float, deadline: float, beaten: float) -> HeldJob:
    return HeldJob(job=JOB, received=0.0, lease_s=lease_s, deadline=deadline, beaten=beaten)


class TestBeats:
    """When a lease wants its next heartbeat; the lease begins at 100."""

    @pytest.mark.parametrize(
        ("lease_s", "deadline", "beaten", "due"),
        [
            (30.0, 130.0, 0.0, 110.0),  # never beaten: a third of the lease
            (30.0, 140.0, 110.0, 120.0),
            (30.0, 135.0, 110.0, 120.0),  # max_runtime_ms has cut the deadline: still a third after the last one,
            (30.0, 135.0, 120.0, 130.0),
            (30.0, 135.0, 130.0, 135.0),  # then when the lease ends,
            (30.0, 135.0, 135.5, 136.5),  # and once a second until the server has ended it
            (1.0, 101.0, 0.0, 100.333),
        ],
    )
    def test_due(self, lease_s: float, deadline: float, beaten: float, due: float) -> None:
        assert held(lease_s, deadline, beaten).beat_at == pytest.approx(due, abs=0.01)

    def test_what_a_task_says_goes_at_once(self) -> None:
        job = held(30.0, 130.0, 101.0)
        job.news.add(Topic.PROGRESS, b"1")
        assert job.beat_at <= 101.0


class TestNews:
    def test_only_the_newest_of_each_topic_is_sent(self) -> None:
        news = News()
        for text in (b"1", b"2"):
            news.add(Topic.PROGRESS, text)
        news.add(Topic.CHECKPOINT, b'{"a":[null]}')
        assert values(news.unsent()) == {"progress": 2, "checkpoint": {"a": [None]}}
        assert (bool(news), news.has_checkpoint, news.size) == (True, True, 13)

    def test_what_comes_while_older_news_are_on_their_way_is_not_lost(self) -> None:
        news = News()
        news.add(Topic.PROGRESS, written(Topic.PROGRESS, 1))
        sent = news.unsent()
        news.add(Topic.PROGRESS, written(Topic.PROGRESS, 2))
        news.told(sent)
        assert values(news.unsent()) == {"progress": 2}
        news.told(news.unsent())
        assert not news

    @pytest.mark.parametrize(
        ("topic", "value"),
        [
            (Topic.PROGRESS, "x" * (bounds.PROGRESS_BYTES - 2)),
            (Topic.CHECKPOINT, "x" * (bounds.CHECKPOINT_BYTES - 2)),
            (Topic.PROGRESS, deep(bounds.NEWS_DEPTH)),
            (Topic.PROGRESS, 2**64 - 1),
            (Topic.PROGRESS, None),
        ],
    )
    def test_the_bounds_hold_up_to_the_last(self, topic: Topic, value: Any) -> None:
        assert json.loads(written(topic, value)) == value

    @pytest.mark.parametrize(
        ("topic", "value"),
        [
            (Topic.PROGRESS, "x" * (bounds.PROGRESS_BYTES - 1)),
            (Topic.CHECKPOINT, "x" * (bounds.CHECKPOINT_BYTES - 1)),
            (Topic.PROGRESS, deep(bounds.NEWS_DEPTH + 1)),
            (Topic.PROGRESS, {"a": 2**64}),
            (Topic.PROGRESS, "\ud800"),
        ],
    )
    def test_beyond_them_nothing_is_said(self, topic: Topic, value: Any) -> None:
        with pytest.raises(ValueError, match=r"progress|checkpoint|surrogates"):
            written(topic, value)

    def test_a_request_carries_only_so_much(self) -> None:
        jobs = [held(30.0, 130.0, 0.0) for _ in range(bounds.HEARTBEAT_JOBS + 1)]
        assert [len(some) for some in _portions(jobs)] == [bounds.HEARTBEAT_JOBS, 1]
        for job in jobs[:100]:
            job.news.add(Topic.CHECKPOINT, b"x" * bounds.CHECKPOINT_BYTES)
        most = bounds.HEARTBEAT_BYTES // bounds.CHECKPOINT_BYTES
        assert [len(some) for some in _portions(jobs[:100])] == [most, 100 - most]
        assert list(_portions([])) == []


@pytest.mark.anyio
async def test_what_a_job_says_is_heard_before_its_end_and_of_much_the_newest(hands: Hands, notes: Notes) -> None:
    hands.run([order(1, "report", [200])])
    assert (await notes.outcome(1)).value() == [200], "a checkpoint is the task's own from then on"
    said = notes.news[1]
    assert len(said) < 400
    assert [value for topic, value in said if topic is Topic.PROGRESS][-1] == {"step": 200}
    assert [value for topic, value in said if topic is Topic.CHECKPOINT][-1] == [200]


@pytest.mark.anyio
async def test_jobs_that_talk_do_not_talk_for_each_other(hands: Hands, notes: Notes) -> None:
    keys = range(1, 21)
    hands.run([order(key, "report", [key]) for key in keys])
    for key in keys:
        assert (await notes.outcome(key)).value() == [key]
        assert dict(notes.news[key]) == {Topic.PROGRESS: {"step": key}, Topic.CHECKPOINT: [key]}


@pytest.mark.parametrize("topic", ["progress", "checkpoint"])
@pytest.mark.parametrize("kind", ["set", "nan", "huge", "deep", "big", "bytes"])
@pytest.mark.anyio
async def test_what_cannot_travel_is_refused_where_it_is_said(
    hands: Hands, notes: Notes, topic: str, kind: str
) -> None:
    hands.run([order(1, "say_what_cannot_travel", [topic, kind])])
    assert (await notes.outcome(1)).value() != "it was taken"
    assert notes.news == {}


@pytest.mark.anyio
async def test_a_job_that_is_asked_to_end_decides_itself(hands: Hands, notes: Notes, tmp_path: Path) -> None:
    names = [str(tmp_path / name) for name in ("raise", "return", "fail", "coroutine")]
    runs = [order(n, "until_cancelled", [names[n - 1], Path(names[n - 1]).name]) for n in (1, 2, 3)]
    hands.run([*runs, order(4, "until_cancelled_async", [names[3]])])
    await notes.until(lambda: all(Path(name).exists() for name in names))
    hands.ask_to_end([1, 2, 3, 4, 99])
    assert (await notes.outcome(1)).kind is Kind.STOPPED
    assert (await notes.outcome(2)).value() == "finished all the same"
    assert (await notes.outcome(3)).error_type == "RuntimeError"
    assert (await notes.outcome(4)).kind is Kind.STOPPED


@pytest.mark.anyio
async def test_a_task_that_cancels_itself_unasked_has_failed(hands: Hands, notes: Notes) -> None:
    hands.run([order(1, "cancel_without_being_asked")])
    outcome = await notes.outcome(1)
    assert (outcome.kind, outcome.error_type) == (Kind.FAILED, "Cancelled")
