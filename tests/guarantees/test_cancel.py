"""G20: a cancel that was answered 200 is the end; whoever holds the job is told."""

import random

import pytest

from tests.guarantees.cluster import Caller, Cluster, each

WAITING = ("ready", "scheduled", "retrying")
RACES = 40


@pytest.mark.parametrize("state", WAITING)
def test_g20_what_waits_never_starts_after_a_cancel(cluster: Cluster, queue: str, state: str) -> None:
    producer, worker, operator = cluster.callers
    job = producer.enqueue(queue, **({"delay_ms": 300} if state == "scheduled" else {}))
    if state == "retrying":
        assert worker.fail(worker.lease(queue)[0], retry_in_ms=300)["state"] == "retrying"
    reply = operator.ask("POST", f"jobs/{job['id']}/cancel", {"reason": "no more"})
    assert (reply.status_code, reply.json()["state"], reply.json()["reason"]) == (200, "cancelled", "no more")
    assert worker.lease(queue, wait_ms=600) == []  # its time has come, and gone


def test_g20_races_of_cancel_and_lease_have_one_winner(cluster: Cluster, queue: str) -> None:
    """Answered 200: nobody got it. Leased: the cancel is a request, and its holder is told of it."""
    producer, worker, operator = cluster.callers
    dice = random.Random(20)
    won = {200: 0, 202: 0}
    for _ in range(RACES):
        job = producer.enqueue(queue)

        def cancel(job_id: str = job["id"]) -> int:
            return operator.ask("POST", f"jobs/{job_id}/cancel").status_code

        racers = [cancel, lambda: worker.lease(queue)]
        dice.shuffle(racers)
        status, leases = sorted(each(racers), key=lambda answer: isinstance(answer, list))
        assert len(leases) == (0 if status == 200 else 1)
        won[status] += 1
        if leases:
            assert worker.fail(leases[0])["state"] == "cancelled"
    assert worker.lease(queue) == []
    assert won[200] > 0
    assert won[202] > 0


@pytest.mark.parametrize("how", ["heartbeat", "extend", "release", "snooze", "nack", "ack"])
def test_g20_a_holder_learns_of_it_from_any_server(cluster: Cluster, queue: str, how: str) -> None:
    producer, worker, operator = cluster.callers
    job = producer.enqueue(queue)
    [lease] = worker.lease(queue)
    assert operator.ask("POST", f"jobs/{job['id']}/cancel", {"mode": "soft"}).status_code == 202
    assert operator.ask("POST", f"jobs/{job['id']}/cancel").status_code == 202  # asked twice is asked once
    if how == "heartbeat":
        beat = producer.do("POST", "workers/w/heartbeat", {"leases": [{"job_id": job["id"], **lease.proof}]})
        assert beat["leases"][0]["status"] == "cancel_requested"
        assert worker.job(job["id"])["state"] == "leased"
        return
    more = {"nack": {"error": {"type": "E", "message": "m"}}, "snooze": {"delay_ms": 1}, "release": {"reason": "r"}}
    told = worker.settle(how, lease, **more.get(how, {}))
    assert told["state"] == {"extend": "leased", "ack": "succeeded"}.get(how, "cancelled")
    assert told.get("cancel_requested", False) is (how == "extend")
    assert producer.lease(queue, wait_ms=100) == []


def test_g20_hard_ends_the_lease_at_once(cluster: Cluster, queue: str) -> None:
    producer, worker, operator = cluster.callers
    job = producer.enqueue(queue)
    [lease] = worker.lease(queue)
    ended = operator.do("POST", f"jobs/{job['id']}/cancel", {"mode": "hard"})
    assert ended["state"] == "cancelled"
    assert _refusal(producer, "ack", lease.proof, job["id"]) == "job_cancelled"
    assert _refusal(worker, "extend", lease.proof, job["id"]) == "job_cancelled"
    assert worker.lease(queue, wait_ms=100) == []
    assert producer.job(job["id"])["state"] == "cancelled"


def test_g20_a_lease_that_runs_out_does_not_revive_a_cancelled_job(cluster: Cluster, queue: str) -> None:
    producer, worker, operator = cluster.callers
    job = producer.enqueue(queue)
    worker.lease(queue, lease_ms=1_000)
    assert operator.ask("POST", f"jobs/{job['id']}/cancel").status_code == 202
    assert worker.lease(queue, wait_ms=1_500) == []
    ended = producer.job(job["id"])
    assert (ended["state"], ended["crashes"]) == ("cancelled", 1)


def _refusal(caller: Caller, verb: str, proof: dict[str, str], job_id: str) -> str:
    reply = caller.ask("POST", f"jobs/{job_id}/{verb}", proof)
    assert reply.status_code == 409
    return str(reply.json()["code"])
