"""A job goes its way through a real server, in both formats and with both kinds of client."""

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from headrace import (
    Client,
    Completion,
    Conflict,
    Held,
    JobCancelled,
    JobError,
    Leased,
    LeaseLost,
    NewJob,
    NotFound,
    Raw,
    RetryPolicy,
    State,
    Status,
    TaskCancelled,
    TaskFailed,
)
from headrace.leases import Ack, Nack, Release, Snooze

from tests.sdk.client.conftest import Ask
from tests.support.proxy import Proxy
from tests.support.servers import ServerProcess
from tests.support.waiting import eventually

NOBODY = "01909c5e-6a52-7000-8a3f-0b6f1d2c3e4f"
TOKEN = "0" * 32
ERROR = JobError(type="ValueError", message="bad", stack="File x", details={"line": 3})


def one(client: Client, queue: str) -> Leased:
    """Lease the only job of a queue."""
    (leased,) = client.lease(queue).jobs
    return leased


def test_a_job_goes_its_way(client: Client, queue: str) -> None:
    made = client.enqueue(
        "demo.add", [2, 3], queue=queue, priority=7, meta={"tenant": 5}, trace={"traceparent": "00-1"}
    )
    assert (made.state, made.priority, made.meta) == (State.READY, 7, {"tenant": 5})
    leased = one(client, queue)
    assert (leased.id, leased.task, leased.payload) == (made.id, "demo.add", [2, 3])
    assert leased.meta == {"tenant": 5}
    assert leased.trace == {"traceparent": "00-1"}
    assert client.get(made.id).state is State.LEASED
    settled = client.ack(leased.id, leased.token, result={"sum": 5})
    assert (settled.status, settled.state) == (Status.OK, State.SUCCEEDED)
    assert client.result(made.id) == {"sum": 5}
    done = client.wait(made.id, timeout=0)
    assert (done.result, done.fence, done.delivery) == ({"sum": 5}, leased.fence, 1)
    assert client.ack(leased.id, leased.token, result={"sum": 5}).status is Status.REPEATED


@pytest.mark.parametrize(
    "value",
    [None, True, 0, -1, 2**53, 2**63, 1.5, "", "ä\u2028😀", [], {}, [[]], {"a": [{"b": None}]}, "x" * 100_000],
    ids=lambda v: repr(v)[:20],
)
def test_values_come_back_as_they_went(client: Client, queue: str, value: Any) -> None:
    made = client.enqueue("t", value, queue=queue)
    leased = one(client, queue)
    assert leased.payload == value
    client.ack(leased.id, leased.token, result=value)
    assert client.get(made.id).payload == value
    assert client.get(made.id).result == value
    assert client.result(made.id) == value


def test_integers_of_any_size_and_odd_values_spoil_no_batch(shared_server: ServerProcess, queue: str) -> None:
    huge = f'{{"task": "t", "queue": "{queue}", "payload": [1{"0" * 5000}]}}'
    with (
        Proxy(shared_server.port) as proxy,  # the replies are beyond what the judge of this test suite can read
        Client(proxy.url) as json,
        Client(proxy.url, format="msgpack") as msgpack,
    ):
        assert httpx.post(f"{proxy.url}/v1/jobs", content=huge, headers={"content-type": "application/json"}).is_success
        json.enqueue("t", [2**70], queue=queue)
        msgpack.enqueue("t", {1: b"\x00"}, queue=queue)
        msgpack.enqueue("t", {"b": b"\x00"}, queue=queue)
        for reader in (json, msgpack):
            grant = reader.lease(queue, max_jobs=4)
            payloads = [leased.payload for leased in grant.jobs]
            assert payloads[0] == [Decimal("1e5000")]
            assert payloads[1] == [2**70]
            assert payloads[2] == {1: b"\x00"}
            assert payloads[3] == {"b": b"\x00" if reader is msgpack else {"$bin": "AA=="}}
            reader.complete([Release(job_id=leased.id, token=leased.token) for leased in grant.jobs])


def test_delays_and_instants_schedule(client: Client, queue: str) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    later = client.enqueue("t", queue=queue, delay_ms=60_000)
    at = client.enqueue("t", queue=queue, run_at=soon, expires_at=soon + timedelta(hours=1))
    assert later.state is at.state is State.SCHEDULED
    assert at.run_at is not None
    assert timedelta(0) <= at.run_at - soon < timedelta(milliseconds=1)
    assert client.lease(queue).jobs == ()


