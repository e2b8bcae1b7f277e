"""GET /v1/jobs/{id} and its result; cancel."""

import asyncio
from typing import Any

import msgpack
import pytest
from headrace_server.domain.ids import parse_id

from tests.api.conftest import Api
from tests.support.stores import StoreProcess

pytestmark = pytest.mark.anyio

UNKNOWN_ID = "019a0000-0000-7000-8000-000000000000"


async def _ack(api: Api, job: dict[str, Any], **more: Any) -> None:
    reply = await api.post(f"/v1/jobs/{job['id']}/ack", {"token": job["token"], **more})
    assert reply.status_code == 200, reply.text


@pytest.mark.parametrize("job_id", [UNKNOWN_ID, "nonsense", "%F0%9F%98%80", UNKNOWN_ID.upper()])
@pytest.mark.parametrize("path", ["", "/result", "?wait=5", "/result?wait=5"])
async def test_an_unknown_job_is_404(api: Api, job_id: str, path: str) -> None:
    reply = await asyncio.wait_for(api.get(f"/v1/jobs/{job_id}{path}"), 2)
    assert (reply.status_code, reply.json()["code"]) == (404, "not_found")


async def test_an_etag_changes_with_the_job_and_only_then(api: Api) -> None:
    job = await api.enqueue()
    path = f"/v1/jobs/{job['id']}"
    etag = (await api.get(path)).headers["etag"]
    same = await api.get(path, if_none_match=etag)
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", etag)
    assert same.headers["vary"] == "accept"  # as the 200 has it (RFC 9110, 15.4.5)
    assert "content-length" not in same.headers
    await api.lease()
    changed = await api.get(path, if_none_match=etag)
    assert (changed.status_code, changed.json()["state"]) == (200, "leased")
    assert changed.headers["etag"] != etag


@pytest.mark.parametrize("etag", ['W/"1"', "*", '"x"', "", '"99999999999999999999999"', '"1", "2"'])
async def test_a_foreign_etag_matches_nothing(api: Api, etag: str) -> None:
    job = await api.enqueue(delay_ms=60_000)
    await api.enqueue()
    assert (await api.get(f"/v1/jobs/{job['id']}", if_none_match=etag)).status_code in (200, 304)


async def test_waiting_for_the_end(api: Api) -> None:
    job = await api.leased()
    waiting = asyncio.create_task(api.get(f"/v1/jobs/{job['id']}?wait=20"))
    await asyncio.sleep(0.05)
    await _ack(api, job, result=5)
    reply = await asyncio.wait_for(waiting, 5)
    assert (reply.json()["state"], reply.json()["result"]) == ("succeeded", 5)
    assert reply.headers["preference-applied"] == "wait=20"


async def test_waiting_for_any_change(api: Api) -> None:
    job = await api.enqueue()
    path = f"/v1/jobs/{job['id']}"
    etag = (await api.get(path)).headers["etag"]
    waiting = asyncio.create_task(api.get(path, if_none_match=etag, prefer="wait=20"))
    await asyncio.sleep(0.05)
    await api.lease()
    assert (await asyncio.wait_for(waiting, 5)).json()["state"] == "leased"


async def test_no_change_in_time_is_304(api: Api) -> None:
    job = await api.enqueue()
    path = f"/v1/jobs/{job['id']}"
    etag = (await api.get(path)).headers["etag"]
    assert (await api.get(f"{path}?wait=1", if_none_match=etag)).status_code == 304


async def test_the_result_is_the_bytes_of_the_worker(api: Api) -> None:
    job = await api.leased()
    body = b'{"token":"' + job["token"].encode() + b'","result":[1,  2.50]}'
    await api.http.post(f"/v1/jobs/{job['id']}/ack", content=body, headers={"content-type": "application/json"})
    reply = await api.get(f"/v1/jobs/{job['id']}/result")
    assert (reply.status_code, reply.content, reply.headers["content-type"]) == (200, b"[1,  2.50]", "application/json")


