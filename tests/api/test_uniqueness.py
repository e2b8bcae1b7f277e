"""Unique jobs over HTTP: what a second one is answered, alone and in batches."""

from typing import Any

import pytest

from tests.api.conftest import Api

pytestmark = pytest.mark.anyio

REJECT = {"key": "k", "on_conflict": "reject"}
RETURN = {"key": "k"}
REPLACE = {"key": "k", "on_conflict": "replace"}


async def test_the_job_that_is_there_is_returned(api: Api) -> None:
    first = await api.enqueue(unique=RETURN, payload=1)
    reply = await api.post("/v1/jobs", {"task": "t", "unique": RETURN, "payload": 2})
    assert (reply.status_code, reply.headers["x-durability"]) == (200, "fsync")
    assert reply.headers["location"] == f"/v1/jobs/{first['id']}"
    assert "idempotency-replayed" not in reply.headers
    assert reply.json() == {**first, "deduplicated": True}


async def test_a_job_in_the_way_refuses_and_is_named(api: Api) -> None:
    first = await api.enqueue(unique=REJECT)
    reply = await api.post("/v1/jobs", {"task": "t", "unique": REJECT})
    assert (reply.status_code, reply.json()["code"], reply.json()["job_id"]) == (409, "unique_conflict", first["id"])
    assert reply.json()["errors"] == [{"pointer": "/unique", "detail": f"is held by the job {first['id']}"}]


async def test_a_job_that_waits_takes_over_the_new_one(api: Api) -> None:
    first = await api.enqueue(unique=REPLACE, payload=1, priority=5)
    reply = await api.post("/v1/jobs", {"task": "u", "unique": REPLACE, "payload": 2, "delay_ms": 60_000})
    assert (reply.status_code, reply.json()["replaced"]) == (200, True)
    found = (await api.get(f"/v1/jobs/{first['id']}")).json()
    assert {**found, "replaced": True} == reply.json()
    assert (found["task"], found["payload"], found["state"], found["priority"]) == ("u", 2, "scheduled", 100)
    assert found["enqueued_at"] == first["enqueued_at"]


async def test_a_job_that_was_started_is_not_replaced(api: Api) -> None:
    job = await api.leased(unique=REPLACE)
    reply = await api.post("/v1/jobs", {"task": "t", "unique": REPLACE})
    assert (reply.status_code, reply.json()["job_id"]) == (409, job["id"])


async def test_waiting_for_a_duplicate_waits_for_the_job_that_is_there(api: Api) -> None:
    job = await api.leased(unique=RETURN)
    await api.post(f"/v1/jobs/{job['id']}/ack", {"token": job["token"], "result": 5})
    ttl = {"key": "l", "until": "ttl", "ttl_ms": 60_000}
    done = await api.leased(unique=ttl)
    await api.post(f"/v1/jobs/{done['id']}/ack", {"token": done["token"], "result": 6})
    reply = await api.post("/v1/jobs?wait=20", {"task": "t", "unique": ttl})
    assert (reply.status_code, reply.json()["result"], reply.json()["deduplicated"]) == (200, 6, True)


async def test_a_duplicate_of_a_job_that_is_gone_is_only_its_id(api: Api) -> None:
    ttl = {"key": "k", "until": "ttl", "ttl_ms": 60_000}
    job = await api.leased(unique=ttl)
    await api.post(f"/v1/jobs/{job['id']}/ack", {"token": job["token"]})
    assert (await api.http.delete(f"/v1/jobs/{job['id']}")).status_code == 204
    reply = await api.post("/v1/jobs", {"task": "t", "unique": ttl})
    assert (reply.status_code, reply.json()) == (200, {"id": job["id"], "state": "gone", "deduplicated": True})


