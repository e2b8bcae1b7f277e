"""Every answer that the document promises is given, and is as promised (tests/conftest.py judges each reply)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import httpx
import pytest

from tests.contract.stories import STORIES
from tests.contract.world import AUTHORIZED, World, path_of
from tests.support.contract import Exchange, Operation, operation, operations, reply_faults
from tests.support.raw import RawReply, head, speak
from tests.support.waiting import eventually

R = TypeVar("R")
OPERATIONS = [o.id for o in operations()]
BROKEN_QUERY = {"getJob": {"wait": "x"}, "getResult": {"wait": "-1"}}  # of the others the limit
PATHS = {path: {o.method for o in operations() if o.path == path} for path in {o.path for o in operations()}}
NEVER = {500}  # a fault of ours; nothing here may make one


def has_body(of: Operation) -> bool:
    return "requestBody" in of.spec


def malformed(world: World, of: Operation) -> httpx.Response | RawReply:
    if has_body(of):
        return world.call(of, json=None, content=b'{"a": ', headers={"Content-Type": "application/json"})
    return raw(world, of, head(of.method, path_of(of), "no colon"))


def invalid(world: World, of: Operation) -> httpx.Response:
    if has_body(of):
        return world.call(of, json={"nonsense": 1})
    if "{queue}" in of.path or "{name}" in of.path:
        return world.http.request(of.method, path_of(of, queue="a%20b", name="a%20b"))
    return world.call(of, params=BROKEN_QUERY.get(of.id, {"limit": "0"}))


def unfinished(world: World, of: Operation) -> RawReply:
    """A request that breaks off: in its body where it has one, else in its head."""
    lines = [f"{name}: {value}" for name, value in AUTHORIZED.items()]
    whole = head(of.method, path_of(of), *lines, "Content-Type: application/json", "Content-Length: 50")
    return raw(world, of, whole + b'{"a"' if has_body(of) else whole[:-2])


def raw(world: World, of: Operation, data: bytes) -> RawReply:
    reply = speak(world.server.port, data)
    assert reply is not None
    assert reply_faults(reply.exchange(of.method, path_of(of))) == []
    return reply


DOOR: dict[int, Callable[[World, Operation], httpx.Response | RawReply]] = {
    400: malformed,
    401: lambda world, of: world.call(of, headers={"Authorization": "Bearer wrong"}),
    403: lambda world, of: world.call(of, headers={"Origin": "https://example.com"}),
    406: lambda world, of: world.call(of, headers={"Accept": "image/png"}),
    413: lambda world, of: world.call(of, json={"payload": "x" * 20_000}),
    415: lambda world, of: world.call(of, json=None, content=b"{}", headers={"Content-Type": "text/plain"}),
    422: invalid,
    431: lambda world, of: world.call(of, headers={"X-Long": "x" * 9_000}),
}
AT_THE_DOOR = [(o.id, int(status)) for o in operations() for status in o.spec["responses"] if int(status) in DOOR]


def status_of(reply: httpx.Response | RawReply) -> int:
    return reply.status if isinstance(reply, RawReply) else reply.status_code


@pytest.mark.parametrize(("name", "status"), AT_THE_DOOR)
def test_what_may_not_come_in_is_refused(world: World, name: str, status: int) -> None:
    assert status_of(DOOR[status](world, operation(name))) == status


def test_what_does_not_arrive_is_not_waited_for(world: World) -> None:
    patient = having(408)
    replies = at_once(lambda of: unfinished(world, of), patient)
    assert {of.id: reply.status for of, reply in zip(patient, replies, strict=True)} == {of.id: 408 for of in patient}


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_gives_its_own_answers(world: World, name: str) -> None:
    statuses, story = STORIES[name]
    replies = story(world, f"q-{name}")
    assert {reply.status_code for reply in replies} == statuses


def having(status: int) -> list[Operation]:
    return [o for o in operations() if str(status) in o.spec["responses"]]


def at_once(ask: Callable[[Operation], R], of: list[Operation]) -> list[R]:
    """Return the answers to requests that are sent together: each of them takes its time."""
    with ThreadPoolExecutor(len(of)) as pool:
        return list(pool.map(ask, of))


def test_nothing_is_done_without_the_store(world: World) -> None:
    world.store.kill9()
    for of in operations():
        reply = world.call(of)
        assert (reply.status_code == 503) is (of in having(503)), of.id
        if reply.status_code == 503:
            assert (reply.json()["code"], reply.json()["outcome"]) == ("store_unreachable", "not_done")
    world.store.start()
    eventually(lambda: world.http.get("/readyz").status_code == 200, what="the server has found its store again")
    ask = {"queues": ["q"], "worker": {"id": "w"}}
    eventually(lambda: "directive" in world.http.post("/v1/leases", json=ask).json(), what="it hears what it says")


def test_what_the_store_does_not_answer_is_unknown(world: World) -> None:
    world.http.get("/v1/server")  # a connection that lives
    world.store.freeze()
    try:
        answers = at_once(world.call, having(504))
    finally:
        world.store.thaw()
    assert {reply.status_code for reply in answers} <= {503, 504}, [reply.text for reply in answers]
    assert 504 in {reply.status_code for reply in answers}
    eventually(lambda: world.http.get("/readyz").status_code == 200, what="the server has found its store again")


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/", "/v1/jobs/", "/v1/jobs/a/b/c", "/docs/", "/livez/", "/nowhere"])
def test_what_is_no_path_is_a_problem(world: World, path: str) -> None:
    reply = world.http.get(path)
    assert (reply.status_code, reply.json()["code"]) == (404, "no_such_route")


@pytest.mark.parametrize("path", sorted(PATHS))
def test_another_method_is_a_problem_that_names_those_that_work(world: World, path: str) -> None:
    works = PATHS[path] | ({"HEAD"} if "GET" in PATHS[path] else set())
    of = next(o for o in operations() if o.path == path)
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"} - works:
        reply = world.http.request(method, path_of(of))
        assert (reply.status_code, reply.json()["code"]) == (405, "method_not_allowed")
        assert {word.strip() for word in reply.headers["allow"].split(",")} == works


# what has numbers or times in it that grow by a digit now and then
GROWING = ("getServer", "listQueues", "getMetrics", "getJobMetrics")


@pytest.mark.parametrize("name", [o.id for o in operations() if o.method == "GET"])
def test_head_answers_as_get_without_a_body(world: World, name: str) -> None:
    path = path_of(operation(name))
    got, headed = world.http.get(path), world.http.head(path)
    assert headed.status_code == got.status_code
    assert headed.content == b""
    for header in ("content-type", "content-length"):
        if name not in GROWING:
            assert headed.headers.get(header) == got.headers.get(header)


def test_msgpack_is_the_same_in_another_format(world: World) -> None:
    reply = world.http.get("/v1/server", headers={"Accept": "application/msgpack"})
    assert reply.headers["content-type"] == "application/msgpack"
    exchange = Exchange("GET", "/v1/server", 200, dict(reply.headers), reply.content)
    assert reply_faults(exchange) == []


def test_every_documented_answer_is_given_by_a_test_above() -> None:
    slow = {(of.id, status) for status in (408, 503, 504) for of in having(status)}
    given = {*AT_THE_DOOR, *slow, *((name, status) for name, (own, _) in STORIES.items() for status in own)}
    documented = {(o.id, int(status)) for o in operations() for status in o.spec["responses"]}
    assert given == {(name, status) for name, status in documented if status not in NEVER}
