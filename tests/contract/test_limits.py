"""Bounds of texts, lists and sizes at n and at n + 1: n is taken, n + 1 is refused with a pointer to it."""

import base64
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from headrace_server.domain import limits

from tests.contract.world import AUTHORIZED, ERROR, FAR, ID, PROOF, World, refused_at, taken
from tests.support.contract import Document
from tests.support.raw import head, read, speak


def test_an_extension_at_its_bounds(client: httpx.Client) -> None:
    for value, status in ((999, "invalid"), (1000, "not_found"), (43_200_000, "not_found"), (43_200_001, "invalid")):
        lease = {"job_id": ID, **PROOF, "extend_ms": value}
        [outcome] = client.post("/v1/workers/w/heartbeat", json={"leases": [lease]}).json()["leases"]
        assert outcome["status"] == status


def test_a_count_of_a_worker_at_its_bounds(client: httpx.Client) -> None:
    def count(value: int) -> httpx.Response:
        return client.post("/v1/workers/limits/heartbeat", json={"info": {"counts": {"failed": value}}})

    for value in (0, limits.MAX_INTEGER - 1):
        taken(count(value))
    for value in (-1, limits.MAX_INTEGER):
        refused_at(count(value), "/info/counts/failed")


def test_a_long_poll_at_its_bound(client: httpx.Client) -> None:
    client.post("/v1/jobs", json={"task": "a", "queue": "limits-wait"})
    reply = taken(client.post("/v1/leases", json={"queues": ["limits-wait"], "wait_ms": limits.MAX_WAIT_MS}))
    assert len(reply["jobs"]) == 1
    refused_at(client.post("/v1/leases", json={"queues": ["q"], "wait_ms": limits.MAX_WAIT_MS + 1}), "/wait_ms")
    taken(client.post("/v1/jobs/wait", json={"ids": [ID], "wait_ms": limits.MAX_WAIT_MS}))
    refused_at(client.post("/v1/jobs/wait", json={"ids": [ID], "wait_ms": limits.MAX_WAIT_MS + 1}), "/wait_ms")