async def test_an_atomic_batch_points_at_the_jobs_in_the_way(api: Api) -> None:
    first = await api.enqueue(unique=REJECT)
    jobs: list[dict[str, Any]] = [{"task": "a"}, {"task": "b", "unique": REJECT}]
    reply = await api.post("/v1/jobs/batch", {"jobs": jobs})
    assert (reply.status_code, reply.json()["code"], reply.json()["job_id"]) == (409, "unique_conflict", first["id"])
    assert [fault["pointer"] for fault in reply.json()["errors"]] == ["/jobs/1/unique"]
    assert [job["id"] for job in await api.lease(max=10)] == [first["id"]]


async def test_an_atomic_batch_shares_and_replaces_like_single_jobs(api: Api) -> None:
    shared, replaced = await api.enqueue(unique=RETURN), await api.enqueue(unique={**REPLACE, "key": "l"})
    jobs = [
        {"task": "new"},
        {"task": "t", "unique": RETURN},
        {"task": "t", "unique": {**REPLACE, "key": "l"}, "payload": 7},
        {"task": "t", "unique": {"key": "m"}},
        {"task": "t", "unique": {"key": "m"}},
    ]
    reply = await api.post("/v1/jobs/batch", {"jobs": jobs})
    assert reply.status_code == 201
    new, same, over, first, second = reply.json()["jobs"]
    assert (same["id"], same["deduplicated"]) == (shared["id"], True)
    assert (over["id"], over["replaced"], over["payload"]) == (replaced["id"], True, 7)
    assert (second["id"], second["deduplicated"], "deduplicated" in first) == (first["id"], True, False)
    assert len({new["id"], first["id"], shared["id"], replaced["id"]}) == 4


async def test_a_batch_that_makes_nothing_new_is_200(api: Api) -> None:
    await api.enqueue(unique=RETURN)
    assert (await api.post("/v1/jobs/batch", {"jobs": [{"task": "t", "unique": RETURN}]})).status_code == 200


async def test_each_job_of_a_plain_batch_has_its_own_answer(api: Api) -> None:
    first = await api.enqueue(unique=REJECT)
    jobs = [
        {"task": "t", "unique": REJECT},
        {"task": "t", "unique": RETURN},
        {"task": "t", "unique": REPLACE},
        {"task": "t", "weight": 2},
        {"task": "t"},
    ]
    results = (await api.post("/v1/jobs/batch", {"jobs": jobs, "atomic": False})).json()["results"]
    assert [result["status"] for result in results] == [409, 200, 200, 422, 201]
    assert results[0]["problem"]["errors"][0]["pointer"] == "/jobs/0/unique"
    assert [results[1]["job"]["id"], results[2]["job"]["id"]] == [first["id"]] * 2
    assert results[2]["job"]["replaced"] is True
    assert results[3]["problem"]["errors"] == [{"pointer": "/jobs/3/weight", "detail": "needs fairness_key"}]


async def test_what_one_field_needs_may_come_from_the_defaults(api: Api) -> None:
    jobs = [{"task": "t", "fairness_key": "a"}, {"task": "t", "fairness_key": "b", "weight": 2}]
    reply = await api.post("/v1/jobs/batch", {"defaults": {"weight": 3}, "jobs": jobs})
    assert [job["weight"] for job in reply.json()["jobs"]] == [3, 2]
    lacking = await api.post("/v1/jobs/batch", {"defaults": {"weight": 3}, "jobs": [*jobs, {"task": "t"}]})
    assert [fault["pointer"] for fault in lacking.json()["errors"]] == ["/jobs/2/weight"]


async def test_a_repeated_request_finds_its_job_and_not_its_key(api: Api) -> None:
    body = {"task": "t", "unique": REJECT}
    first = await api.post("/v1/jobs", body, idempotency_key="i")
    again = await api.post("/v1/jobs", body, idempotency_key="i")
    assert (first.status_code, again.status_code) == (201, 200)
    assert (again.json()["id"], again.headers["idempotency-replayed"]) == (first.json()["id"], "true")
