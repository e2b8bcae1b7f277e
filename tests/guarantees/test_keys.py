"""G2, G3, G4, G9, G24: what is answered holds, at whichever server one asks again."""

import hashlib
import json

from tests.guarantees.cluster import Cluster, each
from tests.support.waiting import eventually

TIMES = 9


def test_g2_what_was_answered_not_done_never_appears(frail: Cluster, queue: str) -> None:
    """The store is away: every server says so, and nothing of it comes when it is back."""
    frail.store.kill9()
    replies = [frail.any.ask("POST", "jobs", {"task": "t", "queue": queue}) for _ in range(4)]
    assert {reply.status_code for reply in replies} == {503}
    assert {reply.json()["outcome"] for reply in replies} == {"not_done"}
    frail.store.start()
    eventually(lambda: frail.any.ask("POST", "jobs", {"task": "t", "queue": queue}).status_code == 201, 10.0)
    found = sum(frail.any.counts(queue).values())
    assert found == 1, "the one that was answered 201"


def test_g3_the_same_key_and_request_is_one_job(cluster: Cluster, queue: str) -> None:
    """Sent to all servers at once, again and again; another request under the key is refused by each of them."""
    body, key = {"task": "t", "queue": queue, "payload": {"n": 1}}, f"key-of-{queue}"
    replies = each([lambda caller=cluster.any: caller.ask("POST", "jobs", body, idempotency_key=key)] * TIMES)
    assert sorted(reply.status_code for reply in replies) == [200] * (TIMES - 1) + [201]
    assert len({reply.json()["id"] for reply in replies}) == 1
    assert sum(reply.headers.get("Idempotency-Replayed") == "true" for reply in replies) == TIMES - 1
    assert cluster.any.counts(queue)["ready"] == 1
    for caller in cluster.callers:
        other = caller.ask("POST", "jobs", {**body, "payload": {"n": 2}}, idempotency_key=key)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")


def test_g4_the_payload_is_what_was_sent_byte_for_byte(cluster: Cluster, queue: str) -> None:
    """Odd numbers, spaces and characters, over every server and every delivery."""
    payload = '{"n" : 1.50,"big":123456789012345678901234567890 , "s":"\\u00e9\u2028é\U0001f300","e":1E+2,"":[ ]}'
    body = f'{{"task":"t","queue":"{queue}","payload":{payload}}}'.encode()
    headers = {"Content-Type": "application/json"}
    job = cluster.any.http.post("/v1/jobs", content=body, headers=headers).json()
    for _ in cluster.callers:
        kept = cluster.any.http.get(f"/v1/jobs/{job['id']}/payload")
        assert hashlib.sha256(kept.content).digest() == hashlib.sha256(payload.encode()).digest()
        [lease] = cluster.any.lease(queue)
        assert lease.job["payload"] == json.loads(payload)
        cluster.any.settle("release", lease, reason="r")


def test_g9_a_lease_request_repeated_takes_nothing_new(cluster: Cluster, queue: str) -> None:
    """Its answer was lost; the same request at another server brings the same leases."""
    cluster.any.enqueue_many([{"queue": queue}] * 6)
    ask = {"queues": [queue], "max": 2, "worker": {"id": f"w-{queue}"}}
    answers = [cluster.any.do("POST", "leases", ask, idempotency_key="once")["jobs"] for _ in range(TIMES)]
    assert len({tuple((job["id"], job["token"], job["fence"]) for job in jobs) for jobs in answers}) == 1
    assert cluster.any.counts(queue) == {**cluster.any.counts(queue), "leased": 2, "ready": 4}


def test_g24_you_read_your_writes_at_any_server(cluster: Cluster, queue: str) -> None:
    """After every 2xx every other server tells of it."""
    for n in range(10):
        writer, reader, other = cluster.any, cluster.any, cluster.any
        job = writer.enqueue(queue, payload=n)
        assert reader.job(job["id"])["payload"] == n
        writer.do("PATCH", f"jobs/{job['id']}", {"priority": n})
        assert reader.job(job["id"])["priority"] == n
        [lease] = other.lease(queue)
        assert (lease.id, reader.job(job["id"])["state"]) == (job["id"], "leased")
        writer.settle("extend", lease, progress={"done": n})
        assert reader.job(job["id"])["progress"] == {"done": n}
        other.settle("ack", lease, result=n)
        assert writer.job(job["id"])["result"] == n
        assert reader.do("GET", f"jobs?queue={queue}&state=succeeded")["jobs"][0]["state"] == "succeeded"
