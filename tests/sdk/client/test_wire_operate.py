"""What the verbs of operators send, and what they make of the answers; no network."""

from collections.abc import Callable
from typing import Any

import pytest
from headrace import (
    ConnectionFailed,
    OperationState,
    OutcomeUnknown,
    Patience,
    QueueFull,
    QueueSettings,
    Rate,
    RetryPolicy,
    State,
    Unique,
    UniqueConflict,
)
from headrace._steps import Reply, Steps
from headrace._verbs import Verbs

from tests.sdk.client.drive import CUT, ID, NOW, REFUSED, SLOW, body, job, line, problem, reply

QUEUE = {"queue": "q", "counts": {"ready": 1}, "backlog": 1, "paused": True, "draining": False, "settings": {}}
OPERATION = {
    "id": ID,
    "action": "retry",
    "state": "running",
    "filter": {"queue": "q"},
    "created_at": NOW,
    "server_time": NOW,
}


def test_settings_are_sent_without_what_was_not_set() -> None:
    wire = line(reply({**QUEUE, "settings": {"concurrency": 5}, "paused_until": NOW}))
    settings = QueueSettings(concurrency=5, rate=Rate(count=1, per_ms=2), retry=RetryPolicy(non_retryable=["A"]))
    queue = wire.run(wire.verbs.configure_queue("q", settings))
    assert (wire.request.method, wire.request.path) == ("PUT", "/v1/queues/q")
    assert body(wire.request) == {
        "concurrency": 5,
        "rate": {"count": 1, "per_ms": 2},
        "retry": {"non_retryable": ["A"]},
    }
    assert queue.settings == QueueSettings(concurrency=5)
    assert (queue.paused, queue.draining, queue.counts[State.READY]) == (True, False, 1)
    assert queue.paused_until is not None


@pytest.mark.parametrize(
    ("call", "path"),
    [
        (lambda v: v.limit("stripe:tenant/7 %"), "/v1/limits/stripe%3Atenant%2F7%20%25"),
        (lambda v: v.back_off("a:b", for_ms=0), "/v1/limits/a%3Ab/backoff"),
    ],
)
def test_the_name_of_a_limit_cannot_leave_its_place(call: Callable[[Verbs], Steps[Any]], path: str) -> None:
    wire = line(reply({"name": "x", "leased": 2, "server_time": NOW}))
    assert wire.run(call(wire.verbs)).leased == 2
    assert wire.request.path == path


def test_a_back_off_of_nothing_is_sent_as_nothing() -> None:
    wire = line(reply({"name": "x", "leased": 0, "server_time": NOW}))
    wire.run(wire.verbs.back_off("x", for_ms=0))
    assert body(wire.request) == {"for_ms": 0}


def test_an_operation_says_what_and_which() -> None:
    wire = line(reply(OPERATION, 202))
    started = wire.run(wire.verbs.start_operation("retry", state=State.DEAD, tag=("tenant", "a:b"), rate_per_s=50))
    assert body(wire.request) == {
        "action": "retry",
        "filter": {"state": "dead", "tag": {"name": "tenant", "value": "a:b"}},
        "rate_per_s": 50,
    }
    assert (started.state, started.is_running) == (OperationState.RUNNING, True)


def test_an_operation_is_looked_at_until_it_has_ended() -> None:
    wire = line(*[reply(OPERATION)] * 3, reply({**OPERATION, "state": "done", "matched": 5, "done": 4, "skipped": 1}))
    ended = wire.run(wire.verbs.wait_operation(ID))
    assert (ended.is_running, ended.done, ended.skipped) == (False, 4, 1)
    assert wire.pauses == [0.05, 0.1, 0.2]


def test_the_wait_for_an_operation_has_an_end() -> None:
    wire = line(*[reply(OPERATION)] * 3)
    assert wire.run(wire.verbs.wait_operation(ID, timeout=0.12)).is_running
    assert wire.pauses == pytest.approx([0.05, 0.07])


@pytest.mark.parametrize("loss", [CUT, SLOW], ids=["cut", "slow"])
@pytest.mark.parametrize(
    "call",
    [
        lambda v: v.retry(ID),
        lambda v: v.delete(ID),
        lambda v: v.start_operation("retry", queue="q"),
        lambda v: v.purge_queue("q"),
    ],
    ids=["retry", "delete", "start_operation", "purge_queue"],
)
def test_what_a_second_time_would_be_something_else_is_not_repeated(
    call: Callable[[Verbs], Steps[Any]], loss: Any
) -> None:
    wire = line(loss)
    with pytest.raises(OutcomeUnknown):
        wire.run(call(wire.verbs))


@pytest.mark.parametrize(
    "call",
    [
        lambda v: v.cancel(ID, mode="hard"),
        lambda v: v.patch(ID, priority=5),
        lambda v: v.configure_queue("q", QueueSettings()),
        lambda v: v.pause_queue("q", for_ms=5),
        lambda v: v.set_limit("x", concurrency=1),
        lambda v: v.stop_operation(ID),
    ],
    ids=["cancel", "patch", "configure_queue", "pause_queue", "set_limit", "stop_operation"],
)
def test_what_a_second_time_is_the_same_is_repeated(call: Callable[[Verbs], Steps[Any]]) -> None:
    document = {**job(), **QUEUE, **OPERATION, "name": "x", "leased": 0, "state": "ready"}
    wire = line(CUT, reply(document))
    wire.run(call(wire.verbs))
    assert len(wire.sent) == 2


def test_a_retry_that_never_left_is_sent_again() -> None:
    wire = line(REFUSED, reply(job()))
    wire.run(wire.verbs.retry(ID))
    assert len(wire.sent) == 2
    wire = line(REFUSED, retry=Patience(total_s=0))
    with pytest.raises(ConnectionFailed):
        wire.run(wire.verbs.retry(ID))


def test_a_deleted_job_leaves_no_document() -> None:
    wire = line(Reply(status=204))
    wire.run(wire.verbs.delete(ID))
    assert (wire.request.method, wire.request.path) == ("DELETE", f"/v1/jobs/{ID}")


def test_a_full_queue_is_asked_again_when_it_said() -> None:
    full = problem("queue_full", 429, outcome="not_done", retryable=True, retry_after_ms=700)
    wire = line(full, reply(job(), 201))
    wire.run(wire.verbs.enqueue("t"))
    assert wire.pauses[0] >= 0.7
    wire = line(full, retry=Patience(total_s=0))
    with pytest.raises(QueueFull):
        wire.run(wire.verbs.enqueue("t"))


def test_a_unique_job_is_met_or_refused() -> None:
    unique = Unique(key="user-7", on_conflict="reject")
    wire = line(problem("unique_conflict", 409, outcome="not_done", job_id=ID))
    with pytest.raises(UniqueConflict) as taken:
        wire.run(wire.verbs.enqueue("t", unique=unique))
    assert taken.value.job_id == ID
    assert body(wire.request)["unique"] == {"key": "user-7", "on_conflict": "reject"}
    wire = line(reply(job(replaced=True)))
    assert wire.run(wire.verbs.enqueue("t")).replaced
