"""The Python client speaks the language of the document: it sends what is valid and reads what the document shows."""

import dataclasses
import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgpack
import pytest
from headrace import errors, models, words
from headrace._steps import Pause, Reply, Request, Send, Steps
from headrace._verbs import Verbs

from tests.support.contract import (
    Document,
    Operation,
    body_faults,
    document,
    operation,
    operation_of,
    operations,
    resolve,
)

SCHEMAS: Document = document()["components"]["schemas"]
ID, TOKEN = SCHEMAS["JobId"]["examples"][0], SCHEMAS["LeaseToken"]["examples"][0]
NOW = datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)
RETRY = models.RetryPolicy(max_attempts=5, backoff="linear", initial_ms=10, factor=2.5, max_ms=100, jitter=False)
ERROR = models.JobError(type="ValueError", message="no", stack="line 1", details={"user": 17})
TRACE = {
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "tracestate": "a=b",
    "baggage": "c=d",
}
JOB = models.NewJob(task="a.b", payload=[1], queue="q", delay_ms=5, expires_in_ms=9000, retry=RETRY, meta={"a": 1})
OPTIONS: dict[str, Any] = {
    "queue": "mail.high",
    "priority": 7,
    "run_at": NOW,
    "expires_at": NOW,
    "lease_ms": 60_000,
    "retention_ms": 60_000,
    "max_crashes": 2,
    "retry": RETRY,
    "meta": {"tenant": "acme"},
    "trace": TRACE,
    "idempotency_key": "order-4711",
    "wait_s": 10,
}
SETTLES = [
    models.Ack(job_id=ID, token=TOKEN, result={"n": 5}),
    models.Nack(job_id=ID, token=TOKEN, error=ERROR, retryable=False, retry_in_ms=5),
    models.Release(job_id=ID, token=TOKEN, reason="shutdown"),
    models.Snooze(job_id=ID, token=TOKEN, delay_ms=5),
]
# name -> verb with everything it can say, verb with nothing it need not say, operation
CALLS: dict[str, tuple[Callable[[Verbs], Steps[Any]], Callable[[Verbs], Steps[Any]], str]] = {
    "enqueue": (lambda v: v.enqueue("a", [2], **OPTIONS), lambda v: v.enqueue("a"), "enqueueJob"),
    "enqueue_batch": (
        lambda v: v.enqueue_batch([JOB, JOB], atomic=False, idempotency_key="k", trace=TRACE),
        lambda v: v.enqueue_batch([models.NewJob(task="a")]),
        "enqueueJobs",
    ),
    "get": (lambda v: v.get(ID, wait_s=3), lambda v: v.get(ID), "getJob"),
    "wait": (lambda v: v.wait(ID, timeout=3), lambda v: v.wait(ID), "getJob"),
    "result": (lambda v: v.result(ID), lambda v: v.result(ID), "getResult"),
    "cancel": (lambda v: v.cancel(ID, reason="why"), lambda v: v.cancel(ID), "cancelJob"),
    "lease": (
        lambda v: v.lease(["a", "b"], max_jobs=9, max_bytes=9, wait_ms=9, lease_ms=9000, worker="w", complete=SETTLES),
        lambda v: v.lease("a"),
        "leaseJobs",
    ),
    "complete": (lambda v: v.complete(SETTLES), lambda v: v.complete(SETTLES[:1]), "completeJobs"),
    "ack": (lambda v: v.ack(ID, TOKEN, result=[5]), lambda v: v.ack(ID, TOKEN), "ackJob"),
    "nack": (
        lambda v: v.nack(ID, TOKEN, error=ERROR, retryable=False, retry_in_ms=5),
        lambda v: v.nack(ID, TOKEN, error=models.JobError(type="a", message="b")),
        "nackJob",
    ),
    "release": (lambda v: v.release(ID, TOKEN, reason="why"), lambda v: v.release(ID, TOKEN), "releaseJob"),
    "snooze": (lambda v: v.snooze(ID, TOKEN, delay_ms=5), lambda v: v.snooze(ID, TOKEN, delay_ms=0), "snoozeJob"),
    "extend": (lambda v: v.extend(ID, TOKEN, lease_ms=9000), lambda v: v.extend(ID, TOKEN), "extendJob"),
    "heartbeat": (
        lambda v: v.heartbeat("w:1@host", [models.Held(job_id=ID, token=TOKEN, extend_ms=9000)]),
        lambda v: v.heartbeat("w", []),
        "heartbeat",
    ),
    "queues": (lambda v: v.queues(after="a", limit=9), lambda v: v.queues(), "listQueues"),
    "queue_stats": (lambda v: v.queue_stats("mail"), lambda v: v.queue_stats("mail"), "getQueueStats"),
    "server_info": (lambda v: v.server_info(), lambda v: v.server_info(), "getServer"),
}


