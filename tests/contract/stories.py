"""For each operation the requests that make it give each of its own answers: what the contract says beyond the door."""

import httpx

from tests.contract.fleet import FLEET
from tests.contract.operating import OPERATING
from tests.contract.planning import PLANNING
from tests.contract.telling import TELLING
from tests.contract.world import ID, LEASE_TOKEN, Story, World

Replies = list[httpx.Response]
KEY = "Idempotency-Key"


def enqueue_job(world: World, queue: str) -> Replies:
    body = {"task": "a", "queue": queue}
    created = world.http.post("/v1/jobs", json=body, headers={KEY: queue})
    replayed = world.http.post("/v1/jobs", json=body, headers={KEY: queue})
    assert replayed.json() == {**created.json(), "deduplicated": True}
    pending = world.http.post("/v1/jobs", json=body, headers={"Prefer": "wait=1"})
    assert pending.headers["preference-applied"] == "wait=1"
    receipt = world.http.post("/v1/jobs", json=body, headers={"Prefer": "return=minimal"})
    assert receipt.json().keys() == {"id", "state"}
    return [created, replayed, pending, receipt, *unique_job(world, queue), full(world, queue, "/v1/jobs", body)]


def unique_job(world: World, queue: str) -> Replies:
    """A job meets another one of its unique key: it is that one, takes its place, or is refused."""
    body = {"task": "u", "queue": queue, "delay_ms": 60_000}
    first = world.http.post("/v1/jobs", json={**body, "unique": {"key": "k"}})
    replies = {
        way: world.http.post("/v1/jobs", json={**body, "payload": way, "unique": {"key": "k", "on_conflict": way}})
        for way in ("return", "replace", "reject")
    }
    assert replies["return"].json() == {**first.json(), "deduplicated": True}
    assert (replies["replace"].json()["replaced"], replies["replace"].json()["payload"]) == (True, "replace")
    assert {reply.json().get("job_id", first.json()["id"]) for reply in replies.values()} == {first.json()["id"]}
    return [first, *replies.values()]


def full(world: World, queue: str, path: str, body: object) -> httpx.Response:
    """Return the refusal of a queue that holds as much as it may."""
    world.http.put(f"/v1/queues/{queue}", json={"max_depth": 1})
    refused = world.http.post(path, json=body)
    assert int(refused.headers["retry-after"]) * 1000 >= refused.json()["retry_after_ms"] > 0
    return refused


def enqueue_jobs(world: World, queue: str) -> Replies:
    jobs = [{"task": "a", "queue": queue}, {"task": "b", "queue": queue, "priority": 1}]
    created = world.http.post("/v1/jobs/batch", json={"jobs": jobs})
    each = world.http.post("/v1/jobs/batch", json={"jobs": [*jobs, {"task": "!"}], "atomic": False})
    assert [result["status"] for result in each.json()["results"]] == [201, 201, 422]
    receipts = world.http.post("/v1/jobs/batch", json={"jobs": jobs}, headers={"Prefer": "return=minimal"})
    assert (len(receipts.json()["ids"]), receipts.json()["results"]) == (2, [])
    again = [{**job, "unique": {"by": ["task"], "on_conflict": "reject"}} for job in jobs]
    assert world.http.post("/v1/jobs/batch", json={"jobs": again[1:]}).status_code == 201
    refused = world.http.post("/v1/jobs/batch", json={"jobs": again})
    assert [fault["pointer"] for fault in refused.json()["errors"]] == ["/jobs/1/unique"]
    minimal = {"jobs": [*again, {"task": "new"}], "atomic": False}
    news = world.http.post("/v1/jobs/batch", json=minimal, headers={"Prefer": "return=minimal"})
    assert [(result["index"], result["status"]) for result in news.json()["results"]] == [(1, 409)]
    twice = [{**job, "task": "c", "unique": {"key": "k", "on_conflict": "reject"}} for job in jobs]
    itself = world.http.post("/v1/jobs/batch", json={"jobs": twice}).json()
    assert (itself["errors"], itself.get("job_id")) == (
        [{"pointer": "/jobs/1/unique", "detail": "is that of /jobs/0"}],
        None,
    )
    return [created, each, receipts, refused, news, full(world, queue, "/v1/jobs/batch", {"jobs": jobs})]