def test_a_failed_attempt_is_retried_and_then_dead(client: Client, queue: str) -> None:
    made = client.enqueue("t", queue=queue, retry=RetryPolicy(max_attempts=2, backoff="constant", initial_ms=60_000))
    leased = one(client, queue)
    failed = client.nack(leased.id, leased.token, error=ERROR, retry_in_ms=0)
    assert (failed.attempt, failed.state) == (2, State.RETRYING)
    assert failed.run_at is not None
    (again,) = client.lease(queue, wait_ms=5000).jobs
    assert again.attempt == 2
    assert client.nack(again.id, again.token, error=ERROR).state is State.DEAD
    dead = client.get(made.id)
    assert (dead.reason, dead.error) == ("max_attempts", ERROR)
    with pytest.raises(TaskFailed, match="ValueError: bad"):
        client.result(made.id)


def test_not_retryable_is_dead_at_once(client: Client, queue: str) -> None:
    client.enqueue("t", queue=queue)
    leased = one(client, queue)
    assert client.nack(leased.id, leased.token, error=ERROR, retryable=False).state is State.DEAD


def test_bytes_are_a_payload_and_come_out_as_bytes(client: Client, queue: str) -> None:
    raw = Raw(b"\x89PNG\xff", "image/png")
    made = client.enqueue("t", raw, queue=queue)
    client.enqueue_batch([NewJob(task="t", payload=raw, queue=queue), NewJob(task="t", payload=1, queue=queue)])
    assert made.payload == raw
    assert [job.payload for job in client.lease(queue, max_jobs=9, worker="w1").jobs] == [raw, raw, 1]
    assert client.payload_bytes(made.id) == raw


def test_many_jobs_are_waited_for_at_once(client: Client, queue: str) -> None:
    ids = [client.enqueue("t", queue=queue).id for _ in range(3)]
    first = one(client, queue)
    client.ack(first.id, first.token, result={"n": 5})
    some = client.wait_many([*ids, NOBODY], mode="any", timeout=20)
    assert [job.state for job in some] == [State.SUCCEEDED, State.READY, State.READY, State.GONE]
    assert ([job.result for job in some[:2]], some[1].abridged) == ([{"n": 5}, None], True)
    assert [job.state.is_final for job in client.wait_many(ids, timeout=0.1)] == [True, False, False]
    client.complete([Ack(job_id=job.id, token=job.token) for job in client.lease(queue, max_jobs=9).jobs])
    assert {job.state for job in client.wait_many(ids)} == {State.SUCCEEDED}


def test_a_job_that_is_thrown_away_is_not_among_the_dead(client: Client, queue: str) -> None:
    made = client.enqueue("t", queue=queue)
    leased = one(client, queue)
    assert client.nack(leased.id, leased.token, error=ERROR, discard=True).state is State.DEAD
    eventually(lambda: not [job for job in client.list_jobs(queue=queue).jobs if job.id == made.id])


def test_release_snooze_extend_and_heartbeat(client: Client, queue: str) -> None:
    client.enqueue("t", queue=queue)
    leased = one(client, queue)
    longer = client.extend(leased.id, leased.token, lease_ms=600_000)
    assert longer.deadline is not None
    assert longer.deadline > leased.deadline
    beat = client.heartbeat("w1", [Held(job_id=leased.id, token=leased.token), Held(job_id=NOBODY, token=TOKEN)])
    assert [item.status for item in beat.leases] == [Status.OK, Status.NOT_FOUND]
    assert beat.leases[0].deadline == longer.deadline, "a heartbeat never shortens"
    assert client.release(leased.id, leased.token, reason="quiet").state is State.READY
    with pytest.raises(LeaseLost) as lost:
        client.extend(leased.id, leased.token)
    assert lost.value.state is State.READY
    leased = one(client, queue)
    assert leased.attempt == 1
    assert client.snooze(leased.id, leased.token, delay_ms=60_000).state is State.SCHEDULED


