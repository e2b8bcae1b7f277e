"""Prefer: replies with no more than their client has a use for."""

import pytest
from headrace._grants import read_grant

from tests.api.conftest import Api

pytestmark = pytest.mark.anyio


async def test_a_receipt_is_all_that_a_producer_may_want(api: Api) -> None:
    reply = await api.post("/v1/jobs", {"task": "t", "payload": [1]}, prefer="return=minimal")
    receipt = reply.json()
    assert (reply.status_code, reply.headers["preference-applied"]) == (201, "return=minimal")
    assert receipt == {"id": reply.headers["location"].rpartition("/")[2], "state": "ready"}
    assert (await api.get(f"/v1/jobs/{receipt['id']}")).json()["payload"] == [1]


async def test_a_receipt_tells_what_became_of_a_job_that_others_were_in_the_way_of(api: Api) -> None:
    first = (await api.post("/v1/jobs", {"task": "t"}, prefer="return=minimal", idempotency_key="k")).json()
    again = (await api.post("/v1/jobs", {"task": "t"}, prefer="return=minimal", idempotency_key="k")).json()
    assert again == {**first, "deduplicated": True}
    body = {"task": "t", "delay_ms": 60_000, "unique": {"key": "k", "on_conflict": "replace"}}
    [_, replacing] = [(await api.post("/v1/jobs", body, prefer="return=minimal")).json() for _ in range(2)]
    assert (replacing["state"], replacing["replaced"]) == ("scheduled", True)


async def test_preferences_come_together(api: Api) -> None:
    api.engine.drain()  # nothing waits
    reply = await api.post("/v1/jobs", {"task": "t"}, prefer='foo; bar, Return="minimal"; now, wait=7')
    assert (reply.status_code, reply.headers["preference-applied"]) == (202, "wait=7, return=minimal")
    assert reply.json().keys() == {"id", "state"}


async def test_of_a_preference_that_comes_twice_the_first_counts(api: Api) -> None:
    reply = await api.post("/v1/jobs", {"task": "t"}, prefer="return=representation, return=minimal")
    assert (reply.json()["task"], "preference-applied" in reply.headers) == ("t", False)


async def test_a_batch_tells_ids_and_what_went_otherwise(api: Api) -> None:
    jobs = [{"task": "t"}, {"task": "!"}, {"task": "t", "delay_ms": 60_000}, {"task": "t"}]
    reply = await api.post("/v1/jobs/batch", {"jobs": jobs, "atomic": False}, prefer="return=minimal")
    told = reply.json()
    assert (reply.headers["preference-applied"], told["state"], told["ids"][1]) == ("return=minimal", "ready", "")
    faulty, later = told["results"]
    assert (faulty["index"], faulty["status"], faulty["problem"]["code"]) == (1, 422, "invalid_request")
    assert faulty["problem"]["errors"][0]["pointer"] == "/jobs/1/task"
    assert later == {"index": 2, "status": 201, "job": {"id": told["ids"][2], "state": "scheduled"}}
    states = [(await api.get(f"/v1/jobs/{job_id}")).json()["state"] for job_id in told["ids"] if job_id]
    assert states == ["ready", "scheduled", "ready"]


async def test_a_batch_that_waits_says_so_once(api: Api) -> None:
    body = {"defaults": {"task": "t", "delay_ms": 60_000}, "jobs": [{}, {}, {"delay_ms": 0}]}
    told = (await api.post("/v1/jobs/batch", body, prefer="return=minimal")).json()
    assert (told["state"], [(result["index"], result["job"]["state"]) for result in told["results"]]) == (
        "scheduled",
        [(2, "ready")],
    )


async def test_an_atomic_batch_tells_which_jobs_are_others(api: Api) -> None:
    first = (await api.post("/v1/jobs", {"task": "t", "unique": {"key": "k"}})).json()
    body = {"jobs": [{"task": "t"}, {"task": "t", "unique": {"key": "k"}}]}
    reply = await api.post("/v1/jobs/batch", body, prefer="return=minimal", idempotency_key="i")
    told = reply.json()
    assert (reply.status_code, told["ids"][1]) == (201, first["id"])
    assert told["results"] == [{"index": 1, "status": 200, "job": {**_receipt(first), "deduplicated": True}}]
    again = await api.post("/v1/jobs/batch", body, prefer="return=minimal", idempotency_key="i")
    assert (again.status_code, again.json()["ids"]) == (200, told["ids"])
    assert [result["status"] for result in again.json()["results"]] == [200, 200]


