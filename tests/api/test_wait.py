"""POST /v1/jobs/wait."""

import asyncio
from typing import Any

import msgpack
import pytest

from tests.api.conftest import Api

pytestmark = pytest.mark.anyio

UNKNOWN_ID = "019a0000-0000-7000-8000-000000000000"
PATH = "/v1/jobs/wait"


async def _done(api: Api, **fields: Any) -> str:
    """Enqueue a job and finish it; return its id."""
    job = await api.leased(**fields)
    await api.post(f"/v1/jobs/{job['id']}/ack", {"token": job["token"], "result": {"n": 5}})
    return str(job["id"])


async def test_jobs_come_in_the_order_asked_and_as_far_as_they_got(api: Api) -> None:
    done, waiting = await _done(api, payload=[2, 3]), (await api.enqueue(payload=[4]))["id"]
    reply = (await api.post(PATH, {"ids": [waiting, UNKNOWN_ID, done]})).json()
    assert reply["done"] is False
    ready, gone, ended = reply["jobs"]
    assert (ready["id"], ready["state"], ready["abridged"], "payload" in ready) == (waiting, "ready", True, False)
    assert gone == {"id": UNKNOWN_ID, "state": "gone"}
    assert (ended["id"], ended["result"], ended["payload"], "abridged" in ended) == (done, {"n": 5}, [2, 3], False)


async def test_a_wait_ends_with_the_last_job(api: Api) -> None:
    ids = [(await api.enqueue())["id"] for _ in range(2)]
    wait = asyncio.create_task(api.post(PATH, {"ids": ids, "wait_ms": 20_000}))
    for job in await api.lease(max=2):
        assert not wait.done()
        await api.post(f"/v1/jobs/{job['id']}/ack", {"token": job["token"]})
    reply = (await asyncio.wait_for(wait, 5)).json()
    assert (reply["done"], [job["state"] for job in reply["jobs"]]) == (True, ["succeeded", "succeeded"])


async def test_any_is_done_with_one(api: Api) -> None:
    done, waiting = await _done(api), (await api.enqueue())["id"]
    reply = await api.post(PATH, {"ids": [waiting, done], "mode": "any", "wait_ms": 20_000, "summary": True})
    assert reply.json()["done"] is True
    assert [(job["state"], job["abridged"]) for job in reply.json()["jobs"]] == [("ready", True), ("succeeded", True)]


async def test_the_body_has_the_last_word_on_the_wait(api: Api) -> None:
    ids = {"ids": [(await api.enqueue())["id"]]}
    begun = asyncio.get_running_loop().time()
    reply = await api.post(PATH, {**ids, "wait_ms": 0}, prefer="wait=20")
    assert (reply.json()["done"], "preference-applied" in reply.headers) == (False, False)
    reply = await api.post(PATH, ids, prefer="wait=0")
    assert reply.json()["done"] is False
    assert asyncio.get_running_loop().time() - begun < 5
    reply = await api.post(f"{PATH}?wait=1", ids)
    assert (reply.json()["done"], reply.headers["preference-applied"]) == (False, "wait=1")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/ids"),
        ({"ids": []}, "/ids"),
        ({"ids": [UNKNOWN_ID] * 1001}, "/ids"),
        ({"ids": [UNKNOWN_ID, "x"]}, "/ids/1"),
        ({"ids": [UNKNOWN_ID], "mode": "some"}, "/mode"),
        ({"ids": [UNKNOWN_ID], "wait_ms": 30_001}, "/wait_ms"),
        ({"ids": [UNKNOWN_ID], "summary": 1}, "/summary"),
    ],
)
async def test_a_faulty_wait_is_refused_with_a_pointer(api: Api, body: dict[str, Any], pointer: str) -> None:
    reply = await api.post(PATH, body)
    assert (reply.status_code, [fault["pointer"] for fault in reply.json()["errors"]]) == (422, [pointer])


async def test_both_formats(api: Api) -> None:
    await api.post_msgpack("/v1/jobs", {"task": "t", "payload": {"data": b"\x00"}})
    [job] = await api.lease()
    await api.post_msgpack(f"/v1/jobs/{job['id']}/ack", {"token": job["token"], "result": b"\xff"})
    [found] = msgpack.unpackb((await api.post_msgpack(PATH, {"ids": [job["id"]]})).content)["jobs"]
    assert (found["payload"], found["result"]) == ({"data": b"\x00"}, b"\xff")


async def test_an_error_is_abridged_too(api: Api) -> None:
    job = await api.leased(retry={"max_attempts": 1})
    error = {"type": "E", "message": "m", "stack": "s" * 100, "details": {"a": 1}}
    await api.post(f"/v1/jobs/{job['id']}/nack", {"token": job["token"], "error": error})
    for summary, seen in ((False, error), (True, {"type": "E", "message": "m"})):
        [found] = (await api.post(PATH, {"ids": [job["id"]], "summary": summary})).json()["jobs"]
        assert (found["state"], found["error"]) == ("dead", seen)