JOB = {"task": "a", "queue": "limits"}
LISTS: dict[str, tuple[str, Callable[[int], Document], int, str]] = {
    "batch": (
        "/v1/jobs/batch",
        lambda n: {"jobs": [{"task": "a", "queue": "limits-batch"}] * n, "atomic": False},
        limits.MAX_BATCH_ITEMS,
        "/jobs",
    ),
    "atomic": (
        "/v1/jobs/batch",
        lambda n: {"jobs": [{"task": "a", "queue": "limits-batch"}] * n},
        limits.MAX_ATOMIC_JOBS,
        "/jobs",
    ),
    "completions": ("/v1/completions", lambda n: {"items": [{}] * n}, limits.MAX_BATCH_ITEMS, "/items"),
    "complete": ("/v1/leases", lambda n: {"queues": ["q"], "complete": [{}] * n}, limits.MAX_BATCH_ITEMS, "/complete"),
    "heartbeat": ("/v1/workers/w/heartbeat", lambda n: {"leases": [{}] * n}, limits.MAX_BATCH_ITEMS, "/leases"),
    "served queues": (
        "/v1/workers/w/heartbeat",
        lambda n: {"info": {"queues": ["q"] * n}},
        limits.MAX_WORKER_NAMES,
        "/info/queues",
    ),
    "known tasks": (
        "/v1/workers/w/heartbeat",
        lambda n: {"info": {"tasks": ["t"] * n}},
        limits.MAX_WORKER_NAMES,
        "/info/tasks",
    ),
    "labels": (
        "/v1/workers/w/heartbeat",
        lambda n: {"info": {"labels": {f"l{i}": "v" for i in range(n)}}},
        limits.MAX_TAGS,
        "/info/labels",
    ),
    "queues": ("/v1/leases", lambda n: {"queues": [f"q{i}" for i in range(n)]}, limits.MAX_LEASE_QUEUES, "/queues"),
    "wait": ("/v1/jobs/wait", lambda n: {"ids": [ID] * n}, limits.MAX_WAIT_JOBS, "/ids"),
    "limits": ("/v1/jobs", lambda n: {**JOB, "limits": [f"l{i}" for i in range(n)]}, limits.MAX_LIMIT_KEYS, "/limits"),
    "tags": ("/v1/jobs", lambda n: {**JOB, "tags": {f"t{i}": "v" for i in range(n)}}, limits.MAX_TAGS, "/tags"),
    "non_retryable": (
        "/v1/jobs",
        lambda n: {**JOB, "retry": {"non_retryable": ["E"] * n}},
        limits.MAX_NON_RETRYABLE,
        "/retry/non_retryable",
    ),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_at_its_bound(client: httpx.Client, name: str) -> None:
    path, body, most, pointer = LISTS[name]
    taken(client.post(path, json=body(most)))
    refused_at(client.post(path, json=body(most + 1)), pointer)


def test_an_empty_batch_is_refused(client: httpx.Client) -> None:
    refused_at(client.post("/v1/jobs/batch", json={"jobs": []}), "/jobs")
    refused_at(client.post("/v1/completions", json={"items": []}), "/items")
    refused_at(client.post("/v1/leases", json={"queues": []}), "/queues")
    refused_at(client.post("/v1/jobs/wait", json={"ids": []}), "/ids")
    taken(client.post("/v1/workers/w/heartbeat", json={"leases": []}))


def sized(size: int, wrap: Callable[[str], Any]) -> Any:
    """Return a value that is `size` bytes long as JSON without spaces."""
    empty = len(json.dumps(wrap(""), separators=(",", ":")))
    return wrap("x" * (size - empty))


def compact(client: httpx.Client, path: str, body: Any) -> httpx.Response:
    content = json.dumps(body, separators=(",", ":")).encode()
    return client.post(path, content=content, headers={"Content-Type": "application/json"})


def many_tasks(size: int) -> list[str]:
    """Return names of tasks that make {"tasks": [..]} as long as that."""
    names, rest = divmod(size - len('{"tasks":[]}') + 1, 103)  # each with quotes and a comma
    return ["x" * 100] * names + ["x" * (rest - 3)]


def raw(around: Document, name: str) -> Callable[[int], Document]:
    return lambda n: {**around, f"{name}_raw": base64.b64encode(b"\x00" * n).decode(), f"{name}_type": "a/b"}


SIZES: dict[str, tuple[int, str, Callable[[int], Document], str]] = {
    "payload": (
        *(limits.MAX_PAYLOAD_BYTES, "/v1/jobs"),
        lambda n: {"task": "a", "queue": "limits-big", "payload": sized(n, lambda text: text)},
        "/payload",
    ),
    "result": (
        limits.MAX_PAYLOAD_BYTES,
        FAR + "/ack",
        lambda n: {**PROOF, "result": sized(n, lambda text: [text])},
        "/result",
    ),
    "meta": (
        limits.MAX_META_BYTES,
        "/v1/jobs",
        lambda n: {**JOB, "meta": sized(n, lambda text: {"k": text})},
        "/meta",
    ),
    "details": (
        limits.MAX_META_BYTES,
        FAR + "/nack",
        lambda n: {**PROOF, "error": {**ERROR, "details": sized(n, lambda text: {"k": text})}},
        "/error/details",
    ),
    "raw payload": (limits.MAX_PAYLOAD_BYTES, "/v1/jobs", raw(JOB, "payload"), "/payload_raw"),
    "raw result": (limits.MAX_PAYLOAD_BYTES, FAR + "/ack", raw(PROOF, "result"), "/result_raw"),
    "progress": (
        limits.MAX_PROGRESS_BYTES,
        FAR + "/extend",
        lambda n: {**PROOF, "progress": sized(n, lambda text: [text])},
        "/progress",
    ),
    "checkpoint": (
        limits.MAX_CHECKPOINT_BYTES,
        FAR + "/snooze",
        lambda n: {**PROOF, "delay_ms": 0, "checkpoint": sized(n, lambda text: [text])},
        "/checkpoint",
    ),
    "info": (
        limits.MAX_WORKER_INFO_BYTES,
        "/v1/workers/w/heartbeat",
        lambda n: {"info": {"tasks": many_tasks(n)}},
        "/info",
    ),
    "host": (limits.MAX_HOST_CHARS, "/v1/workers/w/heartbeat", lambda n: {"info": {"host": "ä" * n}}, "/info/host"),
    "reason": (limits.MAX_REASON_CHARS, FAR + "/release", lambda n: {**PROOF, "reason": "ä" * n}, "/reason"),
    "cancel": (limits.MAX_REASON_CHARS, FAR + "/cancel", lambda n: {"reason": "ä" * n}, "/reason"),
    "snooze": (
        limits.MAX_REASON_CHARS,
        FAR + "/snooze",
        lambda n: {**PROOF, "delay_ms": 0, "reason": "ä" * n},
        "/reason",
    ),
}


@pytest.mark.parametrize("name", SIZES)
def test_a_size_at_its_bound(client: httpx.Client, name: str) -> None:
    most, path, body, pointer = SIZES[name]
    taken(compact(client, path, body(most)))
    refused_at(compact(client, path, body(most + 1)), pointer)


def test_a_body_at_its_bound(client: httpx.Client) -> None:
    body, json_type = b'{"task": "a", "queue": "limits"}', {"Content-Type": "application/json"}
    taken(client.post("/v1/jobs", content=body.ljust(limits.MAX_BODY_BYTES), headers=json_type))
    for content in (body.ljust(limits.MAX_BODY_BYTES + 1), in_pieces(body.ljust(limits.MAX_BODY_BYTES + 1))):
        reply = client.post("/v1/jobs", content=content, headers=json_type)
        assert (reply.status_code, reply.json()["code"]) == (413, "body_too_large")


def in_pieces(body: bytes) -> Iterator[bytes]:
    """Yield a body whose length nobody announces."""
    for start in range(0, len(body), 1 << 20):
        yield body[start : start + (1 << 20)]


def test_headers_at_their_bound(world: World) -> None:
    """Of the request line the path counts, of a header its name, its value and four bytes around them."""
    most = 8_000
    given = {"Host": "localhost", **AUTHORIZED, "X-Filler": ""}
    used = len("/v1/server") + sum(len(name) + len(value) + 4 for name, value in given.items())
    for more, status in ((0, 200), (1, 431)):
        filled = {**AUTHORIZED, "X-Filler": "x" * (most - used + more)}
        reply = speak(world.server.port, head("GET", "/v1/server", *(f"{n}: {v}" for n, v in filled.items())))
        assert reply is not None
        assert reply.status == status


def test_headers_beyond_their_bound_in_one_piece_with_the_end_of_another_request(world: World) -> None:
    lines = [f"{name}: {value}" for name, value in AUTHORIZED.items()]
    refused = head("POST", "/v1/leases", *lines, "Accept: image/png", "Content-Length: 5")
    with socket.create_connection(("127.0.0.1", world.server.port), timeout=10.0) as connection:
        connection.sendall(refused)
        early = read(connection)  # answered before its body is there
        connection.sendall(b"12345" + head("GET", "/v1/server", *lines, "X-Filler: " + "x" * 9_000))
        late = read(connection)
    assert early is not None
    assert late is not None
    assert (early.status, late.status) == (406, 431)


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth - 1):
        value = [value]
    return value