def _receipt(job: dict[str, str]) -> dict[str, str]:
    return {"id": job["id"], "state": job["state"]}


async def test_who_prefers_little_is_told_of_settles_only_what_is_news(api: Api) -> None:
    held = [await api.leased() for _ in range(5)]
    proof = [{"job_id": job["id"], "token": job["token"]} for job in held]
    await api.post(f"/v1/jobs/{held[4]['id']}/ack", {"token": held[4]["token"]})
    items = [
        {"op": "ack", **proof[0]},
        {"op": "nack", **proof[1], "error": {"type": "E", "message": "m"}, "retryable": False},
        {"op": "snooze", **proof[2], "delay_ms": 60_000},
        {"op": "release", **proof[3]},
        {"op": "ack", **proof[4]},
        {"op": "ack"},
    ]
    reply = await api.post("/v1/leases", {"queues": ["other"], "complete": items}, prefer="return=minimal")
    told = [(item["index"], item["status"], item.get("state")) for item in reply.json()["completed"]]
    assert told == [(1, "ok", "dead"), (4, "repeated", "succeeded"), (5, "invalid", None)]
    assert reply.headers["preference-applied"] == "return=minimal"
    states = [(await api.get(f"/v1/jobs/{job['id']}")).json()["state"] for job in held]
    assert states == ["succeeded", "dead", "scheduled", "ready", "succeeded"]


async def test_a_settle_of_a_job_that_shall_end_is_news(api: Api) -> None:
    job = await api.leased()
    await api.post(f"/v1/jobs/{job['id']}/cancel", {})
    released = {"op": "release", "job_id": job["id"], "token": job["token"]}
    reply = await api.post("/v1/completions", {"items": [released]}, prefer="return=minimal")
    assert [(item["index"], item["state"]) for item in reply.json()["items"]] == [(0, "cancelled")]
    again = await api.post("/v1/completions", {"items": [released]})
    assert "index" not in again.json()["items"][0]


async def test_of_leased_jobs_that_are_alike_only_the_first_says_it_all(api: Api) -> None:
    jobs = [
        {"payload": 1},
        {"payload": [2], "meta": {"k": 1}},
        {},
        {"task": "u"},
        {"task": "u"},
        {"task": "u", "priority": 9},
    ]
    batch = await api.post("/v1/jobs/batch", {"defaults": {"task": "t", "max_runtime_ms": 60_000}, "jobs": jobs[:3]})
    assert batch.status_code == 201
    assert (await api.post("/v1/jobs/batch", {"jobs": jobs[3:]})).status_code == 201
    ask = {"queues": ["default"], "max": 10, "worker": {"id": "w"}}
    brief = await api.post("/v1/leases", ask, prefer="return=minimal", idempotency_key="k")
    told = brief.json()["jobs"]
    assert [job.get("task") for job in told] == ["t", None, None, "u", None, "u"]
    assert [job.keys() - {"id", "token"} for job in told if "task" not in job] == [
        {"payload", "meta"},
        {"payload"},
        {"payload"},
    ]
    full = await api.post("/v1/leases", ask, idempotency_key="k")
    assert read_grant(told) == read_grant(full.json()["jobs"])
    assert [job.max_runtime_ms for job in read_grant(told)] == [60_000, 60_000, 60_000, None, None, None]


async def test_jobs_that_are_alike_may_have_payloads_of_any_kind(api: Api) -> None:
    payloads = [{"payload": b"\x00"}, {"payload_raw": b"\x01", "payload_type": "image/png"}, {"payload": {1: 2}}]
    await api.post_msgpack("/v1/jobs/batch", {"defaults": {"task": "t"}, "jobs": payloads})
    ask = {"queues": ["default"], "max": 10, "worker": {"id": "w"}}
    brief = await api.post("/v1/leases", ask, prefer="return=minimal", idempotency_key="k")
    full = await api.post("/v1/leases", ask, idempotency_key="k")
    assert ["task" in job for job in brief.json()["jobs"]] == [True, False, False]
    assert read_grant(brief.json()["jobs"]) == read_grant(full.json()["jobs"])
