"""What producers and operators ask of a real server, in both formats."""

import time
import uuid
from typing import Any

import pytest
from headrace import (
    Client,
    IdempotencyMismatch,
    Invalid,
    NewJob,
    NotFinished,
    NotFound,
    Receipt,
    Refused,
    RetryPolicy,
    State,
    Unique,
)

from tests.support.servers import ServerProcess

NOBODY = "01909c5e-6a52-7000-8a3f-0b6f1d2c3e4f"
TOKEN = "0" * 32


def test_an_enqueue_repeated_with_its_key_is_the_same_job(client: Client, queue: str) -> None:
    """G3: same key and same request -> same job; another request -> refused."""
    key = str(uuid.uuid4())
    first = client.enqueue("t", {"a": 1}, queue=queue, idempotency_key=key)
    again = client.enqueue("t", {"a": 1}, queue=queue, idempotency_key=key)
    assert (again.id, again.deduplicated, first.deduplicated) == (first.id, True, False)
    with pytest.raises(IdempotencyMismatch):
        client.enqueue("t", {"a": 2}, queue=queue, idempotency_key=key)
    assert client.queue_stats(queue).counts[State.READY] == 1


def test_an_atomic_batch_is_all_or_nothing(client: Client, queue: str) -> None:
    with pytest.raises(Invalid) as caught:
        client.enqueue_batch([NewJob(task="t", queue=queue), NewJob(task="t", queue=queue, priority=999)])
    assert [fault.pointer for fault in caught.value.errors] == ["/jobs/1/priority"]
    assert client.queue_stats(queue).backlog == 0


def test_a_loose_batch_takes_what_it_can(client: Client, queue: str) -> None:
    batch = client.enqueue_batch(
        [NewJob(task="t", queue=queue), NewJob(task="no good", queue=queue), NewJob(task="t", queue=queue)],
        atomic=False,
    )
    assert [type(item) for item in batch.items] == [Receipt, Invalid, Receipt]
    assert client.queue_stats(queue).counts[State.READY] == 2


def test_a_receipt_says_whose_job_it_is(client: Client, queue: str) -> None:
    job = NewJob(task="t", queue=queue, unique=Unique(key=f"{queue}-8"))
    first, again = client.enqueue_job(job), client.enqueue_job(job)
    assert (first.state, first.deduplicated, first.replaced) == (State.READY, False, False)
    assert (again.id, again.deduplicated) == (first.id, True)
    later = NewJob(task="t", queue=queue, delay_ms=60_000, unique=Unique(key=f"{queue}-8", on_conflict="replace"))
    taken, fresh = client.enqueue_batch([later, NewJob(task="t", queue=queue)]).jobs
    assert (taken.id, taken.state, taken.replaced) == (first.id, State.SCHEDULED, True)
    assert fresh.id != first.id


def test_a_job_s_own_key_is_that_of_its_request(client: Client, queue: str) -> None:
    job = NewJob(task="t", payload=[1], queue=queue, idempotency_key=f"{queue}-order")
    first, again = client.enqueue_job(job), client.enqueue("t", [1], queue=queue, idempotency_key=f"{queue}-order")
    assert (again.id, again.deduplicated) == (first.id, True)


def test_reading_what_is_not_there(client: Client, queue: str) -> None:
    for ask in (client.get, client.result, client.cancel, client.wait):
        with pytest.raises(NotFound):
            ask(NOBODY)
        with pytest.raises(NotFound):
            ask("no-id")
    with pytest.raises(NotFound):
        client.ack(NOBODY, TOKEN)
    made = client.enqueue("t", queue=queue)
    with pytest.raises(NotFinished):
        client.result(made.id)
    (leased,) = client.lease(queue).jobs
    client.ack(leased.id, leased.token)
    with pytest.raises(NotFound) as caught:
        client.result(made.id)
    assert caught.value.code == "no_result"


def test_waiting_ends_with_the_job(client: Client, queue: str) -> None:
    made = client.enqueue("t", queue=queue)
    begun = time.monotonic()
    assert client.wait(made.id, timeout=1.3).state is State.READY
    assert 1.3 <= time.monotonic() - begun < 20
    (leased,) = client.lease(queue).jobs
    client.ack(leased.id, leased.token, result=1)
    assert client.wait(made.id).result == 1


def test_an_enqueue_that_waits_returns_the_job_as_it_is_when_time_is_up(client: Client, queue: str) -> None:
    begun = time.monotonic()
    assert client.enqueue("t", queue=queue, wait_s=1).state is State.READY
    assert time.monotonic() - begun >= 1


def test_queues_come_in_pages(client: Client, queue: str) -> None:
    names = [f"{queue}.{letter}" for letter in "abc"]
    for name in names:
        client.enqueue("t", queue=name)
    page = client.queues(after=queue, limit=2)
    assert [stats.queue for stats in page.queues] == names[:2]
    page = client.queues(after=page.next_after, limit=1)
    assert [stats.queue for stats in page.queues] == names[2:]
    assert page.queues[0].counts[State.READY] == page.queues[0].backlog == 1
    assert client.queue_stats(f"{queue}.never").backlog == 0


def test_a_server_tells_about_itself(client: Client) -> None:
    info = client.server_info()
    assert info.durability == "fsync"
    assert info.store.server in ("valkey", "redis")
    assert info.limits["max_payload_bytes"] == 1024 * 1024
    assert info.server_time is not None


@pytest.mark.parametrize(
    ("options", "pointers"),
    [
        ({"priority": 256, "delay_ms": -1}, {"/priority", "/delay_ms"}),
        ({"lease_ms": 1}, {"/lease_ms"}),
        ({"retry": RetryPolicy(max_attempts=0)}, {"/retry/max_attempts"}),
    ],
)
def test_a_refusal_lists_every_fault(client: Client, options: dict[str, Any], pointers: set[str]) -> None:
    with pytest.raises(Invalid) as caught:
        client.enqueue("t", **options)
    assert {fault.pointer for fault in caught.value.errors} == pointers


def test_what_is_too_large_is_refused(client: Client, queue: str) -> None:
    with pytest.raises(Invalid) as caught:
        client.enqueue("t", "x" * (1024 * 1024 + 1), queue=queue)
    assert caught.value.code == "payload_too_large"


def test_another_path_is_a_refusal_that_is_no_missing_job(shared_server: ServerProcess) -> None:
    with Client(shared_server.url + "/elsewhere") as client, pytest.raises(Refused) as caught:
        client.server_info()
    assert type(caught.value) is Refused
