"""Progress and checkpoints: what a worker leaves on a job, for people and for the next attempt."""

from typing import Any

import msgpack
import msgspec
import pytest
from headrace_server.api import shapes
from headrace_server.api.faults import Reading, list_faults
from headrace_server.domain.jobs import Format
from headrace_server.domain.limits import MAX_CHECKPOINT_BYTES, MAX_PROGRESS_BYTES

from tests.api.conftest import Api

pytestmark = pytest.mark.anyio

READING = Reading(Format.JSON, 1024)

ERROR = {"type": "T", "message": "m"}


async def _settle(api: Api, job: dict[str, Any], verb: str, **more: Any) -> dict[str, Any]:
    reply = await api.post(f"/v1/jobs/{job['id']}/{verb}", {"token": job["token"], **more})
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


async def _read(api: Api, job: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (await api.get(f"/v1/jobs/{job['id']}")).json()
    return found


async def test_an_extend_leaves_both_and_the_newest_replaces(api: Api) -> None:
    job = await api.leased()
    assert {"progress", "checkpoint"} & set(await _read(api, job)) == set()
    await _settle(api, job, "extend", progress={"done": 0.5}, checkpoint=[1, None])
    await _settle(api, job, "extend", progress="nearly")
    seen = await _read(api, job)
    assert (seen["progress"], seen["checkpoint"]) == ("nearly", [1, None])


async def test_a_heartbeat_leaves_both(api: Api) -> None:
    job = await api.leased()
    lease = {"job_id": job["id"], "token": job["token"], "progress": 7, "checkpoint": {"at": 3}}
    [kept] = (await api.post("/v1/workers/w/heartbeat", {"leases": [lease]})).json()["leases"]
    assert kept["status"] == "ok"
    seen = await _read(api, job)
    assert (seen["progress"], seen["checkpoint"]) == (7, {"at": 3})


async def test_the_next_attempt_gets_the_checkpoint_and_no_progress(api: Api) -> None:
    job = await api.leased()
    assert "checkpoint" not in job
    await _settle(api, job, "extend", progress=1, checkpoint={"row": 500})
    await _settle(api, job, "nack", error=ERROR, retry_in_ms=0)
    [again] = await api.lease(wait_ms=10_000)
    assert again["checkpoint"] == {"row": 500}
    assert "progress" not in await _read(api, job)


async def test_a_snooze_leaves_a_checkpoint_and_says_why(api: Api) -> None:
    job = await api.leased()
    await _settle(api, job, "snooze", delay_ms=0, reason="not open yet", checkpoint=5)
    seen = await _read(api, job)
    assert (seen["reason"], seen["checkpoint"]) == ("not open yet", 5)
    item = {"op": "snooze", "job_id": job["id"], "token": job["token"], "delay_ms": 0, "checkpoint": 6}
    [repeated] = (await api.post("/v1/completions", {"items": [item]})).json()["items"]
    assert repeated["status"] == "repeated"
    [again] = await api.lease(wait_ms=10_000)
    assert again["checkpoint"] == 5


async def test_msgpack_leaves_what_json_can_read(api: Api) -> None:
    job = await api.leased()
    body = {"token": job["token"], "progress": b"\x00", "checkpoint": {"n": 2**63}}
    assert (await api.post_msgpack(f"/v1/jobs/{job['id']}/extend", body)).status_code == 200
    seen = await _read(api, job)
    assert (seen["progress"], seen["checkpoint"]) == ({"$bin": "AA=="}, {"n": 2**63})
    await _settle(api, job, "release")
    reply = await api.post_msgpack("/v1/leases", {"queues": ["default"]})
    assert msgpack.unpackb(reply.content)["jobs"][0]["checkpoint"] == {"n": 2**63}


@pytest.mark.parametrize(("kind", "limit"), [("progress", MAX_PROGRESS_BYTES), ("checkpoint", MAX_CHECKPOINT_BYTES)])
def test_both_have_a_bound(kind: str, limit: int) -> None:
    def faults(size: int) -> list[str]:
        body = msgspec.json.encode({"token": "0" * 32, kind: "x" * (size - 2)})
        return [f"{fault.pointer} {fault.detail}" for fault in list_faults(shapes.ExtendInput, body, READING)]

    assert faults(limit) == []
    assert faults(limit + 1) == [f"/{kind} is {limit + 1} bytes long; the limit is {limit}"]


@pytest.mark.parametrize("value", ["123456789012345678901234567890", "1e999", "[" * 33 + "]" * 33])
async def test_what_one_format_cannot_hold_is_refused(api: Api, value: str) -> None:
    job = await api.leased()
    body = f'{{"token":"{job["token"]}","checkpoint":{value},"progress":{value}}}'
    headers = {"content-type": "application/json"}
    reply = await api.http.post(f"/v1/jobs/{job['id']}/extend", content=body.encode(), headers=headers)
    assert reply.status_code == 422
    assert {fault["pointer"] for fault in reply.json()["errors"]} == {"/checkpoint", "/progress"}


async def test_a_run_time_bounds_the_lease_and_is_told(api: Api) -> None:
    job = await api.leased(max_runtime_ms=10_000)
    assert job["max_runtime_ms"] == 10_000
    extended = await _settle(api, job, "extend", lease_ms=3_600_000)
    assert extended["deadline"] == job["deadline"]
