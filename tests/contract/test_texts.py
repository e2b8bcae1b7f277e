"""Bounds of names, keys and other texts: what they may be made of, and how long they may be."""

from collections.abc import Callable

import httpx
import pytest
from headrace_server.domain import limits

from tests.contract.world import FAR, PROOF, refused_at, taken
from tests.support.contract import Document

JOB = {"task": "a", "queue": "limits"}
NOWHERE = {"filter": {"task": "limits-nowhere"}}
NAMES: dict[str, Callable[[str], tuple[str, Document, str]]] = {
    "task": lambda name: ("/v1/jobs", {"task": name, "queue": "limits"}, "/task"),
    "queue": lambda name: ("/v1/jobs", {"task": "a", "queue": name}, "/queue"),
    "queues": lambda name: ("/v1/leases", {"queues": [name]}, "/queues/0"),
    "worker": lambda name: ("/v1/leases", {"queues": ["q"], "worker": {"id": name}}, "/worker/id"),
    "target": lambda name: ("/v1/operations", {**NOWHERE, "action": "move", "target_queue": name}, "/target_queue"),
}


@pytest.mark.parametrize("place", NAMES)
def test_a_name_at_its_bounds(client: httpx.Client, place: str) -> None:
    for name in ("n", "n" * limits.MAX_NAME_CHARS, "Az09_.-"):
        path, body, _ = NAMES[place](name)
        taken(client.post(path, json=body))
    for name in ("", "n" * (limits.MAX_NAME_CHARS + 1), "a b", "a/b", "ä", "a\n", "a\x00"):
        path, body, pointer = NAMES[place](name)
        refused_at(client.post(path, json=body), pointer)


def test_an_idempotency_key_at_its_bounds(client: httpx.Client) -> None:
    for key in ("!", "~" * limits.MAX_KEY_CHARS):
        taken(client.post("/v1/jobs", json={"task": "a", "queue": "limits"}, headers={"Idempotency-Key": key}))
        taken(client.post("/v1/jobs", json={"task": "a", "queue": "limits.own", "idempotency_key": key}))
    for key in ("", "~" * (limits.MAX_KEY_CHARS + 1), "a b", "ä"):
        header = {b"Idempotency-Key": key.encode("latin-1")}
        assert client.post("/v1/jobs", json={"task": "a"}, headers=header).status_code == 422
        refused_at(client.post("/v1/jobs", json={"task": "a", "idempotency_key": key}), "/idempotency_key")


LANE = limits.MAX_NAME_CHARS  # what LANE_KEY_PATTERN says
# what is taken, what is not, the body around it, the pointer to it
TEXTS: dict[str, tuple[list[str], list[str], Callable[[str], Document], str]] = {
    name: (["!", "~" * LANE, "a:b/c%"], ["", "~" * (LANE + 1), "a b", "ä", "a\n"], wrap, pointer)
    for name, wrap, pointer in (
        ("fairness_key", lambda key: {**JOB, "fairness_key": key}, "/fairness_key"),
        ("ordering_key", lambda key: {**JOB, "ordering_key": key}, "/ordering_key"),
        ("limits", lambda key: {**JOB, "limits": [key]}, "/limits/0"),
    )
} | {
    "depth of a limit": (
        [":".join("a" * limits.MAX_KEY_DEPTH)],
        [":".join("a" * (limits.MAX_KEY_DEPTH + 1)), ":" * limits.MAX_KEY_DEPTH],
        lambda key: {**JOB, "limits": [key]},
        "/limits/0",
    ),
    "unique": (
        ["!", "~" * limits.MAX_KEY_CHARS],
        ["", "~" * (limits.MAX_KEY_CHARS + 1), "a b", "ä"],
        lambda key: {**JOB, "unique": {"key": key}},
        "/unique/key",
    ),
    "value of a tag": (
        ["ä", " ", "x" * limits.MAX_TAG_VALUE_CHARS],
        ["", "x" * (limits.MAX_TAG_VALUE_CHARS + 1), "a\nb", "a\n", "\x7f"],
        lambda text: {**JOB, "tags": {"name": text}},
        "/tags/name",
    ),
    "pattern of an error": (
        ["*", "ä" * limits.MAX_PATTERN_CHARS],
        ["", "x" * (limits.MAX_PATTERN_CHARS + 1), "a\x1fb", "a\n"],
        lambda text: {**JOB, "retry": {"non_retryable": [text]}},
        "/retry/non_retryable/0",
    ),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_at_its_bounds(client: httpx.Client, name: str) -> None:
    good, bad, body, pointer = TEXTS[name]
    for text in good:
        taken(client.post("/v1/jobs", json=body(text)))
    for text in bad:
        refused_at(client.post("/v1/jobs", json=body(text)), pointer)


def test_the_name_of_a_tag_at_its_bounds(client: httpx.Client) -> None:
    for name in ("n", "n" * limits.MAX_TAG_NAME_CHARS, "Az09_.-"):
        taken(client.post("/v1/jobs", json={**JOB, "tags": {name: "v"}}))
    for name in ("", "n" * (limits.MAX_TAG_NAME_CHARS + 1), "a b", "a:b", "ä", "a\n"):
        reply = client.post("/v1/jobs", json={**JOB, "tags": {name: "v"}})
        assert (reply.status_code, reply.json()["errors"][0]["pointer"][:5]) == (422, "/tags"), name


def test_a_media_type_at_its_bounds(client: httpx.Client) -> None:
    longest = "a/".ljust(limits.MAX_MEDIA_TYPE_CHARS, "b")
    for text in ("text/csv", "text/csv; charset=utf-8", 'a/b;c="d e"', longest):
        taken(client.post(FAR + "/ack", json={**PROOF, "result_raw": "", "result_type": text}))
    for text in ("", "text", longest + "b", "a/b\r\nX-Evil: 1", "a/b\n", "a/b; c", "ä/b"):
        body = {**PROOF, "result_raw": "AA==", "result_type": text}
        refused_at(client.post(FAR + "/ack", json=body), "/result_type")


@pytest.mark.parametrize("text", ["A", "A===", "AA=A", "ä", "A A=", 5, None])
def test_bytes_that_are_no_base64_are_refused(client: httpx.Client, text: object) -> None:
    body = {**PROOF, "result_raw": text, "result_type": "a/b"}
    refused_at(client.post(FAR + "/ack", json=body), "/result_raw")
