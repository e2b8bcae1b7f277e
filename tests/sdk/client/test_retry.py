"""When a request is sent again: only where that cannot do harm, not for ever, and not all at once."""

import pytest
from headrace import ConnectionFailed, Held, LeaseLost, NewJob, NotDone, OutcomeUnknown, Patience, TimedOut
from headrace._steps import Outcome, Steps
from headrace._verbs import Verbs
from headrace.errors import HeadraceError, Invalid, Problem
from headrace.models import JobError

from tests.sdk.client.drive import CUT, ID, NOW, REFUSED, SLOW, TOKEN, job, keys, line, problem, reply

NOT_DONE = problem("store_unreachable", 503, outcome="not_done", retryable=True, retry_after_ms=1000)
UNKNOWN = problem("store_timeout", 504, outcome="unknown", retryable=True)
GRANT = reply({"jobs": [], "completed": [], "server_time": NOW})


@pytest.mark.parametrize("trouble", [NOT_DONE, UNKNOWN, REFUSED, CUT, SLOW], ids=lambda t: getattr(t, "loss", t))
def test_an_enqueue_is_repeated_with_the_same_key_and_bytes(trouble: Outcome) -> None:
    wire = line(trouble, trouble, reply(job(), 201))
    assert wire.run(wire.verbs.enqueue("t", {"a": 1})).id == ID
    assert len(keys(wire.sent)) == 1
    assert None not in keys(wire.sent)
    assert {step.request.content for step in wire.sent} == {b'{"task":"t","payload":{"a":1}}'}


def _verbs_with_proof() -> list[tuple[str, tuple[object, ...], dict[str, object]]]:
    return [
        ("get", (ID,), {}),
        ("result", (ID,), {}),
        ("cancel", (ID,), {}),
        ("ack", (ID, TOKEN), {}),
        ("nack", (ID, TOKEN), {"error": JobError()}),
        ("release", (ID, TOKEN), {}),
        ("snooze", (ID, TOKEN), {"delay_ms": 1}),
        ("extend", (ID, TOKEN), {}),
        ("heartbeat", ("w", [Held(job_id=ID, token=TOKEN)]), {}),
        ("complete", ([],), {}),
        ("lease", ("q",), {"worker": "w"}),
        ("enqueue_batch", ([NewJob(task="t")],), {}),
        ("enqueue_batch", ([NewJob(task="t", idempotency_key="k")],), {}),
        ("enqueue_payloads", ("t", [1]), {}),
        ("queues", (), {}),
        ("queue_stats", ("q",), {}),
        ("server_info", (), {}),
    ]


@pytest.mark.parametrize(("verb", "args", "kwargs"), _verbs_with_proof())
def test_whatever_carries_a_proof_or_only_reads_is_repeated_after_a_lost_reply(
    verb: str, args: tuple[object, ...], kwargs: dict[str, object]
) -> None:
    wire = line(CUT, problem("not_found", 404))  # the second try was made, and its answer is told as it is
    with pytest.raises(HeadraceError) as caught:
        wire.run(getattr(wire.verbs, verb)(*args, **kwargs))
    assert not isinstance(caught.value, OutcomeUnknown)
    assert wire.sent[0] == wire.sent[1]


@pytest.mark.parametrize("trouble", [UNKNOWN, CUT, SLOW], ids=["504", "cut", "slow"])
def test_a_lease_without_a_worker_is_not_repeated_when_its_outcome_is_unknown(trouble: Outcome) -> None:
    wire = line(trouble)
    with pytest.raises(OutcomeUnknown):
        wire.run(wire.verbs.lease("q"))


@pytest.mark.parametrize("trouble", [NOT_DONE, REFUSED], ids=["503", "refused"])
def test_a_lease_without_a_worker_is_repeated_when_it_never_happened(trouble: Outcome) -> None:
    wire = line(trouble, GRANT)
    assert wire.run(wire.verbs.lease("q")).jobs == ()


