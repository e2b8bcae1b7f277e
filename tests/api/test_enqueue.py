"""POST /v1/jobs."""

import asyncio
import base64

import msgpack
import pytest
from headrace_server.domain.limits import MAX_TRACE_BYTES

from tests.api.conftest import Api

pytestmark = pytest.mark.anyio


async def test_a_job_is_created_and_described(api: Api) -> None:
    reply = await api.post("/v1/jobs", {"task": "mail.send", "payload": {"to": "a"}, "queue": "mail", "priority": 200})
    assert reply.status_code == 201
    job = reply.json()
    assert reply.headers["location"] == f"/v1/jobs/{job['id']}"
    assert reply.headers["x-durability"] == "fsync"
    assert reply.headers["content-type"] == "application/json"
    job.pop("id")
    job.pop("enqueued_at")
    assert job == {
        "task": "mail.send",
        "queue": "mail",
        "state": "ready",
        "priority": 200,
        "attempt": 1,
        "max_attempts": 3,
        "delivery": 0,
        "crashes": 0,
        "max_crashes": 5,
        "payload": {"to": "a"},
    }


async def test_a_job_shows_what_it_asked_for(api: Api) -> None:
    asked = {
        "max_runtime_ms": 60_000,
        "max_crashes": 9,
        "tags": {"tenant": "acme"},
        "fairness_key": "acme",
        "weight": 3,
        "ordering_key": "order-7",
        "on_dead": "hold",
        "limits": ["smtp", "stripe:acme"],
    }
    job = await api.enqueue(**asked)
    assert {name: job[name] for name in asked} == asked
    assert (await api.get(f"/v1/jobs/{job['id']}")).json() == job
    silent = await api.enqueue(fairness_key="acme", ordering_key="order-8")
    assert {"weight", "on_dead", "limits", "tags", "run", "cancel_requested"} & set(silent) == set()


async def test_g24_what_was_created_can_be_read_at_once(api: Api) -> None:
    job = await api.enqueue(payload=1)
    assert (await api.get(f"/v1/jobs/{job['id']}")).json() == job


@pytest.mark.parametrize(
    "payload",
    [
        b"[1, 2 ,  3]",
        b'{"b":1,"a":1,"a":2}',
        b"123456789012345678901234567890.10",
        b"1e999",
        b'"\\u00e4\xc3\xa4"',
        b"null",
    ],
)
async def test_g4_the_payload_bytes_come_back_as_they_were_sent(api: Api, payload: bytes) -> None:
    body = b'{"task":"t","payload":' + payload + b"}"
    reply = await api.http.post("/v1/jobs", content=body, headers={"content-type": "application/json"})
    assert reply.status_code == 201
    assert reply.content.endswith(b'"payload":' + payload + b"}")
    leased = await api.post("/v1/leases", {"queues": ["default"]})
    assert b'"payload":' + payload + b"}" in leased.content


async def test_an_absent_payload_is_null(api: Api) -> None:
    assert (await api.enqueue())["payload"] is None


async def test_a_future_job_is_scheduled_for_its_instant(api: Api) -> None:
    job = await api.enqueue(run_at="2099-01-02T03:04:05.678+02:00")
    assert (job["state"], job["run_at"]) == ("scheduled", "2099-01-02T01:04:05.678Z")


async def test_an_instant_before_1970_is_just_past(api: Api) -> None:
    assert (await api.enqueue(run_at="1066-10-14T09:00:00Z"))["state"] == "ready"


async def test_waiting_gives_the_finished_job(api: Api) -> None:
    waiting = asyncio.create_task(api.post("/v1/jobs?wait=20", {"task": "t"}))
    reply = await api.post("/v1/leases", {"queues": ["default"], "wait_ms": 10_000})
    [job] = reply.json()["jobs"]
    await api.post(f"/v1/jobs/{job['id']}/ack", {"token": job["token"], "result": {"sum": 5}})
    finished = await waiting
    assert finished.status_code == 200
    assert finished.headers["preference-applied"] == "wait=20"
    assert finished.json()["result"] == {"sum": 5}
    assert finished.json()["state"] == "succeeded"


async def test_waiting_in_vain_is_202_with_the_job_as_it_is(api: Api) -> None:
    reply = await api.post("/v1/jobs", {"task": "t"}, prefer="respond-async, wait=1")
    assert reply.status_code == 202
    assert reply.json()["state"] == "ready"


