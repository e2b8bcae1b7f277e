"""Every bound of a number at n and at n + 1, and every rule between fields: in the document, and over HTTP."""

from typing import Any

import httpx
import pytest

from tests.contract.test_shapes import flat
from tests.contract.world import ERROR, FAR, PROOF, SCHEMAS, refused_at, taken
from tests.support.contract import Document, body_faults, operation_of

JOB = {"task": "a", "queue": "limits"}
RATE = {"count": 1, "per_ms": 1}
NOWHERE = {"action": "retry", "filter": {"queue": "limits-nowhere"}}
# schema -> where it is sent, what stands around the number, the field that holds the schema ("": it is the body)
BODIES: dict[str, tuple[str, str, Document, str]] = {
    "JobFields": ("POST", "/v1/jobs", {**JOB, "fairness_key": "t"}, ""),
    "Retry": ("POST", "/v1/jobs", {**JOB, "retry": {}}, "retry"),
    "Unique": ("POST", "/v1/jobs", {**JOB, "unique": {"key": "k", "until": "ttl"}}, "unique"),
    "PatchInput": ("PATCH", FAR, {}, ""),
    "LeaseInput": ("POST", "/v1/leases", {"queues": ["limits-empty"]}, ""),
    "AckInput": ("POST", FAR + "/ack", PROOF, ""),
    "NackInput": ("POST", FAR + "/nack", {**PROOF, "error": ERROR}, ""),
    "SnoozeInput": ("POST", FAR + "/snooze", PROOF, ""),
    "ExtendInput": ("POST", FAR + "/extend", PROOF, ""),
    "HeartbeatInput": ("POST", "/v1/workers/limits/heartbeat", {}, ""),
    "WorkerInfoInput": ("POST", "/v1/workers/limits/heartbeat", {"info": {}}, "info"),
    "QueueSettingsInput": ("PUT", "/v1/queues/limits-settings", {}, ""),
    "PauseInput": ("POST", "/v1/queues/limits-pause/pause", {}, ""),
    "LimitSettingsInput": ("PUT", "/v1/limits/limits", {}, ""),
    "RateInput": ("PUT", "/v1/limits/limits", {"rate": RATE}, "rate"),
    "BackOffInput": ("POST", "/v1/limits/limits/backoff", {}, ""),
    "ScheduleInput": ("PUT", "/v1/schedules/limits", {"every_ms": 60_000, "job": JOB, "paused": True}, ""),
    "WebhookInput": ("PUT", "/v1/webhooks/limits", {"url": "https://receiver.example/", "paused": True}, ""),
    "PreviewInput": ("POST", "/v1/schedules/preview", {"every_ms": 60_000}, ""),
    "OperationInput": ("POST", "/v1/operations", NOWHERE, ""),
}
BOUNDS = [
    (name, field, bound, bound + (1 if word == "maximum" else -1))
    for name in BODIES
    for field, node in flat(SCHEMAS[name])["properties"].items()
    for word, bound in flat(node).items()
    if word in ("minimum", "maximum") and field != "wait_ms"  # which is waited for: test_limits.py
]


@pytest.mark.parametrize(("name", "field", "last", "beyond"), BOUNDS)
def test_a_number_at_its_bound(client: httpx.Client, name: str, field: str, last: int, beyond: int) -> None:
    method, path, body, holder = BODIES[name]

    def send(value: int) -> httpx.Response:
        inner = {**body.get(holder, body), field: value}
        return client.request(method, path, json={**body, holder: inner} if holder else inner)

    pointer = f"/{holder}/{field}" if holder else f"/{field}"
    taken(send(last))
    for value in (beyond, 2**53, -(2**70)):
        refused_at(send(value), pointer)


