"""Ack, nack, release, snooze and extend of one job; completions and heartbeats of many."""

from typing import Any

import msgpack
import pytest

from tests.api.conftest import Api
from tests.support.waiting import eventually_async

pytestmark = pytest.mark.anyio

ERROR = {"type": "ValueError", "message": "no", "stack": "...", "details": {"n": 1}}
UNKNOWN_ID = "019a0000-0000-7000-8000-000000000000"
BODIES: list[tuple[str, dict[str, Any], str]] = [
    ("ack", {"result": [1]}, "succeeded"),
    ("nack", {"error": ERROR}, "retrying"),
    ("nack", {"error": ERROR, "retryable": False}, "dead"),
    ("release", {"reason": "later"}, "ready"),
    ("snooze", {"delay_ms": 60_000}, "scheduled"),
    ("extend", {"lease_ms": 60_000}, "leased"),
]


@pytest.mark.parametrize(("verb", "body", "state"), BODIES)
async def test_a_settle_says_what_became_of_the_job(api: Api, verb: str, body: dict[str, Any], state: str) -> None:
    job = await api.leased()
    reply = await api.post(f"/v1/jobs/{job['id']}/{verb}", {"token": job["token"], **body})
    assert reply.status_code == 200
    found = reply.json()
    assert (found["job_id"], found["status"], found["state"]) == (job["id"], "ok", state)
    assert found["server_time"]
    assert ("run_at" in found) == (state in ("retrying", "scheduled"))
    assert ("deadline" in found) == (state == "leased")
    assert (await api.get(f"/v1/jobs/{job['id']}")).json()["state"] == state


@pytest.mark.parametrize(("verb", "body", "state"), BODIES)
async def test_g6_a_foreign_token_changes_nothing(api: Api, verb: str, body: dict[str, Any], state: str) -> None:
    job = await api.leased()
    reply = await api.post(f"/v1/jobs/{job['id']}/{verb}", {"token": "0" * 32, **body})
    assert (reply.status_code, reply.json()["code"], reply.json()["state"]) == (409, "lease_lost", "leased")
    assert reply.json()["job_id"] == job["id"]
    assert (await api.get(f"/v1/jobs/{job['id']}")).json()["state"] == "leased"


@pytest.mark.parametrize("job_id", [UNKNOWN_ID, "x", "019A0000-0000-7000-8000-000000000000"])
@pytest.mark.parametrize(("verb", "body", "state"), BODIES)
async def test_an_unknown_job_is_404(api: Api, verb: str, body: dict[str, Any], state: str, job_id: str) -> None:
    reply = await api.post(f"/v1/jobs/{job_id}/{verb}", {"token": "0" * 32, **body})
    assert (reply.status_code, reply.json()["code"]) == (404, "not_found")


async def test_a_discarded_job_is_dead_and_then_gone(api: Api) -> None:
    job = await api.leased(retry={"max_attempts": 9})
    body = {"token": job["token"], "error": ERROR, "retry_in_ms": 5, "discard": True}
    found = (await api.post(f"/v1/jobs/{job['id']}/nack", body)).json()
    assert (found["status"], found["state"], "run_at" in found) == ("ok", "dead", False)

    async def is_gone() -> bool:
        return (await api.get(f"/v1/jobs/{job['id']}")).status_code == 404

    await eventually_async(is_gone)


async def test_g7_a_repeated_settle_is_repeated(api: Api) -> None:
    job = await api.leased()
    path, body = f"/v1/jobs/{job['id']}/ack", {"token": job["token"], "result": 1}
    assert (await api.post(path, body)).json()["status"] == "ok"
    for _ in range(3):
        again = await api.post(path, {**body, "result": 2})
        assert (again.status_code, again.json()["status"], again.json()["state"]) == (200, "repeated", "succeeded")
    assert (await api.get(f"/v1/jobs/{job['id']}")).json()["result"] == 1


@pytest.mark.parametrize("token", ["", "0" * 31, "0" * 33, "G" * 32, "A" * 32, "0" * 32 + "\n"])
async def test_a_malformed_token_is_a_fault(api: Api, token: str) -> None:
    job = await api.leased()
    reply = await api.post(f"/v1/jobs/{job['id']}/ack", {"token": token})
    assert (reply.status_code, reply.json()["errors"][0]["pointer"]) == (422, "/token")


async def test_the_error_of_a_nack_is_kept(api: Api) -> None:
    job = await api.leased()
    await api.post(f"/v1/jobs/{job['id']}/nack", {"token": job["token"], "error": ERROR})
    assert (await api.get(f"/v1/jobs/{job['id']}")).json()["error"] == ERROR


async def test_texts_of_an_error_are_cut_and_never_refused(api: Api) -> None:
    job = await api.leased()
    error = {"type": "T" * 300, "message": "m" * 5_000, "stack": "s" * 40_000 + "cause"}
    reply = await api.post(f"/v1/jobs/{job['id']}/nack", {"token": job["token"], "error": error})
    assert reply.status_code == 200
    kept = (await api.get(f"/v1/jobs/{job['id']}")).json()["error"]
    assert (len(kept["type"]), len(kept["message"]), len(kept["stack"])) == (200, 4_000, 32_000)
    assert kept["stack"].endswith("cause")


