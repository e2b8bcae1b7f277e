"""A real server behind a bad network: nothing is done twice, and the client says what it knows (G3, G9)."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from headrace import (
    Client,
    ConnectionFailed,
    Held,
    JobError,
    NewJob,
    OutcomeUnknown,
    Patience,
    State,
    Status,
    TimedOut,
)
from headrace.leases import Ack, Leased

from tests.support.proxy import Delay, Fault, Proxy, What
from tests.support.servers import ServerProcess

ONE_TRY = Patience(total_s=0)
EAGER = Patience(total_s=20, first_s=0.01, cap_s=0.1)
ERROR = JobError(type="E", message="m")


@pytest.fixture
def proxy(shared_server: ServerProcess) -> Iterator[Proxy]:
    with Proxy(shared_server.port) as running:
        yield running


@pytest.fixture
def client(proxy: Proxy) -> Iterator[Client]:
    """A client that tries again, behind the proxy."""
    with Client(proxy.url, retry=EAGER) as made:
        yield made


@pytest.fixture
def direct(shared_server: ServerProcess) -> Iterator[Client]:
    """A client that sees what the server really did."""
    with Client(shared_server.url) as made:
        yield made


def leased_by(client: Client, queue: str) -> Leased:
    client.enqueue("t", queue=queue)
    (leased,) = client.lease(queue).jobs
    return leased


@pytest.mark.parametrize(
    "faults",
    [
        [Fault.CUT_REPLY],
        [Fault.CUT_REPLY] * 3,
        [Fault.CUT_REQUEST],
        [Fault.CUT_MIDWAY],
        [Fault.SWALLOW],
        [Fault.CUT_REQUEST, Fault.CUT_REPLY, Fault.CUT_MIDWAY],
        [Delay(1.5)],
    ],
    ids=lambda faults: "-".join(getattr(fault, "value", "delay") for fault in faults),
)
def test_an_enqueue_is_done_once_whatever_the_network_does(
    direct: Client, proxy: Proxy, queue: str, faults: list[What]
) -> None:
    proxy.faults = list(faults)
    in_time = all(fault is not Fault.SWALLOW and not isinstance(fault, Delay) for fault in faults)
    with Client(proxy.url, retry=EAGER, timeout=10.0 if in_time else 1.0) as client:
        made = client.enqueue("t", {"n": 1}, queue=queue)
    assert proxy.requests > len(faults), "the client tried again"
    assert direct.get(made.id).payload == {"n": 1}
    assert direct.queue_stats(queue).backlog == 1
    executed = any(fault is not Fault.CUT_REQUEST for fault in faults)
    assert made.deduplicated is executed, "the try that came through found the job of the one that did not"


def test_producers_with_one_key_make_one_job(direct: Client, proxy: Proxy, queue: str) -> None:
    """G3: parallel retries through a proxy that cuts replies: one job."""
    proxy.plan = lambda number: (Fault.CUT_REPLY, Fault.PASS, Fault.CUT_REQUEST)[number % 3]

    def produce(_: int) -> str:
        with Client(proxy.url, retry=EAGER) as client:
            return client.enqueue("t", [1], queue=queue, idempotency_key=queue).id

    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(produce, range(24)))
    assert len(ids) == 1
    assert direct.queue_stats(queue).backlog == 1
    assert proxy.requests > 24


@pytest.mark.parametrize("atomic", [True, False])
def test_a_batch_is_done_once(client: Client, direct: Client, proxy: Proxy, queue: str, atomic: bool) -> None:
    proxy.faults = [Fault.CUT_REPLY, Fault.CUT_MIDWAY]
    batch = client.enqueue_batch([NewJob(task="t", queue=queue, payload=n) for n in range(5)], atomic=atomic)
    assert [direct.get(made.id).payload for made in batch.jobs] == [0, 1, 2, 3, 4]
    assert direct.queue_stats(queue).backlog == 5


def test_a_lease_whose_reply_was_lost_is_given_again(client: Client, direct: Client, proxy: Proxy, queue: str) -> None:
    """G9: the repeat returns the same live leases and takes no new jobs."""
    direct.enqueue_batch([NewJob(task="t", queue=queue, payload=n) for n in range(4)])
    proxy.faults = [Fault.CUT_REPLY, Fault.CUT_REPLY]
    grant = client.lease(queue, max_jobs=2, worker=queue)
    assert grant.replayed
    assert [leased.payload for leased in grant.jobs] == [0, 1]
    counts = direct.queue_stats(queue).counts
    assert (counts[State.LEASED], counts[State.READY]) == (2, 2)
    for leased in grant.jobs:
        assert direct.ack(leased.id, leased.token).status is Status.OK


def test_a_lease_without_a_worker_says_that_it_does_not_know(
    client: Client, direct: Client, proxy: Proxy, queue: str
) -> None:
    direct.enqueue("t", queue=queue)
    proxy.faults = [Fault.CUT_REPLY]
    with pytest.raises(OutcomeUnknown):
        client.lease(queue)
    assert proxy.requests == 1
    assert direct.queue_stats(queue).counts[State.LEASED] == 1, "it happened, and the client did not claim otherwise"


Settle = Callable[[Client, Leased], object]


@pytest.mark.parametrize(
    ("settle", "state", "attempt"),
    [
        (lambda c, job: c.ack(job.id, job.token, result=1), State.SUCCEEDED, 1),
        (lambda c, job: c.nack(job.id, job.token, error=ERROR, retry_in_ms=60_000), State.RETRYING, 2),
        (lambda c, job: c.release(job.id, job.token), State.READY, 1),
        (lambda c, job: c.snooze(job.id, job.token, delay_ms=60_000), State.SCHEDULED, 1),
    ],
    ids=["ack", "nack", "release", "snooze"],
)
def test_a_settle_counts_once(
    client: Client, direct: Client, proxy: Proxy, queue: str, settle: Settle, state: State, attempt: int
) -> None:
    leased = leased_by(direct, queue)
    proxy.faults = [Fault.CUT_REPLY, Fault.CUT_REPLY]
    settled = settle(client, leased)
    assert getattr(settled, "status", None) is Status.REPEATED
    after = direct.get(leased.id)
    assert (after.state, after.attempt) == (state, attempt)


def test_settles_of_a_list_count_once(client: Client, direct: Client, proxy: Proxy, queue: str) -> None:
    leased = leased_by(direct, queue)
    proxy.faults = [Fault.CUT_REPLY]
    done = client.complete([Ack(job_id=leased.id, token=leased.token)])
    assert [item.status for item in done.items] == [Status.REPEATED]


def test_settle_and_lease_survives_a_lost_reply_as_one(
    client: Client, direct: Client, proxy: Proxy, queue: str
) -> None:
    first = leased_by(direct, queue)
    direct.enqueue_batch([NewJob(task="t", queue=queue) for _ in range(2)])
    proxy.faults = [Fault.CUT_REPLY]
    grant = client.lease(queue, worker=queue, complete=[Ack(job_id=first.id, token=first.token)])
    assert [item.status for item in grant.completed] == [Status.REPEATED]
    assert len(grant.jobs) == 1
    counts = direct.queue_stats(queue).counts
    assert (counts[State.SUCCEEDED], counts[State.LEASED], counts[State.READY]) == (1, 1, 1)


def test_extend_heartbeat_and_cancel_may_be_repeated(client: Client, direct: Client, proxy: Proxy, queue: str) -> None:
    leased = leased_by(direct, queue)
    proxy.plan = lambda number: Fault.CUT_REPLY if number % 2 else Fault.PASS
    assert client.extend(leased.id, leased.token, lease_ms=60_000).status is Status.OK
    assert client.heartbeat("w", [Held(job_id=leased.id, token=leased.token)]).leases[0].status is Status.OK
    waiting = direct.enqueue("t", queue=queue)
    assert client.cancel(waiting.id).state is State.CANCELLED
    assert proxy.requests == 6


@pytest.mark.parametrize(
    ("fault", "error", "happened"),
    [
        (Fault.CUT_REQUEST, OutcomeUnknown, 0),
        (Fault.CUT_REPLY, OutcomeUnknown, 1),
        (Fault.CUT_MIDWAY, OutcomeUnknown, 1),
        (Fault.SWALLOW, TimedOut, 1),
    ],
    ids=lambda value: getattr(value, "value", None),
)
def test_one_try_says_what_it_knows(
    direct: Client, proxy: Proxy, queue: str, fault: Fault, error: type[OutcomeUnknown], happened: int
) -> None:
    proxy.faults = [fault]
    with Client(proxy.url, retry=ONE_TRY, timeout=0.5) as client, pytest.raises(OutcomeUnknown) as caught:
        client.enqueue("t", queue=queue)
    assert type(caught.value) is error
    assert direct.queue_stats(queue).backlog == happened


def test_a_refused_connection_never_happened(direct: Client, proxy: Proxy, queue: str) -> None:
    proxy.refuse()
    with Client(proxy.url, retry=ONE_TRY) as client:
        with pytest.raises(ConnectionFailed):
            client.enqueue("t", queue=queue)
        assert direct.queue_stats(queue).backlog == 0
        proxy.accept()
        client.enqueue("t", queue=queue)


def test_a_wait_outlives_polls_that_are_cut(client: Client, direct: Client, proxy: Proxy, queue: str) -> None:
    leased = leased_by(direct, queue)
    proxy.faults = [Fault.CUT_REQUEST, Fault.CUT_REQUEST]
    timer = threading.Timer(0.5, lambda: direct.ack(leased.id, leased.token, result="done"))
    timer.start()
    assert client.handle(leased.id).get(timeout=20) == "done"
    timer.join()


def test_a_producer_outlives_a_server_that_is_killed_and_started_again(
    make_server: Callable[..., ServerProcess], queue: str
) -> None:
    server = make_server()
    with (
        Client(server.url, retry=Patience(total_s=60, first_s=0.05, cap_s=0.2)) as client,
        ThreadPoolExecutor(1) as pool,
    ):
        client.enqueue("t", 0, queue=queue)
        server.kill9()
        made = pool.submit(client.enqueue, "t", 1, queue=queue)
        server.start()
        made.result(timeout=60)
        payloads = [leased.payload for leased in client.lease(queue, max_jobs=10, worker="w").jobs]
    assert payloads == [0, 1]
