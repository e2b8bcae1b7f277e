"""Every code that the document names for an operation, beside those of any request, is what a request of it gets."""

from collections.abc import Callable

import httpx
import pytest

from tests.contract import telling
from tests.contract.operating import dead, ended, start
from tests.contract.planning import full
from tests.contract.world import ERROR, FAR, ID, LEASE_TOKEN, PROOF, World
from tests.support.contract import operations, resolve

# What the door, the parser of bodies and the store say of any request: test_replies.py.
OF_ANY = {
    *("malformed_body", "malformed_request", "unauthorized", "forbidden_origin", "no_such_route", "not_acceptable"),
    *("request_timeout", "body_too_large", "payload_too_large", "unsupported_media_type", "invalid_request"),
    *("headers_too_large", "internal"),
}
DOCUMENTED = {
    (of.id, code)
    for of in operations()
    for status, node in of.spec["responses"].items()
    if status.startswith("4")
    for code in resolve(node)["x-problem-codes"]
    if code not in OF_ANY
}
Way = Callable[[World, str], httpx.Response]
DRAINED = "drained"


def job_path(world: World, queue: str, **fields: object) -> str:
    return f"/v1/jobs/{world.enqueue(queue, **fields)['id']}"


def held_path(world: World, queue: str) -> str:
    return f"/v1/jobs/{world.lease(queue)['id']}"


def drained(world: World, queue: str) -> str:
    """Return the name of a queue of the same group that takes no new jobs."""
    world.http.post(f"/v1/queues/{queue}.{DRAINED}/drain")
    return f"{queue}.{DRAINED}"


def enqueue(wrap: Callable[[object], object], path: str) -> dict[str, Way]:
    """Return the ways to the codes of an enqueue, whose body `wrap` makes of a job."""

    def send(world: World, job: dict[str, object], **headers: str) -> httpx.Response:
        return world.http.post(path, json=wrap({"task": "a", **job}), headers=headers)

    def conflict(world: World, queue: str) -> httpx.Response:
        job = {"queue": queue, "unique": {"key": "k", "on_conflict": "reject"}}
        assert send(world, job).status_code == 201
        return send(world, job)

    def full(world: World, queue: str) -> httpx.Response:
        world.http.put(f"/v1/queues/{queue}", json={"max_bytes": 1})
        return send(world, {"queue": queue, "payload": "too much"})

    def mismatch(world: World, queue: str) -> httpx.Response:
        send(world, {"queue": queue}, **{"Idempotency-Key": queue})
        return send(world, {"queue": queue, "priority": 1}, **{"Idempotency-Key": queue})

    return {
        "unique_conflict": conflict,
        "queue_full": full,
        "idempotency_mismatch": mismatch,
        "queue_draining": lambda world, queue: send(world, {"queue": drained(world, queue)}),
        "already_expired": lambda world, queue: send(world, {"queue": queue, "expires_at": "2020-01-01T00:00:00Z"}),
    }


def settle(verb: str, **fields: object) -> dict[str, Way]:
    """Return the ways to the codes of a verb on one's own lease."""

    def cancelled(world: World, queue: str) -> httpx.Response:
        job = world.lease(queue)
        world.http.post(f"/v1/jobs/{job['id']}/cancel", json={"mode": "hard"})
        return world.http.post(f"/v1/jobs/{job['id']}/{verb}", json={"token": job["token"], **fields})

    return {
        "not_found": lambda world, _: world.http.post(f"{FAR}/{verb}", json={**PROOF, **fields}),
        "lease_lost": lambda world, queue: world.http.post(
            f"{held_path(world, queue)}/{verb}", json={"token": LEASE_TOKEN, **fields}
        ),
        "job_cancelled": cancelled,
    }


def done_path(world: World, queue: str) -> str:
    """Return the path of a job that succeeded without a result."""
    job = world.lease(queue)
    world.http.post(f"/v1/jobs/{job['id']}/ack", json={"token": job["token"]})
    return f"/v1/jobs/{job['id']}"