def get_job(world: World, queue: str) -> Replies:
    path = f"/v1/jobs/{world.enqueue(queue, delay_ms=60_000)['id']}"
    read = world.http.get(path)
    unchanged = world.http.get(path, headers={"If-None-Match": read.headers["etag"]})
    waited = world.http.get(path, params={"wait": 1}, headers={"If-None-Match": read.headers["etag"]})
    assert waited.status_code == 304
    return [read, unchanged, world.http.get("/v1/jobs/none")]


def get_result(world: World, queue: str) -> Replies:
    early = world.http.get(f"/v1/jobs/{world.enqueue(queue + '.other')['id']}/result")
    job = world.lease(queue)
    world.http.post(f"/v1/jobs/{job['id']}/ack", json={"token": job["token"], "result": [5]})
    read = world.http.get(f"/v1/jobs/{job['id']}/result")
    assert read.json() == [5]
    return [read, early, world.http.get(f"/v1/jobs/{ID}/result")]


def wait_for_jobs(world: World, queue: str) -> Replies:
    job, waiting = world.lease(queue), world.enqueue(queue + ".other")
    world.http.post(f"/v1/jobs/{job['id']}/ack", json={"token": job["token"], "result": [5]})
    ids = [waiting["id"], job["id"], ID, job["id"]]
    some = world.http.post("/v1/jobs/wait", json={"ids": ids, "mode": "any"}, headers={"Prefer": "wait=1"})
    assert some.headers["preference-applied"] == "wait=1"
    assert [found["state"] for found in some.json()["jobs"]] == ["ready", "succeeded", "gone", "succeeded"]
    late = world.http.post("/v1/jobs/wait", json={"ids": ids, "wait_ms": 10, "summary": True})
    assert [reply.json()["done"] for reply in (some, late)] == [True, False]
    return [some, late]


def cancel_job(world: World, queue: str) -> Replies:
    held = world.lease(queue)
    job = world.enqueue(queue)
    path = f"/v1/jobs/{job['id']}/cancel"
    cancelled = world.http.post(path, json={"reason": "why"})
    assert world.http.post(path).json() == cancelled.json()
    asked = world.http.post(f"/v1/jobs/{held['id']}/cancel", json={"reason": "why"})
    assert (asked.json()["state"], asked.json()["cancel_requested"]) == ("leased", True)
    done = world.http.post(f"/v1/jobs/{held['id']}/ack", json={"token": held["token"]})
    assert done.json()["state"] == "succeeded"
    late = world.http.post(f"/v1/jobs/{held['id']}/cancel")
    hard = world.http.post(f"/v1/jobs/{world.lease(queue)['id']}/cancel", json={"mode": "hard"})
    assert hard.json()["state"] == "cancelled"
    return [cancelled, asked, late, hard, world.http.post(f"/v1/jobs/{ID}/cancel")]


def lease_jobs(world: World, queue: str) -> Replies:
    job = world.lease(queue)
    done = {"op": "ack", "job_id": job["id"], "token": job["token"], "result": None}
    reply = world.http.post("/v1/leases", json={"queues": [queue], "complete": [done, {"op": "ack", "job_id": 1}]})
    assert [outcome["status"] for outcome in reply.json()["completed"]] == ["ok", "invalid"]
    job = world.lease(queue)
    done = {"op": "ack", "job_id": job["id"], "token": job["token"]}
    body = {"queues": [queue], "complete": [done, {"op": "ack", "job_id": 1}]}
    minimal = world.http.post("/v1/leases", json=body, headers={"Prefer": "return=minimal"})
    assert [(outcome["index"], outcome["status"]) for outcome in minimal.json()["completed"]] == [(1, "invalid")]
    world.http.post("/v1/jobs/batch", json={"defaults": {"task": "t", "queue": queue}, "jobs": [{}, {"payload": 1}]})
    alike = world.http.post("/v1/leases", json={"queues": [queue], "max": 2}, headers={"Prefer": "return=minimal"})
    assert ["task" in job for job in alike.json()["jobs"]] == [True, False]
    return [reply, minimal, alike]


