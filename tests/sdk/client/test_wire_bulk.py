"""What is sent for many jobs, and what is made of the answers: no network."""

from datetime import UTC, datetime
from typing import Any

import pytest
from headrace import Invalid, NewJob, NotWritable, OutcomeUnknown, Patience, QueueFull, Raw, Receipt, RetryPolicy, State
from headrace._steps import Outcome
from headrace.words import ABSENT

from tests.sdk.client.drive import ID, Line, body, keys, line, problem, reply, told

OTHER = "01909c5e-6a53-7000-9b2d-4a1f0c3e5d6b"
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def refused(index: int, code: str = "invalid_request", status: int = 422) -> dict[str, Any]:
    """Return the result of a job that was not made."""
    fault = {"pointer": f"/jobs/{index}/task", "detail": "bad"}
    return {"index": index, "status": status, "problem": {"code": code, "detail": "why", "errors": [fault]}}


def batch_of(wire: Line, *jobs: NewJob, atomic: bool = True) -> Any:
    return wire.run(wire.verbs.enqueue_batch(jobs, atomic=atomic))


def test_an_atomic_batch_returns_its_jobs() -> None:
    later = {"index": 1, "status": 201, "job": {"id": OTHER, "state": "scheduled"}}
    wire = line(told(ID, OTHER, results=[later]))
    batch = batch_of(wire, NewJob(task="a"), NewJob(task="b", delay_ms=5))
    assert body(wire.request) == {"jobs": [{"task": "a"}, {"task": "b", "delay_ms": 5}], "atomic": True}
    assert batch.jobs == (Receipt(id=ID, state=State.READY), Receipt(id=OTHER, state=State.SCHEDULED))
    assert batch.ids == (ID, OTHER)
    assert wire.request.headers["Prefer"] == "return=minimal"
    assert None not in keys(wire.sent)


def test_a_receipt_says_that_the_job_was_there_before() -> None:
    taken = {"index": 0, "status": 200, "job": {"id": OTHER, "state": "leased", "deduplicated": True}}
    batch = batch_of(line(told(OTHER, ID, state="scheduled", results=[taken])), NewJob(task="a"), NewJob(task="b"))
    there, new = batch.jobs
    assert there == Receipt(id=OTHER, state=State.LEASED, deduplicated=True)
    assert new == Receipt(id=ID, state=State.SCHEDULED)


def test_a_loose_batch_returns_jobs_and_errors_in_order() -> None:
    wire = line(told(ID, "", "", OTHER, results=[refused(1), refused(2, "queue_full", 429)]))
    batch = batch_of(wire, NewJob(task="a"), NewJob(task="?"), NewJob(task="c"), NewJob(task="d"), atomic=False)
    assert [type(item) for item in batch.items] == [Receipt, Invalid, QueueFull, Receipt]
    assert [type(error) for error in batch.errors] == [Invalid, QueueFull]
    assert batch.ids == (ID, "", "", OTHER)
    assert batch.items[1].errors[0].pointer == "/jobs/1/task"
    with pytest.raises(Invalid):
        _ = batch.jobs


@pytest.mark.parametrize(
    "answer",
    [
        reply({"jobs": [{"id": ID, "state": "ready"}]}),
        reply({"ids": [ID], "results": []}),
        reply({"ids": [ID], "state": "ready"}),
        reply([ID]),
        reply({"ids": "x", "state": "ready", "results": []}),
        told(),
        told(ID, OTHER),
        told(""),
        told(7),  # type: ignore[arg-type]
        told(ID, results=[refused(1)]),
        told("", results=[{"status": 422, "problem": {"code": "c"}}]),
    ],
    ids=[
        "whole jobs",
        "no state",
        "no results",
        "a list",
        "a text",
        "none",
        "two",
        "nothing",
        "number",
        "of another",
        "of none",
    ],
)
def test_an_answer_that_does_not_account_for_each_job_leaves_the_outcome_open(answer: Outcome) -> None:
    wire = line(answer, retry=Patience(total_s=0))
    with pytest.raises(OutcomeUnknown):
        batch_of(wire, NewJob(task="a"), atomic=False)


