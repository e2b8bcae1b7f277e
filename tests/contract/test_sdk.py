"""The Python client speaks the language of the document: it sends what is valid and reads what the document shows."""

import dataclasses
import itertools
import json
from typing import Any

import pytest
from headrace import errors, finding, fleet, leases, models, operating, receipts, schedules, webhooks, words
from headrace._steps import Reply, Request, Send, Steps, Together, begin
from headrace._verbs import Verbs

from tests.contract.verbs import CALLS, SCHEMAS
from tests.support.contract import (
    EVENT_STREAM,
    Document,
    Exchange,
    Operation,
    body_faults,
    decode,
    operation,
    operation_of,
    operations,
    resolve,
)

REPEATED = (
    "wait",
    "wait_many",
    "advance_clock",
    "wait_operation",
    "iter_jobs",
    "iter_workers",
    "iter_schedules",
    "apply_schedules",
    "iter_webhooks",
    "follow_events",
)  # until it is so, or there is no more
RECEIPTS = ("enqueue_batch", "enqueue_payloads")  # say `Prefer: return=minimal`, and are answered so


def impatient() -> Verbs:
    """Return verbs for which an hour passes between two looks at the clock, so that no retry is worth it."""
    return Verbs(clock=itertools.count(step=3600.0).__next__)


def first_request(steps: Steps[Any]) -> Request:
    sent = next(steps)
    if isinstance(sent, Together):
        sent = begin(next(sent.calls))
    assert isinstance(sent, Send)
    return sent.request


def parameters(of: Operation, place: str) -> set[str]:
    found = [resolve(node) for node in of.spec.get("parameters", [])]
    return {p["name"].lower() for p in found if p["in"] == place}


def test_every_verb_of_the_client_is_here() -> None:
    public = {name for name in dir(Verbs) if not name.startswith("_") and callable(getattr(Verbs, name))}
    assert public == set(CALLS)


def test_the_client_knows_every_operation_of_the_api() -> None:
    assert {name for _, _, name in CALLS.values()} == {o.id for o in operations() if o.path.startswith("/v1/")}


@pytest.mark.parametrize("format", ["json", "msgpack"])
@pytest.mark.parametrize("how", ["full", "bare"])
@pytest.mark.parametrize("name", CALLS)
def test_a_verb_sends_what_the_document_takes(name: str, how: str, format: Any) -> None:
    full, bare, operation_id = CALLS[name]
    request = first_request((full if how == "full" else bare)(Verbs(format=format)))
    found = operation_of(request.method, request.path)
    assert found is not None
    assert found.id == operation_id
    assert {header.lower() for header in request.headers} - {"accept", "content-type"} <= parameters(found, "header")
    assert set(request.params) <= parameters(found, "query")
    if "requestBody" in found.spec:
        assert request.content is not None
        body = decode(Exchange(found.method, found.path, 0, {"content-type": f"application/{format}"}, request.content))
        assert body_faults(found, body) == []
        if how == "full":
            assert_everything_is_said(found, body)


def assert_everything_is_said(of: Operation, body: Document) -> None:
    """A verb has a parameter for every field; of two that exclude each other, and of a job's own key, one is enough."""
    schema = resolve(resolve(of.spec["requestBody"])["content"]["application/json"]["schema"])
    known = {field for part in [schema, *map(resolve, schema.get("allOf", []))] for field in part.get("properties", {})}
    spared = {
        "delay_ms",
        "expires_in_ms",
        "to",
        "every_ms",
        "at",
        "idempotency_key",
        "payload",
        "result",
        "defaults",
    }  # the last only saves bytes
    assert known - set(body) <= spared


def examples(of: Operation) -> list[tuple[int, str, Any]]:
    """Return the replies that the document shows of an operation: status, type, value; a 204 has neither of the two."""
    return [
        (int(status), media, example["value"])
        for status, node in of.spec["responses"].items()
        for media, content in resolve(node).get("content", {"": {"examples": {"": {"value": None}}}}).items()
        for example in content["examples"].values()
        if media != EVENT_STREAM and status != "304"  # the client reads pages, and sends no If-None-Match
    ]


def finish(steps: Steps[Any], status: int, media: str, value: Any) -> Any:
    """Answer everything that a verb sends with one reply, and let it not wait in between."""
    headers = {"content-type": media, "x-request-id": "3f2a9c1be07d4c58"}
    content = json.dumps(value).encode() if media else b""
    reply = Reply(status=status, headers=headers, content=content)
    answer = None
    for _ in range(20):
        try:
            sent = steps.send(answer)
        except StopIteration as end:
            return end.value
        if isinstance(sent, Together):
            for call in sent.calls:
                finish(call, status, media, value)
        answer = reply if isinstance(sent, Send) else None
    raise AssertionError("the verb has no end")


@pytest.mark.parametrize("name", [name for name in CALLS if name not in REPEATED])
def test_a_verb_reads_every_reply_that_the_document_shows(name: str) -> None:
    _, bare, operation_id = CALLS[name]
    shown = [(s, m, v) for s, m, v in examples(operation(operation_id)) if s < 300]
    if name in RECEIPTS:
        shown = [(s, m, v) for s, m, v in shown if "ids" in v]
    assert shown
    for status, media, value in shown:
        read = finish(bare(Verbs()), status, media, value)
        assert (read is None) is (status == 204)
        if isinstance(read, models.Job):
            assert (read.id, read.state) == (value["id"], value["state"])


