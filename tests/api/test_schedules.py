"""The jobs of schedules over HTTP: each says for which slot of which schedule it was made."""

from typing import Any

import msgpack
import pytest

from tests.api.conftest import MSGPACK, Api

pytestmark = pytest.mark.anyio

YEARLY: dict[str, Any] = {"cron": "@yearly", "job": {"task": "t", "payload": 1}}


async def _put(api: Api, name: str, **more: Any) -> None:
    reply = await api.http.put(f"/v1/schedules/{name}", json={**YEARLY, **more})
    assert reply.status_code in (200, 201), reply.text


async def _trigger(api: Api, name: str) -> str:
    reply = await api.post(f"/v1/schedules/{name}/trigger", {})
    assert reply.json()["outcome"] == "enqueued"
    job_id: str = reply.json()["job_id"]
    return job_id


async def test_a_job_names_its_schedule_and_slot_wherever_it_is_shown(api: Api) -> None:
    await _put(api, "report")
    job_id = await _trigger(api, "report")
    [run] = (await api.get("/v1/schedules/report")).json()["runs"]
    made_for = {"name": "report", "slot": run["slot"]}
    assert (await api.get(f"/v1/jobs/{job_id}")).json()["schedule"] == made_for
    [listed] = (await api.get("/v1/jobs?queue=default")).json()["jobs"]
    assert listed["schedule"] == made_for
    [leased] = await api.lease()
    assert (leased["id"], leased["schedule"]) == (job_id, made_for)
    packed = await api.get(f"/v1/jobs/{job_id}", accept=MSGPACK)
    assert msgpack.unpackb(packed.content)["schedule"] == made_for


async def test_it_keeps_its_slot_over_failures_and_a_second_run(api: Api) -> None:
    await _put(api, "report")
    job_id = await _trigger(api, "report")
    [first] = await api.lease()
    error = {"token": first["token"], "error": {"type": "E", "message": ""}, "retryable": False}
    assert (await api.post(f"/v1/jobs/{job_id}/nack", error)).json()["state"] == "dead"
    assert (await api.post(f"/v1/jobs/{job_id}/retry", {})).status_code == 200
    [second] = await api.lease()
    assert (second["delivery"], second["schedule"]) == (1, first["schedule"])


async def test_a_job_that_somebody_enqueued_names_none(api: Api) -> None:
    job = await api.leased()
    assert "schedule" not in job
    assert "schedule" not in (await api.get(f"/v1/jobs/{job['id']}")).json()


async def test_a_schedule_that_takes_the_place_of_a_job_names_itself(api: Api) -> None:
    unique = {"key": "one", "on_conflict": "replace"}
    job = await api.enqueue(unique=unique)
    await _put(api, "report", job={"task": "t", "unique": unique})
    assert await _trigger(api, "report") == job["id"]
    [leased] = await api.lease()
    assert (leased["id"], leased["schedule"]["name"]) == (job["id"], "report")
