"""GET /v1/queues and /v1/queues/{queue}/stats."""

import pytest

from tests.api.conftest import Api

pytestmark = pytest.mark.anyio

NONE = dict.fromkeys(["scheduled", "ready", "leased", "retrying", "succeeded", "dead", "cancelled"], 0)


async def test_a_queue_is_counted_by_state(api: Api) -> None:
    await api.leased()
    for _ in range(2):
        await api.enqueue()
    await api.enqueue(delay_ms=60_000)
    stats = (await api.get("/v1/queues/default/stats")).json()
    assert 0 <= stats.pop("oldest_ready_age_ms") < 60_000
    assert stats == {
        "queue": "default",
        "counts": {**NONE, "ready": 2, "leased": 1, "scheduled": 1},
        "backlog": 3,
    }


async def test_a_queue_that_never_had_a_job_is_empty(api: Api) -> None:
    reply = await api.get("/v1/queues/nobody/stats")
    assert (reply.status_code, reply.json()) == (200, {"queue": "nobody", "counts": NONE, "backlog": 0})


@pytest.mark.parametrize("name", ["a b", "x" * 129, "%00", "ä"])
async def test_a_name_that_no_queue_can_have_is_refused(api: Api, name: str) -> None:
    assert (await api.get(f"/v1/queues/{name}/stats")).status_code == 422


async def test_queues_come_in_pages(api: Api) -> None:
    for name in ("c", "a", "b"):
        await api.enqueue(queue=name)
    first = (await api.get("/v1/queues?limit=2")).json()
    assert [queue["queue"] for queue in first["queues"]] == ["a", "b"]
    rest = (await api.get(f"/v1/queues?limit=2&after={first['next_after']}")).json()
    assert [queue["queue"] for queue in rest["queues"]] == ["c"]
    assert "next_after" not in rest


async def test_no_queues_is_an_empty_page(api: Api) -> None:
    assert (await api.get("/v1/queues")).json() == {"queues": []}


@pytest.mark.parametrize("limit", ["0", "1001", "x", "-1", "", "²", "0000000011", "9" * 5_000])
async def test_a_faulty_limit_is_refused(api: Api, limit: str) -> None:
    reply = await api.get(f"/v1/queues?limit={limit}")
    assert (reply.status_code, reply.json()["code"]) == (422, "invalid_request")
