"""G12, G13: a job is in one state, and all of them add up; whatever is done, and at whichever server."""

import random
import threading
from collections import Counter
from typing import Any

from headrace_server.domain.lifecycle import FINAL

from tests.guarantees.cluster import Caller, Cluster, each
from tests.support.waiting import eventually

JOBS = 120


class Bustle:
    """Workers and an operator who do to some jobs whatever can be done, until all have ended."""

    def __init__(self, ids: list[str], queue: str) -> None:
        self.sights: list[tuple[str, str]] = []  # of a job in a state, in the order of looking
        self._ids = ids
        self._queue = queue
        self._over = threading.Event()

    def work(self, caller: Caller) -> None:
        dice = random.Random(1)
        more: dict[str, dict[str, Any]] = {
            "nack": {"error": {"type": "E", "message": "m"}, "retry_in_ms": 20},
            "release": {"reason": "r"},
            "snooze": {"delay_ms": 20},
        }
        while not self._over.is_set():
            for lease in caller.lease(self._queue, max=2, wait_ms=100):
                verb = dice.choice(("ack", *more))
                caller.ask("POST", f"jobs/{lease.id}/{verb}", {**lease.proof, **more.get(verb, {})})

    def meddle(self, caller: Caller) -> None:
        dice = random.Random(2)
        while not self._over.wait(0.02):
            caller.ask("POST", f"jobs/{dice.choice(self._ids)}/cancel", {"mode": dice.choice(("soft", "hard"))})

    def watch(self, caller: Caller) -> None:
        while not self._over.is_set():
            states = [caller.job(job_id)["state"] for job_id in self._ids]
            self.sights += zip(self._ids, states, strict=True)
            if FINAL.issuperset(states):
                self._over.set()


def test_g12_a_run_of_a_job_reaches_one_final_state(cluster: Cluster, queue: str) -> None:
    """Once it has ended it stays as it is, at every server; a redrive opens another run, with an end of its own."""
    jobs = cluster.any.enqueue_many([{"queue": queue, "retry": {"max_attempts": 2}}] * 40)
    ends = bustle_over([job["id"] for job in jobs], cluster, queue)
    assert len(set(ends.values())) > 1, "they ended in different ways"
    dead = [job_id for job_id, state in ends.items() if state == "dead"]
    for job_id in dead:
        assert cluster.any.do("POST", f"jobs/{job_id}/retry")["run"] == 2
    again = bustle_over(dead, cluster, queue)
    for job_id, state in (ends | again).items():
        assert {caller.job(job_id)["state"] for caller in cluster.callers} == {state}


def bustle_over(ids: list[str], cluster: Cluster, queue: str) -> dict[str, str]:
    """Let jobs run until all have ended; return how each did, which it kept to from the first sight of it."""
    bustle = Bustle(ids, queue)
    first, second, third = cluster.callers
    working = [lambda: bustle.work(first), lambda: bustle.work(second)]
    each([*working, lambda: bustle.meddle(third), lambda: bustle.watch(first)])
    ends: dict[str, str] = {}
    for job_id, state in [*bustle.sights, *((job_id, third.job(job_id)["state"]) for job_id in ids)]:
        assert ends.get(job_id, state) == state, f"{job_id} was {ends[job_id]}, and is {state}"
        if state in FINAL:
            ends[job_id] = state
    assert ends.keys() == set(ids)
    return ends


def test_g13_what_was_accepted_adds_up(cluster: Cluster, queue: str) -> None:
    """At rest the states of a queue, and what was deleted and purged, are all that was accepted."""
    jobs = [cluster.any.enqueue(queue, **_wishes(n)) for n in range(JOBS)]
    done: Counter[str] = Counter()
    for verb in ("ack", "nack", "leave"):
        for lease in cluster.any.lease(queue, max=15, lease_ms=600_000):
            if verb == "ack":
                cluster.any.settle("ack", lease)
            if verb == "nack":
                cluster.any.fail(lease, retryable=False)
            done[verb] += 1
    cancelled = [job["id"] for job in jobs if job["state"] == "scheduled"][:10]
    assert {cluster.any.ask("POST", f"jobs/{job_id}/cancel").status_code for job_id in cancelled} == {200}
    removed = [job["id"] for job in cluster.any.do("GET", f"jobs?queue={queue}&state=succeeded&limit=7")["jobs"]]
    for job_id in removed:
        cluster.any.do("DELETE", f"jobs/{job_id}")
        assert cluster.any.ask("GET", f"jobs/{job_id}").status_code == 404
    _expect(cluster, queue, succeeded=15 - 7, dead=15, leased=15, cancelled=10, waiting=JOBS - 55)
    purge = cluster.any.do("POST", f"queues/{queue}/purge")
    eventually(lambda: cluster.any.do("GET", f"operations/{purge['id']}")["state"] == "done", 20.0)
    assert cluster.any.do("GET", f"operations/{purge['id']}")["done"] == JOBS - 55
    _expect(cluster, queue, succeeded=15 - 7, dead=15, leased=15, cancelled=10, waiting=0)


def _wishes(n: int) -> dict[str, Any]:
    kinds: tuple[dict[str, Any], ...] = (
        {},
        {"delay_ms": 600_000},
        {"ordering_key": f"k{n}", "limits": [f"l:{n % 5}"]},
        {"fairness_key": f"t{n % 4}"},
        {"tags": {"n": str(n % 3)}},
    )
    return kinds[n % len(kinds)]


def _expect(cluster: Cluster, queue: str, *, waiting: int, **expected: int) -> None:
    for caller in cluster.callers:
        counts = caller.counts(queue)
        assert {state: counts[state] for state in expected} == expected
        assert sum(counts[state] for state in ("ready", "scheduled", "retrying")) == waiting