@pytest.mark.parametrize("name", CALLS)
def test_a_verb_raises_every_problem_that_the_document_shows(name: str) -> None:
    _, bare, operation_id = CALLS[name]
    for status, media, value in examples(operation(operation_id)):
        if status >= 400:
            with pytest.raises(errors.HeadraceError) as caught:
                finish(bare(impatient()), status, media, value)
            if isinstance(caught.value, errors.ProblemError):
                assert caught.value.code == value["code"]
                assert [fault.pointer for fault in caught.value.errors] == [
                    f["pointer"] for f in value.get("errors", [])
                ]


@pytest.mark.parametrize(
    ("model", "schema"),
    [
        (models.Job, "Job"),
        (models.JobSummary, "JobSummary"),
        (models.NewJob, "JobFields"),
        (models.Unique, "Unique"),
        (models.RetryPolicy, "Retry"),
        (models.JobError, "JobError"),
        (models.Fault, "Fault"),
        (leases.Leased, "LeasedJob"),
        (leases.Settled, "Outcome"),
        (leases.Held, "HeldLease"),
        (fleet.WorkerInfo, "WorkerInfoInput"),
        (fleet.WorkerInfo, "WorkerInfo"),
        (fleet.WorkerRecord, "Worker"),
        (fleet.WorkerPage, "WorkerPage"),
        (fleet.Heartbeat, "HeartbeatReply"),
        (finding.JobPage, "JobPage"),
        (finding.Attempt, "Attempt"),
        (finding.Reason, "ReasonFact"),
        (finding.Explanation, "Explanation"),
        (finding.Event, "Event"),
        (finding.EventPage, "EventPage"),
        (operating.Rate, "RateInput"),
        (operating.QueueSettings, "QueueSettingsInput"),
        (operating.QueueStats, "QueueStats"),
        (operating.QueueSummary, "QueueSummary"),
        (operating.Queue, "Queue"),
        (operating.QueuePage, "QueueList"),
        (operating.Limit, "Limit"),
        (operating.LimitPage, "LimitList"),
        (operating.Operation, "Operation"),
        (operating.ServerInfo, "Server"),
        (operating.StoreInfo, "Store"),
        (operating.ClockAdvance, "ClockAdvance"),
        (schedules.Schedule, "ScheduleInput"),
        (schedules.ScheduleRecord, "Schedule"),
        (schedules.ScheduleRun, "ScheduleRun"),
        (models.ScheduleSlot, "ScheduleSlot"),
        (receipts.Receipt, "JobReceipt"),
        (schedules.SchedulePage, "ScheduleList"),
        (schedules.ScheduleTrigger, "ScheduleTrigger"),
        (schedules.SchedulePreview, "SchedulePreview"),
        (webhooks.Webhook, "WebhookInput"),
        (webhooks.WebhookRecord, "Webhook"),
        (webhooks.WebhookPage, "WebhookList"),
        (webhooks.WebhookPing, "WebhookPing"),
        (errors.Problem, "Problem"),
    ],
)
def test_a_model_has_the_fields_of_its_schema(model: type, schema: str) -> None:
    own, known = {field.name for field in dataclasses.fields(model)}, set(SCHEMAS[schema]["properties"])
    assert own - known <= {"server_time"}  # of the reply around it
    assert known - own - LEFT_OUT == set()


def test_many_jobs_may_ask_for_what_one_may() -> None:
    own = {"task", "payload", "payload_raw", "payload_type", "idempotency_key"}
    assert set(models.JobOptions.__annotations__) == set(SCHEMAS["JobFields"]["properties"]) - own


def test_a_filter_has_the_fields_of_its_schema() -> None:
    assert set(finding.JobFilter.__annotations__) == set(SCHEMAS["JobFilterInput"]["properties"])


# what a client reads as one value, what says the same as something else, and what says where something stands
LEFT_OUT = {
    "index",
    "payload_raw",
    "payload_type",
    "result_raw",
    "result_type",
    "instance",
    "type",
    "title",
    "retryable",
}
WORDS: dict[type[words.OpenEnum], set[str]] = {
    words.State: {*SCHEMAS["JobState"]["enum"], *SCHEMAS["GoneState"]["enum"]},
    words.Status: {*SCHEMAS["OutcomeStatus"]["enum"], *SCHEMAS["LeaseStatus"]["enum"]},
    words.Backoff: set(SCHEMAS["Backoff"]["enum"]),
    words.AttemptOutcome: set(SCHEMAS["AttemptOutcome"]["enum"]),
    words.ReasonCode: set(SCHEMAS["ReasonCode"]["enum"]),
    words.Directive: set(SCHEMAS["Directive"]["enum"]),
    words.WorkerState: set(SCHEMAS["WorkerState"]["enum"]),
    words.ScheduleState: set(SCHEMAS["ScheduleState"]["enum"]),
    words.RunOutcome: set(SCHEMAS["RunOutcome"]["enum"]),
    words.WebhookState: set(SCHEMAS["WebhookState"]["enum"]),
    words.WebhookPauseReason: set(SCHEMAS["WebhookPauseReason"]["enum"]),
    words.WebhookEvent: set(SCHEMAS["WebhookEvent"]["enum"]),
    words.OperationState: set(SCHEMAS["OperationState"]["enum"]),
}


@pytest.mark.parametrize("kind", WORDS, ids=lambda kind: str(kind.__name__))
def test_the_client_knows_the_words_of_the_document(kind: type[words.OpenEnum]) -> None:
    assert {word.value for word in kind} == WORDS[kind]
