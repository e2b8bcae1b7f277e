"""What is refused before, or instead of, an operation: every refusal is a problem document."""

import gzip
import logging
from typing import Any

import httpx
import pytest
from headrace_server.api.call import Call, Reply
from headrace_server.api.problems import KINDS, Problem
from headrace_server.api.routes import Operation
from headrace_server.domain.limits import MAX_FAULTS
from starlette.routing import Route

from tests.api.conftest import OPEN_DOOR, Api, with_door

pytestmark = pytest.mark.anyio

JSON = {"content-type": "application/json"}


def _is_problem(reply: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/problem+json"), reply.text
    found: dict[str, Any] = reply.json()
    assert (found["type"], found["status"], found["code"]) == (f"/problems/{code}", status, code)
    assert found["request_id"] == reply.headers["x-request-id"]
    assert found["detail"]
    return found


@pytest.mark.parametrize("path", ["/", "/v1", "/v2/jobs", "/v1/jobs/", "/v1/jobs/x/y", "/v1//jobs", "/%00"])
async def test_an_unknown_path(api: Api, path: str) -> None:
    _is_problem(await api.get(path), 404, "no_such_route")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/v1/jobs", "GET, HEAD, POST"),
        ("POST", "/v1/jobs/x", "DELETE, GET, HEAD, PATCH"),
        ("DELETE", "/v1/jobs/batch", "POST"),
        ("OPTIONS", "/livez", "GET, HEAD"),
    ],
)
async def test_a_method_that_a_path_does_not_take(api: Api, method: str, path: str, allow: str) -> None:
    reply = await api.http.request(method, path)
    _is_problem(reply, 405, "method_not_allowed")
    assert reply.headers["allow"] == allow


@pytest.mark.parametrize("content_type", [None, "", "text/plain", "application/x-www-form-urlencoded", "json", ";"])
async def test_a_body_in_an_unknown_format(api: Api, content_type: str | None) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    reply = await api.http.post("/v1/jobs", content=b'{"task":"t"}', headers=headers)
    _is_problem(reply, 415, "unsupported_media_type")
    assert reply.headers["accept"] == "application/json, application/msgpack"


async def test_a_compressed_body_is_refused_as_such(api: Api) -> None:
    headers = {**JSON, "content-encoding": "gzip"}
    reply = await api.http.post("/v1/jobs", content=gzip.compress(b'{"task":"t"}'), headers=headers)
    assert "Content-Encoding" in _is_problem(reply, 415, "unsupported_media_type")["detail"]


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "Application/JSON", "application/json ;charset=UTF-8"]
)
async def test_parameters_of_a_content_type_do_not_matter(api: Api, content_type: str) -> None:
    reply = await api.http.post("/v1/jobs", content=b'{"task":"t"}', headers={"content-type": content_type})
    assert reply.status_code == 201


@pytest.mark.parametrize(
    ("accept", "found"),
    [
        ("*/*", "application/json"),
        ("", "application/json"),
        ("application/*", "application/json"),
        ("application/vnd.msgpack", "application/msgpack"),
        ("text/html, application/msgpack;q=0.5, */*;q=0.1", "application/msgpack"),
        ("application/json;q=0.2, application/msgpack;q=0.9", "application/msgpack"),
        ("application/msgpack;q=0, application/json", "application/json"),
        ("APPLICATION/JSON", "application/json"),
    ],
)
async def test_the_reply_is_in_the_format_that_is_accepted(api: Api, accept: str, found: str) -> None:
    reply = await api.get("/v1/queues", accept=accept)
    assert (reply.status_code, reply.headers["content-type"]) == (200, found)
    assert reply.headers["vary"] == "accept"


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "image/*", "application/msgpack;q=x"])
async def test_no_format_that_we_have_is_acceptable(api: Api, accept: str) -> None:
    _is_problem(await api.get("/v1/queues", accept=accept), 406, "not_acceptable")


async def test_problems_are_json_for_readers_of_msgpack_too(api: Api) -> None:
    _is_problem(await api.post_msgpack("/v1/jobs", {"task": 1}), 422, "invalid_request")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"task":"t"} x',
        b'{"task":"t","payload":NaN}',
        b'{"task":"t","payload":Infinity}',
        b'{"task":"t","payload":"\xff"}',
        b'{"task":"t","payload":["\xc3"]}',
        b'{"task":"t","payload":"\\ud800"}',
        b'{"task":3,"payload":[}',
        b'\xef\xbb\xbf{"task":"t"}',
        b'{"task":"t",}',
        b"{'task':'t'}",
    ],
)
async def test_what_is_not_json_is_malformed(api: Api, body: bytes) -> None:
    _is_problem(await api.http.post("/v1/jobs", content=body, headers=JSON), 400, "malformed_body")


