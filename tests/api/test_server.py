"""GET /v1/server, /livez and /readyz."""

import pytest

from tests.api.conftest import Api

pytestmark = pytest.mark.anyio


async def test_the_server_describes_itself(api: Api) -> None:
    found = (await api.get("/v1/server")).json()
    assert found["durability"] == "fsync"
    assert found["store"] == {"server": "valkey", "version": "9", "embedded": False}
    assert (found["limits"]["max_payload_bytes"], found["limits"]["max_batch_items"]) == (16 * 1024, 1000)


async def test_health(api: Api) -> None:
    for path in ("/livez", "/readyz"):
        reply = await api.get(path)
        assert (reply.status_code, reply.json()) == (200, {"status": "ok"})


async def test_g29_readiness_is_red_while_the_server_drains(api: Api) -> None:
    api.status.draining = True
    reply = await api.get("/readyz")
    assert (reply.status_code, reply.json()["code"]) == (503, "draining")
    assert (await api.get("/livez")).status_code == 200


async def test_readiness_is_red_on_a_store_that_became_unfit(api: Api) -> None:
    api.status.refusal = "it evicts"
    reply = await api.get("/readyz")
    assert (reply.status_code, reply.json()["detail"]) == (503, "it evicts")


async def test_readiness_is_red_while_the_store_is_away(without_store: Api) -> None:
    reply = await without_store.get("/readyz")
    assert (reply.status_code, reply.json()["code"]) == (503, "store_unreachable")
    assert (await without_store.get("/livez")).status_code == 200
    await without_store.http.aclose()