async def test_waiting_ends_when_the_server_drains(api: Api) -> None:
    waiting = asyncio.create_task(api.post("/v1/jobs?wait=30", {"task": "t"}))
    while not (await api.get("/v1/queues/default/stats")).json()["backlog"]:
        await asyncio.sleep(0.01)
    api.engine.drain()
    assert (await asyncio.wait_for(waiting, 2)).status_code == 202


async def test_a_wait_that_is_too_long_is_capped(api: Api) -> None:
    api.engine.drain()  # nothing waits
    for wait in ("31", "9" * 5_000):
        assert (await api.post(f"/v1/jobs?wait={wait}", {"task": "t"})).headers["preference-applied"] == "wait=30"


@pytest.mark.parametrize("wait", ["x", "-1", "1.5", "", "²"])
async def test_a_faulty_wait_is_refused(api: Api, wait: str) -> None:
    reply = await api.post(f"/v1/jobs?wait={wait}", {"task": "t"})
    assert (reply.status_code, reply.json()["code"]) == (422, "invalid_request")
    assert await api.lease() == []


async def test_a_preference_that_cannot_be_read_is_ignored(api: Api) -> None:
    assert (await api.post("/v1/jobs", {"task": "t"}, prefer="wait=soon")).status_code == 201


async def test_all_faults_are_listed(api: Api) -> None:
    body = {
        "task": "a b",
        "prio": 1,
        "priority": 256,
        "delay_ms": 1,
        "run_at": "soon",
        "retry": {"factor": 0, "x/y": 1},
    }
    reply = await api.post("/v1/jobs", body)
    assert (reply.status_code, reply.headers["content-type"]) == (422, "application/problem+json")
    problem = reply.json()
    assert problem["code"] == "invalid_request"
    assert {fault["pointer"] for fault in problem["errors"]} == {
        "/task",
        "/prio",
        "/priority",
        "/run_at",
        "/retry/factor",
        "/retry/x~1y",
    }
    assert await api.lease() == []


async def test_an_expiry_in_the_past_is_refused_with_its_pointer(api: Api) -> None:
    reply = await api.post("/v1/jobs", {"task": "t", "expires_at": "2001-01-01T00:00:00Z"})
    assert (reply.status_code, reply.json()["code"]) == (422, "already_expired")
    assert reply.json()["errors"][0]["pointer"] == "/expires_at"


async def test_a_payload_of_the_limit_passes_and_one_byte_more_does_not(api: Api) -> None:
    limit = 16 * 1024
    assert (await api.post("/v1/jobs", {"task": "t", "payload": "x" * (limit - 2)})).status_code == 201
    reply = await api.post("/v1/jobs", {"task": "t", "payload": "x" * (limit - 1)})
    assert (reply.status_code, reply.json()["code"]) == (413, "payload_too_large")
    assert reply.json()["errors"] == [
        {"pointer": "/payload", "detail": f"is {limit + 1} bytes long; the limit is {limit}"}
    ]


async def test_trace_headers_travel_with_the_job(api: Api) -> None:
    reply = await api.post("/v1/jobs", {"task": "t"}, traceparent="00-aa-bb-01", baggage="k=v")
    assert reply.json()["trace"] == {"traceparent": "00-aa-bb-01", "baggage": "k=v"}
    [job] = await api.lease()
    assert job["trace"] == {"traceparent": "00-aa-bb-01", "baggage": "k=v"}


async def test_trace_headers_that_are_too_long_are_dropped(api: Api) -> None:
    reply = await api.post("/v1/jobs", {"task": "t"}, traceparent="00-aa-bb-01", baggage="k" * MAX_TRACE_BYTES)
    assert reply.status_code == 201
    assert "trace" not in reply.json()


async def test_a_full_disk_refuses_jobs_and_lets_settles_go_on(api: Api) -> None:
    job = await api.leased()
    api.status.disk_low = True
    reply = await api.post("/v1/jobs", {"task": "t"})
    assert (reply.status_code, reply.json()["code"], reply.json()["outcome"]) == (503, "disk_low", "not_done")
    assert reply.headers["retry-after"] == "1"
    assert (await api.post("/v1/jobs/batch", {"jobs": [{"task": "t"}]})).status_code == 503
    assert (await api.post(f"/v1/jobs/{job['id']}/ack", {"token": job["token"]})).status_code == 200


