"""What schemathesis cannot know from the document: waits cost time, and some rules go beyond schemas.

Loaded by its command line (SCHEMATHESIS_HOOKS in test_fuzz.py).
"""

import os
import re
import uuid
from typing import Any

import httpx
import schemathesis
from schemathesis import Case, CheckContext, HookContext, Response

MOST_WAIT_MS = 20
# What a valid document can still run into: time, other requests with the same key, and rules between fields.
BEYOND_SCHEMAS = {"already_expired", "idempotency_mismatch", "other_group", "invalid_cursor"}
RULES_BETWEEN_FIELDS = (
    "is missing: a lease with an Idempotency-Key",
    "is missing, here and in the defaults",
    "excludes the header Idempotency-Key",
    "needs `atomic: false`",
    "must have at most 100 items unless `atomic` is false",
    "holds an integer beyond 64 bits",
    "needs fairness_key",
    "needs ordering_key",
    "has [a-z, ]+, of which [a-z]+ has no jobs",
    "(must begin with https://|is no URL|must be ASCII|has no host|must have no user|leads to an address)",
    "must be `whsec_`",
    r"[\s\S]* (is no cron expression|is none of @yearly|names no instant|is no time zone)",
)
ABOUT_A_HELD_JOB = (
    "ackJob",
    "nackJob",
    "releaseJob",
    "snoozeJob",
    "extendJob",
    "cancelJob",
    "getAttempts",
    "explainJob",
)
ABOUT_A_READY_JOB = ("patchJob", "getPayload", "getJob")
ABOUT_A_DEAD_JOB = ("retryJob", "deleteJob")
ABOUT_A_DONE_JOB = ("getResult",)
ABOUT_A_JOB = (*ABOUT_A_HELD_JOB, *ABOUT_A_READY_JOB, *ABOUT_A_DEAD_JOB, *ABOUT_A_DONE_JOB)
server = httpx.Client(base_url=os.environ["FUZZED_URL"])


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    """Let nothing wait for long, and write whole numbers as such: to JSON Schema 1.0 is an integer, to us it is not."""
    if case.query and str(case.query.get("wait", "")).isdigit():
        case.query["wait"] = 0
    elif case.query and isinstance(case.query.get("wait"), dict | list):
        case.query["wait"] = "x"  # a list or an object is sent as its parts: one of them may be a number again
    if case.headers and "wait" in str(case.headers.get("Prefer", "")):
        case.headers["Prefer"] = "wait=0"
    if isinstance(case.body, dict):
        case.body = whole(case.body)
        wait_ms = case.body.get("wait_ms")
        if type(wait_ms) is int and 0 <= wait_ms <= 30_000:
            case.body["wait_ms"] = wait_ms % MOST_WAIT_MS
    if positive(case) and case.operation.definition.raw["operationId"] in ABOUT_A_JOB:
        give_a_job(case)


def positive(case: Case) -> bool:
    return case.meta is not None and case.meta.generation.mode.is_positive


def give_a_job(case: Case) -> None:
    """Let a request be about a job in the state that it is meant for, with its token: drawn ones never are."""
    name, queue = case.operation.definition.raw["operationId"], f"fuzz.{uuid.uuid4()}"
    job = server.post("/v1/jobs", json={"task": "fuzz", "queue": queue, "payload": [1]}).json()
    case.path_parameters["id"] = job["id"]
    if name in ABOUT_A_READY_JOB:
        return
    [job] = server.post("/v1/leases", json={"queues": [queue]}).json()["jobs"]
    proof = {"token": job["token"]}
    if name in ABOUT_A_DONE_JOB:
        server.post(f"/v1/jobs/{job['id']}/ack", json={**proof, "result": {"n": 5}})
    elif name in ABOUT_A_DEAD_JOB:
        error = {"type": "E", "message": "m"}
        server.post(f"/v1/jobs/{job['id']}/nack", json={**proof, "error": error, "retryable": False})
    elif isinstance(case.body, dict) and "token" in case.body:
        case.body["token"] = job["token"]


def whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [whole(item) for item in value]
    return value


@schemathesis.check
def valid_requests_are_taken(ctx: CheckContext, response: Response, case: Case) -> bool | None:
    """Fail when a request that the document allows is called malformed or invalid, but for rules beyond schemas."""
    if not positive(case) or response.status_code not in (400, 406, 413, 415, 422):
        return None
    problem = response.json()
    details = [fault["detail"] for fault in problem.get("errors", [])]
    explained = details and all(re.match("|".join(RULES_BETWEEN_FIELDS), detail) for detail in details)
    assert problem["code"] in BEYOND_SCHEMAS or explained, f"a valid request was refused: {problem}"
    return None


@schemathesis.check
def invalid_items_are_told_apart(ctx: CheckContext, response: Response, case: Case) -> bool | None:
    """Fail when a list with an invalid item is taken as if all of them were right."""
    if case.meta is None or not case.meta.generation.mode.is_negative or response.status_code != 200:
        return None
    if response.request.method != "POST" or not isinstance(response.json(), dict):
        return None
    reply = response.json()
    outcomes = [item for name in ("completed", "items", "leases", "results") for item in reply.get(name, [])]
    bad = [item for item in outcomes if item["status"] == "invalid" or item["status"] in range(400, 500)]
    assert bad or not outcomes, f"an invalid request was taken: {response.request.body!r}"
    return None
