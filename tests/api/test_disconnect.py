"""G27: a client that goes away costs no attempt, and no lease where that was seen before the reply was handed over."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import msgpack
import pytest

from tests.api.raw import Connection, request
from tests.support.servers import ServerProcess
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(180)


class Client:
    """A well-behaved client beside the one that goes away."""

    def __init__(self, server: ServerProcess, queue: str) -> None:
        self.queue = queue
        self.http = httpx.Client(base_url=server.url, timeout=30)

    def enqueue(self, payload: Any = None) -> str:
        body = msgpack.packb({"task": "t", "queue": self.queue, "payload": payload})
        reply = self.http.post("/v1/jobs", content=body, headers={"content-type": "application/msgpack"})
        assert reply.status_code == 201
        return str(reply.json()["id"])

    def job(self, job_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.http.get(f"/v1/jobs/{job_id}").json()
        return found

    def lease(self, wait_ms: int = 0, count: int = 1) -> list[dict[str, Any]]:
        body = {"queues": [self.queue], "wait_ms": wait_ms, "max": count}
        jobs: list[dict[str, Any]] = self.http.post("/v1/leases", json=body).json()["jobs"]
        return jobs

    def poll(self, **more: Any) -> bytes:
        """Return the bytes of a long poll of the one who goes away."""
        return request("POST", "/v1/leases", {"queues": [self.queue], "wait_ms": 30_000, **more})


@pytest.fixture
def client(shared_server: ServerProcess, request: pytest.FixtureRequest) -> Iterator[Client]:
    client = Client(shared_server, request.node.name.partition("[")[0][-60:])
    with client.http:
        yield client


@pytest.mark.parametrize("hard", [True, False])
def test_g27_a_parked_poll_of_a_client_that_left_takes_nothing(
    shared_server: ServerProcess, client: Client, hard: bool
) -> None:
    gone = Connection(shared_server.url)
    gone.send(client.poll())
    time.sleep(0.3)  # it is parked: nothing outside can see that
    gone.reset() if hard else gone.close()
    time.sleep(0.2)  # the server has seen it
    client.enqueue()
    [job] = client.lease(wait_ms=5_000)
    assert (job["attempt"], job["delivery"]) == (1, 1)


def test_g27_a_connection_cut_at_the_moment_of_the_grant_costs_no_attempt(
    shared_server: ServerProcess, client: Client
) -> None:
    for moment in range(30):
        gone = Connection(shared_server.url)
        gone.send(client.poll(lease_ms=3_600_000))
        time.sleep(0.02)
        enqueue = Connection(shared_server.url)
        enqueue.send(request("POST", "/v1/jobs", {"task": "t", "queue": client.queue}))
        time.sleep(moment / 10_000)  # before, while and after the server grants the lease
        gone.reset()
        job_id = enqueue.reply().headers["location"].rpartition("/")[2]
        enqueue.close()
        # either the lease was given back, or the reply had been handed over before the connection was seen closed
        [job] = client.lease(wait_ms=500) or [client.job(job_id)]
        assert job["attempt"] == 1
        assert client.job(job_id)["crashes"] == 0


def test_g27_a_reply_that_was_not_taken_to_its_end_is_given_back(shared_server: ServerProcess, client: Client) -> None:
    # JSON spells each of these characters with six: 24 MB, more than any kernel takes of a reply that nobody reads
    ids = [client.enqueue("\x01" * 1_000_000) for _ in range(4)]
    with Connection(shared_server.url, receive_buffer=4_096) as gone:
        gone.send(client.poll(max=4))
        eventually(lambda: all(client.job(job_id)["state"] == "leased" for job_id in ids), 10, "the jobs are leased")
        assert gone.socket.recv(1_000)  # it has begun to read, and stops in the middle
        gone.reset()
    eventually(lambda: all(client.job(job_id)["state"] == "ready" for job_id in ids), 5, "they are given back")
    assert [client.job(job_id)["crashes"] for job_id in ids] == [0] * 4
    assert [job["id"] for job in client.lease(count=4)] == ids


def test_a_client_that_reads_slowly_gets_everything(shared_server: ServerProcess, client: Client) -> None:
    for _ in range(3):
        client.enqueue("x" * 1_000_000)
    with Connection(shared_server.url) as slow:
        slow.send(client.poll(max=3))
        time.sleep(0.5)  # the reply waits for its reader
        assert slow.reply().body.count(b'"token"') == 3


def test_g9_a_lease_whose_reply_was_cut_is_had_again_with_its_key(shared_server: ServerProcess, client: Client) -> None:
    job_id = client.enqueue()
    body = {"queues": [client.queue], "worker": {"id": "w"}, "lease_ms": 3_600_000}
    gone = Connection(shared_server.url)
    gone.send(request("POST", "/v1/leases", body, "Idempotency-Key: once"))
    eventually(lambda: client.job(job_id)["delivery"] == 1, 10, "the job is leased")
    gone.reset()
    again = client.http.post("/v1/leases", json=body, headers={"idempotency-key": "once"}).json()
    assert [job["id"] for job in again["jobs"]] == [job_id]
    assert client.job(job_id)["attempt"] == 1


def test_a_client_that_leaves_while_it_waits_for_a_result_changes_nothing(
    shared_server: ServerProcess, client: Client
) -> None:
    gone = Connection(shared_server.url)
    gone.send(request("POST", "/v1/jobs?wait=30", {"task": "t", "queue": client.queue}))
    [job] = client.lease(wait_ms=5_000)
    gone.reset()
    reply = client.http.post(f"/v1/jobs/{job['id']}/ack", json={"token": job["token"]})
    assert reply.json()["status"] == "ok"