async def test_msgpack_in_and_out(api: Api) -> None:
    reply = await api.post_msgpack(
        "/v1/jobs", {"task": "t", "payload": {"data": b"\x00\xff", "n": 2**63}, "meta": {"a": 1}}
    )
    assert (reply.status_code, reply.headers["content-type"]) == (201, "application/msgpack")
    job = msgpack.unpackb(reply.content)
    assert (job["payload"], job["meta"]) == ({"data": b"\x00\xff", "n": 2**63}, {"a": 1})


async def test_msgpack_reads_as_json_with_marked_binary(api: Api) -> None:
    await api.post_msgpack("/v1/jobs", {"task": "t", "payload": {"data": b"\x00\xff"}})
    [job] = await api.lease()
    assert job["payload"] == {"data": {"$bin": "AP8="}}


@pytest.mark.parametrize("payload", [{1: "a"}, msgpack.ExtType(5, b"x"), {"t": msgpack.Timestamp(1)}])
async def test_what_json_cannot_hold_is_handed_over_raw(api: Api, payload: object) -> None:
    await api.post_msgpack("/v1/jobs", {"task": "t", "payload": payload})
    reply = await api.post("/v1/leases", {"queues": ["default"]})
    [job] = reply.json()["jobs"]
    assert "payload" not in job
    assert job["payload_type"] == "application/msgpack"
    assert base64.b64decode(job["payload_raw"]) == msgpack.packb(payload)


@pytest.mark.parametrize("payload", [b"1e999", b"123456789012345678901234567890"])
async def test_what_msgpack_cannot_hold_is_handed_over_raw(api: Api, payload: bytes) -> None:
    body = b'{"task":"t","payload":' + payload + b"}"
    await api.http.post("/v1/jobs", content=body, headers={"content-type": "application/json"})
    reply = await api.post_msgpack("/v1/leases", {"queues": ["default"]})
    [job] = msgpack.unpackb(reply.content)["jobs"]
    assert (job["payload_raw"], job["payload_type"]) == (payload, "application/json")


PNG = b"\x89PNG\r\n\x1a\n\x00"
RAW = {"task": "t", "payload_raw": base64.b64encode(PNG).decode(), "payload_type": "image/png"}


async def test_bytes_of_any_type_come_out_as_they_went_in(api: Api) -> None:
    made = (await api.post("/v1/jobs", RAW)).json()
    [leased] = await api.lease()
    for seen in (made, leased, (await api.get(f"/v1/jobs/{made['id']}")).json()):
        assert (base64.b64decode(seen["payload_raw"]), seen["payload_type"]) == (PNG, "image/png")
        assert "payload" not in seen
    reply = await api.get(f"/v1/jobs/{made['id']}/payload", accept="image/png")
    assert (reply.content, reply.headers["content-type"]) == (PNG, "image/png")
    assert reply.headers["x-content-type-options"] == "nosniff"
    packed = msgpack.unpackb((await api.get(f"/v1/jobs/{made['id']}", accept="application/msgpack")).content)
    assert packed["payload_raw"] == PNG


async def test_bytes_that_claim_to_be_json_are_not_looked_into(api: Api) -> None:
    body = {"task": "t", "payload_raw": b"{not json", "payload_type": "application/json"}
    assert (await api.post_msgpack("/v1/jobs", body)).status_code == 201
    [job] = await api.lease()
    assert (base64.b64decode(job["payload_raw"]), job["payload_type"]) == (b"{not json", "application/json")


async def test_the_same_bytes_of_another_type_are_another_request(api: Api) -> None:
    first = await api.post("/v1/jobs", RAW, idempotency_key="k")
    again = await api.post("/v1/jobs", RAW, idempotency_key="k")
    assert (first.json()["id"], again.status_code) == (again.json()["id"], 200)
    other = await api.post("/v1/jobs", {**RAW, "payload_type": "image/gif"}, idempotency_key="k")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")


async def test_a_store_that_is_away_is_an_honest_503(without_store: Api) -> None:
    reply = await without_store.post("/v1/jobs", {"task": "t"})
    assert reply.status_code == 503
    problem = reply.json()
    assert (problem["code"], problem["outcome"], problem["retryable"]) == ("store_unreachable", "not_done", True)
    assert reply.headers["retry-after"] == "1"
    await without_store.http.aclose()
