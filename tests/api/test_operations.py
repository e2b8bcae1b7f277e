"""Bulk operations over HTTP."""

from typing import Any

import pytest

from tests.api.conftest import Api
from tests.support.waiting import eventually_async

pytestmark = pytest.mark.anyio

UNKNOWN_ID = "019a0000-0000-7000-8000-000000000000"


async def _start(api: Api, **fields: Any) -> dict[str, Any]:
    reply = await api.post("/v1/operations", fields)
    assert reply.status_code == 202, reply.text
    assert reply.headers["location"] == f"/v1/operations/{reply.json()['id']}"
    found: dict[str, Any] = reply.json()
    return found


async def _ended(api: Api, **fields: Any) -> dict[str, Any]:
    """Start an operation; return it once it has ended."""
    started = await _start(api, **fields)

    async def ended() -> dict[str, Any] | None:
        found: dict[str, Any] = (await api.get(f"/v1/operations/{started['id']}")).json()
        return None if found["state"] == "running" else found

    found = await eventually_async(ended, what="the operation ends")
    assert found is not None
    return found


async def _dead(api: Api, error: str = "ValueError", **fields: Any) -> dict[str, Any]:
    job = await api.leased(**fields)
    body = {"token": job["token"], "error": {"type": error, "message": "m"}, "retryable": False}
    assert (await api.post(f"/v1/jobs/{job['id']}/nack", body)).status_code == 200
    return job


async def test_many_dead_jobs_get_another_run(api: Api) -> None:
    mended = [await _dead(api) for _ in range(3)]
    other = await _dead(api, "KeyError")
    which = {"queue": "default", "error_type": "ValueError"}
    counted = await _ended(api, action="retry", filter=which, dry_run=True)
    assert (counted["state"], counted["matched"], counted["done"], counted["dry_run"]) == ("done", 3, 0, True)
    assert set(counted["sample"]) == {job["id"] for job in mended}
    done = await _ended(api, action="retry", filter=which)
    assert (done["done"], done["skipped"]) == (3, 0)
    assert done["filter"] == which
    assert done["finished_at"] >= done["created_at"]
    assert {job["id"] for job in await api.lease(max=10)} == {job["id"] for job in mended}
    assert (await api.get(f"/v1/jobs/{other['id']}")).json()["state"] == "dead"


async def test_waiting_jobs_move_within_their_group(api: Api) -> None:
    jobs = [await api.enqueue(queue="mail.slow", tags={"tenant": "a"}) for _ in range(2)]
    await api.enqueue(queue="mail.slow")
    tag = {"name": "tenant", "value": "a"}
    done = await _ended(
        api, action="move", filter={"queue": "mail.slow", "tag": tag}, target_queue="mail.fast", rate_per_s=1_000
    )
    assert (done["done"], done["target_queue"], done["rate_per_s"], done["filter"]["tag"]) == (
        2,
        "mail.fast",
        1000,
        tag,
    )
    assert {job["id"] for job in await api.lease(queues=["mail.fast"], max=10)} == {job["id"] for job in jobs}


async def test_a_filter_takes_one_state_or_several(api: Api) -> None:
    await api.enqueue()
    await api.enqueue(delay_ms=60_000)
    one = await _ended(api, action="cancel", filter={"state": "ready"}, dry_run=True)
    assert (one["matched"], one["filter"]) == (1, {"state": ["ready"]})
    two = await _ended(api, action="cancel", filter={"state": ["ready", "scheduled"]})
    assert (two["done"], two["filter"]) == (2, {"state": ["scheduled", "ready"]})
    gone = await _ended(api, action="delete", filter={"state": "cancelled"})
    assert gone["done"] == 2
    assert (await api.get("/v1/jobs")).json()["jobs"] == []


async def test_an_operation_stops_when_it_is_told_to(api: Api) -> None:
    for _ in range(3):
        await api.enqueue()
    running = await _start(api, action="cancel", filter={"queue": "default"}, rate_per_s=1)
    path = f"/v1/operations/{running['id']}/cancel"
    stopped = await api.http.post(path)
    assert (stopped.status_code, stopped.json()["state"]) == (200, "cancelled")
    assert (await api.http.post(path)).json()["state"] == "cancelled"
    assert len((await api.get("/v1/jobs?state=ready")).json()["jobs"]) == 3 - stopped.json()["done"]


async def test_an_operation_that_is_done_cannot_be_stopped(api: Api) -> None:
    done = await _ended(api, action="cancel", filter={"queue": "default"})
    reply = await api.http.post(f"/v1/operations/{done['id']}/cancel")
    assert (reply.status_code, reply.json()["code"]) == (409, "operation_ended")


async def test_operations_are_listed_newest_first(api: Api) -> None:
    assert (await api.get("/v1/operations")).json() == {"operations": []}
    ids = [(await _ended(api, action="delete", filter={"queue": f"q{n}"}))["id"] for n in range(3)]
    found = (await api.get("/v1/operations")).json()["operations"]
    assert [operation["id"] for operation in found] == ids[::-1]


@pytest.mark.parametrize("operation_id", [UNKNOWN_ID, "nonsense"])
async def test_an_unknown_operation_is_404(api: Api, operation_id: str) -> None:
    path = f"/v1/operations/{operation_id}"
    for reply in (await api.get(path), await api.http.post(f"{path}/cancel")):
        assert (reply.status_code, reply.json()["code"]) == (404, "no_such_operation")


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/action", "/filter"]),
        ({"action": "purge", "filter": {"queue": "a"}}, ["/action"]),
        ({"action": "cancel", "filter": {}}, ["/filter"]),
        ({"action": "move", "filter": {"queue": "a"}}, ["/target_queue"]),
        ({"action": "delete", "filter": {"queue": "a"}, "target_queue": "a.b"}, ["/target_queue"]),
        ({"action": "retry", "filter": {"state": ["dead", "ready"]}}, ["/filter/state"]),
        ({"action": "retry", "filter": {"state": "lost"}}, ["/filter/state"]),
        ({"action": "retry", "filter": {"state": ["dead", "lost"]}}, ["/filter/state/1"]),
        (
            {"action": "retry", "filter": {"tag": {"name": "a b"}}, "rate_per_s": 0},
            [
                "/filter/tag/name",
                "/filter/tag/value",
                "/rate_per_s",
            ],
        ),
    ],
)
async def test_all_faults_of_an_operation_are_listed(api: Api, body: dict[str, Any], pointers: list[str]) -> None:
    reply = await api.post("/v1/operations", body)
    assert (reply.status_code, reply.json()["code"]) == (422, "invalid_request")
    assert [fault["pointer"] for fault in reply.json()["errors"]] == pointers


async def test_an_operation_stays_within_a_group(api: Api) -> None:
    body = {"action": "move", "filter": {"queue": "mail.a"}, "target_queue": "news"}
    reply = await api.post("/v1/operations", body)
    assert (reply.status_code, reply.json()["code"]) == (422, "other_group")
