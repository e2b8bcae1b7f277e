"""Clients of every kind at the same time: every reply keeps the contract, and every index agrees with the jobs."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.contract.world import ERROR, ID, LEASE_TOKEN, World
from tests.support.contract import Document
from tests.support.servers import run_headrace

SEED = 20260102
CLIENTS, REQUESTS = 6, 250
QUEUES = ["at.once", "at.once.b", "at", "other"]
STARTS = ["2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"]
KEYS = ["l", "l:a", "l:b", "m:x:y"]


class Client:
    """Somebody who does one thing after another, most of them to jobs that others are busy with."""

    def __init__(self, world: World, chance: random.Random, ids: list[str], leases: list[tuple[str, str]]) -> None:
        self.http, self.chance, self.ids, self.leases = world.http, chance, ids, leases
        self.acts: list[tuple[int, Callable[[], httpx.Response]]] = [
            (12, self.enqueue),
            (14, self.lease),
            (20, self.settle),
            (4, lambda: self.to_job("POST", "/cancel", mode=self.one_of("soft", "hard"))),
            (5, lambda: self.to_job("POST", "/retry", **self.maybe(queue=self.one_of(*QUEUES)))),
            (5, lambda: self.to_job("PATCH", "", delay_ms=self.one_of(0, 40, 60_000), priority=self.one_of(0, 255))),
            (3, lambda: self.to_job("PATCH", "", queue=self.one_of(*QUEUES))),
            (3, lambda: self.to_job("DELETE", "")),
            (3, lambda: self.http.get(self.path() + self.one_of("", "/explain", "/attempts", "/payload", "/result"))),
            (2, lambda: self.http.get(self.one_of("/v1/jobs?limit=9", "/v1/queues", "/v1/limits", "/v1/events"))),
            (4, self.operate_queue),
            (3, self.operate_limit),
            (4, self.operate_worker),
            (2, self.start_operation),
        ]

    def live(self) -> int:
        """Do many things; return how many of them were refused."""
        weights, acts = zip(*self.acts, strict=True)
        replies = [act() for act in self.chance.choices(acts, weights, k=REQUESTS)]
        assert [reply.text for reply in replies if reply.status_code >= 500] == []
        return sum(reply.status_code >= 400 for reply in replies)

    def one_of(self, *choices: Any) -> Any:
        return self.chance.choice(choices)

    def maybe(self, **fields: Any) -> Document:
        """Return some of the fields."""
        return {name: value for name, value in fields.items() if self.chance.random() < 0.3}

    def path(self) -> str:
        return f"/v1/jobs/{self.chance.choice(self.ids[-200:] or [ID])}"

    def to_job(self, method: str, verb: str, **body: Any) -> httpx.Response:
        return self.http.request(method, self.path() + verb, json=body if method != "DELETE" else None)

    def enqueue(self) -> httpx.Response:
        unique = {"key": self.one_of("j", "k"), "on_conflict": self.one_of("reject", "return", "replace")}
        until = self.one_of({"until": "start"}, {"until": "finish"}, {"until": "ttl", "ttl_ms": self.one_of(1, 99_999)})
        job = self.maybe(
            priority=self.one_of(0, 7, 255),
            delay_ms=self.one_of(0, 50, 60_000),
            expires_in_ms=self.one_of(50, 60_000),
            tags={"tenant": self.one_of("a", "b")},
            fairness_key=self.one_of("a", "b"),
            limits=self.chance.sample(KEYS, self.chance.randint(1, 3)),
            unique=unique | until,
            retry={"max_attempts": 2, "initial_ms": 10, "on_exhausted": self.one_of("dead", "discard")},
            max_crashes=1,
            payload=[7],
            result_ttl_ms=self.one_of(0, 50),
        )
        if "payload" not in job and self.chance.random() < 0.3:
            job |= {"payload_raw": "AA==", "payload_type": "a/b"}
        if self.chance.random() < 0.3:
            job |= {"ordering_key": self.one_of("a", "b"), "on_dead": self.one_of("next", "hold")}
        reply = self.http.post("/v1/jobs", json={"task": "a", "queue": self.one_of(*QUEUES), **job})
        self.ids += [reply.json()["id"]] if reply.is_success else []
        return reply

    def lease(self) -> httpx.Response:
        body = {"queues": QUEUES, "max": self.one_of(1, 5), "wait_ms": self.one_of(0, 20), "worker": {"id": "w"}}
        reply = self.http.post("/v1/leases", json=body | self.maybe(lease_ms=1_000))
        self.leases += [(job["id"], job["token"]) for job in reply.json()["jobs"]]
        return reply

    def settle(self) -> httpx.Response:
        job_id, token = self.chance.choice(self.leases[-50:] or [(ID, LEASE_TOKEN)])
        verb, more = self.one_of(
            ("ack", {"result": 5}),
            ("nack", {"error": ERROR, "retryable": self.one_of(True, False), "discard": self.one_of(True, False)}),
            ("release", {}),
            ("snooze", {"delay_ms": self.one_of(0, 60_000)}),
            ("extend", {"checkpoint": [7]}),
        )
        return self.http.post(f"/v1/jobs/{job_id}/{verb}", json={"token": token, **more})

    def operate_queue(self) -> httpx.Response:
        path = f"/v1/queues/{self.one_of(*QUEUES)}"
        settings = self.maybe(
            concurrency=3, max_depth=60, max_bytes=900, rate={"count": 50, "per_ms": 1_000}, priority=9
        )
        return self.http.request(
            *self.one_of(
                ("PUT", path), ("POST", f"{path}/resume"), ("POST", f"{path}/pause"), ("POST", f"{path}/purge")
            ),
            json=settings if self.chance.random() < 0.1 else {},
        )

    def operate_limit(self) -> httpx.Response:
        path = f"/v1/limits/{self.one_of(*KEYS)}"
        verb, at, body = self.one_of(
            ("PUT", "", {"concurrency": self.one_of(1, 3)}),
            ("PUT", "", {"rate": {"count": 50, "per_ms": 1_000}}),
            ("DELETE", "", None),
            ("POST", "/backoff", {"for_ms": self.one_of(0, 30)}),
        )
        return self.http.request(verb, path + at, json=body)

    def operate_worker(self) -> httpx.Response:
        path = f"/v1/workers/{self.one_of('w1', 'w2', 'w3')}"
        info = {"queues": [self.one_of(*QUEUES)], "tasks": ["a"], "started_at": self.one_of(*STARTS)}
        verb, at, body = self.one_of(
            ("POST", "/heartbeat", {"leases": [], **self.maybe(info=info, next_ms=1_000, final=True)}),
            ("POST", self.one_of("/quiet", "/stop", "/resume"), None),
            ("GET", "", None),
            ("DELETE", "", None),
        )
        return self.http.request(verb, path + at, json=body)

    def start_operation(self) -> httpx.Response:
        action, target = self.one_of(("retry", None), ("cancel", None), ("delete", None), ("move", "at.once.b"))
        which = {"queue": self.one_of("at", "at.once"), **self.maybe(tag={"name": "tenant", "value": "a"})}
        body = {"action": action, "filter": which, **({"target_queue": target} if target else {})}
        return self.http.post("/v1/operations", json=body | self.maybe(dry_run=True, rate_per_s=50))


@pytest.mark.fuzz
def test_clients_of_every_kind_at_the_same_time(world: World) -> None:
    ids: list[str] = []
    leases: list[tuple[str, str]] = []
    clients = [Client(world, random.Random(SEED + number), ids, leases) for number in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        refused = sum(pool.map(Client.live, clients))
    assert 0 < refused < CLIENTS * REQUESTS // 2  # else they are not in each other's way, or do nothing
    code, told, fault = run_headrace("check", "--test-clock", "--redis", world.store.url, "-o", "json")
    assert (code, fault) == (0, ""), told
    assert len({job_id for job_id, _ in leases}) > CLIENTS
