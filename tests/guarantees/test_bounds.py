"""G21: pauses, concurrency and rates, with several servers and several polls at once, judged by what happened."""

import random
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.guarantees.cluster import Caller, Cluster, Lease, at_once, each
from tests.support.waiting import eventually
from tests.torture.history import to_ms

POLLERS = 9
JOBS = 90
K = 4


def work(cluster: Cluster, queue: str, jobs: int, hold: Callable[[Caller, Lease], Any]) -> list[tuple[Lease, int]]:
    """Let POLLERS workers of all servers do all jobs of a queue; return each lease, and the store's time of its end."""
    done: list[tuple[Lease, int]] = []

    def poll(caller: Caller) -> None:
        while len(done) < jobs:
            for lease in caller.lease(queue, max=3, wait_ms=200):
                hold(caller, lease)
                done.append((lease, to_ms(caller.settle("ack", lease)["server_time"])))

    each([lambda caller=cluster.any: poll(caller) for _ in range(POLLERS)])
    return done


def most_at_once(done: list[tuple[Lease, int]]) -> int:
    """Return how many leases were live at the worst moment; one that ends makes room before the next begins."""
    steps = sorted(step for lease, end_ms in done for step in ((lease.at_ms, 1), (end_ms, -1)))
    live = most = 0
    for _, step in steps:
        live += step
        most = max(most, live)
    return most


def briefly(caller: Caller, lease: Lease) -> None:
    """Work for a while: what is measured is who works beside."""
    time.sleep(0.01)


def test_g21_a_paused_queue_gives_nothing(cluster: Cluster, queue: str) -> None:
    """Polls of all servers are parked when the pause comes; none of them gets a job until it ends."""
    with at_once(POLLERS) as pool:
        polls = [pool.submit(cluster.any.lease, queue, wait_ms=6_000) for _ in range(POLLERS)]
        assert cluster.any.do("POST", f"queues/{queue}/pause")["paused"] is True
        for _ in range(POLLERS):
            cluster.any.enqueue(queue)
        assert cluster.any.lease(queue, wait_ms=500) == []
        assert not any(poll.done() for poll in polls)
        before_ms = cluster.now_ms()
        assert cluster.any.do("POST", f"queues/{queue}/resume")["paused"] is False
        leases = [lease for poll in polls for lease in poll.result()]
    assert len({lease.id for lease in leases}) == POLLERS
    assert all(lease.at_ms >= before_ms for lease in leases)


def test_g21_a_pause_ends_by_itself_and_wakes_who_waits(cluster: Cluster, queue: str) -> None:
    cluster.any.enqueue(queue)
    until_ms = to_ms(cluster.any.do("POST", f"queues/{queue}/pause", {"for_ms": 700})["paused_until"])
    [lease] = cluster.any.lease(queue, wait_ms=5_000)
    assert 0 <= lease.at_ms - until_ms <= 1_000


