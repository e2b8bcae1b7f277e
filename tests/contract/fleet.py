"""The answers of workers as such, as `stories.py` has them of their jobs."""

import httpx

from tests.contract.world import ID, LEASE_TOKEN, Story, World
from tests.support.contract import Document
from tests.support.waiting import eventually

Replies = list[httpx.Response]


def heartbeat(world: World, queue: str) -> Replies:
    job = world.lease(queue)
    held = {"job_id": job["id"], "token": job["token"], "extend_ms": 60_000}
    reply = world.http.post("/v1/workers/w/heartbeat", json={"leases": [held, {**held, "token": LEASE_TOKEN}, {}]})
    assert [lease["status"] for lease in reply.json()["leases"]] == ["ok", "lease_lost", "invalid"]
    world.http.post(f"/v1/jobs/{job['id']}/cancel")
    told = world.http.post("/v1/workers/w/heartbeat", json={"leases": [{**held, "progress": {"done": 0.5}}]})
    assert [lease["status"] for lease in told.json()["leases"]] == ["cancel_requested"]
    assert told.json()["directive"] == "run"
    goodbye = world.http.post("/v1/workers/w/heartbeat", json={"final": True})
    return [reply, told, goodbye, world.http.post("/v1/workers/a%2Fb/heartbeat", json={"leases": []})]


def register(world: World, queue: str, **said: object) -> Document:
    """Return what is known of a new worker of this queue, of the same name."""
    info = {"queues": [queue], "tasks": ["a"], "labels": {"zone": "eu"}}
    assert world.http.post(f"/v1/workers/{queue}/heartbeat", json={"info": info, **said}).status_code == 200
    known: Document = world.http.get(f"/v1/workers/{queue}").json()
    return known


def list_workers(world: World, queue: str) -> Replies:
    names = [f"{queue}:{letter}" for letter in "abc"]
    for name in names:
        info = {"queues": [queue], "tasks": ["a"]}
        world.http.post(f"/v1/workers/{name}/heartbeat", json={"info": info, "next_ms": 60_000})
    page = world.http.get("/v1/workers", params={"queue": queue, "task": "a", "state": "up", "limit": 2})
    following = world.http.get(page.links["next"]["url"])
    assert [worker["id"] for reply in (page, following) for worker in reply.json()["workers"]] == names
    lost = world.http.get("/v1/workers", params={"queue": queue, "state": "lost"})
    assert lost.json()["workers"] == []
    return [page, following, lost]


def get_worker(world: World, queue: str) -> Replies:
    job = world.lease(queue)
    known = register(world, queue, leases=[{"job_id": job["id"], "token": job["token"]}])
    assert (known["state"], known["directive"], known["leased"], known["job_ids"]) == ("up", "run", 1, [job["id"]])
    assert known["info"] == {"queues": [queue], "tasks": ["a"], "labels": {"zone": "eu"}}
    return [world.http.get(f"/v1/workers/{queue}"), world.http.get("/v1/workers/none")]


def delete_worker(world: World, queue: str) -> Replies:
    path = f"/v1/workers/{queue}"
    register(world, queue)
    early = world.http.delete(path)
    eventually(lambda: world.http.get(path).json()["state"] == "lost", 10, "the worker is lost")
    return [early, world.http.delete(path), world.http.delete(path), world.http.delete("/v1/workers/a%2Fb")]


def direct(verb: str, directive: str) -> Story:
    """Return the story of a verb that tells a worker something."""

    def story(world: World, queue: str) -> Replies:
        register(world, queue, next_ms=60_000)
        replies = [world.http.post(f"/v1/workers/{queue}/{verb}") for _ in range(2)]
        assert [reply.json()["directive"] for reply in replies] == [directive] * 2
        assert world.http.post(f"/v1/workers/{queue}/heartbeat", json={}).json()["directive"] == directive
        leased = world.http.post("/v1/leases", json={"queues": [queue], "worker": {"id": queue}})
        assert leased.json()["directive"] == directive
        return [*replies, leased, world.http.post(f"/v1/workers/{ID}/{verb}")]

    return story


FLEET: dict[str, tuple[set[int], Story]] = {
    "heartbeat": ({200, 404}, heartbeat),
    "listWorkers": ({200}, list_workers),
    "getWorker": ({200, 404}, get_worker),
    "deleteWorker": ({204, 404, 409}, delete_worker),
    "quietWorker": ({200, 404}, direct("quiet", "quiet")),
    "stopWorker": ({200, 404}, direct("stop", "stop")),
    "resumeWorker": ({200, 404}, direct("resume", "run")),
}
