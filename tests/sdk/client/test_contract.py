"""What the client sends and knows, held against openapi.yaml: nothing forgotten, nothing made up."""

from dataclasses import fields
from inspect import signature
from typing import Any

import pytest
from headrace import (
    Attempt,
    Client,
    Event,
    EventPage,
    Explanation,
    Heartbeat,
    Held,
    Job,
    JobError,
    JobFilter,
    JobPage,
    JobSummary,
    Leased,
    Limit,
    LimitPage,
    NewJob,
    Operation,
    Queue,
    QueuePage,
    QueueSettings,
    QueueStats,
    QueueSummary,
    Rate,
    Reason,
    RetryPolicy,
    Schedule,
    SchedulePage,
    SchedulePreview,
    ScheduleRecord,
    ScheduleRun,
    ScheduleSlot,
    ScheduleTrigger,
    ServerInfo,
    Settled,
    StoreInfo,
    Unique,
    Webhook,
    WebhookPage,
    WebhookPing,
    WebhookRecord,
    WorkerInfo,
    WorkerPage,
    WorkerRecord,
)
from headrace._wire import MAX_WAIT_S

from tests.sdk.client.calls import CALLS
from tests.sdk.client.drive import line, problem
from tests.support.contract import body_faults, document, operation, operation_of, resolve


@pytest.mark.parametrize("name", CALLS)
def test_a_request_is_what_the_contract_takes(name: str) -> None:
    verb, args, kwargs = CALLS[name]
    wire = line(problem("not_found", 404))
    with pytest.raises(Exception, match="not_found"):
        wire.run(getattr(wire.verbs, verb)(*args, **kwargs))
    request, described = wire.request, operation(name)
    assert operation_of(request.method, request.path) == described
    assert ("requestBody" in described.spec) is (request.content is not None)
    if request.content is not None:
        assert body_faults(described, wire.verbs._dialect.codec.decode(request.content)) == []
    known = {resolve(parameter)["name"].lower() for parameter in described.spec.get("parameters", [])}
    ours = {"accept", "content-type"}
    assert {name.lower() for name in request.headers} - ours <= known
    assert set(request.params) <= known


def properties(schema: str) -> set[str]:
    """Return the names of a schema's fields, without those that carry values in another way."""
    carriers = {f"{name}_{kind}" for name in ("payload", "result") for kind in ("raw", "type")}
    return set(document()["components"]["schemas"][schema]["properties"]) - carriers


@pytest.mark.parametrize(
    ("model", "schema"),
    [
        (NewJob, "JobFields"),
        (RetryPolicy, "Retry"),
        (RetryPolicy, "RetrySettings"),
        (Unique, "Unique"),
        (Job, "Job"),
        (JobSummary, "JobSummary"),
        (JobPage, "JobPage"),
        (Attempt, "Attempt"),
        (Reason, "ReasonFact"),
        (Explanation, "Explanation"),
        (Event, "Event"),
        (EventPage, "EventPage"),
        (Leased, "LeasedJob"),
        (JobError, "JobError"),
        (JobError, "SettleError"),
        (Held, "HeldLease"),
        (QueueStats, "QueueStats"),
        (QueueSummary, "QueueSummary"),
        (Queue, "Queue"),
        (QueuePage, "QueueList"),
        (QueueSettings, "QueueSettings"),
        (QueueSettings, "QueueSettingsInput"),
        (Rate, "Rate"),
        (Rate, "RateInput"),
        (Limit, "Limit"),
        (LimitPage, "LimitList"),
        (Operation, "Operation"),
        (WorkerInfo, "WorkerInfoInput"),
        (WorkerInfo, "WorkerInfo"),
        (WorkerRecord, "Worker"),
        (WorkerPage, "WorkerPage"),
        (Heartbeat, "HeartbeatReply"),
        (StoreInfo, "Store"),
        (Schedule, "ScheduleInput"),
        (ScheduleRecord, "Schedule"),
        (ScheduleRun, "ScheduleRun"),
        (ScheduleSlot, "ScheduleSlot"),
        (SchedulePage, "ScheduleList"),
        (ScheduleTrigger, "ScheduleTrigger"),
        (SchedulePreview, "SchedulePreview"),
        (Webhook, "WebhookInput"),
        (WebhookRecord, "Webhook"),
        (WebhookPage, "WebhookList"),
        (WebhookPing, "WebhookPing"),
        (ServerInfo, "Server"),
    ],
)
def test_a_model_has_the_fields_of_the_contract(model: type[Any], schema: str) -> None:
    assert {f.name for f in fields(model)} == properties(schema)


@pytest.mark.parametrize("schema", ["JobFilter", "JobFilterInput"])
def test_a_filter_has_the_fields_of_the_contract(schema: str) -> None:
    assert set(JobFilter.__annotations__) == properties(schema)


def test_a_settled_item_has_the_fields_of_all_its_forms() -> None:
    forms = set().union(*(properties(schema) for schema in ("SettleReply", "Outcome", "KeptLease")))
    assert {f.name for f in fields(Settled)} == forms


def test_enqueue_takes_what_a_new_job_has() -> None:
    of_the_request = {"self", "trace", "wait_s"}
    assert set(signature(Client.enqueue).parameters) - of_the_request == {f.name for f in fields(NewJob)}


def test_the_longest_poll_is_that_of_the_contract() -> None:
    lease = document()["components"]["schemas"]["LeaseInput"]["properties"]
    assert lease["wait_ms"]["maximum"] == MAX_WAIT_S * 1000
