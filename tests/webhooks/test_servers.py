"""Several servers, and servers that end: each event is one delivery, and what one has begun is made by another."""

from collections.abc import Callable, Sequence
from threading import Event

import pytest
from headrace import Client, RetryPolicy, State, Webhook

from tests.support.receiver import Answer, Receiver
from tests.support.servers import ServerProcess
from tests.support.stores import StoreProcess
from tests.support.waiting import eventually
from tests.webhooks.conftest import LOOPBACK

Servers = tuple[ServerProcess, ServerProcess]


@pytest.fixture
def two(valkey: StoreProcess, make_server: Callable[..., ServerProcess]) -> Servers:
    """Two servers on one store, which may send to loopback."""
    first, second = (make_server(redis_url=valkey.url, env=LOOPBACK, started=False) for _ in range(2))
    return first.start(), second.start()


def cancel_many(clients: Sequence[Client], n: int) -> list[str]:
    """Let jobs end by all servers in turn; return their ids."""
    jobs = [clients[0].enqueue("t", queue="q").id for _ in range(n)]
    for number, job_id in enumerate(jobs):
        clients[number % len(clients)].cancel(job_id)
    return jobs


def test_each_event_is_one_delivery_and_none_is_lost_with_all_servers(two: Servers, receiver: Receiver) -> None:
    quick = RetryPolicy(max_attempts=9, initial_ms=50, jitter=False)
    with Client(two[0].url) as first, Client(two[1].url) as second:
        first.put_webhook("w", Webhook(url=receiver.url(), queues=["q"], timeout_ms=500, retry=quick))
        jobs = cancel_many([first, second], 40)
        eventually(lambda: first.webhook("w").counts[State.SUCCEEDED] == 40, 30.0)
        assert {message.job_id for message in receiver.messages} == set(jobs)
        jobs += cancel_many([first, second], 20)
        for server in two:
            server.kill9()
        two[0].start()
        eventually(lambda: {message.job_id for message in receiver.messages} == set(jobs), 30.0)
        assert len({message.id for message in receiver.messages}) == 60


def begin(two: Servers, client: Client, receiver: Receiver) -> tuple[str, ServerProcess, ServerProcess]:
    """Let one server be in the middle of a delivery; return its job's id, that server, and the other one."""
    receiver.answer("/", Answer(held=Event()), Answer(204))
    client.put_webhook("w", Webhook(url=receiver.url(), queues=["q"], timeout_ms=2_000))
    client.cancel(client.enqueue("t", queue="q").id)
    [message] = eventually(lambda: receiver.messages, what="the first attempt")
    holder = str(client.get(message.id).worker)
    busy, other = two if holder.endswith(f".{two[0].pid}") else two[::-1]
    assert holder.endswith(f".{busy.pid}")
    return message.id, busy, other


def test_a_delivery_of_a_server_that_was_killed_is_made_by_another(two: Servers, receiver: Receiver) -> None:
    with Client(two[0].url) as first, Client(two[1].url) as second:
        job_id, busy, _ = begin(two, first, receiver)
        busy.kill9()
        asking = second if busy is two[0] else first
        assert asking.wait(job_id, timeout=30).state is State.SUCCEEDED
        assert [message.id for message in receiver.messages] == [job_id] * 2
        job = asking.get(job_id)
        assert job.crashes + job.attempt == 2  # a crash, unless the machine was so slow that the time was over before


def test_a_server_that_is_stopped_gives_back_what_it_has_begun(two: Servers, receiver: Receiver) -> None:
    """A receiver that does not answer holds up no stop, and the other server goes on."""
    with Client(two[0].url) as first, Client(two[1].url) as second:
        job_id, busy, other = begin(two, first, receiver)
        asking = second if busy is two[0] else first
        assert busy.terminate() == 0
        job = asking.wait(job_id, timeout=30)
        assert (job.state, job.crashes) == (State.SUCCEEDED, 0)
        assert str(job.worker).endswith(f".{other.pid}")
