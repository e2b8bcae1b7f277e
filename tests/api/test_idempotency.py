"""Idempotency-Key on POST /v1/jobs (G3)."""

import asyncio

import pytest

from tests.api.conftest import Api

pytestmark = pytest.mark.anyio

JOB = {"task": "t", "payload": [1]}


async def test_g3_the_same_request_gives_the_same_job_as_it_is_now(api: Api) -> None:
    first = await api.post("/v1/jobs", JOB, idempotency_key="k")
    await api.lease()
    again = await api.post("/v1/jobs", JOB, idempotency_key="k")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json()["id"] == first.json()["id"]
    assert (again.json()["state"], again.json()["deduplicated"]) == ("leased", True)


async def test_g3_another_request_with_the_key_is_refused(api: Api) -> None:
    await api.post("/v1/jobs", JOB, idempotency_key="k")
    reply = await api.post("/v1/jobs", {**JOB, "priority": 1}, idempotency_key="k")
    assert (reply.status_code, reply.json()["code"]) == (422, "idempotency_mismatch")


async def test_g3_parallel_retries_make_one_job(api: Api) -> None:
    replies = await asyncio.gather(*(api.post("/v1/jobs", JOB, idempotency_key="k") for _ in range(20)))
    assert sorted(reply.status_code for reply in replies) == [200] * 19 + [201]
    assert len({reply.json()["id"] for reply in replies}) == 1
    assert (await api.get("/v1/queues/default/stats")).json()["backlog"] == 1


async def test_keys_belong_to_a_queue(api: Api) -> None:
    first = await api.post("/v1/jobs", JOB, idempotency_key="k")
    other = await api.post("/v1/jobs", {**JOB, "queue": "other"}, idempotency_key="k")
    assert (first.status_code, other.status_code) == (201, 201)


async def test_a_jobs_own_key_does_not_mind_spacing(api: Api) -> None:
    first = await api.post("/v1/jobs", {**JOB, "idempotency_key": "k"})
    body = b'{ "idempotency_key": "k", "payload": [1], "task": "t" }'
    again = await api.http.post("/v1/jobs", content=body, headers={"content-type": "application/json"})
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])


async def test_header_and_own_key_are_two_kinds_and_exclude_each_other(api: Api) -> None:
    reply = await api.post("/v1/jobs", {**JOB, "idempotency_key": "k"}, idempotency_key="k")
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["pointer"] == "/idempotency_key"


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "ä"])
async def test_a_key_that_cannot_be_used_is_refused(api: Api, key: str) -> None:
    headers = {"idempotency-key": key.encode("latin-1"), "content-type": b"application/json"}
    reply = await api.http.post("/v1/jobs", content=b'{"task":"t"}', headers=headers)
    assert (reply.status_code, reply.json()["code"]) == (422, "invalid_request")


async def test_a_replay_waits_like_the_first_request(api: Api) -> None:
    await api.post("/v1/jobs", JOB, idempotency_key="k")
    again = await api.post("/v1/jobs?wait=1", JOB, idempotency_key="k")
    assert (again.status_code, again.headers["idempotency-replayed"]) == (202, "true")
