"""The answers of what is found, changed and limited, as `stories.py` has them of what is produced and worked on."""

from datetime import datetime, timedelta

import httpx

from tests.contract.world import ID, Story, World
from tests.support.contract import Document
from tests.support.waiting import eventually

Replies = list[httpx.Response]


def list_jobs(world: World, queue: str) -> Replies:
    ids = [world.enqueue(queue, tags={"letter": letter})["id"] for letter in "abc"]
    page = world.http.get("/v1/jobs", params={"queue": queue, "state": "ready,scheduled", "limit": 2})
    following = world.http.get(page.links["next"]["url"])
    assert {job["id"] for reply in (page, following) for job in reply.json()["jobs"]} == set(ids)
    assert [len(reply.json()["jobs"]) for reply in (page, following)] == [2, 1]
    tagged = world.http.get("/v1/jobs", params={"queue": queue, "tag": "letter:b", "state": ["dead", "ready"]})
    assert [job["id"] for job in tagged.json()["jobs"]] == [ids[1]]
    return [page, following, tagged]


def get_payload(world: World, queue: str) -> Replies:
    written = b'{ "task": "a", "queue": "%s", "payload": [2,  3e0] }' % queue.encode()
    job = world.http.post("/v1/jobs", content=written, headers={"Content-Type": "application/json"}).json()
    read = world.http.get(f"/v1/jobs/{job['id']}/payload")
    assert (read.content, read.headers["content-type"]) == (b"[2,  3e0]", "application/json")
    return [read, world.http.get(f"/v1/jobs/{ID}/payload")]


def get_attempts(world: World, queue: str) -> Replies:
    job = world.lease(queue)
    error = {"type": "E", "message": "m"}
    world.http.post(f"/v1/jobs/{job['id']}/nack", json={"token": job["token"], "error": error, "retry_in_ms": 0})
    again = world.http.post("/v1/leases", json={"queues": [queue], "wait_ms": 5_000}).json()["jobs"]
    assert [job["attempt"] for job in again] == [2]
    read = world.http.get(f"/v1/jobs/{job['id']}/attempts")
    told = [(each["attempt"], each["outcome"], each.get("error")) for each in read.json()["attempts"]]
    assert told == [(1, "failed", error), (2, "running", None)]
    return [read, world.http.get("/v1/jobs/none/attempts")]


def explain_job(world: World, queue: str) -> Replies:
    world.http.post(f"/v1/limits/{queue}/backoff", json={"for_ms": 60_000})
    held = world.http.get(f"/v1/jobs/{world.enqueue(queue, limits=[f'{queue}:7'])['id']}/explain")
    [fact] = [reason for reason in held.json()["reasons"] if reason["code"] == "limit_held"]
    assert fact["key"] == queue  # the one to lift
    later = world.http.get(f"/v1/jobs/{world.enqueue(queue, delay_ms=60_000)['id']}/explain")
    assert later.json()["reasons"][0]["code"] == "not_due"
    leased = world.http.get(f"/v1/jobs/{world.lease(queue)['id']}/explain")
    assert [reason["code"] for reason in leased.json()["reasons"] if reason["until"]] == ["leased"]
    return [held, later, leased, world.http.get(f"/v1/jobs/{ID}/explain")]


def get_clock(world: World, queue: str) -> Replies:
    with world.everyday() as http:
        return [world.http.get("/v1/test/clock"), http.get("/v1/test/clock")]


def advance_clock(world: World, queue: str) -> Replies:
    job = world.enqueue(queue, delay_ms=3_600_000)
    moved = world.http.post("/v1/test/clock", json={"advance_ms": 3_600_000})
    assert (moved.json()["done"], moved.json()["moments"] > 0) == (True, True)
    assert world.http.get(f"/v1/jobs/{job['id']}").json()["state"] == "ready"
    later = datetime.fromisoformat(moved.json()["now"]) + timedelta(minutes=5)
    again = world.http.post("/v1/test/clock", json={"to": later.isoformat()})
    back = world.http.post("/v1/test/clock", json={"to": moved.json()["target"]})
    assert [fault["pointer"] for fault in back.json()["errors"]] == ["/to"]
    with world.everyday() as http:
        return [moved, again, http.post("/v1/test/clock", json={"advance_ms": 0})]


def patch_job(world: World, queue: str) -> Replies:
    held, job = world.lease(queue), world.enqueue(queue)
    patched = world.http.patch(f"/v1/jobs/{job['id']}", json={"priority": 7, "delay_ms": 60_000})
    assert (patched.json()["priority"], patched.json()["state"]) == (7, "scheduled")
    refused = world.http.patch(f"/v1/jobs/{held['id']}", json={"priority": 7})
    moved = world.http.patch(f"/v1/jobs/{job['id']}", json={"queue": f"far.{queue}"})
    assert (moved.status_code, moved.json()["code"]) == (422, "other_group")
    return [patched, refused, world.http.patch(f"/v1/jobs/{ID}", json={"priority": 7})]


