"""Many payloads with a real server: overlapping requests, in both clients, and what a bad network does to them."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from headrace import AsyncClient, Batch, Client, OutcomeUnknown, Patience, QueueFull, Raw, State
from headrace.operating import QueueSettings

from tests.support.proxy import Fault, Proxy
from tests.support.servers import ServerProcess

EAGER = Patience(total_s=20, first_s=0.01, cap_s=0.1)


@pytest.fixture
def direct(shared_server: ServerProcess) -> Iterator[Client]:
    """A client that sees what the server really did."""
    with Client(shared_server.url) as made:
        yield made


def ids_of(client: Client, queue: str) -> set[str]:
    return {job.id for job in client.iter_jobs(queue=queue)}


def test_every_payload_becomes_a_job(client: Client, queue: str) -> None:
    batch = client.enqueue_payloads("t", range(1001), queue=queue, tags={"of": queue}, delay_ms=60_000)
    assert len(set(batch.ids)) == 1001
    assert {receipt.state for receipt in batch.jobs} == {State.SCHEDULED}
    for place in (0, 999, 1000):
        job = client.get(batch.ids[place])
        assert (job.payload, job.tags) == (place, {"of": queue})


def test_payloads_of_any_kind_travel(client: Client, queue: str) -> None:
    kinds = [None, {"a": [1, 2.5]}, "ä", Raw(b"\x89PNG", "image/png")]
    ids = client.enqueue_payloads("t", kinds, queue=queue).ids
    assert [client.get(id).payload for id in ids] == kinds


def test_awaiting_code_sends_payloads_too(shared_server: ServerProcess, client: Client, queue: str) -> None:
    async def main() -> tuple[str, ...]:
        async with AsyncClient(shared_server.url) as awaiting:
            return (await awaiting.enqueue_payloads("t", range(1001), queue=queue)).ids

    assert set(asyncio.run(main())) == ids_of(client, queue)
    assert client.queue_stats(queue).counts[State.READY] == 1001


def test_a_long_key_makes_all_jobs_or_none(shared_server: ServerProcess, client: Client, queue: str) -> None:
    """Of some length on only the second request's key would be too long, and the jobs of the first were made."""

    async def awaited(key: str) -> Batch:
        async with AsyncClient(shared_server.url) as awaiting:
            return await awaiting.enqueue_payloads("t", range(1001), queue=queue, idempotency_key=key)

    for too_long in ("k" * 241, "k" * 255):
        with pytest.raises(ValueError, match="idempotency_key: shorten it"):
            client.enqueue_payloads("t", range(1001), queue=queue, idempotency_key=too_long)
        with pytest.raises(ValueError, match="idempotency_key: shorten it"):
            asyncio.run(awaited(too_long))
    assert ids_of(client, queue) == set()
    made = client.enqueue_payloads("t", range(1001), queue=queue, idempotency_key=queue.ljust(240, "k"))
    others = asyncio.run(awaited(queue.ljust(240, "a")))
    assert {*made.ids, *others.ids} == ids_of(client, queue)
    assert len(ids_of(client, queue)) == 2002


def test_the_jobs_of_an_ordering_key_keep_their_order(client: Client, queue: str) -> None:
    client.enqueue_payloads("t", range(1001), queue=queue, ordering_key=queue)
    for number in (0, 1):
        [leased] = client.lease(queue, max_jobs=2).jobs
        assert leased.payload == number
        client.ack(leased.id, leased.token)


def test_a_full_queue_keeps_out_what_it_has_no_room_for(client: Client, queue: str) -> None:
    client.configure_queue(queue, QueueSettings(max_depth=300))
    batch = client.enqueue_payloads("t", range(600), queue=queue)
    assert {type(error) for error in batch.errors} == {QueueFull}
    assert len(batch.errors) == 300
    assert ids_of(client, queue) == {id for id in batch.ids if id}


@pytest.mark.parametrize("fault", [Fault.CUT_REPLY, Fault.CUT_REQUEST, Fault.CUT_MIDWAY])
def test_requests_that_are_lost_are_repeated_and_done_once(
    shared_server: ServerProcess, direct: Client, queue: str, fault: Fault
) -> None:
    with Proxy(shared_server.port) as proxy, Client(proxy.url, retry=EAGER) as behind:
        proxy.plan = lambda number: fault if number % 2 else Fault.PASS
        ids = behind.enqueue_payloads("t", range(1001), queue=queue).ids
    assert len(ids) == 1001
    assert set(ids) == ids_of(direct, queue)


def test_a_call_that_failed_in_the_middle_is_finished_with_its_key(
    shared_server: ServerProcess, direct: Client, queue: str
) -> None:
    with Proxy(shared_server.port) as proxy, Client(proxy.url, retry=Patience(total_s=0)) as behind:
        proxy.plan = lambda number: Fault.CUT_REQUEST if number == 2 else Fault.PASS
        with pytest.raises(OutcomeUnknown) as caught:
            behind.enqueue_payloads("t", range(2100), queue=queue, idempotency_key=queue)
    [note] = caught.value.__notes__
    assert f"idempotency_key={queue!r}" in note
    before = ids_of(direct, queue)
    assert 0 < len(before) < 2100
    again = direct.enqueue_payloads("t", range(2100), queue=queue, idempotency_key=queue)
    assert set(again.ids) == ids_of(direct, queue) >= before
    assert len(set(again.ids)) == 2100
    assert sum(receipt.deduplicated for receipt in again.jobs) == len(before)


def test_a_cancelled_call_leaves_no_task_behind(shared_server: ServerProcess, queue: str) -> None:
    asked = threading.Event()

    def swallow(_: int) -> Fault:
        asked.set()
        return Fault.SWALLOW

    async def main() -> int:
        async with AsyncClient(proxy.url) as awaiting:
            call = asyncio.create_task(awaiting.enqueue_payloads("t", range(2100), queue=queue))
            await asyncio.to_thread(asked.wait, 10)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            return len(asyncio.all_tasks())

    with Proxy(shared_server.port) as proxy:
        proxy.plan = swallow
        assert asyncio.run(main()) == 1, "this one"