def test_completions_end_each_for_itself(client: Client, queue: str) -> None:
    client.enqueue_batch([NewJob(task="t", queue=queue) for _ in range(4)])
    a, b, c, d = client.lease(queue, max_jobs=10).jobs
    items: list[Completion] = [
        Ack(job_id=a.id, token=a.token, result=1),
        Nack(job_id=b.id, token=b.token, error=ERROR),
        Release(job_id=c.id, token=c.token),
        Snooze(job_id=d.id, token=d.token, delay_ms=1000),
        Ack(job_id=NOBODY, token=TOKEN),
        Ack(job_id=a.id, token="rubbish"),
        Ack(job_id=a.id, token=TOKEN),
    ]
    done = client.complete(items)
    assert [item.status for item in done.items] == ["ok", "ok", "ok", "ok", "not_found", "invalid", "lease_lost"]
    assert done.items[5].errors[0].pointer == "/items/5/token"


def test_settle_and_lease_in_one_request(client: Client, queue: str) -> None:
    client.enqueue_batch([NewJob(task="t", queue=queue, payload=n) for n in range(2)])
    first = one(client, queue)
    grant = client.lease(queue, worker="w1", complete=[Ack(job_id=first.id, token=first.token)], wait_ms=1000)
    assert [item.status for item in grant.completed] == [Status.OK]
    assert [leased.payload for leased in grant.jobs] == [1]


def test_a_lease_repeated_with_its_key_is_the_same_lease(client: Client, queue: str) -> None:
    client.enqueue_batch([NewJob(task="t", queue=queue) for _ in range(2)])
    key = str(uuid.uuid4())
    first = client.lease(queue, worker=queue, idempotency_key=key)
    again = client.lease(queue, worker=queue, idempotency_key=key)
    assert (first.replayed, again.replayed) == (False, True)
    assert [(leased.id, leased.token) for leased in again.jobs] == [(leased.id, leased.token) for leased in first.jobs]


def test_cancel_is_final_and_may_be_asked_twice(client: Client, queue: str) -> None:
    made = client.enqueue("t", queue=queue)
    assert client.cancel(made.id, reason="not needed").state is State.CANCELLED
    assert client.cancel(made.id).reason == "not needed"
    assert client.lease(queue).jobs == ()
    with pytest.raises(TaskCancelled):
        client.result(made.id)


def test_a_cancel_of_what_somebody_works_on_is_kept_and_told(client: Client, queue: str) -> None:
    made = client.enqueue("t", queue=queue)
    leased = one(client, queue)
    asked = client.cancel(made.id, reason="too late")
    assert (asked.state, asked.cancel_requested) == (State.LEASED, True)
    beat = client.heartbeat("w1", [Held(job_id=leased.id, token=leased.token)])
    assert beat.leases[0].status is Status.CANCEL_REQUESTED
    assert client.extend(leased.id, leased.token).cancel_requested
    ended = client.nack(leased.id, leased.token, error=ERROR)
    assert ended.state is State.CANCELLED
    assert client.get(made.id).reason == "too late"


def test_a_job_that_succeeds_all_the_same_was_not_cancelled(client: Client, queue: str) -> None:
    made = client.enqueue("t", queue=queue)
    leased = one(client, queue)
    assert client.cancel(made.id).cancel_requested
    assert client.ack(leased.id, leased.token, result=1).state is State.SUCCEEDED
    assert client.result(made.id) == 1
    with pytest.raises(Conflict) as caught:
        client.cancel(made.id)
    assert caught.value.code == "job_final"


def test_a_hard_cancel_ends_the_lease(client: Client, queue: str) -> None:
    made = client.enqueue("t", queue=queue)
    leased = one(client, queue)
    assert client.cancel(made.id, mode="hard").state is State.CANCELLED
    with pytest.raises(JobCancelled):
        client.ack(leased.id, leased.token)
    beat = client.heartbeat("w1", [Held(job_id=leased.id, token=leased.token)])
    assert beat.leases[0].status is Status.JOB_CANCELLED


def test_the_awaiting_client_goes_the_same_way(aclient: Ask, queue: str) -> None:
    made = aclient("enqueue", "t", {"a": 1}, queue=queue)
    grant = aclient("lease", [queue], worker="w1", wait_ms=1000)
    leased = grant.jobs[0]
    assert aclient("heartbeat", "w1", [Held(job_id=leased.id, token=leased.token)]).leases[0].status is Status.OK
    assert aclient("extend", leased.id, leased.token).status is Status.OK
    assert aclient("complete", [Ack(job_id=leased.id, token=leased.token, result=[1])]).items[0].status is Status.OK
    assert aclient("wait", made.id, timeout=5).result == [1]
    assert aclient("result", made.id) == [1]
    with pytest.raises(NotFound):
        aclient("get", NOBODY)