def delete_job(world: World, queue: str) -> Replies:
    path = f"/v1/jobs/{world.enqueue(queue)['id']}"
    early = world.http.delete(path)
    world.http.post(f"{path}/cancel")
    return [early, world.http.delete(path), world.http.delete(path)]


def dead(world: World, queue: str) -> str:
    """Return the id of a job of `queue` that is dead."""
    job = world.lease(queue)
    nack = {"token": job["token"], "error": {"type": "E", "message": "m"}, "retryable": False}
    assert world.http.post(f"/v1/jobs/{job['id']}/nack", json=nack).json()["state"] == "dead"
    return str(job["id"])


def retry_job(world: World, queue: str) -> Replies:
    path = f"/v1/jobs/{dead(world, queue)}/retry"
    retried = world.http.post(path, json={"queue": f"{queue}.again"})
    assert (retried.json()["state"], retried.json()["run"], retried.json()["attempt"]) == ("ready", 2, 1)
    return [retried, world.http.post(path), world.http.post(f"/v1/jobs/{ID}/retry")]


def get_queue(world: World, queue: str) -> Replies:
    world.enqueue(queue)
    read = world.http.get(f"/v1/queues/{queue}")
    assert (read.json()["backlog"], read.json()["settings"], read.json()["paused"]) == (1, {}, False)
    return [read, world.http.get("/v1/queues/a%2Fb")]


def put_queue(world: World, queue: str) -> Replies:
    settings = {"lease_ms": 5_000, "retry": {"max_attempts": 7, "non_retryable": ["A*"]}, "concurrency": 2}
    rate = {"count": 5, "per_ms": 1_000}
    put = world.http.put(f"/v1/queues/{queue}", json={**settings, "rate": rate})
    assert put.json()["settings"] == {**settings, "rate": {**rate, "burst": 5}}
    assert world.http.get(f"/v1/queues/{queue}").json()["settings"] == put.json()["settings"]
    return [put, world.http.put(f"/v1/queues/{queue}", json={}), world.http.put("/v1/queues/a%2Fb", json={})]


def delete_queue(world: World, queue: str) -> Replies:
    job = world.enqueue(queue)
    early = world.http.delete(f"/v1/queues/{queue}")
    world.http.post(f"/v1/jobs/{job['id']}/cancel")
    done = [world.http.delete(f"/v1/queues/{queue}") for _ in range(2)]
    return [early, *done, world.http.delete("/v1/queues/a%2Fb")]


def turn(verb: str, **shown: bool) -> Story:
    """Return the story of a verb that turns a queue into what its document says then."""

    def story(world: World, queue: str) -> Replies:
        reply = world.http.post(f"/v1/queues/{queue}/{verb}")
        assert {name: reply.json()[name] for name in shown} == shown
        return [reply, world.http.post(f"/v1/queues/a%2Fb/{verb}")]

    return story


def purge_queue(world: World, queue: str) -> Replies:
    for delay_ms in (0, 60_000):
        world.enqueue(queue, delay_ms=delay_ms)
    started = world.http.post(f"/v1/queues/{queue}/purge", json={"states": ["scheduled"]})
    assert started.json()["filter"] == {"queue": queue, "state": ["scheduled"]}
    assert ended(world, started)["done"] == 1
    whole = world.http.post(f"/v1/queues/{queue}/purge")
    assert ended(world, whole)["done"] == 1
    return [started, whole, world.http.post("/v1/queues/a%2Fb/purge")]


def ended(world: World, started: httpx.Response) -> Document:
    """Return an operation once it has run to its end."""
    path = started.headers["location"]
    eventually(lambda: world.http.get(path).json()["state"] == "done", what="the operation is done")
    operation: Document = world.http.get(path).json()
    return operation


def list_limits(world: World, queue: str) -> Replies:
    names = [f"{queue}:{letter}" for letter in "abc"]
    for name in names:
        world.http.put(f"/v1/limits/{name}", json={"concurrency": 1})
    page = world.http.get("/v1/limits", params={"after": queue, "limit": 2})
    assert [limit["name"] for limit in page.json()["limits"]] == names[:2]
    following = world.http.get(page.links["next"]["url"])
    assert following.json()["limits"][0]["name"] == names[2]
    return [page, following]


def get_limit(world: World, queue: str) -> Replies:
    key = f"{queue}/a?b#c%:"
    world.enqueue(queue, limits=[key])
    [job] = world.http.post("/v1/leases", json={"queues": [queue]}).json()["jobs"]
    assert job["queue"] == queue
    read = world.http.get(f"/v1/limits/{queue}%2Fa%3Fb%23c%25:")
    assert (read.json()["name"], read.json()["leased"]) == (key, 1)
    return [read]


def put_limit(world: World, queue: str) -> Replies:
    put = world.http.put(f"/v1/limits/{queue}", json={"concurrency": 3, "rate": {"count": 2, "per_ms": 9, "burst": 1}})
    less = world.http.put(f"/v1/limits/{queue}", json={"concurrency": 3})
    assert put.json()["rate"] == {"count": 2, "per_ms": 9, "burst": 1}
    assert "rate" not in less.json()
    return [put, less]


