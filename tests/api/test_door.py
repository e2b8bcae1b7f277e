"""Tokens, origins and hosts."""

import pytest
from headrace_server.api import Door

from tests.api.conftest import Api, with_door

pytestmark = pytest.mark.anyio

TOKENS = ["first-token", "second-token"]


def _door(*, tokens: list[str] | None = None, any_host: bool = False) -> Door:
    return Door(tokens=tokens or [], allowed_origins=["https://ui.example"], host="127.0.0.1", any_host=any_host)


@pytest.mark.parametrize("authorization", ["Bearer first-token", "bearer second-token", "Bearer  first-token "])
async def test_every_token_opens(api: Api, authorization: str) -> None:
    async with with_door(api, _door(tokens=TOKENS)) as http:
        assert (await http.get("/v1/queues", headers={"authorization": authorization})).status_code == 200


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Bearer first-toke", "Basic first-token", "first-token", "Bearer \xe4"],
)
async def test_nothing_else_does(api: Api, authorization: str | None) -> None:
    headers = {} if authorization is None else {"authorization": authorization.encode("latin-1")}
    async with with_door(api, _door(tokens=TOKENS)) as http:
        reply = await http.get("/v1/queues", headers=headers)
        assert (reply.status_code, reply.json()["code"]) == (401, "unauthorized")
        assert reply.headers["www-authenticate"].startswith("Bearer")
        assert "token" not in reply.text.replace("token is needed", "").replace("<token>", "").replace("tokens.", "")


async def test_every_route_of_v1_needs_a_token_and_so_do_metrics(api: Api) -> None:
    async with with_door(api, _door(tokens=TOKENS)) as http:
        for route in api.application.routes:
            [method] = (route.methods or {"GET"}) - {"HEAD"}
            reply = await http.request(method, route.path.replace("{file}", "docs.js").replace("{code}", "internal"))
            assert (reply.status_code == 401) == route.path.startswith(("/v1", "/metrics")), route.path


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example", "http://localhost:1"]
)
async def test_a_page_from_elsewhere_may_not_call(api: Api, origin: str) -> None:
    reply = await api.get("/v1/queues", origin=origin)
    assert (reply.status_code, reply.json()["code"]) == (403, "forbidden_origin")
    assert "access-control-allow-origin" not in reply.headers


async def test_the_servers_own_pages_may_call(api: Api) -> None:
    assert (await api.get("/v1/queues", origin="http://localhost")).status_code == 200


async def test_pages_of_an_allowed_origin_may_call_and_read(api: Api) -> None:
    reply = await api.get("/v1/queues", origin="https://ui.example")
    assert reply.status_code == 200
    assert reply.headers["access-control-allow-origin"] == "https://ui.example"


async def test_a_preflight_is_answered_for_allowed_origins_only(api: Api) -> None:
    async with with_door(api, _door(tokens=TOKENS)) as http:
        ask = {"origin": "https://ui.example", "access-control-request-method": "POST"}
        reply = await http.options("/v1/jobs", headers=ask)
        assert (reply.status_code, reply.headers["access-control-allow-origin"]) == (204, "https://ui.example")
        assert (await http.options("/v1/jobs", headers={**ask, "origin": "https://evil.example"})).status_code == 403


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("127.0.0.1:8080", 200),
        ("[::1]:8080", 200),
        ("LOCALHOST:1", 200),
        ("ui.example", 200),
        ("rebound.evil.example", 403),
        ("rebound.evil.example:8080", 403),
        ("", 403),
    ],
)
async def test_a_loopback_server_answers_to_its_own_names_only(api: Api, host: str, status: int) -> None:
    assert (await api.get("/v1/queues", host=host)).status_code == status


async def test_a_server_with_tokens_answers_to_any_name(api: Api) -> None:
    async with with_door(api, _door(tokens=TOKENS, any_host=True)) as http:
        headers = {"host": "jobs.example", "authorization": "Bearer first-token"}
        assert (await http.get("/v1/queues", headers=headers)).status_code == 200
