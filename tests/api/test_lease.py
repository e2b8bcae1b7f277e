"""POST /v1/leases."""

import asyncio

import msgpack
import pytest

from tests.api.conftest import Api

pytestmark = pytest.mark.anyio


async def test_a_lease_hands_over_what_a_worker_needs(api: Api) -> None:
    made = await api.enqueue(payload={"a": 1}, meta={"tenant": 7})
    reply = await api.post("/v1/leases", {"queues": ["default"], "worker": {"id": "host-1:7"}})
    assert reply.status_code == 200
    [job] = reply.json()["jobs"]
    assert set(reply.json()) == {"jobs", "completed", "directive", "server_time"}
    assert len(bytes.fromhex(job.pop("token"))) == 16
    assert job.pop("deadline") > reply.json()["server_time"]
    assert job.pop("fence") > 0
    assert job == {
        "id": made["id"],
        "task": "t",
        "queue": "default",
        "priority": 100,
        "attempt": 1,
        "delivery": 1,
        "max_attempts": 3,
        "enqueued_at": made["enqueued_at"],
        "payload": {"a": 1},
        "meta": {"tenant": 7},
    }
    assert (await api.get(f"/v1/jobs/{made['id']}")).json()["worker"] == "host-1:7"


async def test_nothing_there_is_an_empty_list(api: Api) -> None:
    assert await api.lease() == []


async def test_a_poll_is_answered_by_the_job_that_comes(api: Api) -> None:
    polling = asyncio.create_task(api.lease(wait_ms=20_000))
    await asyncio.sleep(0)
    made = await api.enqueue()
    [job] = await asyncio.wait_for(polling, 5)
    assert job["id"] == made["id"]


async def test_g27_a_poll_ends_in_time(api: Api) -> None:
    begun = asyncio.get_running_loop().time()
    assert await api.lease(wait_ms=300) == []
    assert 0.3 <= asyncio.get_running_loop().time() - begun < 1.3


async def test_settling_and_leasing_in_one_request(api: Api) -> None:
    first = await api.leased(payload=1)
    await api.enqueue(payload=2)
    done = {"op": "ack", "job_id": first["id"], "token": first["token"], "result": None}
    reply = await api.post("/v1/leases", {"queues": ["default"], "complete": [done], "wait_ms": 10_000})
    [outcome] = reply.json()["completed"]
    assert (outcome["job_id"], outcome["status"], outcome["state"]) == (first["id"], "ok", "succeeded")
    assert [job["payload"] for job in reply.json()["jobs"]] == [2]


async def test_a_request_that_settles_never_parks(api: Api) -> None:
    job = await api.leased()
    done = {"op": "ack", "job_id": job["id"], "token": job["token"]}
    reply = await asyncio.wait_for(
        api.post("/v1/leases", {"queues": ["default"], "complete": [done], "wait_ms": 30_000}), 2
    )
    assert reply.json()["jobs"] == []


async def test_faulty_completions_are_invalid_by_themselves(api: Api) -> None:
    job = await api.leased()
    items = [
        {"op": "ack", "job_id": job["id"], "token": "short"},
        {"op": "dance", "job_id": job["id"]},
        7,
        {"op": "ack", "job_id": "no-id", "token": job["token"]},
        {"op": "ack", "job_id": job["id"], "token": job["token"]},
    ]
    reply = await api.post("/v1/leases", {"queues": ["default"], "complete": items})
    assert reply.status_code == 200
    completed = reply.json()["completed"]
    assert [item["status"] for item in completed] == ["invalid", "invalid", "invalid", "invalid", "ok"]
    assert completed[0]["errors"][0]["pointer"] == "/complete/0/token"
    assert completed[3]["errors"][0]["pointer"] == "/complete/3/job_id"
    assert [item["job_id"] for item in completed] == [job["id"], job["id"], "", "no-id", job["id"]]


async def test_g9_a_lease_repeated_with_its_key_is_the_same_lease(api: Api) -> None:
    await api.enqueue(payload=1)
    await api.enqueue(payload=2)
    body = {"queues": ["default"], "worker": {"id": "w"}}
    first = await api.post("/v1/leases", body, idempotency_key="k")
    again = await api.post("/v1/leases", body, idempotency_key="k")
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json()["jobs"] == first.json()["jobs"]


async def test_a_key_without_a_worker_is_a_fault(api: Api) -> None:
    reply = await api.post("/v1/leases", {"queues": ["default"]}, idempotency_key="k")
    assert (reply.status_code, reply.json()["errors"][0]["pointer"]) == (422, "/worker")


async def test_all_faults_of_a_lease_are_listed(api: Api) -> None:
    body = {"queues": ["a b", "ok", 3], "max": 0, "wait_ms": 30_001, "lease_ms": 999, "worker": {"pid": 1}, "x": 1}
    reply = await api.post("/v1/leases", body)
    assert {fault["pointer"] for fault in reply.json()["errors"]} == {
        "/queues/0",
        "/queues/2",
        "/max",
        "/wait_ms",
        "/lease_ms",
        "/worker/id",
        "/worker/pid",
        "/x",
    }


@pytest.mark.parametrize(("count", "status"), [(0, 422), (64, 200), (65, 422)])
async def test_a_lease_names_1_to_64_queues(api: Api, count: int, status: int) -> None:
    assert (await api.post("/v1/leases", {"queues": [f"q{n}" for n in range(count)]})).status_code == status


async def test_jobs_of_one_reply_share_only_what_is_the_same(api: Api) -> None:
    asked = [
        {"task": "a", "payload": 1},
        {"task": "a", "payload": 2},
        {"task": "b", "payload": 3, "max_runtime_ms": 60_000},
        {"task": "a", "payload": 4, "priority": 90},
        {"task": "a", "payload": 5, "priority": 80, "retry": {"max_attempts": 7}},
    ]
    made = [await api.enqueue(**job) for job in asked]
    jobs = (await api.post("/v1/leases", {"queues": ["default"], "max": 9})).json()["jobs"]
    shown = ("id", "task", "payload", "priority", "max_attempts", "max_runtime_ms", "enqueued_at")
    assert [{name: job[name] for name in shown if name in job} for job in jobs] == [
        {name: job[name] for name in shown if name in job} for job in made
    ]
    assert len({job["token"] for job in jobs}) == len(jobs)


async def test_a_payload_that_msgpack_cannot_hold_leaves_the_others_as_they_are(api: Api) -> None:
    for payload in ([1], 2**70, {"a": 2}):
        await api.enqueue(payload=payload)
    reply = await api.post_msgpack("/v1/leases", {"queues": ["default"], "max": 3})
    first, second, third = msgpack.unpackb(reply.content)["jobs"]
    assert (first["payload"], third["payload"]) == ([1], {"a": 2})
    assert (second["payload_raw"], second["payload_type"]) == (str(2**70).encode(), "application/json")


async def test_msgpack_leases(api: Api) -> None:
    await api.enqueue(payload={"a": [1.5, None]}, meta={"k": "v"})
    reply = await api.post_msgpack("/v1/leases", {"queues": ["default"]})
    [job] = msgpack.unpackb(reply.content)["jobs"]
    assert (job["payload"], job["meta"]) == ({"a": [1.5, None]}, {"k": "v"})


async def test_a_poll_is_answered_empty_when_the_server_drains(api: Api) -> None:
    polling = asyncio.create_task(api.lease(wait_ms=30_000))
    await asyncio.sleep(0.05)
    api.engine.drain()
    assert await asyncio.wait_for(polling, 2) == []