@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: {"k": value}], ids=["arrays", "in an object"])
def test_nesting_at_its_bound(client: httpx.Client, wrap: Callable[[Any], Any]) -> None:
    spare = 0 if wrap(1) == 1 else 1
    body = {"task": "a", "queue": "limits"}
    taken(client.post("/v1/jobs", json={**body, "payload": wrap(nested(limits.MAX_DEPTH - spare))}))
    refused_at(
        client.post("/v1/jobs", json={**body, "payload": wrap(nested(limits.MAX_DEPTH + 1 - spare))}), "/payload"
    )


def test_trace_headers_beyond_their_bound_are_dropped_not_refused(client: httpx.Client) -> None:
    traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    for size, kept in ((100, True), (limits.MAX_TRACE_BYTES + 1, False)):
        headers = {"traceparent": traceparent, "baggage": "b" * size}
        job = taken(client.post("/v1/jobs", json={"task": "a", "queue": "limits"}, headers=headers))
        assert ("trace" in job) is kept


def test_texts_of_an_error_beyond_their_bound_are_cut_not_refused(client: httpx.Client) -> None:
    bounds = {
        "type": limits.MAX_ERROR_TYPE_CHARS,
        "message": limits.MAX_ERROR_MESSAGE_CHARS,
        "stack": limits.MAX_ERROR_STACK_CHARS,
    }
    job = taken(client.post("/v1/jobs", json={"task": "a", "queue": "limits-error"}))
    [leased] = taken(client.post("/v1/leases", json={"queues": ["limits-error"]}))["jobs"]
    error = {name: "ä" * (most + 1) for name, most in bounds.items()}
    taken(client.post(f"/v1/jobs/{job['id']}/nack", json={"token": leased["token"], "error": error}))
    kept = taken(client.get(f"/v1/jobs/{job['id']}"))["error"]
    assert {name: len(text) for name, text in kept.items()} == bounds


PAGES = {
    "/v1/queues": limits.MAX_PAGE_ITEMS,
    "/v1/limits": limits.MAX_PAGE_ITEMS,
    "/v1/jobs": limits.MAX_LISTED_JOBS,
    "/v1/events": limits.MAX_EVENTS_PAGE,
}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_at_its_bounds(client: httpx.Client, path: str) -> None:
    most = PAGES[path]
    for limit, status in ((0, 422), (1, 200), (most, 200), (most + 1, 422)):
        assert client.get(path, params={"limit": limit}).status_code == status


def test_a_wait_beyond_its_bound_is_cut_not_refused(client: httpx.Client) -> None:
    body = {"task": "a", "queue": "limits-short", "expires_in_ms": 50}
    reply = client.post("/v1/jobs", json=body, headers={"Prefer": "respond-async, wait=31"})
    assert reply.headers["preference-applied"] == f"wait={limits.MAX_WAIT_MS // 1000}"
    assert (reply.status_code, reply.json()["reason"]) == (200, "expired")


def test_a_queue_may_be_named_as_often_as_queues_may_be_named(client: httpx.Client) -> None:
    client.post("/v1/jobs", json={"task": "a", "queue": "limits-twice"})
    reply = client.post("/v1/leases", json={"queues": ["limits-twice"] * limits.MAX_LEASE_QUEUES, "max": 5})
    assert len(taken(reply)["jobs"]) == 1
