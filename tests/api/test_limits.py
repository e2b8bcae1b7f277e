"""Limits over HTTP: settings found by prefix, back-off, names of any kind."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.api.conftest import Api

pytestmark = pytest.mark.anyio

ODD_NAMES = ["stripe:tenant-7", "a/b", "/", "a/backoff", "100%", "what?", "x#y", "~!@$&*()+=,;:'"]


async def _put(api: Api, name: str, **settings: Any) -> dict[str, Any]:
    reply = await api.http.put(f"/v1/limits/{quote(name, safe='')}", json=settings)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


@pytest.mark.parametrize("name", ODD_NAMES)
async def test_a_limit_has_any_name_that_a_job_can_give(api: Api, name: str) -> None:
    path = f"/v1/limits/{quote(name, safe='')}"
    made = await _put(api, name, concurrency=2, rate={"count": 5, "per_ms": 1_000})
    rate = {"count": 5, "per_ms": 1_000, "burst": 5}
    assert (made["name"], made["concurrency"], made["rate"], made["leased"]) == (name, 2, rate, 0)
    await api.leased(limits=[name])
    assert (await api.get(path)).json()["leased"] == 1
    assert [limit["name"] for limit in (await api.get("/v1/limits")).json()["limits"]] == [name]
    held = await api.post(f"{path}/backoff", {"for_ms": 60_000})
    assert held.json()["held_until"] > held.json()["server_time"]
    gone = await api.http.delete(path)
    assert (gone.status_code, gone.json()["name"], "concurrency" in gone.json()) == (200, name, False)


async def test_a_limit_that_nobody_set_can_be_read(api: Api) -> None:
    reply = await api.get("/v1/limits/unknown")
    assert reply.status_code == 200
    assert set(reply.json()) == {"name", "leased", "server_time"}


async def test_g21_each_key_has_its_own_count_under_the_settings_of_its_prefix(api: Api) -> None:
    await _put(api, "stripe", concurrency=1)
    for key in ("stripe:a", "stripe:a", "stripe:b"):
        await api.enqueue(limits=[key])
    first, second = await api.lease(max=10)
    assert {(await api.get(f"/v1/limits/stripe:{key}")).json()["leased"] for key in "ab"} == {1}
    await api.post(f"/v1/jobs/{first['id']}/ack", {"token": first["token"]})
    assert len(await api.lease(max=10)) == 1
    assert second["id"] != first["id"]


async def test_a_back_off_holds_the_keys_below_a_name_and_zero_lifts_it(api: Api) -> None:
    await api.post("/v1/limits/api/backoff", {"for_ms": 60_000})
    await api.enqueue(limits=["api:x"])
    assert await api.lease() == []
    lifted = await api.post("/v1/limits/api/backoff", {"for_ms": 0})
    assert "held_until" not in lifted.json()
    assert len(await api.lease(wait_ms=10_000)) == 1


async def test_limits_come_in_pages(api: Api) -> None:
    for name in ("c", "a:b", "a"):
        await _put(api, name, concurrency=1)
    first = await api.get("/v1/limits?limit=2")
    assert [limit["name"] for limit in first.json()["limits"]] == ["a", "a:b"]
    rest = (await api.get(str(first.links["next"]["url"]))).json()
    assert [limit["name"] for limit in rest["limits"]] == ["c"]
    assert "next_after" not in rest


@pytest.mark.parametrize("name", ["a b", "ä", "x" * 129, "a:" * 8, "a\x00"])
async def test_a_name_that_no_limit_can_have_is_refused(api: Api, name: str) -> None:
    reply = await api.http.put(f"/v1/limits/{quote(name, safe='')}", json={"concurrency": 1})
    assert (reply.status_code, reply.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, [""]),
        ({"concurrency": 0, "rate": {"count": 1}}, ["/concurrency", "/rate/per_ms"]),
        ({"rate": {"count": 1, "per_ms": 1, "burst": 0}, "leased": 1}, ["/leased", "/rate/burst"]),
    ],
)
async def test_all_faults_of_a_limit_are_listed(api: Api, body: dict[str, Any], pointers: list[str]) -> None:
    reply = await api.http.put("/v1/limits/a", json=body)
    assert reply.status_code == 422
    assert [fault["pointer"] for fault in reply.json()["errors"]] == pointers


@pytest.mark.parametrize("for_ms", [-1, 86_400_001, None])
async def test_a_back_off_has_a_bound(api: Api, for_ms: int | None) -> None:
    reply = await api.post("/v1/limits/a/backoff", {} if for_ms is None else {"for_ms": for_ms})
    assert (reply.status_code, reply.json()["errors"][0]["pointer"]) == (422, "/for_ms")
