"""G5 to G8, G10, G14: one holder at a time, and nobody else's word counts; over three servers."""

from itertools import pairwise

import pytest

from tests.guarantees.cluster import Caller, Cluster, Lease, each
from tests.support.waiting import eventually
from tests.torture.history import to_ms

JOBS = 30
POLLERS = 6


def test_g5_never_two_unexpired_leases_on_one_job(cluster: Cluster, queue: str) -> None:
    """Pollers of all servers take and forget: the next lease of a job begins when the one before it has run out."""
    cluster.any.enqueue_many([{"queue": queue, "max_crashes": 50}] * JOBS)
    found: list[Lease] = []

    def poll(caller: Caller, forgets: bool) -> None:
        while cluster.callers[0].counts(queue)["succeeded"] < JOBS:
            for n, lease in enumerate(caller.lease(queue, max=4, lease_ms=1_000, wait_ms=300)):
                found.append(lease)
                if not forgets or n % 2:
                    caller.settle("ack", lease)

    each([lambda caller=cluster.any, n=n: poll(caller, forgets=n % 3 == 0) for n in range(POLLERS)])
    assert len(found) > JOBS, "some were forgotten, and came again"
    for job_id in {lease.id for lease in found}:
        leases = sorted((lease for lease in found if lease.id == job_id), key=lambda lease: lease.job["fence"])
        for before, after in pairwise(leases):
            assert after.at_ms >= to_ms(before.job["deadline"])


@pytest.mark.parametrize("verb", ["ack", "nack", "release", "snooze", "extend"])
def test_g6_a_superseded_token_changes_nothing(cluster: Cluster, queue: str, verb: str) -> None:
    """A zombie wakes after somebody else's lease, and speaks to each server."""
    old, new = _taken_over(cluster, queue)
    before = cluster.any.job(new.id)
    more = {"nack": {"error": {"type": "E", "message": "m"}}, "snooze": {"delay_ms": 9}, "release": {"reason": "r"}}
    for caller in cluster.callers:
        reply = caller.ask("POST", f"jobs/{old.id}/{verb}", {**old.proof, **more.get(verb, {})})
        assert (reply.status_code, reply.json()["code"]) == (409, "lease_lost")
    assert cluster.any.job(new.id) == before
    assert cluster.any.settle("ack", new)["status"] == "ok"


def test_g7_a_late_settle_counts_until_somebody_overtakes_it(cluster: Cluster, queue: str) -> None:
    cluster.any.enqueue(queue)
    [lease] = cluster.any.lease(queue, lease_ms=1_000)
    eventually(lambda: cluster.any.job(lease.id)["state"] == "ready", 5.0, "the lease has run out")
    told = [caller.settle("ack", lease, result=1) for caller in cluster.callers]
    assert [answer["status"] for answer in told] == ["late", "repeated", "repeated"]
    job = cluster.any.job(lease.id)
    assert (job["state"], job["crashes"], job["result"]) == ("succeeded", 1, 1)


def test_g8_the_fence_grows_over_servers_and_restarts(frail: Cluster, queue: str) -> None:
    frail.any.enqueue(queue, max_crashes=50)
    fences = []
    for restart in (False, False, True, False, True):
        if restart:
            frail.store.kill9()
            frail.store.start()
            eventually(lambda: frail.any.ask("GET", "queues").is_success and frail.any.ask("GET", "queues").is_success)
        [lease] = frail.any.lease(queue)
        fences.append(lease.job["fence"])
        frail.any.settle("release", lease, reason="r")
    assert fences == sorted(set(fences))


def test_g10_an_extend_never_shortens(cluster: Cluster, queue: str) -> None:
    cluster.any.enqueue(queue)
    [lease] = cluster.any.lease(queue, lease_ms=60_000)
    told = [cluster.any.settle("extend", lease, lease_ms=ms)["deadline"] for ms in (1_000, 90_000, 2_000)]
    assert told[0] == lease.job["deadline"]
    assert to_ms(told[0]) < to_ms(told[1])
    assert told[1] == told[2] == cluster.any.job(lease.id)["deadline"]


def test_g14_the_last_allowed_lost_lease_ends_the_job(cluster: Cluster, queue: str) -> None:
    """Exactly the second of two; counters only grow, until a redrive opens another run and resets them."""
    job = cluster.any.enqueue(queue, max_crashes=2, retry={"max_attempts": 3})
    seen = [_counters(cluster.any.job(job["id"]))]
    [lease] = cluster.any.lease(queue)
    cluster.any.fail(lease, retry_in_ms=0)
    for crash in (1, 2):
        seen.append(_counters(cluster.any.job(job["id"])))
        assert len(cluster.any.lease(queue, lease_ms=1_000, wait_ms=5_000)) == 1
        eventually(lambda crash=crash: cluster.any.job(job["id"])["crashes"] == crash, 5.0)
    ended = cluster.any.job(job["id"])
    seen.append(_counters(ended))
    assert (ended["state"], ended["reason"]) == ("dead", "max_crashes")
    for before, after in pairwise(seen):
        assert all(now >= then for then, now in zip(before, after, strict=True))
    again = cluster.any.do("POST", f"jobs/{job['id']}/retry")
    assert (_counters(again), again["run"]) == ((1, 0, 0), 2)
    history = cluster.any.do("GET", f"jobs/{job['id']}/attempts")["attempts"]
    assert [attempt["outcome"] for attempt in history] == ["failed", "crashed", "crashed"]


def _counters(job: dict[str, int]) -> tuple[int, int, int]:
    return job["attempt"], job["delivery"], job["crashes"]


def _taken_over(cluster: Cluster, queue: str) -> tuple[Lease, Lease]:
    """Return a lease that ran out, and the one that somebody has now."""
    cluster.any.enqueue(queue)
    [old] = cluster.any.lease(queue, lease_ms=1_000)
    [new] = cluster.any.lease(queue, wait_ms=5_000)
    assert new.id == old.id
    return old, new
