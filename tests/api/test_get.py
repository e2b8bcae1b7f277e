"""GET /v1/jobs/{id}, its payload and its result."""

import asyncio
import base64
from typing import Any

import msgpack
import pytest

from tests.api.conftest import Api

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


async def test_a_job_whose_record_is_gone_is_only_its_id(api: Api) -> None:
    first = await api.post("/v1/jobs", {"task": "t"}, idempotency_key="k")
    path = f"/v1/jobs/{first.json()['id']}"
    assert (await api.post(f"{path}/cancel", {})).status_code == 200
    assert (await api.http.delete(path)).status_code == 204
    again = await api.post("/v1/jobs", {"task": "t"}, idempotency_key="k")
    assert (again.status_code, again.json()) == (
        200,
        {"id": first.json()["id"], "state": "gone", "deduplicated": True},
    )


@pytest.mark.parametrize("payload", [b'{"a":  1}', b"null", b'"\xc3\xa4"'])
async def test_g4_the_payload_alone_is_the_bytes_of_the_producer(api: Api, payload: bytes) -> None:
    body = b'{"task":"t","payload":' + payload + b"}"
    made = await api.http.post("/v1/jobs", content=body, headers={"content-type": "application/json"})
    reply = await api.get(f"/v1/jobs/{made.json()['id']}/payload", accept="image/png")
    assert (reply.status_code, reply.content, reply.headers["content-type"]) == (200, payload, "application/json")


async def test_a_payload_has_the_format_that_it_came_in(api: Api) -> None:
    made = await api.post_msgpack("/v1/jobs", {"task": "t", "payload": {1: b"\x00"}})
    reply = await api.get(f"/v1/jobs/{msgpack.unpackb(made.content, strict_map_key=False)['id']}/payload")
    assert (reply.headers["content-type"], reply.content) == ("application/msgpack", msgpack.packb({1: b"\x00"}))


@pytest.mark.parametrize("path", ["payload", "attempts", "explain"])
async def test_what_lies_below_an_unknown_job_is_404(api: Api, path: str) -> None:
    for job_id in (UNKNOWN_ID, "nonsense"):
        reply = await api.get(f"/v1/jobs/{job_id}/{path}")
        assert (reply.status_code, reply.json()["code"], reply.json()["job_id"]) == (404, "not_found", job_id)


PNG = b"\x89PNG\r\n\x1a\n\x00"


async def test_a_result_of_any_type_is_served_as_that_type(api: Api) -> None:
    job = await api.leased()
    await _ack(api, job, result_raw=base64.b64encode(PNG).decode(), result_type="image/png")
    reply = await api.get(f"/v1/jobs/{job['id']}/result", accept="image/png")
    assert (reply.status_code, reply.content, reply.headers["content-type"]) == (200, PNG, "image/png")
    # whatever a worker calls its bytes, no browser may run them as a page of this server
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in reply.headers["content-security-policy"]
    seen = (await api.get(f"/v1/jobs/{job['id']}")).json()
    assert (base64.b64decode(seen["result_raw"]), seen["result_type"]) == (PNG, "image/png")
    assert "result" not in seen


async def test_a_raw_result_is_binary_in_msgpack(api: Api) -> None:
    job = await api.leased()
    path, body = f"/v1/jobs/{job['id']}", {"token": job["token"], "result_raw": PNG, "result_type": "image/png"}
    assert (await api.post_msgpack(f"{path}/ack", body)).status_code == 200
    assert (await api.get(f"{path}/result")).content == PNG
    assert msgpack.unpackb((await api.get(path, accept="application/msgpack")).content)["result_raw"] == PNG


@pytest.mark.parametrize(
    ("given", "pointers"),
    [
        ({"result_raw": "AAAA"}, ["/result_raw"]),
        ({"result_type": "image/png"}, ["/result_type"]),
        ({"result": 1, "result_raw": "AAAA", "result_type": "image/png"}, ["/result_raw"]),
        ({"result_raw": "AAA", "result_type": "image/png"}, ["/result_raw"]),
        ({"result_raw": "AAAA", "result_type": "png"}, ["/result_type"]),
        ({"result_raw": "AAAA", "result_type": "image/png\r\nx-evil: 1"}, ["/result_type"]),
        ({"result_raw": "AAAA", "result_type": "a/" + "b" * 99}, ["/result_type"]),
        ({"result": 1, "result_ttl_ms": -1}, ["/result_ttl_ms"]),
    ],
)
async def test_a_raw_result_without_its_type_is_refused(api: Api, given: dict[str, Any], pointers: list[str]) -> None:
    job = await api.leased()
    reply = await api.post(f"/v1/jobs/{job['id']}/ack", {"token": job["token"], **given})
    assert reply.status_code == 422
    assert [fault["pointer"] for fault in reply.json()["errors"]] == pointers


async def test_a_raw_result_has_the_bound_of_a_payload(api: Api) -> None:
    job = await api.leased()
    raw = base64.b64encode(bytes(16 * 1024 + 1)).decode()
    body = {"token": job["token"], "result_raw": raw, "result_type": "a/b"}
    reply = await api.post(f"/v1/jobs/{job['id']}/ack", body)
    assert (reply.status_code, reply.json()["code"]) == (413, "payload_too_large")


async def test_a_result_that_shall_not_be_kept_is_none(api: Api) -> None:
    job = await api.leased()
    await _ack(api, job, result=5, result_ttl_ms=0)
    reply = await api.get(f"/v1/jobs/{job['id']}/result")
    assert (reply.status_code, reply.json()["code"]) == (404, "no_result")
    assert "result" not in (await api.get(f"/v1/jobs/{job['id']}")).json()