@pytest.mark.parametrize(
    "body", [b"", b"\xc1", b"\x81\xa4task", b"\x80\x00", b"\xdd\xff\xff\xff\xff", b"\x81\xa4task\xa1"]
)
async def test_what_is_not_msgpack_is_malformed(api: Api, body: bytes) -> None:
    headers = {"content-type": "application/msgpack"}
    _is_problem(await api.http.post("/v1/jobs", content=body, headers=headers), 400, "malformed_body")


@pytest.mark.parametrize("body", [b"[]", b"null", b"3", b'"x"', b"[{}]"])
async def test_a_body_that_is_no_object(api: Api, body: bytes) -> None:
    found = _is_problem(await api.http.post("/v1/jobs", content=body, headers=JSON), 422, "invalid_request")
    assert found["errors"] == [{"pointer": "", "detail": "must be an object"}]


@pytest.mark.parametrize("depth", [33, 200, 30_000])
async def test_deep_nesting_is_refused_however_deep(api: Api, depth: int) -> None:
    body = b'{"task":"t","payload":' + b"[" * depth + b"]" * depth + b"}"
    found = _is_problem(await api.http.post("/v1/jobs", content=body, headers=JSON), 422, "invalid_request")
    assert found["errors"][0]["detail"] == "is nested deeper than 32 levels"


async def test_the_list_of_faults_has_an_end(api: Api) -> None:
    found = _is_problem(await api.post("/v1/jobs", {f"f{n}": 1 for n in range(2_000)}), 422, "invalid_request")
    assert len(found["errors"]) == MAX_FAULTS
    jobs = [{f"f{n}": 1 for n in range(60)}] * 20
    found = _is_problem(await api.post("/v1/jobs/batch", {"jobs": jobs}), 422, "invalid_request")
    assert len(found["errors"]) == MAX_FAULTS


async def test_a_body_of_the_limit_passes_and_one_byte_more_does_not(api: Api) -> None:
    frame = b'{"task":"t"}'
    limit = 64 * 1024
    fits = frame + b" " * (limit - len(frame))
    assert (await api.http.post("/v1/jobs", content=fits, headers=JSON)).status_code == 201
    found = _is_problem(await api.http.post("/v1/jobs", content=fits + b" ", headers=JSON), 413, "body_too_large")
    assert str(limit) in found["detail"]


async def test_a_body_of_unknown_length_is_cut_off_at_the_limit(api: Api) -> None:
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        while True:
            sent += 1024
            yield b" " * 1024

    reply = await api.http.post("/v1/jobs", content=endless(), headers=JSON)
    _is_problem(reply, 413, "body_too_large")
    assert sent <= 66 * 1024


async def test_a_fault_of_ours_is_a_500_that_tells_nothing(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    async def broken(_: Call) -> Reply:
        raise ZeroDivisionError("secret internals")

    route = Route("/broken", Operation(broken), methods=["GET"])
    async with with_door(api, OPEN_DOOR, [route]) as http:
        with caplog.at_level(logging.ERROR):
            reply = await http.get("/broken")
    found = _is_problem(reply, 500, "internal")
    assert found["outcome"] == "unknown"
    assert "secret internals" not in reply.text
    assert "secret internals" in caplog.text


@pytest.mark.parametrize("given", ["abc-123", "x" * 128])
async def test_a_request_id_is_passed_on(api: Api, given: str) -> None:
    assert (await api.get("/livez", x_request_id=given)).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "x" * 129, "a\tb"])
async def test_a_request_id_that_cannot_be_passed_on_is_replaced(api: Api, given: str) -> None:
    assert (await api.get("/livez", x_request_id=given)).headers["x-request-id"] not in ("", given)


def test_the_error_table_is_sound() -> None:
    for code, kind in KINDS.items():
        problem = Problem(code)
        assert problem.status == kind.status, code
        assert kind.outcome in ("not_done", "unknown")
        assert (kind.status in (500, 504)) == (kind.outcome == "unknown"), code
        assert kind.title
        assert kind.remedy
    for status in (400, 401, 404, 405, 406, 408, 409, 413, 415, 422, 431, 500, 503, 504):
        assert any(kind.status == status for kind in KINDS.values())
