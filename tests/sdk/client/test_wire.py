"""What each verb sends, and what it makes of the answer; no network."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from headrace import (
    Invalid,
    LeaseLost,
    NewJob,
    NotFinished,
    NotFound,
    OutcomeUnknown,
    Patience,
    Receipt,
    Refused,
    RetryPolicy,
    State,
    TaskCancelled,
    TaskFailed,
    Unauthorized,
)
from headrace._steps import Reply, Request, Steps
from headrace._verbs import Verbs

from tests.sdk.client.drive import ID, TOKEN, Line, body, job, keys, line, problem, reply

NOON = datetime(2026, 1, 2, 12, 0, 0, 1, tzinfo=UTC)  # a microsecond past


def test_enqueue_sends_only_what_was_given() -> None:
    wire = line(reply(job(), 201))
    made = wire.run(wire.verbs.enqueue("demo.add", [2, 3]))
    assert (wire.request.method, wire.request.path) == ("POST", "/v1/jobs")
    assert body(wire.request) == {"task": "demo.add", "payload": [2, 3]}
    assert (made.id, made.state, made.payload) == (ID, State.READY, [2, 3])
    assert made.enqueued_at == datetime(2026, 1, 2, 3, 4, 5, 684000, tzinfo=UTC)


def test_a_payload_of_null_is_sent_and_an_absent_one_is_not() -> None:
    assert body(_sent(lambda v: v.enqueue("t", None), job())) == {"task": "t", "payload": None}
    assert body(_sent(lambda v: v.enqueue("t"), job())) == {"task": "t"}


def test_enqueue_writes_instants_in_utc_and_never_too_early() -> None:
    eastern = NOON.astimezone(timezone(timedelta(hours=5)))
    sent = _sent(lambda v: v.enqueue("t", run_at=eastern, expires_at=NOON + timedelta(days=1)), job())
    assert body(sent)["run_at"] == "2026-01-02T12:00:00.001Z"
    assert body(sent)["expires_at"] == "2026-01-03T12:00:00.001Z"


def test_enqueue_refuses_a_naive_instant_before_anything_is_sent() -> None:
    wire = line()
    with pytest.raises(ValueError, match="run_at must be an aware datetime"):
        wire.run(wire.verbs.enqueue("t", run_at=datetime(2026, 1, 2)))  # noqa: DTZ001


def test_enqueue_writes_every_option_under_its_name_in_the_api() -> None:
    policy = RetryPolicy(max_attempts=5, backoff="linear", initial_ms=10, jitter=False)
    sent = _sent(
        lambda v: v.enqueue(
            "t",
            {},
            queue="q",
            priority=7,
            delay_ms=1,
            expires_in_ms=2,
            lease_ms=3,
            retention_ms=4,
            max_crashes=5,
            retry=policy,
            meta={"tenant": 1},
            trace={"traceparent": "00-ab"},
            idempotency_key="k",
            wait_s=9,
        ),
        job(),
    )
    assert body(sent) == {
        "task": "t",
        "payload": {},
        "queue": "q",
        "priority": 7,
        "delay_ms": 1,
        "expires_in_ms": 2,
        "lease_ms": 3,
        "retention_ms": 4,
        "max_crashes": 5,
        "retry": {"max_attempts": 5, "backoff": "linear", "initial_ms": 10, "jitter": False},
        "meta": {"tenant": 1},
    }
    assert sent.headers["Idempotency-Key"] == "k"
    assert sent.headers["Prefer"] == "wait=9"
    assert sent.headers["traceparent"] == "00-ab"


def test_every_enqueue_has_a_key_of_its_own() -> None:
    wire = line(reply(job(), 201), reply(job(), 201))
    wire.run(_both(wire))
    assert len(keys(wire.sent)) == 2
    assert None not in keys(wire.sent)


def _both(wire: Line) -> Steps[None]:
    yield from wire.verbs.enqueue("t")
    yield from wire.verbs.enqueue("t")


def test_a_replayed_job_that_is_gone_still_says_what_was_asked_for() -> None:
    wire = line(reply({"id": ID, "state": "gone"}, idempotency_replayed="true"))
    gone = wire.run(wire.verbs.enqueue("demo.add", queue="q"))
    assert (gone.state, gone.task, gone.queue) == (State.GONE, "demo.add", "q")
    assert gone.state.is_final


def test_who_needs_no_more_than_a_receipt_says_so() -> None:
    receipt = {"id": ID, "state": "ready", "deduplicated": True}
    one = line(reply(receipt))
    made = one.run(one.verbs.enqueue_job(NewJob(task="a", payload=[1], idempotency_key="mine")))
    assert made == Receipt(id=ID, state=State.READY, deduplicated=True)
    assert (body(one.request), keys(one.sent)) == ({"task": "a", "payload": [1]}, {"mine"})
    assert one.request.headers.get("Prefer") == "return=minimal"
    all_of_it = line(reply(job(), 201))
    all_of_it.run(all_of_it.verbs.enqueue("a", wait_s=3))
    assert all_of_it.request.headers.get("Prefer") == "wait=3"


@pytest.mark.parametrize("receipt", [{"id": ID}, {"state": "ready"}, {"id": 7, "state": "ready"}, [ID], None])
def test_what_is_no_receipt_leaves_the_outcome_open(receipt: Any) -> None:
    wire = line(reply(receipt), retry=Patience(total_s=0))
    with pytest.raises(OutcomeUnknown):
        wire.run(wire.verbs.enqueue_job(NewJob(task="a")))


def test_an_id_cannot_leave_its_place_in_the_path() -> None:
    assert _sent(lambda v: v.get("../queues?x#y"), job()).path == "/v1/jobs/..%2Fqueues%3Fx%23y"


def test_result_reads_what_the_worker_wrote_in_either_format() -> None:
    wire = line(Reply(status=200, headers={"content-type": "application/msgpack"}, content=b"\x93\x01\x02\x03"))
    assert wire.run(wire.verbs.result(ID)) == [1, 2, 3]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (problem("not_finished", 409, outcome="not_done", state="ready"), NotFinished),
        (problem("no_result", 404, outcome="not_done"), NotFound),
        (problem("job_failed", 409, state="dead", error={"type": "E", "message": "m"}), TaskFailed),
        (problem("job_failed", 409, state="cancelled"), TaskCancelled),
    ],
)
def test_result_says_why_there_is_none(answer: Reply, error: type[Exception]) -> None:
    wire = line(answer)
    with pytest.raises(error) as caught:
        wire.run(wire.verbs.result(ID))
    assert type(caught.value) is error


def test_a_refusal_carries_everything_the_server_said() -> None:
    wire = line(problem("lease_lost", 409, outcome="not_done", state="ready", job_id=ID, request_id="r1"))
    with pytest.raises(LeaseLost) as caught:
        wire.run(wire.verbs.ack(ID, TOKEN))
    assert caught.value.state is State.READY
    assert caught.value.problem.request_id == "r1"
    assert TOKEN not in str(caught.value)


def test_all_faults_of_a_body_are_in_the_message() -> None:
    errors = [{"pointer": "/task", "detail": "is missing"}, {"pointer": "/max", "detail": "is no number"}]
    wire = line(problem("invalid_request", 422, outcome="not_done", errors=errors))
    with pytest.raises(Invalid, match=r"(?s)/task: is missing.*/max: is no number"):
        wire.run(wire.verbs.enqueue("t"))


def test_a_page_of_a_proxy_is_no_reply_of_ours() -> None:
    page = Reply(status=401, headers={"content-type": "text/html"}, content=b"<html>\n <b>log in</b>")
    wire = line(page)
    with pytest.raises(Unauthorized, match=r"no Headrace reply.*<html> <b>log in</b>"):
        wire.run(wire.verbs.server_info())


@pytest.mark.parametrize(
    "answer",
    [
        Reply(status=201, headers={"content-type": "text/html"}, content=b"<html>"),
        Reply(status=201, headers={"content-type": "application/json"}, content=b"{"),
        reply([1, 2]),
        reply({"state": "ready"}),
        reply(job(priority="high")),
        reply(job(enqueued_at="yesterday")),
    ],
    ids=["html", "broken", "list", "no id", "wrong type", "no instant"],
)
def test_a_reply_that_cannot_be_read_leaves_the_outcome_open(answer: Reply) -> None:
    wire = line(answer, retry=Patience(total_s=0))
    with pytest.raises(OutcomeUnknown, match="cannot be read"):
        wire.run(wire.verbs.enqueue("t"))


def test_a_redirect_is_not_followed() -> None:
    wire = line(Reply(status=302, headers={"location": "http://elsewhere"}))
    with pytest.raises(Refused, match="is HEADRACE_URL right"):
        wire.run(wire.verbs.enqueue("t"))


def test_queues_asks_for_the_page_after() -> None:
    stats = {"queue": "b", "counts": {"ready": 2, "paused": 1}, "backlog": 2, "oldest_ready_age_ms": 5}
    wire = line(reply({"queues": [stats], "next_after": "b"}))
    page = wire.run(wire.verbs.queues(after="a", limit=1))
    assert wire.request.params == {"after": "a", "limit": "1"}
    assert page.next_after == "b"
    assert page.queues[0].counts[State.READY] == 2
    assert page.queues[0].counts[State("paused")] == 1


def _sent(call: Callable[[Verbs], Steps[Any]], document: object) -> Request:
    wire = line(reply(document))
    wire.run(call(wire.verbs))
    return wire.request
