"""G18: what comes next, with several servers asking the same store."""

import random

from tests.guarantees.cluster import Cluster, Lease

PRIORITIES = (0, 50, 100, 100, 100, 200, 255)


def test_g18_priority_then_first_in_first_out_over_servers(cluster: Cluster, queue: str) -> None:
    """Plain jobs and jobs of limits and ordering keys stand in one line."""
    dice = random.Random(18)
    jobs = []
    for n in range(60):
        wishes = dice.choice(({}, {}, {"limits": [f"{queue}:{n % 3}"]}, {"ordering_key": f"own-{n}"}))
        job = cluster.any.enqueue(queue, priority=dice.choice(PRIORITIES), **wishes)
        jobs.append((-job["priority"], n, job["id"]))
    leased = [cluster.any.lease(queue)[0].id for _ in jobs]
    assert leased == [job_id for _, _, job_id in sorted(jobs)]


def test_g18_holds_inside_one_batch_and_one_lease(cluster: Cluster, queue: str) -> None:
    dice = random.Random(18)
    asked = [{"queue": queue, "priority": dice.choice(PRIORITIES)} for _ in range(50)]
    jobs = cluster.any.enqueue_many(asked)
    line = [job["id"] for job in sorted(jobs, key=lambda job: -job["priority"])]  # stable: first in, first out
    leased = [lease.id for _ in range(5) for lease in cluster.any.lease(queue, max=10)]
    assert leased == line


def test_g18_what_was_leased_goes_back_to_its_place(cluster: Cluster, queue: str) -> None:
    first, second, third = (cluster.any.enqueue(queue)["id"] for _ in range(3))
    urgent = cluster.any.enqueue(queue, priority=200)["id"]
    leases = cluster.any.lease(queue, max=2)
    assert [lease.id for lease in leases] == [urgent, first]
    for lease in reversed(leases):
        assert cluster.any.settle("release", lease, reason="r")["state"] == "ready"
    assert _ids(cluster.any.lease(queue, max=9)) == [urgent, first, second, third]


def test_g18_queues_of_one_request_come_in_their_order(cluster: Cluster, queue: str) -> None:
    high, low = f"{queue}.high", f"{queue}.low"
    later = [cluster.any.enqueue(low, priority=255)["id"] for _ in range(2)]
    sooner = [cluster.any.enqueue(high, priority=0, ordering_key=f"k{n}")["id"] for n in range(2)]
    assert _ids(cluster.any.lease(high, low, max=3)) == [*sooner, later[0]]
    assert _ids(cluster.any.lease(high, low, max=3)) == later[1:]


def test_an_ordering_key_goes_one_by_one_over_servers(cluster: Cluster, queue: str) -> None:
    """In the order in which they came, through a retry and a release, while others pass by."""
    first, second = (cluster.any.enqueue(queue, ordering_key="account")["id"] for _ in range(2))
    other = cluster.any.enqueue(queue)["id"]
    [held, plain] = cluster.any.lease(queue, max=9)
    assert (held.id, plain.id) == (first, other)
    assert cluster.any.lease(queue, max=9) == []
    assert cluster.any.fail(held, retry_in_ms=200)["state"] == "retrying"
    assert cluster.any.lease(queue, max=9) == []  # busy while it waits for its retry
    [again] = cluster.any.lease(queue, max=9, wait_ms=5_000)
    assert again.id == first
    cluster.any.settle("release", again, reason="r")
    [again] = cluster.any.lease(queue, max=9)
    assert again.id == first
    cluster.any.settle("ack", again)
    assert _ids(cluster.any.lease(queue, max=9)) == [second]


def test_tenants_share_a_queue_by_turns_over_servers(cluster: Cluster, queue: str) -> None:
    """A tenant of a thousand jobs does not keep one of two waiting; weight 3 gets three turns of four."""
    for tenant, count in (("large", 30), ("small", 2), ("heavy", 30)):
        weight = 3 if tenant == "heavy" else 1
        for _ in range(count):
            cluster.any.enqueue(queue, fairness_key=tenant, weight=weight, tags={"tenant": tenant})
    leased = [_tenant(cluster, cluster.any.lease(queue)[0]) for _ in range(20)]
    assert set(leased[:5]) == {"large", "small", "heavy"}
    assert leased[:10].count("small") == 2
    assert leased[10:18].count("heavy") == 6


def _tenant(cluster: Cluster, lease: Lease) -> str:
    return str(cluster.any.job(lease.id)["fairness_key"])


def _ids(leases: list[Lease]) -> list[str]:
    return [lease.id for lease in leases]