def test_a_batch_in_which_one_job_has_no_key_is_not_repeated() -> None:
    wire = line(CUT)
    with pytest.raises(OutcomeUnknown):
        wire.run(wire.verbs.enqueue_batch([NewJob(task="a", idempotency_key="k"), NewJob(task="b")]))


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (problem("lease_lost", 409, outcome="not_done"), LeaseLost),
        (problem("invalid_request", 422, outcome="not_done"), Invalid),
        (problem("internal", 500, outcome="unknown", retryable=False), OutcomeUnknown),
    ],
)
def test_a_refusal_and_a_fault_that_stays_are_not_repeated(answer: Outcome, error: type[Exception]) -> None:
    wire = line(answer)
    with pytest.raises(error):
        wire.run(wire.verbs.ack(ID, TOKEN))


def test_the_server_s_wish_is_the_least_wait_and_the_jitter_comes_on_top() -> None:
    wire = line(NOT_DONE, NOT_DONE, reply(job(), 201), draw=0.5, retry=Patience(first_s=0.2))
    wire.run(wire.verbs.enqueue("t"))
    assert wire.pauses == pytest.approx([1.1, 1.2])


def test_retry_after_counts_where_the_document_says_nothing() -> None:
    busy = reply({"code": "overloaded", "detail": "", "outcome": "not_done"}, 503, retry_after="2")
    wire = line(busy, reply(job(), 201), draw=0.0)
    wire.run(wire.verbs.enqueue("t"))
    assert wire.pauses == [2.0]


def test_waits_double_up_to_the_cap() -> None:
    wire = line(*[REFUSED] * 7, reply(job(), 201), retry=Patience(total_s=60, first_s=0.1, cap_s=2.0))
    wire.run(wire.verbs.enqueue("t"))
    assert wire.pauses == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0])


def test_no_try_begins_after_the_deadline() -> None:
    wire = line(*[SLOW] * 3, reply_takes_s=4.0, retry=Patience(total_s=10, first_s=1, cap_s=1))
    with pytest.raises(TimedOut):
        wire.run(wire.verbs.enqueue("t"))
    assert wire.now_s == pytest.approx(3 * 4 + 2)  # tries at 0, 5 and 10 s


def test_total_zero_is_one_try() -> None:
    wire = line(REFUSED, retry=Patience(total_s=0))
    with pytest.raises(ConnectionFailed):
        wire.run(wire.verbs.enqueue("t"))


def test_a_hundred_tries_overflow_nothing() -> None:
    error = NotDone(Problem(code="x", detail=""))
    wait_s = Patience(total_s=1e9).wait_s(error, repeatable=False, tries=10_000, elapsed_s=0, draw=1.0)
    assert wait_s == Patience().cap_s


def _wait(verbs: Verbs, timeout: float | None) -> Steps[object]:
    return verbs.wait(ID, timeout=timeout)


def test_waiting_longer_than_a_poll_is_several_polls() -> None:
    wire = line(reply(job()), reply(job()), reply(job(state="succeeded", result=5)), reply_takes_s=30.0)
    done = wire.run(wire.verbs.wait(ID))
    assert done.result == 5
    assert [step.request.headers["Prefer"] for step in wire.sent] == ["wait=30"] * 3
    assert wire.pauses == []


def test_the_last_poll_is_no_longer_than_what_is_left() -> None:
    wire = line(reply(job()), reply(job()), reply_takes_s=30.0)
    left = wire.run(wire.verbs.wait(ID, timeout=42))
    assert not left.state.is_final
    assert [step.request.headers["Prefer"] for step in wire.sent] == ["wait=30", "wait=12"]


def test_a_part_of_a_second_is_slept_and_asked_about_once_more() -> None:
    wire = line(reply(job()), reply(job(state="dead")))
    assert wire.run(wire.verbs.wait(ID, timeout=0.2)).state.is_final
    assert wire.pauses == pytest.approx([0.2])
    assert "Prefer" not in wire.sent[0].request.headers


def test_a_time_out_of_zero_asks_once() -> None:
    wire = line(reply(job()))
    assert wire.run(wire.verbs.wait(ID, timeout=0)).id == ID


def test_a_server_that_answers_polls_early_is_not_asked_in_a_tight_loop() -> None:
    wire = line(*[reply(job())] * 4, reply(job(state="succeeded")))
    wire.run(wire.verbs.wait(ID, timeout=60))
    assert len(wire.pauses) == 4
    assert min(wire.pauses) > 0.1
