"""G1, G22, G23, G25, G27, G29: servers and stores that go away, beside others that stay."""

import signal
import time
from typing import Any

import httpx

from tests.guarantees.cluster import Cluster, at_once
from tests.support.waiting import eventually
from tests.torture.history import to_ms

JOBS = 60
HEALED_S = 5.0


def test_g1_what_was_acknowledged_survives_a_kill_of_everything(frail: Cluster, queue: str) -> None:
    """With every option that has a place of its own in the store."""
    wishes: list[dict[str, Any]] = [{}, {"delay_ms": 1}, {"ordering_key": "k"}, {"limits": ["l"]}, {"tags": {"a": "b"}}]
    ids = [frail.any.enqueue(queue, **wishes[n % len(wishes)])["id"] for n in range(JOBS)]
    for server in frail.servers:
        server.kill9()
    frail.store.kill9()
    frail.store.start()
    for server in frail.servers:
        server.start()
    done: set[str] = set()
    while len(done) < JOBS:
        leases = frail.any.lease(queue, max=JOBS, wait_ms=2_000)
        assert leases, f"{JOBS - len(done)} jobs are lost"
        done |= {lease.id for lease in leases if frail.any.settle("ack", lease)["status"] == "ok"}
    assert done == set(ids)


def test_g22_a_server_dies_and_the_other_one_goes_on(frail: Cluster, queue: str) -> None:
    """What was begun at the one is finished at the other."""
    dying, staying = frail.callers
    ids = [dying.enqueue(queue)["id"] for _ in range(5)]
    [lease] = dying.lease(queue, lease_ms=60_000)
    with at_once(1) as pool:
        poll = pool.submit(staying.lease, f"{queue}.idle", wait_ms=10_000)
        frail.servers[0].kill9()
        staying.enqueue(f"{queue}.idle")
        assert len(poll.result()) == 1
    assert staying.settle("extend", lease, lease_ms=90_000)["status"] == "ok"
    assert staying.settle("ack", lease)["status"] == "ok"
    assert [found.id for found in staying.lease(queue, max=9)] == ids[1:]


def test_g23_a_full_store_takes_no_jobs_and_lets_the_others_out(frail: Cluster, queue: str) -> None:
    ids = [frail.any.enqueue(queue, payload="x" * 1_000)["id"] for _ in range(4)]
    used = int(frail.store.client().info("memory")["used_memory"]) // 2  # what is used now may be less in a moment
    frail.store.call("CONFIG", "SET", "maxmemory", used)
    for caller in frail.callers:
        reply = caller.ask("POST", "jobs", {"task": "t", "queue": queue, "payload": "x" * 1_000})
        assert (reply.status_code, reply.json()["code"]) == (503, "store_full")
    leases = frail.any.lease(queue, max=9)
    assert [lease.id for lease in leases] == ids
    assert frail.any.settle("extend", leases[0])["status"] == "ok"
    assert frail.any.fail(leases[0])["status"] == "ok"
    assert frail.any.ask("POST", f"jobs/{ids[0]}/cancel").status_code == 200
    assert all(frail.any.settle("ack", lease)["status"] == "ok" for lease in leases[1:])
    frail.store.call("CONFIG", "SET", "maxmemory", 0)
    assert frail.any.enqueue(queue)["state"] == "ready"


def test_g25_all_servers_heal_when_the_store_is_back(frail: Cluster, queue: str) -> None:
    """Requests, polls that were parked before, and what is due by itself."""
    frail.any.enqueue(queue, delay_ms=1_500)
    with at_once(2) as pool:
        polls = [pool.submit(_poll_until_served, caller.http, queue) for caller in frail.callers]
        for _ in range(2):
            frail.store.kill9()
            frail.store.start()
            back = time.monotonic()
            for caller in frail.callers:
                eventually(lambda caller=caller: caller.ask("GET", "queues").is_success, HEALED_S)
            assert time.monotonic() - back < HEALED_S
        frail.any.enqueue(queue)
        assert len({poll.result() for poll in polls}) == 2


def test_g27_a_long_poll_is_answered_in_time_and_misses_no_job(cluster: Cluster, queue: str) -> None:
    """As many polls as jobs, spread over the servers: each gets one at once; one without a job ends with its wait."""
    with at_once(13) as pool:
        idle = pool.submit(_timed_poll, cluster, f"{queue}.idle", 1_000)
        polls = [pool.submit(cluster.any.lease, queue, wait_ms=20_000) for _ in range(12)]
        eventually(idle.done, 5.0, "the idle poll ends; by then the others are parked")
        added = {}
        for _ in range(12):
            job = cluster.any.enqueue(queue)
            added[job["id"]] = to_ms(job["enqueued_at"])
        found = [lease for poll in polls for lease in poll.result()]
    assert {lease.id for lease in found} == set(added)
    assert max(lease.at_ms - added[lease.id] for lease in found) <= 1_000
    leases, took_s = idle.result()
    assert leases == []
    assert 1.0 <= took_s <= 2.0


def test_g29_one_of_several_servers_is_asked_to_end(frail: Cluster, queue: str) -> None:
    """Its polls are answered empty at once, and it is gone within 2 s; the other one goes on."""
    leaving, staying = frail.callers
    with at_once(3) as pool:
        polls = [pool.submit(leaving.lease, queue, wait_ms=20_000) for _ in range(2)]
        stays = pool.submit(staying.lease, queue, wait_ms=20_000)
        time.sleep(0.5)  # they are parked: nothing outside can see that
        began = time.monotonic()
        frail.servers[0].child.signal(signal.SIGTERM)
        assert [poll.result() for poll in polls] == [[], []]
        assert frail.servers[0].child.wait(5.0) == 0
        assert time.monotonic() - began < 2.0
        job = staying.enqueue(queue)
        assert [lease.id for lease in stays.result()] == [job["id"]]


def _timed_poll(cluster: Cluster, queue: str, wait_ms: int) -> tuple[list[Any], float]:
    began = time.monotonic()
    return cluster.any.lease(queue, wait_ms=wait_ms), time.monotonic() - began


def _poll_until_served(http: httpx.Client, queue: str) -> str:
    """Poll as a worker does: whatever happens, again."""
    while True:
        reply = http.post("/v1/leases", json={"queues": [queue], "wait_ms": 1_000})
        if reply.is_success and reply.json()["jobs"]:
            return str(reply.json()["jobs"][0]["id"])