def delete_limit(world: World, queue: str) -> Replies:
    world.http.put(f"/v1/limits/{queue}", json={"concurrency": 3})
    done = [world.http.delete(f"/v1/limits/{queue}") for _ in range(2)]
    assert ["concurrency" in reply.json() for reply in done] == [False, False]
    return done


def back_off_limit(world: World, queue: str) -> Replies:
    held = world.http.post(f"/v1/limits/{queue}/backoff", json={"for_ms": 60_000})
    lifted = world.http.post(f"/v1/limits/{queue}/backoff", json={"for_ms": 0})
    assert ["held_until" in reply.json() for reply in (held, lifted)] == [True, False]
    return [held, lifted]


def start(world: World, queue: str, **fields: object) -> httpx.Response:
    """Return the reply to an operation that cancels the jobs of `queue`."""
    return world.http.post("/v1/operations", json={"action": "cancel", "filter": {"queue": queue}, **fields})


def start_operation(world: World, queue: str) -> Replies:
    ids = {world.enqueue(queue)["id"] for _ in range(3)}
    counted = start(world, queue, dry_run=True)
    found = ended(world, counted)
    assert (found["matched"], found["done"], set(found["sample"])) == (3, 0, ids)
    moved = start(world, queue, action="move", target_queue=f"{queue}.b", filter={"queue": queue, "state": "ready"})
    assert ended(world, moved)["done"] == 3
    return [counted, moved]


def list_operations(world: World, queue: str) -> Replies:
    ids = [start(world, queue).json()["id"] for _ in range(2)]
    listed = world.http.get("/v1/operations")
    assert [each["id"] for each in listed.json()["operations"][:2]] == ids[::-1]
    return [listed]


def get_operation(world: World, queue: str) -> Replies:
    started = start(world, queue)
    path = started.headers["location"]
    ended(world, started)
    return [world.http.get(path), world.http.get(f"/v1/operations/{ID}"), world.http.get("/v1/operations/none")]


def cancel_operation(world: World, queue: str) -> Replies:
    for _ in range(30):
        world.enqueue(queue)
    slow = start(world, queue, rate_per_s=1).headers["location"]
    stopped = [world.http.post(f"{slow}/cancel") for _ in range(2)]
    assert [reply.json()["state"] for reply in stopped] == ["cancelled", "cancelled"]
    quick = start(world, queue, dry_run=True)
    ended(world, quick)
    late = world.http.post(f"{quick.headers['location']}/cancel")
    return [*stopped, late, world.http.post(f"/v1/operations/{ID}/cancel")]


def read_events(world: World, queue: str) -> Replies:
    begun = world.http.get("/v1/events", params={"queue": queue})
    after = begun.json()["cursor"]
    job = world.lease(queue)
    page = world.http.get("/v1/events", params={"queue": queue, "after": after, "wait": 5})
    changes = [(event["job_id"], event.get("was"), event["state"]) for event in page.json()["events"]]
    assert changes == [(job["id"], None, "ready"), (job["id"], "ready", "leased")]
    one = world.http.get("/v1/events", params={"queue": queue, "limit": 1}, headers={"Last-Event-ID": after})
    assert one.json()["events"] == page.json()["events"][:1]
    return [begun, page, one]


OPERATING: dict[str, tuple[set[int], Story]] = {
    "listJobs": ({200}, list_jobs),
    "getPayload": ({200, 404}, get_payload),
    "getAttempts": ({200, 404}, get_attempts),
    "explainJob": ({200, 404}, explain_job),
    "getClock": ({200, 404}, get_clock),
    "advanceClock": ({200, 404}, advance_clock),
    "patchJob": ({200, 404, 409}, patch_job),
    "deleteJob": ({204, 404, 409}, delete_job),
    "retryJob": ({200, 404, 409}, retry_job),
    "getQueue": ({200, 404}, get_queue),
    "putQueue": ({200, 404}, put_queue),
    "deleteQueue": ({204, 404, 409}, delete_queue),
    "pauseQueue": ({200, 404}, turn("pause", paused=True, draining=False)),
    "resumeQueue": ({200, 404}, turn("resume", paused=False, draining=False)),
    "drainQueue": ({200, 404}, turn("drain", paused=False, draining=True)),
    "purgeQueue": ({202, 404}, purge_queue),
    "listLimits": ({200}, list_limits),
    "getLimit": ({200}, get_limit),
    "putLimit": ({200}, put_limit),
    "deleteLimit": ({200}, delete_limit),
    "backOffLimit": ({200}, back_off_limit),
    "startOperation": ({202}, start_operation),
    "listOperations": ({200}, list_operations),
    "getOperation": ({200, 404}, get_operation),
    "cancelOperation": ({200, 404, 409}, cancel_operation),
    "readEvents": ({200}, read_events),
}