def retry_in_the_way(world: World, queue: str) -> httpx.Response:
    unique = {"key": "k", "on_conflict": "reject"}
    world.enqueue(queue, unique=unique)
    [job] = world.http.post("/v1/leases", json={"queues": [queue]}).json()["jobs"]
    nack = {"token": job["token"], "error": ERROR, "retryable": False}
    world.http.post(f"/v1/jobs/{job['id']}/nack", json=nack)
    other = world.enqueue(queue, unique=unique)
    refused = world.http.post(f"/v1/jobs/{job['id']}/retry")
    assert refused.json()["job_id"] == other["id"]
    return refused


def alive(world: World, queue: str) -> httpx.Response:
    world.http.post(f"/v1/workers/{queue}/heartbeat", json={"next_ms": 60_000})
    return world.http.delete(f"/v1/workers/{queue}")


def late_stop(world: World, queue: str) -> httpx.Response:
    quick = start(world, queue)
    ended(world, quick)
    return world.http.post(f"{quick.headers['location']}/cancel")


def reach(path: str, method: str = "GET", **options: object) -> Way:
    """Return the way of one request."""
    return lambda world, _: world.http.request(method, path, **options)


def everyday(method: str, **options: object) -> Way:
    """Return the way to the answer of a server with everybody's clock."""

    def send(world: World, queue: str) -> httpx.Response:
        with world.everyday() as http:
            return http.request(method, "/v1/test/clock", **options)  # type: ignore[arg-type]

    return send


def patched(body: dict[str, object], path: Callable[[World, str], str]) -> Way:
    return lambda world, queue: world.http.patch(path(world, queue), json=body)


