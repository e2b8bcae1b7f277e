"""G11, G15, G16: when things happen, by the store's clock, with a producer at one server and workers at the others."""

from collections.abc import Callable

from tests.guarantees.cluster import Cluster, Lease, at_once
from tests.torture.history import to_ms

JOBS = 100
QUEUES = 40


def p99(values: list[int]) -> int:
    return sorted(values)[len(values) * 99 // 100 - 1]


def late(cluster: Cluster, queues: list[str], jobs: int, due_ms: Callable[[Lease], int]) -> list[int]:
    """Poll at a server until so many jobs have come; return how late each one was."""
    found: list[int] = []
    while len(found) < jobs:
        leases = cluster.any.lease(*queues, max=JOBS, wait_ms=5_000, lease_ms=60_000)
        assert leases, f"nothing came within 5 s, {jobs - len(found)} are missing"
        found += [lease.at_ms - due_ms(lease) for lease in leases]
    return found


def test_g11_a_lease_that_ran_out_is_offered_again_within_a_second(cluster: Cluster, queue: str) -> None:
    cluster.any.enqueue_many([{"queue": queue}] * JOBS)
    ends = {lease.id: to_ms(lease.job["deadline"]) for lease in cluster.any.lease(queue, max=JOBS, lease_ms=1_000)}
    found = late(cluster, [queue], JOBS, lambda lease: ends[lease.id])
    assert min(found) >= 0
    assert p99(found) <= 1_000


def test_g15_a_retry_starts_no_earlier_than_announced(cluster: Cluster, queue: str) -> None:
    """By the worker's wait and by the job's backoff."""
    policy = {"backoff": "constant", "initial_ms": 300, "jitter": False}
    cluster.any.enqueue_many([{"queue": queue, "retry": policy}] * JOBS)
    announced: dict[str, int] = {}
    for n, lease in enumerate(cluster.any.lease(queue, max=JOBS)):
        told = cluster.any.fail(lease, **({"retry_in_ms": 7 * n} if n % 2 else {}))
        announced[lease.id] = to_ms(told["run_at"])
        assert announced[lease.id] - to_ms(told["server_time"]) == (7 * n if n % 2 else 300)
    found = late(cluster, [queue], JOBS, lambda lease: announced[lease.id])
    assert min(found) >= 0


def test_g16_a_delayed_job_starts_when_it_is_due(cluster: Cluster, queue: str) -> None:
    """One queue, many jobs, a worker that waits all the time."""
    jobs = cluster.any.enqueue_many([{"queue": queue, "delay_ms": 300 + 15 * n} for n in range(JOBS)])
    due = {job["id"]: to_ms(job["run_at"]) for job in jobs}
    found = late(cluster, [queue], JOBS, lambda lease: due[lease.id])
    assert min(found) >= 0
    assert p99(found) <= 250


def test_g16_holds_for_the_first_job_of_an_idle_queue(cluster: Cluster, queue: str) -> None:
    """Queues that never had a job: polls are parked at all servers when the first one is promised."""
    producer = cluster.any
    queues = [f"{queue[:100]}.{n}" for n in range(QUEUES)]
    due: dict[str, int] = {}
    with at_once(QUEUES) as pool:
        polls = [pool.submit(cluster.any.lease, name, wait_ms=10_000) for name in queues]
        for n, name in enumerate(queues):
            job = producer.enqueue(name, delay_ms=250 + 20 * n)
            due[job["id"]] = to_ms(job["run_at"])
        found = [lease.at_ms - due[lease.id] for poll in polls for lease in poll.result()]
    assert len(found) == QUEUES
    assert min(found) >= 0
    assert p99(found) <= 250