def test_every_number_of_a_request_is_tried() -> None:
    """A schema with bounds is above, or is the sum of others; those of heartbeats and waits stand in test_limits.py.

    A test clock is no part of an everyday server: tests/api/test_test_clock.py.
    """
    closed = {n: s for n, s in SCHEMAS.items() if s.get("additionalProperties") is False}
    bounded = {n for n, s in closed.items() for node in s["properties"].values() if "maximum" in flat(node)}
    assert bounded - set(BODIES) == {"Completion", "HeldLease", "WorkerCountsInput", "WaitInput", "ClockInput"}


KEY = {"unique": {"key": "k"}}
UNIQUE = JOB | KEY
MOVE = {"action": "move", "filter": {"queue": "limits-nowhere"}, "target_queue": "limits-nowhere.b"}
TTL = {"key": "k", "until": "ttl", "ttl_ms": 1}
# request -> body, places of the faults (none: it is taken)
RULES: dict[str, list[tuple[Document, list[str]]]] = {
    "POST /v1/jobs": [
        ({**JOB, "delay_ms": 0, "run_at": "2026-01-02T03:04:05Z"}, ["/run_at"]),
        ({**JOB, "expires_in_ms": 1, "expires_at": "9026-01-02T03:04:05Z"}, ["/expires_at"]),
        ({**JOB, "weight": 2}, ["/weight"]),
        ({**JOB, "weight": 2, "fairness_key": "t"}, []),
        ({**JOB, "on_dead": "hold"}, ["/on_dead"]),
        ({**JOB, "on_dead": "hold", "ordering_key": "limits-ordered"}, []),
        ({**JOB, "limits": ["a", "a"]}, ["/limits"]),
        ({**JOB, "limits": ["a", "A", "a:a", "a:"]}, []),
        ({**JOB, "unique": {}}, ["/unique"]),
        ({**JOB, "unique": {"key": "k", "by": ["task"]}}, ["/unique/by"]),
        ({**JOB, "unique": {"by": ["task", "task"]}}, ["/unique/by"]),
        ({**JOB, "unique": {"by": []}}, ["/unique/by"]),
        ({**JOB, "unique": {"by": ["payload", "queue", "task"]}}, []),
        ({**JOB, "unique": TTL}, []),
        ({**JOB, "unique": {"key": "k", "until": "ttl"}}, ["/unique/ttl_ms"]),
        ({**JOB, "unique": {"key": "k", "ttl_ms": 1}}, ["/unique/ttl_ms"]),
        ({**JOB, "unique": {"key": "k", "until": "start", "ttl_ms": 1}}, ["/unique/ttl_ms"]),
        ({**JOB, "payload": 5, "payload_raw": "AA==", "payload_type": "a/b"}, ["/payload_raw"]),
        ({**JOB, "payload_raw": "AA=="}, ["/payload_raw"]),
        ({**JOB, "payload_type": "a/b"}, ["/payload_type"]),
        ({**JOB, "payload_raw": "AA==", "payload_type": "a/b"}, []),
        ({**JOB, "tags": {"n": None}}, ["/tags/n"]),
        ({**JOB, "queue": "headrace.webhooks.w"}, ["/queue"]),
        ({**JOB, "queue": "headrace"}, []),
        ({**JOB, "unique": None}, ["/unique"]),
    ],
    f"POST {FAR}/ack": [
        ({**PROOF, "result": 5, "result_raw": "AA==", "result_type": "a/b"}, ["/result_raw"]),
        ({**PROOF, "result_raw": "AA=="}, ["/result_raw"]),
        ({**PROOF, "result_type": "a/b"}, ["/result_type"]),
        ({**PROOF, "result_raw": "AA==", "result_type": "a/b"}, []),
    ],
    f"PATCH {FAR}": [
        ({}, [""]),
        ({"delay_ms": 0, "run_at": "2026-01-02T03:04:05Z"}, ["/run_at"]),
        ({"priority": 5, "payload": 5}, ["/payload"]),
        ({"run_at": "2026-01-02T03:04:05"}, ["/run_at"]),
    ],
    "PUT /v1/limits/limits": [({}, [""]), ({"rate": {"count": 1}}, ["/rate/per_ms"]), ({"concurrency": 1}, [])],
    "PUT /v1/queues/limits-settings": [
        ({}, []),
        ({"rate": {"count": 1, "per_ms": 1, "burst": 0}}, ["/rate/burst"]),
        ({"retry": {"max_attempts": 0, "backoff": "sudden"}}, ["/retry/backoff", "/retry/max_attempts"]),
        ({"paused": True}, ["/paused"]),
    ],
    "POST /v1/queues/limits-nowhere/purge": [
        ({"states": []}, ["/states"]),
        ({"states": ["leased"]}, ["/states/0"]),
        ({"states": ["ready"]}, []),
    ],
    "PUT /v1/webhooks/limits": [
        ({"paused": True}, ["/url"]),
        ({"url": "https://receiver.example/", "paused": True, "events": ["job.dead", "job.dead"]}, ["/events"]),
        ({"url": "https://receiver.example/", "paused": True, "queues": ["q", "q"]}, ["/queues"]),
        ({"url": "https://receiver.example/", "paused": True, "tasks": ["t", "t"]}, ["/tasks"]),
        ({"url": "https://receiver.example/", "paused": True, "tasks": ["t"], "queues": ["t"]}, []),
    ],
    "POST /v1/operations": [
        (MOVE, []),
        ({**MOVE, "filter": {}}, ["/filter"]),
        ({**MOVE, "filter": {"queue": "limits-nowhere", "state": "ready"}}, []),
        ({**MOVE, "filter": {"queue": "limits-nowhere", "state": []}}, ["/filter/state"]),
        ({**MOVE, "filter": {"queue": "limits-nowhere", "state": "gone"}}, ["/filter/state"]),
        ({**MOVE, "filter": {"queue": "limits-nowhere", "state": ["gone"]}}, ["/filter/state/0"]),
        ({**MOVE, "filter": {"tag": "a:b"}}, ["/filter/tag"]),
        ({"action": "purge", "filter": {"queue": "limits-nowhere"}}, ["/action"]),
        ({**MOVE, "action": "retry"}, []),
        ({**MOVE, "action": "cancel"}, ["/target_queue"]),
        ({**MOVE, "action": "delete"}, ["/target_queue"]),
        ({"action": "move", "filter": {"queue": "limits-nowhere"}}, ["/target_queue"]),
    ],
}