def complete_jobs(world: World, queue: str) -> Replies:
    job = world.lease(queue)
    lost = {"op": "release", "job_id": job["id"], "token": LEASE_TOKEN, "reason": "why"}
    nack = {"op": "nack", "job_id": job["id"], "token": job["token"], "error": {"type": "E", "message": "m"}}
    unknown = {"op": "snooze", "job_id": ID, "token": LEASE_TOKEN, "delay_ms": 1}
    reply = world.http.post("/v1/completions", json={"items": [lost, nack, unknown, {"op": "extend"}]})
    assert [item["status"] for item in reply.json()["items"]] == ["lease_lost", "ok", "not_found", "invalid"]
    return [reply]


def settle(verb: str, **fields: object) -> Story:
    """Return the story of a verb on one job: it counts; an unknown job; a token that is no proof."""

    def story(world: World, queue: str) -> Replies:
        job = world.lease(queue)
        return [
            world.http.post(f"/v1/jobs/{job['id']}/{verb}", json={"token": LEASE_TOKEN, **fields}),
            world.http.post(f"/v1/jobs/{ID}/{verb}", json={"token": LEASE_TOKEN, **fields}),
            world.http.post(f"/v1/jobs/{job['id']}/{verb}", json={"token": job["token"], **fields}),
        ]

    return story


def list_queues(world: World, queue: str) -> Replies:
    names = [f"{queue}.{letter}" for letter in "abc"]
    for name in names:
        world.enqueue(name)
    page = world.http.get("/v1/queues", params={"after": queue, "limit": 2})
    assert [stats["queue"] for stats in page.json()["queues"]] == names[:2]
    assert page.json()["next_after"] == names[1]
    following = world.http.get(page.links["next"]["url"])
    assert following.json()["queues"][0]["queue"] == names[2]
    return [page, following]


def get_queue_stats(world: World, queue: str) -> Replies:
    world.enqueue(queue)
    return [world.http.get(f"/v1/queues/{queue}/stats"), world.http.get("/v1/queues/a%2Fb/stats")]


def read(*paths: str) -> Story:
    def story(world: World, queue: str) -> Replies:
        return [world.http.get(path) for path in paths]

    return story


# operation -> what it answers besides the refusals at the door, and how to make it
STORIES: dict[str, tuple[set[int], Story]] = {
    **FLEET,
    **OPERATING,
    **PLANNING,
    **TELLING,
    "enqueueJob": ({200, 201, 202, 409, 429}, enqueue_job),
    "enqueueJobs": ({200, 201, 409, 429}, enqueue_jobs),
    "getJob": ({200, 304, 404}, get_job),
    "getResult": ({200, 404, 409}, get_result),
    "waitForJobs": ({200}, wait_for_jobs),
    "cancelJob": ({200, 202, 404, 409}, cancel_job),
    "leaseJobs": ({200}, lease_jobs),
    "completeJobs": ({200}, complete_jobs),
    "ackJob": ({200, 404, 409}, settle("ack", result={"n": 5})),
    "nackJob": ({200, 404, 409}, settle("nack", error={"type": "E", "message": "m", "details": {"a": 1}})),
    "releaseJob": ({200, 404, 409}, settle("release", reason="why")),
    "snoozeJob": ({200, 404, 409}, settle("snooze", delay_ms=60_000)),
    "extendJob": ({200, 404, 409}, settle("extend", lease_ms=60_000)),
    "listQueues": ({200}, list_queues),
    "getQueueStats": ({200, 404}, get_queue_stats),
    "getServer": ({200}, read("/v1/server")),
    "getMetrics": ({200}, read("/metrics")),
    "getJobMetrics": ({200}, read("/metrics/jobs")),
    "getLiveness": ({200}, read("/livez")),
    "getReadiness": ({200}, read("/readyz")),
    "getOpenapiYaml": ({200}, read("/openapi.yaml")),
    "getOpenapiJson": ({200}, read("/openapi.json")),
    "getDocs": ({200}, read("/docs")),
    "getDocsFile": ({200, 404}, read("/docs/docs.js", "/docs/none")),
    "listProblems": ({200}, read("/problems")),
    "getProblem": ({200, 404}, read("/problems/lease_lost", "/problems/none")),
}