def test_a_batch_whose_jobs_bring_keys_has_none_of_its_own() -> None:
    wire = line(told(ID, OTHER))
    batch_of(wire, *[NewJob(task="a", idempotency_key=key) for key in ("mine", "too")])
    assert [each["idempotency_key"] for each in body(wire.request)["jobs"]] == ["mine", "too"]
    assert keys(wire.sent) == {None}


def test_what_all_jobs_of_a_batch_ask_for_is_said_once() -> None:
    policy = RetryPolicy(max_attempts=3)
    payloads = [1, None, Raw(b"x", "image/png"), ABSENT]
    jobs = [NewJob(task="a", payload=each, run_at=NOON, retry=policy, tags={"k": "v"}) for each in payloads]
    wire = line(told(ID, OTHER, ID, OTHER))
    batch_of(wire, *jobs, atomic=False)
    shared = {"task": "a", "run_at": "2026-01-02T12:00:00.000Z", "retry": {"max_attempts": 3}, "tags": {"k": "v"}}
    own = [{"payload": 1}, {"payload": None}, {"payload_raw": "eA==", "payload_type": "image/png"}, {}]
    assert body(wire.request) == {"defaults": shared, "jobs": own, "atomic": False}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"priority": 1}, {"priority": 2}),
        ({"priority": 1}, {}),
        ({"meta": {"flag": 1}}, {"meta": {"flag": True}}),
        ({"meta": {"size": 1}}, {"meta": {"size": 1.0}}),
        ({"idempotency_key": "k"}, {"idempotency_key": "k"}),
    ],
    ids=["another", "none", "one and true", "one and one point zero", "keys of their own"],
)
def test_what_is_not_the_same_for_all_is_said_for_each(one: dict[str, Any], other: dict[str, Any]) -> None:
    wire = line(told(ID, OTHER))
    batch_of(wire, NewJob(task="a", **one), NewJob(task="a", **other), atomic=False)
    sent = body(wire.request)
    assert repr(sent["jobs"]) == repr([{"task": "a", **one}, {"task": "a", **other}])
    assert "defaults" not in sent


SHARED = problem("invalid_request", 422, errors=[{"pointer": "/defaults/priority", "detail": "too high"}])


def test_a_fault_that_all_jobs_share_is_that_of_each() -> None:
    batch = batch_of(line(SHARED), *[NewJob(task="a", priority=999)] * 3, atomic=False)
    assert [error.errors[0].pointer for error in batch.errors] == [f"/jobs/{n}/priority" for n in range(3)]
    assert {type(item) for item in batch.items} == {Invalid}
    assert batch.ids == ("", "", "")


def test_a_fault_that_all_jobs_share_refuses_all_or_none() -> None:
    with pytest.raises(Invalid) as caught:
        batch_of(line(SHARED), *[NewJob(task="a", priority=999)] * 3)
    assert [fault.pointer for fault in caught.value.errors] == ["/jobs/0/priority"]


def test_what_cannot_be_written_is_named_as_a_job_s_also_where_all_ask_for_it() -> None:
    with pytest.raises(NotWritable, match=r"^jobs\[0\]\['meta'\]\['of'\]: json cannot write this set"):
        batch_of(line(), *[NewJob(task="a", meta={"of": {1}})] * 2)
    with pytest.raises(NotWritable, match=r"^jobs\[1\]\['payload'\]: json cannot write this set"):
        batch_of(line(), NewJob(task="a"), NewJob(task="a", payload={1}))


def test_a_refusal_of_the_request_is_no_fault_of_its_jobs() -> None:
    with pytest.raises(Invalid, match="body"):
        batch_of(line(problem("too_large", 413, detail="the body")), *[NewJob(task="a")] * 2, atomic=False)