@pytest.mark.parametrize(
    ("request_line", "body", "pointers"), [(line, *case) for line, cases in RULES.items() for case in cases]
)
def test_a_rule_between_fields(client: httpx.Client, request_line: str, body: Any, pointers: list[str]) -> None:
    method, path = request_line.split(" ")
    of = operation_of(method, path)
    assert of is not None
    assert bool(body_faults(of, body)) is bool(pointers), "the document says otherwise"
    reply = client.request(method, path, json=body)
    if not pointers:
        taken(reply)
        return
    assert reply.status_code == 422, reply.text
    assert sorted(fault["pointer"] for fault in reply.json()["errors"]) == pointers


@pytest.mark.parametrize(
    ("action", "state"), [("retry", "ready"), ("cancel", "dead"), ("delete", "leased"), ("move", "leased")]
)
def test_a_state_that_an_action_does_not_fit_is_refused(client: httpx.Client, action: str, state: str) -> None:
    """This rule is beyond the schema: the description of `BulkAction` has it."""
    body = {
        **(MOVE if action == "move" else {}),
        "action": action,
        "filter": {"queue": "limits-nowhere", "state": state},
    }
    refused_at(client.post("/v1/operations", json=body), "/filter/state")


def test_defaults_of_a_batch_are_laid_under_a_job_before_its_rules_are_looked_at(client: httpx.Client) -> None:
    batch = {"defaults": {**JOB, "fairness_key": "t"}, "jobs": [{"weight": 2}]}
    taken(client.post("/v1/jobs/batch", json=batch))
    refused_at(client.post("/v1/jobs/batch", json={**batch, "defaults": JOB}), "/jobs/0/weight")