async def test_an_error_sent_in_msgpack_reads_as_json(api: Api) -> None:
    job = await api.leased()
    body = {"token": job["token"], "error": {"type": "T", "message": "m", "details": {"raw": b"\x00"}}}
    assert (await api.post_msgpack(f"/v1/jobs/{job['id']}/nack", body)).status_code == 200
    error = (await api.get(f"/v1/jobs/{job['id']}")).json()["error"]
    assert error["details"] == {"raw": {"$bin": "AA=="}}


@pytest.mark.parametrize("details", [b"[1]", b'{"n":1e999}', b'{"n":123456789012345678901234567890}'])
async def test_details_must_be_an_object_that_both_formats_can_hold(api: Api, details: bytes) -> None:
    job = await api.leased()
    error = b'{"type":"T","message":"m","details":' + details + b"}"
    body = b'{"token":"' + job["token"].encode() + b'","error":' + error + b"}"
    headers = {"content-type": "application/json"}
    reply = await api.http.post(f"/v1/jobs/{job['id']}/nack", content=body, headers=headers)
    assert (reply.status_code, reply.json()["errors"][0]["pointer"]) == (422, "/error/details")


async def test_completions_answer_each_item_in_order(api: Api) -> None:
    jobs = [await api.leased() for _ in range(4)]
    items = [
        {"op": "ack", "job_id": jobs[0]["id"], "token": jobs[0]["token"], "result": "r"},
        {"op": "nack", "job_id": jobs[1]["id"], "token": jobs[1]["token"], "error": {"type": "T"}},
        {"op": "release", "job_id": jobs[2]["id"], "token": jobs[2]["token"]},
        {"op": "snooze", "job_id": jobs[3]["id"], "token": jobs[3]["token"], "delay_ms": 60_000},
        {"op": "ack", "job_id": UNKNOWN_ID, "token": "0" * 32},
        {"op": "ack", "job_id": jobs[0]["id"], "token": jobs[0]["token"]},
    ]
    reply = await api.post("/v1/completions", {"items": items})
    found = reply.json()["items"]
    assert [item["status"] for item in found] == ["ok", "invalid", "ok", "ok", "not_found", "repeated"]
    assert [item.get("state") for item in found] == ["succeeded", None, "ready", "scheduled", None, "succeeded"]
    assert found[1]["errors"] == [{"pointer": "/items/1/error/message", "detail": "is missing"}]
    assert reply.json()["server_time"]


async def test_an_extend_is_no_completion(api: Api) -> None:
    job = await api.leased()
    item = {"op": "extend", "job_id": job["id"], "token": job["token"]}
    [found] = (await api.post("/v1/completions", {"items": [item]})).json()["items"]
    assert (found["status"], found["errors"][0]["pointer"]) == ("invalid", "/items/0/op")


async def test_completions_in_msgpack(api: Api) -> None:
    job = await api.leased()
    item = {"op": "ack", "job_id": job["id"], "token": job["token"], "result": {1: b"\x00"}}
    reply = await api.post_msgpack("/v1/completions", {"items": [item, {"op": "ack"}]})
    assert [found["status"] for found in msgpack.unpackb(reply.content)["items"]] == ["ok", "invalid"]
    stored = await api.get(f"/v1/jobs/{job['id']}/result")
    assert stored.headers["content-type"] == "application/msgpack"
    assert stored.content == msgpack.packb({1: b"\x00"})
    seen = (await api.get(f"/v1/jobs/{job['id']}")).json()
    assert (seen["result_type"], "result" in seen) == ("application/msgpack", False)


async def test_a_result_over_the_limit_is_refused_and_the_lease_lives(api: Api) -> None:
    job = await api.leased()
    reply = await api.post(f"/v1/jobs/{job['id']}/ack", {"token": job["token"], "result": "x" * 16 * 1024})
    assert (reply.status_code, reply.json()["code"]) == (413, "payload_too_large")
    assert (await api.get(f"/v1/jobs/{job['id']}")).json()["state"] == "leased"


async def test_a_heartbeat_extends_every_lease(api: Api) -> None:
    jobs = [await api.leased() for _ in range(2)]
    leases = [{"job_id": job["id"], "token": job["token"], "extend_ms": 120_000} for job in jobs]
    leases += [{"job_id": UNKNOWN_ID, "token": "0" * 32}, {"job_id": jobs[0]["id"], "token": "0" * 32}, {"job_id": 1}]
    reply = await api.post("/v1/workers/host:1/heartbeat", {"leases": leases})
    assert reply.status_code == 200
    found = reply.json()["leases"]
    assert [item["status"] for item in found] == ["ok", "ok", "not_found", "lease_lost", "invalid"]
    assert found[0]["deadline"] > jobs[0]["deadline"]
    assert found[4]["errors"][0]["pointer"].startswith("/leases/4/")


async def test_a_heartbeat_may_hold_nothing(api: Api) -> None:
    reply = await api.post("/v1/workers/w/heartbeat", {})
    assert (reply.status_code, reply.json()["leases"]) == (200, [])


async def test_a_worker_id_has_bounds(api: Api) -> None:
    assert (await api.post(f"/v1/workers/{'w' * 129}/heartbeat", {})).status_code == 404


async def test_settles_say_so_when_the_store_is_away(without_store: Api) -> None:
    item = {"op": "ack", "job_id": UNKNOWN_ID, "token": "0" * 32}
    reply = await without_store.post(f"/v1/jobs/{UNKNOWN_ID}/ack", {"token": "0" * 32})
    assert (reply.status_code, reply.json()["outcome"]) == (503, "not_done")
    many = await without_store.post("/v1/completions", {"items": [item]})
    assert many.status_code == 503
    await without_store.http.aclose()
