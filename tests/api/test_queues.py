"""Queues over HTTP: how full they are, their settings, and what an operator does to them."""

from typing import Any

import pytest

from tests.api.conftest import Api
from tests.support.waiting import eventually_async

pytestmark = pytest.mark.anyio

NONE = dict.fromkeys(["scheduled", "ready", "leased", "retrying", "succeeded", "dead", "cancelled"], 0)
SETTINGS: dict[str, Any] = {
    "lease_ms": 60_000,
    "max_runtime_ms": 3_600_000,
    "priority": 0,
    "max_crashes": 1,
    "retry": {
        "max_attempts": 7,
        "backoff": "linear",
        "initial_ms": 0,
        "factor": 1.5,
        "max_ms": 10,
        "jitter": False,
        "max_elapsed_ms": 5,
        "non_retryable": ["Auth.*"],
        "on_exhausted": "discard",
    },
    "succeeded_retention_ms": 60_000,
    "dead_retention_ms": 60_001,
    "cancelled_retention_ms": 60_002,
    "result_ttl_ms": 0,
    "max_depth": 1,
    "max_bytes": 2,
    "concurrency": 3,
    "rate": {"count": 10, "per_ms": 1_000, "burst": 5},
}


async def _put(api: Api, queue: str = "default", **settings: Any) -> dict[str, Any]:
    reply = await api.http.put(f"/v1/queues/{queue}", json=settings)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


async def test_a_queue_is_counted_by_state(api: Api) -> None:
    await api.leased()
    for _ in range(2):
        await api.enqueue()
    await api.enqueue(delay_ms=60_000)
    stats = (await api.get("/v1/queues/default/stats")).json()
    assert 0 <= stats.pop("oldest_ready_age_ms") < 60_000
    assert stats == {
        "queue": "default",
        "counts": {**NONE, "ready": 2, "leased": 1, "scheduled": 1},
        "backlog": 3,
    }


async def test_a_queue_that_never_had_a_job_is_empty(api: Api) -> None:
    empty = {"queue": "nobody", "counts": NONE, "backlog": 0}
    reply = await api.get("/v1/queues/nobody/stats")
    assert (reply.status_code, reply.json()) == (200, empty)
    reply = await api.get("/v1/queues/nobody")
    assert (reply.status_code, reply.json()) == (200, {**empty, "paused": False, "draining": False, "settings": {}})


@pytest.mark.parametrize("name", ["a b", "x" * 129, "%00", "ä"])
async def test_a_name_that_no_queue_can_have_is_refused(api: Api, name: str) -> None:
    path = f"/v1/queues/{name}"
    calls = [("GET", ""), ("GET", "/stats"), ("PUT", ""), ("DELETE", ""), ("POST", "/pause"), ("POST", "/purge")]
    for method, below in calls:
        reply = await api.http.request(method, path + below, json={} if method == "PUT" else None)
        assert (reply.status_code, reply.json()["code"]) == (422, "invalid_request")


async def test_queues_come_in_pages(api: Api) -> None:
    for name in ("c", "a", "b"):
        await api.enqueue(queue=name)
    first = await api.get("/v1/queues?limit=2")
    assert [queue["queue"] for queue in first.json()["queues"]] == ["a", "b"]
    assert first.links["next"]["url"] == f"/v1/queues?after={first.json()['next_after']}&limit=2"
    rest = (await api.get(str(first.links["next"]["url"]))).json()
    assert [queue["queue"] for queue in rest["queues"]] == ["c"]
    assert "next_after" not in rest


async def test_a_list_says_which_queues_stand_still(api: Api) -> None:
    for name in ("a", "b"):
        await api.enqueue(queue=name)
    await api.http.post("/v1/queues/a/pause")
    await api.http.post("/v1/queues/b/drain")
    found = (await api.get("/v1/queues")).json()["queues"]
    assert [(queue["queue"], queue["paused"], queue["draining"]) for queue in found] == [
        ("a", True, False),
        ("b", False, True),
    ]


async def test_no_queues_is_an_empty_page(api: Api) -> None:
    assert (await api.get("/v1/queues")).json() == {"queues": []}


@pytest.mark.parametrize("limit", ["0", "1001", "x", "-1", "", "²", "0000000011", "9" * 5_000])
async def test_a_faulty_limit_is_refused(api: Api, limit: str) -> None:
    for path in ("/v1/queues", "/v1/limits"):
        reply = await api.get(f"{path}?limit={limit}")
        assert (reply.status_code, reply.json()["code"]) == (422, "invalid_request")


async def test_settings_come_back_as_they_were_put(api: Api) -> None:
    assert (await _put(api, **SETTINGS))["settings"] == SETTINGS
    assert (await api.get("/v1/queues/default")).json()["settings"] == SETTINGS
    # all of them are replaced: what is not said again is the server's
    assert (await _put(api, rate={"count": 2, "per_ms": 1}))["settings"] == {
        "rate": {"count": 2, "per_ms": 1, "burst": 2}
    }
    assert (await _put(api))["settings"] == {}


async def test_settings_hold_where_a_job_says_nothing(api: Api) -> None:
    await _put(api, priority=7, max_crashes=2, retry={"max_attempts": 9}, lease_ms=600_000)
    job = await api.enqueue()
    assert (job["priority"], job["max_crashes"], job["max_attempts"]) == (7, 2, 9)
    assert (await api.enqueue(priority=8, retry={"max_attempts": 1}))["max_attempts"] == 1