def impatient() -> Verbs:
    """Return verbs for which an hour passes between two looks at the clock, so that no retry is worth it."""
    return Verbs(clock=itertools.count(step=3600.0).__next__)


def first_request(steps: Steps[Any]) -> Request:
    sent = next(steps)
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
        body = json.loads(request.content) if format == "json" else msgpack.unpackb(request.content)
        assert body_faults(found, body) == []
        if how == "full":
            assert_everything_is_said(found, body)


def assert_everything_is_said(of: Operation, body: Document) -> None:
    """A verb has a parameter for every field; of two that exclude each other, and of a job's own key, one is enough."""
    schema = resolve(resolve(of.spec["requestBody"])["content"]["application/json"]["schema"])
    known = {field for part in [schema, *map(resolve, schema.get("allOf", []))] for field in part.get("properties", {})}
    spared = {"delay_ms", "expires_in_ms", "idempotency_key", "defaults"}  # the last only saves bytes
    assert known - set(body) <= spared


def examples(of: Operation) -> list[tuple[int, str, Any]]:
    return [
        (int(status), media, example["value"])
        for status, node in of.spec["responses"].items()
        for media, content in resolve(node).get("content", {}).items()
        for example in content["examples"].values()
    ]


def finish(steps: Steps[Any], status: int, media: str, value: Any) -> Any:
    """Answer everything that a verb sends with one reply, and let it not wait in between."""
    headers = {"content-type": media, "x-request-id": "3f2a9c1be07d4c58"}
    reply = Reply(status=status, headers=headers, content=json.dumps(value).encode())
    sent = next(steps)
    for _ in range(20):
        try:
            sent = steps.send(None if isinstance(sent, Pause) else reply)
        except StopIteration as end:
            return end.value
    raise AssertionError("the verb has no end")


@pytest.mark.parametrize("name", [name for name in CALLS if name != "wait"])  # which asks until the job is final
def test_a_verb_reads_every_reply_that_the_document_shows(name: str) -> None:
    _, bare, operation_id = CALLS[name]
    shown = [(s, m, v) for s, m, v in examples(operation(operation_id)) if s < 300]
    assert shown
    for status, media, value in shown:
        read = finish(bare(Verbs()), status, media, value)
        assert read is not None
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
        (models.Leased, "LeasedJob"),
        (models.Settled, "Outcome"),
        (models.QueueStats, "QueueStats"),
        (models.QueuePage, "QueueList"),
        (models.ServerInfo, "Server"),
        (models.StoreInfo, "Store"),
        (models.JobError, "JobError"),
        (models.RetryPolicy, "Retry"),
        (models.NewJob, "JobFields"),
        (models.Fault, "Fault"),
        (errors.Problem, "Problem"),
    ],
)
def test_a_model_has_only_fields_of_its_schema(model: type, schema: str) -> None:
    own = {field.name for field in dataclasses.fields(model)}
    assert own - set(SCHEMAS[schema]["properties"]) <= {"server_time"}  # of the reply around it


def test_the_client_knows_the_words_of_the_document() -> None:
    assert [word.value for word in words.State] == [*SCHEMAS["JobState"]["enum"], *SCHEMAS["GoneState"]["enum"]]
    assert {word.value for word in words.Status} == set(SCHEMAS["OutcomeStatus"]["enum"])
    assert [word.value for word in words.Backoff] == SCHEMAS["Backoff"]["enum"]