async def test_a_result_of_null_is_a_result_and_none_is_none(api: Api) -> None:
    null, none = await api.leased(), await api.leased()
    await _ack(api, null, result=None)
    await _ack(api, none)
    assert (await api.get(f"/v1/jobs/{null['id']}")).json()["result"] is None
    assert (await api.get(f"/v1/jobs/{null['id']}/result")).content == b"null"
    assert "result" not in (await api.get(f"/v1/jobs/{none['id']}")).json()
    missing = await api.get(f"/v1/jobs/{none['id']}/result")
    assert (missing.status_code, missing.json()["code"]) == (404, "no_result")


async def test_a_result_that_is_not_there_yet(api: Api) -> None:
    job = await api.enqueue()
    reply = await api.get(f"/v1/jobs/{job['id']}/result")
    assert (reply.status_code, reply.json()["code"], reply.json()["state"]) == (409, "not_finished", "ready")


async def test_a_result_that_will_never_be_there(api: Api) -> None:
    job = await api.leased()
    error = {"type": "T", "message": "m"}
    await api.post(f"/v1/jobs/{job['id']}/nack", {"token": job["token"], "error": error, "retryable": False})
    reply = await api.get(f"/v1/jobs/{job['id']}/result")
    assert (reply.status_code, reply.json()["code"]) == (409, "job_failed")
    assert (reply.json()["state"], reply.json()["error"]) == ("dead", error)


async def test_a_job_reads_the_same_in_msgpack(api: Api) -> None:
    job = await api.enqueue(payload={"a": [1, 2.5]}, meta={"m": 1})
    reply = await api.get(f"/v1/jobs/{job['id']}", accept="application/msgpack")
    assert reply.headers["content-type"] == "application/msgpack"
    assert msgpack.unpackb(reply.content) == job


async def test_cancel_ends_a_job_that_nobody_holds(api: Api) -> None:
    job = await api.enqueue()
    reply = await api.post(f"/v1/jobs/{job['id']}/cancel", {"reason": "typo"})
    assert (reply.status_code, reply.json()["state"], reply.json()["reason"]) == (200, "cancelled", "typo")
    again = await api.http.post(f"/v1/jobs/{job['id']}/cancel")
    assert (again.status_code, again.json()["reason"]) == (200, "typo")
    assert await api.lease() == []


async def test_cancel_says_why_not(api: Api) -> None:
    job = await api.leased()
    path = f"/v1/jobs/{job['id']}/cancel"
    held = await api.post(path, {})
    assert (held.status_code, held.json()["code"], held.json()["state"]) == (409, "job_leased", "leased")
    await _ack(api, job)
    final = await api.post(path, {})
    assert (final.status_code, final.json()["code"], final.json()["state"]) == (409, "job_final", "succeeded")
    assert (await api.post(f"/v1/jobs/{UNKNOWN_ID}/cancel", {})).status_code == 404


async def test_a_reason_has_a_bound(api: Api) -> None:
    job = await api.enqueue()
    path = f"/v1/jobs/{job['id']}/cancel"
    assert (await api.post(path, {"reason": "x" * 201})).status_code == 422
    assert (await api.post(path, {"reason": "x" * 200})).status_code == 200


async def test_a_job_whose_record_is_gone_is_only_its_id(api: Api, valkey: StoreProcess) -> None:
    first = await api.post("/v1/jobs", {"task": "t"}, idempotency_key="k")
    job_id = parse_id(first.json()["id"])
    assert job_id is not None
    # the record vanishes as by a prune, for which we would wait a minute at least
    [key] = [key for key in valkey.call("KEYS", "*") if key.endswith(job_id)]
    valkey.call("DEL", key)
    again = await api.post("/v1/jobs", {"task": "t"}, idempotency_key="k")
    assert (again.status_code, again.json()) == (
        200,
        {"id": first.json()["id"], "state": "gone", "deduplicated": True},
    )