async def test_all_faults_of_settings_are_listed(api: Api) -> None:
    faulty = {"priority": 256, "rate": {"count": 0, "burst": 1}, "retry": {"jitter": 1}, "max_depth": 0, "paused": True}
    reply = await api.http.put("/v1/queues/default", json=faulty)
    assert reply.status_code == 422
    assert {fault["pointer"] for fault in reply.json()["errors"]} == {
        *("/priority", "/rate/count", "/rate/per_ms", "/retry/jitter", "/max_depth", "/paused"),
    }


async def test_g21_a_paused_queue_gives_nothing_until_it_is_resumed(api: Api) -> None:
    job = await api.enqueue()
    paused = await api.http.post("/v1/queues/default/pause")
    assert (paused.status_code, paused.json()["paused"], "paused_until" in paused.json()) == (200, True, False)
    assert await api.lease() == []
    timed = await api.post("/v1/queues/default/pause", {"for_ms": 86_400_000})
    assert timed.json()["paused_until"] > job["enqueued_at"]
    resumed = await api.http.post("/v1/queues/default/resume")
    assert (resumed.json()["paused"], "paused_until" in resumed.json()) == (False, False)
    assert [each["id"] for each in await api.lease()] == [job["id"]]


async def test_a_pause_ends_by_itself(api: Api) -> None:
    job = await api.enqueue()
    await api.post("/v1/queues/default/pause", {"for_ms": 100})
    assert [each["id"] for each in await api.lease(wait_ms=10_000)] == [job["id"]]


async def test_a_draining_queue_serves_what_it_has_and_takes_nothing_new(api: Api) -> None:
    job = await api.enqueue()
    assert (await api.http.post("/v1/queues/default/drain")).json()["draining"] is True
    refused = await api.post("/v1/jobs", {"task": "t"})
    assert (refused.status_code, refused.json()["code"]) == (409, "queue_draining")
    many = {"jobs": [{"task": "t", "queue": "default.b"}, {"task": "t"}]}
    batch = await api.post("/v1/jobs/batch", many)
    assert (batch.status_code, batch.json()["errors"][0]["pointer"]) == (409, "/jobs/1/queue")
    each = (await api.post("/v1/jobs/batch", {**many, "atomic": False})).json()["results"]
    assert [result["status"] for result in each] == [201, 409]
    assert [leased["id"] for leased in await api.lease()] == [job["id"]]
    await api.http.post("/v1/queues/default/resume")
    assert (await api.post("/v1/jobs", {"task": "t"})).status_code == 201


async def test_a_full_queue_says_when_to_come_again(api: Api) -> None:
    await _put(api, max_depth=2)
    for _ in range(2):
        await api.enqueue()
    reply = await api.post("/v1/jobs", {"task": "t"})
    assert (reply.status_code, reply.json()["code"], reply.json()["outcome"]) == (429, "queue_full", "not_done")
    assert (reply.headers["retry-after"], reply.json()["retry_after_ms"]) == ("1", 1000)
    [job] = await api.lease()
    await api.post(f"/v1/jobs/{job['id']}/ack", {"token": job["token"]})
    assert (await api.post("/v1/jobs", {"task": "t"})).status_code == 201


async def test_bytes_fill_a_queue_too(api: Api) -> None:
    await _put(api, max_bytes=10)
    await api.enqueue(payload="x" * 6)
    assert (await api.post("/v1/jobs", {"task": "t", "payload": "x" * 6})).status_code == 429
    assert (await api.post("/v1/jobs", {"task": "t", "payload": 1})).status_code == 201


async def test_a_purge_removes_what_waits(api: Api) -> None:
    held = await api.leased()
    waiting = [await api.enqueue() for _ in range(3)]
    later = await api.enqueue(delay_ms=60_000)
    counted = await api.post("/v1/queues/default/purge", {"dry_run": True})
    assert counted.status_code == 202
    done = await _done(api, counted.json())
    assert (done["action"], done["matched"], done["done"]) == ("purge", 4, 0)
    reply = await api.post("/v1/queues/default/purge", {"states": ["ready"]})
    assert reply.headers["location"] == f"/v1/operations/{reply.json()['id']}"
    assert (await _done(api, reply.json()))["done"] == 3
    states = [(await api.get(f"/v1/jobs/{job['id']}")).status_code for job in [held, *waiting, later]]
    assert states == [200, 404, 404, 404, 200]


async def _done(api: Api, operation: dict[str, Any]) -> dict[str, Any]:
    async def ended() -> dict[str, Any] | None:
        found: dict[str, Any] = (await api.get(f"/v1/operations/{operation['id']}")).json()
        return None if found["state"] == "running" else found

    found = await eventually_async(ended, what="the operation ends")
    assert found is not None
    return found


async def test_a_queue_is_forgotten_once_it_is_empty(api: Api) -> None:
    await _put(api, priority=7)
    job = await api.leased()
    early = await api.http.delete("/v1/queues/default")
    assert (early.status_code, early.json()["code"]) == (409, "queue_not_empty")
    assert "1 job that has not ended" in early.json()["detail"]
    await api.post(f"/v1/jobs/{job['id']}/ack", {"token": job["token"]})
    gone = await api.http.delete("/v1/queues/default")
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await api.get("/v1/queues/default")).json()["settings"] == {}
