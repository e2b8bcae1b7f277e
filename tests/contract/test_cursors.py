"""Cursors that were altered, forged or used for something else: always 422, never a guess and never a fault."""

import base64
import itertools
import random
from collections.abc import Iterator

import httpx
import pytest

SEED = 20260102
LIST = {"queue": "cursors", "limit": "3"}
ONE = {"limit": "1"}
READ: dict[str, tuple[str, dict[str, str], str]] = {
    "list": ("/v1/jobs", LIST, "cursor"),
    "events": ("/v1/events", {}, "after"),
    "workers": ("/v1/workers", ONE, "cursor"),
}


@pytest.fixture(scope="module")
def cursors(client: httpx.Client) -> dict[str, str]:
    """A cursor of a list, one of the log of events, and one of the workers."""
    batch = {"defaults": {"task": "a", "queue": "cursors"}, "jobs": [{}] * 20}
    assert client.post("/v1/jobs/batch", json=batch).status_code == 201
    listed = client.get("/v1/jobs", params=LIST).json()["cursor"]
    for worker in ("cursors-1", "cursors-2"):
        client.post(f"/v1/workers/{worker}/heartbeat", json={"next_ms": 60_000})
    workers = client.get("/v1/workers", params=ONE).json()["cursor"]
    return {"list": listed, "events": client.get("/v1/events").json()["cursor"], "workers": workers}


def altered(cursor: str) -> Iterator[str]:
    """Yield a cursor with each of its bits turned, then with several."""
    data = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    chance = random.Random(SEED)
    every = [[bit] for bit in range(8 * len(data))]
    for bits in itertools.chain(every, ([chance.randrange(8 * len(data)) for _ in range(3)] for _ in range(50))):
        number = int.from_bytes(data, "big")
        for bit in set(bits):
            number ^= 1 << bit
        yield base64.urlsafe_b64encode(number.to_bytes(len(data), "big")).rstrip(b"=").decode()
    yield from (cursor[:-2], cursor[2:], cursor * 2, cursor + "AAAA", cursor.swapcase())


def test_a_cursor_is_good_as_often_as_it_is_used(client: httpx.Client, cursors: dict[str, str]) -> None:
    pages = [client.get("/v1/jobs", params={**LIST, "cursor": cursors["list"]}).json()["jobs"] for _ in range(2)]
    assert [job["id"] for job in pages[0]] == [job["id"] for job in pages[1]]
    longer = client.get("/v1/jobs", params={**LIST, "limit": "5", "cursor": cursors["list"]})
    assert len(longer.json()["jobs"]) == 5


@pytest.mark.parametrize("kind", READ)
def test_an_altered_cursor_is_refused(client: httpx.Client, cursors: dict[str, str], kind: str) -> None:
    path, given, name = READ[kind]
    for cursor in altered(cursors[kind]):
        reply = client.get(path, params={**given, name: cursor})
        assert (reply.status_code, reply.json()["code"]) == (422, "invalid_cursor"), cursor


@pytest.mark.parametrize(
    "filters", [{}, {"queue": "cursors.b"}, {**LIST, "state": "ready"}, {**LIST, "tag": "a:b"}, {"state": "ready"}]
)
def test_a_cursor_belongs_to_its_filters(
    client: httpx.Client, cursors: dict[str, str], filters: dict[str, str]
) -> None:
    reply = client.get("/v1/jobs", params={**filters, "cursor": cursors["list"]})
    assert (reply.status_code, reply.json()["code"]) == (422, "invalid_cursor")


def test_a_cursor_of_a_list_is_none_of_the_log_and_the_reverse(client: httpx.Client, cursors: dict[str, str]) -> None:
    for path, params in (
        ("/v1/events", {"after": cursors["list"]}),
        ("/v1/jobs", {"cursor": cursors["events"]}),
        ("/v1/jobs", {**LIST, "cursor": cursors["events"]}),
        ("/v1/workers", {"cursor": cursors["list"]}),
        ("/v1/workers", {"queue": "q", "cursor": cursors["workers"]}),
    ):
        reply = client.get(path, params=params)
        assert (reply.status_code, reply.json()["code"]) == (422, "invalid_cursor")
