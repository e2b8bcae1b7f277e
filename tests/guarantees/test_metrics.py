"""G13 in metrics: the counters are the client's own count, from every server, over the death of everything."""

from collections import Counter
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.guarantees.cluster import Caller, Cluster, Document, Lease

JOBS = 40
Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def test_g13_counters_are_the_same_from_every_server_and_after_a_kill_of_everything(frail: Cluster, queue: str) -> None:
    done = work(frail, queue)
    before = agreed(frail, queue)
    assert {word: before[f"headrace_jobs_{word}_total", labels(queue=queue)] for word in done} == done
    for server in frail.servers:
        server.kill9()
    frail.store.kill9()
    frail.store.start()
    for server in frail.servers:
        server.start()
    assert agreed(frail, queue) == before
    more = work(frail, queue)
    after = agreed(frail, queue)
    assert {word: after[f"headrace_jobs_{word}_total", labels(queue=queue)] for word in done} == {
        word: done[word] + more[word] for word in done
    }


def work(cluster: Cluster, queue: str) -> dict[str, int]:
    """Let things happen to jobs; return what was answered, counted."""
    wishes: list[dict[str, Any]] = [{}, {"delay_ms": 600_000}, {"limits": ["l"]}, {"ordering_key": "k"}]
    ids = [cluster.any.enqueue(queue, **wishes[n % len(wishes)])["id"] for n in range(JOBS)]
    leases = [lease for _ in range(4) for lease in cluster.any.lease(queue, max=5, lease_ms=600_000)]
    ended = Counter(settle(cluster.any, lease, number)["state"] for number, lease in enumerate(leases))
    delayed = ids[1 :: len(wishes)]
    cancelled = [cluster.any.do("POST", f"jobs/{job_id}/cancel")["state"] for job_id in delayed[:5]]
    for job_id in delayed[:3]:
        cluster.any.do("DELETE", f"jobs/{job_id}")
    return {
        "enqueued": JOBS,
        "leased": len(leases),
        "succeeded": ended["succeeded"],
        "failed": ended["dead"] + ended["retrying"],
        "retried": ended["retrying"],
        "dead": ended["dead"],
        "cancelled": cancelled.count("cancelled"),
        "removed": 3,
    }


def settle(caller: Caller, lease: Lease, number: int) -> Document:
    if number % 3 == 0:
        return caller.settle("ack", lease)
    return caller.fail(lease, retryable=number % 3 == 1, retry_in_ms=600_000)


def agreed(cluster: Cluster, queue: str) -> Series:
    """Return the counters and depths that every server tells; they add up."""
    [told, *others] = [scrape(caller, queue) for caller in cluster.callers]
    assert others == [told] * len(others)
    accepted, gone = (told[f"headrace_jobs_{word}_total", labels(queue=queue)] for word in ("enqueued", "removed"))
    assert accepted - gone == sum(value for (name, _), value in told.items() if name == "headrace_queue_depth")
    return told


def scrape(caller: Caller, queue: str) -> Series:
    families = text_string_to_metric_families(caller.http.get("/metrics/jobs").raise_for_status().text)
    samples = [sample for family in families for sample in family.samples]
    steady = ("headrace_jobs_", "headrace_queue_depth")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for sample in samples
        if sample.labels.get("queue") == queue and sample.name.startswith(steady)
    }


def labels(**given: str) -> frozenset[tuple[str, str]]:
    return frozenset(given.items())
