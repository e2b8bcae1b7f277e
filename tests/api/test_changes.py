"""What is done to one job by others than its worker: cancel, retry, patch, delete."""

from typing import Any

import pytest

from tests.api.conftest import Api

pytestmark = pytest.mark.anyio

UNKNOWN_ID = "019a0000-0000-7000-8000-000000000000"
ERROR = {"type": "ValueError", "message": "no"}
VERBS: list[tuple[str, dict[str, Any]]] = [
    ("ack", {"result": 1}),
    ("nack", {"error": ERROR}),
    ("release", {}),
    ("snooze", {"delay_ms": 60_000}),
    ("extend", {}),
]


async def _settle(api: Api, job: dict[str, Any], verb: str, **more: Any) -> dict[str, Any]:
    reply = await api.post(f"/v1/jobs/{job['id']}/{verb}", {"token": job["token"], **more})
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


async def _dead(api: Api, **fields: Any) -> dict[str, Any]:
    job = await api.leased(**fields)
    await _settle(api, job, "nack", error=ERROR, retryable=False)
    return job


async def _read(api: Api, job: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (await api.get(f"/v1/jobs/{job['id']}")).json()
    return found


async def test_cancel_ends_a_job_that_nobody_holds(api: Api) -> None:
    job = await api.enqueue()
    reply = await api.post(f"/v1/jobs/{job['id']}/cancel", {"reason": "typo"})
    assert (reply.status_code, reply.json()["state"], reply.json()["reason"]) == (200, "cancelled", "typo")
    again = await api.http.post(f"/v1/jobs/{job['id']}/cancel")
    assert (again.status_code, again.json()["reason"]) == (200, "typo")
    assert await api.lease() == []


async def test_cancel_asks_the_holder_and_says_202(api: Api) -> None:
    job = await api.leased()
    path = f"/v1/jobs/{job['id']}/cancel"
    asked = await api.post(path, {"reason": "first"})
    assert (asked.status_code, asked.json()["state"], asked.json()["cancel_requested"]) == (202, "leased", True)
    again = await api.post(path, {"reason": "second"})
    assert (again.status_code, again.json()["state"]) == (202, "leased")
    assert (await _settle(api, job, "nack", error=ERROR))["state"] == "cancelled"
    ended = await _read(api, job)
    assert (ended["state"], ended["reason"], "cancel_requested" in ended) == ("cancelled", "first", False)


async def test_g20_a_holder_hears_of_a_cancel_from_its_heartbeat_and_its_extend(api: Api) -> None:
    job = await api.leased()
    assert "cancel_requested" not in await _settle(api, job, "extend")
    await api.post(f"/v1/jobs/{job['id']}/cancel", {})
    assert (await _settle(api, job, "extend"))["cancel_requested"] is True
    lease = {"job_id": job["id"], "token": job["token"], "extend_ms": 120_000}
    [kept] = (await api.post("/v1/workers/w/heartbeat", {"leases": [lease]})).json()["leases"]
    assert kept["status"] == "cancel_requested"
    assert kept["deadline"] > job["deadline"]


async def test_an_ack_wins_over_a_request_to_cancel(api: Api) -> None:
    job = await api.leased()
    await api.post(f"/v1/jobs/{job['id']}/cancel", {})
    assert (await _settle(api, job, "ack", result=1))["state"] == "succeeded"


@pytest.mark.parametrize(("verb", "body"), VERBS)
async def test_a_hard_cancel_ends_the_lease_at_once(api: Api, verb: str, body: dict[str, Any]) -> None:
    job = await api.leased()
    reply = await api.post(f"/v1/jobs/{job['id']}/cancel", {"mode": "hard", "reason": "stop"})
    assert (reply.status_code, reply.json()["state"], reply.json()["reason"]) == (200, "cancelled", "stop")
    late = await api.post(f"/v1/jobs/{job['id']}/{verb}", {"token": job["token"], **body})
    assert (late.status_code, late.json()["code"], late.json()["state"]) == (409, "job_cancelled", "cancelled")
    assert late.json()["job_id"] == job["id"]
    if verb != "extend":
        item = {"op": verb, "job_id": job["id"], "token": job["token"], **body}
        [outcome] = (await api.post("/v1/completions", {"items": [item]})).json()["items"]
        assert (outcome["status"], outcome["state"]) == ("job_cancelled", "cancelled")


async def test_cancel_says_why_not(api: Api) -> None:
    job = await api.leased()
    await _settle(api, job, "ack")
    final = await api.post(f"/v1/jobs/{job['id']}/cancel", {})
    assert (final.status_code, final.json()["code"], final.json()["state"]) == (409, "job_final", "succeeded")
    assert (await api.post(f"/v1/jobs/{UNKNOWN_ID}/cancel", {})).status_code == 404


async def test_a_reason_has_a_bound_and_a_mode_its_words(api: Api) -> None:
    job = await api.enqueue()
    path = f"/v1/jobs/{job['id']}/cancel"
    faulty = await api.post(path, {"reason": "x" * 201, "mode": "rude"})
    assert [fault["pointer"] for fault in faulty.json()["errors"]] == ["/reason", "/mode"]
    assert (await api.post(path, {"reason": "x" * 200})).status_code == 200


async def test_a_retry_opens_another_run_of_a_dead_job(api: Api) -> None:
    job = await _dead(api)
    reply = await api.http.post(f"/v1/jobs/{job['id']}/retry")
    assert reply.status_code == 200
    found = reply.json()
    assert (found["state"], found["run"], found["attempt"], found["delivery"]) == ("ready", 2, 1, 0)
    assert found["error"] == ERROR
    [again] = await api.lease()
    assert (again["id"], again["attempt"]) == (job["id"], 1)
    assert again["fence"] > job["fence"]


async def test_a_retry_goes_to_another_queue_of_the_group(api: Api) -> None:
    job = await _dead(api)
    path = f"/v1/jobs/{job['id']}/retry"
    foreign = await api.post(path, {"queue": "other"})
    assert (foreign.status_code, foreign.json()["code"]) == (422, "other_group")
    assert foreign.json()["errors"][0]["pointer"] == "/queue"
    assert (await api.post(path, {"queue": "default.slow"})).json()["queue"] == "default.slow"


async def test_only_a_dead_job_is_retried(api: Api) -> None:
    job = await api.enqueue()
    reply = await api.post(f"/v1/jobs/{job['id']}/retry", {})
    assert (reply.status_code, reply.json()["code"], reply.json()["state"]) == (409, "job_not_dead", "ready")
    assert (await api.post(f"/v1/jobs/{UNKNOWN_ID}/retry", {})).status_code == 404


async def test_a_retry_meets_the_job_that_has_its_unique_key(api: Api) -> None:
    unique = {"key": "k", "on_conflict": "reject"}
    job = await _dead(api, unique=unique)
    holder = await api.enqueue(unique=unique)
    reply = await api.post(f"/v1/jobs/{job['id']}/retry", {})
    assert (reply.status_code, reply.json()["code"], reply.json()["job_id"]) == (409, "unique_conflict", holder["id"])


async def test_a_patch_changes_what_it_names(api: Api) -> None:
    job = await api.enqueue(priority=5)
    path = f"/v1/jobs/{job['id']}"
    before = (await api.get(path)).headers["etag"]
    later = await api.http.patch(path, json={"run_at": "2099-01-02T03:04:05.678Z", "priority": 7})
    assert (later.status_code, later.json()["state"], later.json()["priority"]) == (200, "scheduled", 7)
    assert later.json()["run_at"] == "2099-01-02T03:04:05.678Z"
    now = await api.http.patch(path, json={"delay_ms": 0, "queue": "default.fast"})
    assert (now.json()["state"], now.json()["queue"], now.json()["priority"]) == ("ready", "default.fast", 7)
    assert (await api.get(path)).headers["etag"] != before
    assert [each["id"] for each in await api.lease(queues=["default.fast"])] == [job["id"]]


async def test_a_patch_says_why_not(api: Api) -> None:
    job = await api.leased()
    path = f"/v1/jobs/{job['id']}"
    held = await api.http.patch(path, json={"priority": 1})
    assert (held.status_code, held.json()["code"], held.json()["state"]) == (409, "job_leased", "leased")
    await _settle(api, job, "ack")
    assert (await api.http.patch(path, json={"priority": 1})).json()["code"] == "job_final"
    assert (await api.http.patch(f"/v1/jobs/{UNKNOWN_ID}", json={"priority": 1})).status_code == 404
    waiting = await api.enqueue()
    foreign = await api.http.patch(f"/v1/jobs/{waiting['id']}", json={"queue": "elsewhere"})
    assert (foreign.status_code, foreign.json()["code"]) == (422, "other_group")


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, [""]),
        ({"delay_ms": 1, "run_at": "2099-01-01T00:00:00Z"}, ["/run_at"]),
        ({"priority": 256, "queue": "a b", "task": "u"}, ["/task", "/priority", "/queue"]),
    ],
)
async def test_a_patch_lists_its_faults(api: Api, body: dict[str, Any], pointers: list[str]) -> None:
    job = await api.enqueue()
    reply = await api.http.patch(f"/v1/jobs/{job['id']}", json=body)
    assert reply.status_code == 422
    assert [fault["pointer"] for fault in reply.json()["errors"]] == pointers


async def test_a_delete_removes_the_record_of_an_ended_job(api: Api) -> None:
    job = await api.leased()
    path = f"/v1/jobs/{job['id']}"
    early = await api.http.delete(path)
    assert (early.status_code, early.json()["code"], early.json()["state"]) == (409, "job_not_final", "leased")
    await _settle(api, job, "ack")
    gone = await api.http.delete(path)
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await api.get(path)).status_code == 404
    assert (await api.http.delete(path)).status_code == 404