@pytest.mark.parametrize("scope", ["queue", "limit", "two limits"])
def test_g21_never_more_live_leases_than_allowed(cluster: Cluster, queue: str, scope: str) -> None:
    wishes: dict[str, Any] = {}
    if scope == "queue":
        cluster.any.do("PUT", f"queues/{queue}", {"concurrency": K})
    else:
        cluster.any.do("PUT", f"limits/{queue}", {"concurrency": K})
        wishes = {"limits": [f"{queue}:key", *([f"{queue}-wide"] if scope == "two limits" else [])]}
    if scope == "two limits":
        cluster.any.do("PUT", f"limits/{queue}-wide", {"concurrency": K + 2})
    for _ in range(2):
        cluster.any.enqueue_many([{"queue": queue, **wishes}] * (JOBS // 2))  # as a whole go 50 with limits
    done = work(cluster, queue, JOBS, briefly)
    assert len({lease.id for lease, _ in done}) == JOBS
    assert 1 < most_at_once(done) <= K


def test_g21_a_limit_holds_for_each_of_its_keys_by_itself(cluster: Cluster, queue: str) -> None:
    """A key that is full holds up neither the other keys nor the jobs behind it."""
    cluster.any.do("PUT", f"limits/{queue}", {"concurrency": 1})
    stuck = [cluster.any.enqueue(queue, limits=[f"{queue}:a"])["id"] for _ in range(3)]
    free = cluster.any.enqueue(queue, limits=[f"{queue}:b"])["id"]
    plain = cluster.any.enqueue(queue)["id"]
    leases = cluster.any.lease(queue, max=9)
    assert [lease.id for lease in leases] == [stuck[0], free, plain]
    assert cluster.any.lease(queue, max=9) == []
    assert cluster.any.do("GET", f"limits/{queue}:a")["leased"] == 1
    cluster.any.settle("ack", leases[0])
    assert [lease.id for lease in cluster.any.lease(queue, max=9)] == [stuck[1]]


def test_g21_a_slot_that_is_freed_wakes_who_waits(cluster: Cluster, queue: str) -> None:
    """By an ack, a crash or a change of the limit, whichever server it comes from."""
    cluster.any.do("PUT", f"limits/{queue}", {"concurrency": 1})
    cluster.any.enqueue_many([{"queue": queue, "limits": [queue]}] * 4)
    [held] = cluster.any.lease(queue, lease_ms=60_000)
    freeing: list[Callable[[], Any]] = [
        lambda: cluster.any.settle("ack", held),
        lambda: None,  # the lease of the second runs out by itself: it comes again
        lambda: cluster.any.do("PUT", f"limits/{queue}", {"concurrency": 2}),
    ]
    for free in freeing:
        with at_once(1) as pool:
            poll = pool.submit(cluster.any.lease, queue, wait_ms=10_000, lease_ms=1_000)
            free()
            began = time.monotonic()
            assert len(poll.result()) == 1
            assert time.monotonic() - began < 3.0


def test_g21_never_faster_than_a_rate(cluster: Cluster, queue: str) -> None:
    """In any time not more leases than burst + rate x time; and hardly fewer while somebody asks."""
    count, per_ms, burst, jobs = 20, 500, 3, 45
    cluster.any.do("PUT", f"limits/{queue}", {"rate": {"count": count, "per_ms": per_ms, "burst": burst}})
    cluster.any.enqueue_many([{"queue": queue, "limits": [f"{queue}:k"]}] * jobs)
    times = sorted(lease.at_ms for lease, _ in work(cluster, queue, jobs, lambda caller, lease: None))
    _judge_rate(times, count, per_ms, burst)
    assert times[-1] - times[0] < 3 * (jobs - burst) * per_ms / count


def test_g21_the_rate_of_a_queue_holds_for_all_servers(cluster: Cluster, queue: str) -> None:
    count, per_ms, burst, jobs = 50, 1_000, 5, 40
    cluster.any.do("PUT", f"queues/{queue}", {"rate": {"count": count, "per_ms": per_ms, "burst": burst}})
    cluster.any.enqueue_many([{"queue": queue}] * jobs)
    times = sorted(lease.at_ms for lease, _ in work(cluster, queue, jobs, lambda caller, lease: None))
    _judge_rate(times, count, per_ms, burst)


def test_g21_nothing_of_a_limit_that_is_held_back(cluster: Cluster, queue: str) -> None:
    """`the API said 429`: the keys under the name wait, the rest goes on, and all comes when it is over."""
    limited = cluster.any.enqueue(queue, limits=[f"{queue}:tenant"])["id"]
    held = cluster.any.do("POST", f"limits/{queue}/backoff", {"for_ms": 800})
    plain = cluster.any.enqueue(queue)["id"]
    assert [lease.id for lease in cluster.any.lease(queue, max=9)] == [plain]
    [lease] = cluster.any.lease(queue, wait_ms=5_000)
    assert lease.id == limited
    assert 0 <= lease.at_ms - to_ms(held["held_until"]) <= 1_000


def test_g21_limits_survive_workers_that_die(cluster: Cluster, queue: str) -> None:
    """Slots of leases that ran out come back; not one more is given than there are."""
    cluster.any.do("PUT", f"limits/{queue}", {"concurrency": 3})
    cluster.any.enqueue_many([{"queue": queue, "limits": [queue], "max_crashes": 20}] * 9)
    dice, spans = random.Random(21), []
    while (leases := cluster.any.lease(queue, max=9, lease_ms=1_000, wait_ms=3_000)) or not _all_ended(cluster, queue):
        for lease in leases:
            end_ms = lease.at_ms + 1_000
            if dice.random() < 0.7:
                end_ms = to_ms(cluster.any.settle("ack", lease)["server_time"])
            spans.append((lease, end_ms))
    assert most_at_once(spans) == 3
    eventually(lambda: cluster.any.do("GET", f"limits/{queue}")["leased"] == 0, 5.0, "no slot is left taken")


def _all_ended(cluster: Cluster, queue: str) -> bool:
    return cluster.any.counts(queue)["succeeded"] == 9


def _judge_rate(times: list[int], count: int, per_ms: int, burst: int) -> None:
    for i, first in enumerate(times):
        for j in range(i, len(times)):
            assert j - i + 1 <= burst + (times[j] - first) * count // per_ms, f"{j - i + 1} from {first} to {times[j]}"