MOVE = {"action": "move", "filter": {"queue": "codes"}, "target_queue": "far.codes"}
FAR_QUEUE: dict[str, object] = {"queue": "far.codes"}
WAYS: dict[str, dict[str, Way]] = {
    "enqueueJob": enqueue(lambda job: job, "/v1/jobs"),
    "enqueueJobs": {
        **enqueue(lambda job: {"jobs": [job]}, "/v1/jobs/batch"),
        "other_group": reach(
            "/v1/jobs/batch", "POST", json={"jobs": [{"task": "a", "queue": name} for name in ("a", "b")]}
        ),
    },
    "getJob": {"not_found": reach(FAR)},
    "getPayload": {"not_found": reach(f"{FAR}/payload")},
    "getAttempts": {"not_found": reach(f"{FAR}/attempts")},
    "explainJob": {"not_found": reach(f"{FAR}/explain")},
    "getResult": {
        "not_found": reach(f"{FAR}/result"),
        "not_finished": lambda world, queue: world.http.get(f"{job_path(world, queue)}/result"),
        "no_result": lambda world, queue: world.http.get(f"{done_path(world, queue)}/result"),
        "job_failed": lambda world, queue: world.http.get(f"/v1/jobs/{dead(world, queue)}/result"),
    },
    "cancelJob": {
        "not_found": reach(f"{FAR}/cancel", "POST"),
        "job_final": lambda world, queue: world.http.post(f"{done_path(world, queue)}/cancel"),
    },
    "patchJob": {
        "not_found": reach(FAR, "PATCH", json={"priority": 1}),
        "job_leased": patched({"priority": 1}, held_path),
        "job_final": patched({"priority": 1}, done_path),
        "other_group": patched(FAR_QUEUE, job_path),
        "queue_draining": lambda world, queue: world.http.patch(
            job_path(world, queue), json={"queue": drained(world, queue)}
        ),
    },
    "deleteJob": {
        "not_found": reach(FAR, "DELETE"),
        "job_not_final": lambda world, queue: world.http.delete(held_path(world, queue)),
    },
    "retryJob": {
        "not_found": reach(f"{FAR}/retry", "POST"),
        "job_not_dead": lambda world, queue: world.http.post(f"{job_path(world, queue)}/retry"),
        "unique_conflict": retry_in_the_way,
        "other_group": lambda world, queue: world.http.post(f"/v1/jobs/{dead(world, queue)}/retry", json=FAR_QUEUE),
        "queue_draining": lambda world, queue: world.http.post(
            f"/v1/jobs/{dead(world, queue)}/retry", json={"queue": drained(world, queue)}
        ),
    },
    "ackJob": settle("ack"),
    "nackJob": settle("nack", error=ERROR),
    "releaseJob": settle("release"),
    "snoozeJob": settle("snooze", delay_ms=0),
    "extendJob": settle("extend"),
    "deleteQueue": {
        "queue_not_empty": lambda world, queue: world.http.delete(f"/v1/queues/{world.enqueue(queue)['queue']}"),
    },
    "listJobs": {"invalid_cursor": reach("/v1/jobs?cursor=x")},
    "listWorkers": {"invalid_cursor": reach("/v1/workers?cursor=x")},
    "getWorker": {"no_such_worker": reach("/v1/workers/nobody")},
    "deleteWorker": {"no_such_worker": reach("/v1/workers/nobody", "DELETE"), "worker_up": alive},
    "quietWorker": {"no_such_worker": reach("/v1/workers/nobody/quiet", "POST")},
    "stopWorker": {"no_such_worker": reach("/v1/workers/nobody/stop", "POST")},
    "resumeWorker": {"no_such_worker": reach("/v1/workers/nobody/resume", "POST")},
    "readEvents": {"invalid_cursor": reach("/v1/events", headers={"Last-Event-ID": "x"})},
    "startOperation": {"other_group": reach("/v1/operations", "POST", json=MOVE)},
    "getClock": {"no_test_clock": everyday("GET")},
    "advanceClock": {"no_test_clock": everyday("POST", json={"advance_ms": 0})},
    "getOperation": {"no_such_operation": reach(f"/v1/operations/{ID}")},
    "cancelOperation": {
        "no_such_operation": reach(f"/v1/operations/{ID}/cancel", "POST"),
        "operation_ended": late_stop,
    },
    "putSchedule": {"too_many_schedules": lambda world, _: full(world)},
    "getSchedule": {"no_such_schedule": reach("/v1/schedules/nobody")},
    "deleteSchedule": {"no_such_schedule": reach("/v1/schedules/nobody", "DELETE")},
    "pauseSchedule": {"no_such_schedule": reach("/v1/schedules/nobody/pause", "POST")},
    "resumeSchedule": {"no_such_schedule": reach("/v1/schedules/nobody/resume", "POST")},
    "triggerSchedule": {"no_such_schedule": reach("/v1/schedules/nobody/trigger", "POST")},
    "previewSchedule": {"no_such_schedule": reach("/v1/schedules/nobody/preview")},
    "putWebhook": {"too_many_webhooks": lambda world, _: telling.full(world)},
    "getWebhook": {"no_such_webhook": reach("/v1/webhooks/nobody")},
    "deleteWebhook": {"no_such_webhook": reach("/v1/webhooks/nobody", "DELETE")},
    "pauseWebhook": {"no_such_webhook": reach("/v1/webhooks/nobody/pause", "POST")},
    "resumeWebhook": {"no_such_webhook": reach("/v1/webhooks/nobody/resume", "POST")},
    "rotateWebhook": {"no_such_webhook": reach("/v1/webhooks/nobody/rotate", "POST")},
    "pingWebhook": {
        "no_such_webhook": reach("/v1/webhooks/nobody/test", "POST"),
        "webhook_paused": telling.paused,
        "queue_draining": telling.drained,
        "queue_full": telling.crowded,
    },
    "getProblem": {"no_such_problem": reach("/problems/none")},
}


def test_there_is_a_way_to_every_code_of_the_document_and_to_no_other() -> None:
    assert {(name, code) for name, ways in WAYS.items() for code in ways} == DOCUMENTED


@pytest.mark.parametrize(("name", "code"), sorted(DOCUMENTED))
def test_a_request_gets_the_code_that_the_document_names(world: World, name: str, code: str) -> None:
    reply = WAYS[name][code](world, f"codes-{name}-{code}")
    problem = reply.json()
    assert problem["code"] == code, problem
