"""GET /v1/events as pages; the stream is in test_event_stream.py."""

import asyncio
from typing import Any
from urllib.parse import quote

import msgpack
import pytest
from headrace_server.api import views
from headrace_server.domain.events import Event

from tests.api.conftest import Api

pytestmark = pytest.mark.anyio


async def _page(api: Api, query: str = "") -> dict[str, Any]:
    reply = await api.get(f"/v1/events{query}")
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


async def _begin(api: Api) -> str:
    """Return the cursor of now."""
    page = await _page(api)
    assert page["events"] == []
    assert page["server_time"]
    return quote(page["cursor"])


async def test_every_change_is_told_in_order(api: Api) -> None:
    cursor = await _begin(api)
    job = await api.leased()
    await api.post(f"/v1/jobs/{job['id']}/ack", {"token": job["token"]})
    await api.http.delete(f"/v1/jobs/{job['id']}")
    page = await _page(api, f"?after={cursor}")
    told = [(event["type"], event.get("was"), event["state"]) for event in page["events"]]
    assert told == [
        ("state", None, "ready"),
        ("state", "ready", "leased"),
        ("state", "leased", "succeeded"),
        ("state", "succeeded", "gone"),
    ]
    assert {(event["job_id"], event["queue"], event["task"]) for event in page["events"]} == {
        (job["id"], "default", "t")
    }
    revs = [event["rev"] for event in page["events"]]
    assert revs == sorted(set(revs))
    assert page["events"][-1]["cursor"] == page["cursor"]
    assert (await _page(api, f"?after={quote(page['cursor'])}"))["events"] == []


async def test_a_page_has_a_bound_and_a_cursor_within_it_goes_on(api: Api) -> None:
    cursor = await _begin(api)
    ids = [(await api.enqueue())["id"] for _ in range(5)]
    first = await _page(api, f"?after={cursor}&limit=2")
    assert [event["job_id"] for event in first["events"]] == ids[:2]
    rest = await _page(api, f"?after={quote(first['events'][0]['cursor'])}")
    assert [event["job_id"] for event in rest["events"]] == ids[1:]


async def test_a_wait_ends_with_the_first_event_of_its_queue(api: Api) -> None:
    cursor = await _begin(api)
    waiting = asyncio.create_task(_page(api, f"?after={cursor}&queue=mail&wait=20"))
    await api.enqueue(queue="news")
    job = await api.enqueue(queue="mail")
    page = await asyncio.wait_for(waiting, 5)
    assert [event["job_id"] for event in page["events"]] == [job["id"]]


async def test_a_wait_in_vain_is_an_empty_page_that_passes_over_other_queues(api: Api) -> None:
    cursor = await _begin(api)
    await api.enqueue(queue="news")
    page = await _page(api, f"?after={cursor}&queue=mail&wait=1")
    assert page["events"] == []
    assert (await _page(api, f"?after={quote(page['cursor'])}"))["events"] == []


async def test_a_wait_ends_when_the_server_drains(api: Api) -> None:
    cursor = await _begin(api)
    waiting = asyncio.create_task(_page(api, f"?after={cursor}&wait=30"))
    await asyncio.sleep(0.1)  # it is parked: nothing outside can see that
    api.engine.drain()
    assert (await asyncio.wait_for(waiting, 2))["events"] == []


async def test_a_page_in_msgpack(api: Api) -> None:
    cursor = await _begin(api)
    job = await api.enqueue()
    reply = await api.get(f"/v1/events?after={cursor}", accept="application/msgpack")
    assert msgpack.unpackb(reply.content)["events"][0]["job_id"] == job["id"]


async def test_a_gap_is_told_as_such() -> None:
    assert views.event(Event(cursor="c", gap=True, at_ms=5)) == views.EventDocument(type="gap", cursor="c")


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
async def test_a_cursor_of_somebody_else_is_refused_before_anything_is_sent(api: Api, accept: str) -> None:
    for query, headers in (("?after=AAAA", {}), ("", {"last_event_id": "AAAA"})):
        reply = await api.get(f"/v1/events{query}", accept=accept, **headers)
        assert (reply.status_code, reply.json()["code"]) == (422, "invalid_cursor")


async def test_all_faults_of_the_query_are_listed(api: Api) -> None:
    reply = await api.get("/v1/events?limit=1001&queue=a%20b&types=state")
    assert {fault["pointer"] for fault in reply.json()["errors"]} == {"/limit", "/queue", "/types"}
    assert (await api.get("/v1/events?wait=x")).status_code == 422


async def test_neither_a_page_nor_a_stream_is_406(api: Api) -> None:
    assert (await api.get("/v1/events", accept="text/html")).status_code == 406


async def test_the_head_of_a_stream_has_an_end(api: Api) -> None:
    reply = await asyncio.wait_for(api.http.head("/v1/events", headers={"accept": "text/event-stream"}), 5)
    assert (reply.status_code, reply.headers["content-type"], reply.content) == (200, "text/event-stream", b"")
