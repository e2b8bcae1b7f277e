"""Queues, operations and the log of events on a real server, in both formats."""

import asyncio
import threading
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest
from headrace import (
    AsyncClient,
    Client,
    Conflict,
    Event,
    JobError,
    NewJob,
    NotFound,
    OperationState,
    Patience,
    QueueDraining,
    QueueSettings,
    Rate,
    RetryPolicy,
    State,
)

from tests.support.proxy import Proxy
from tests.support.servers import ServerProcess
from tests.support.waiting import eventually

NOBODY = "01909c5e-6a52-7000-8a3f-0b6f1d2c3e4f"
SETTINGS = QueueSettings(
    lease_ms=5000,
    priority=7,
    retry=RetryPolicy(max_attempts=2, backoff="linear", factor=1.5, jitter=False, non_retryable=("A", "B")),
    dead_retention_ms=60_000,
    concurrency=3,
    rate=Rate(count=100, per_ms=60_000, burst=20),
)


def test_settings_come_back_hold_and_are_replaced_as_a_whole(client: Client, queue: str) -> None:
    assert client.queue(queue).settings == QueueSettings()
    assert client.configure_queue(queue, SETTINGS).settings == SETTINGS
    assert client.queue(queue).settings == SETTINGS
    made = client.enqueue("t", queue=queue)
    assert (made.priority, made.max_attempts) == (7, 2)
    changed = client.configure_queue(queue, replace(SETTINGS, concurrency=None, retry=None))
    assert (changed.settings.concurrency, changed.settings.retry, changed.settings.priority) == (None, None, 7)


def test_a_paused_queue_gives_nothing_until_it_is_resumed(client: Client, queue: str) -> None:
    client.enqueue("t", queue=queue)
    paused = client.pause_queue(queue)
    assert (paused.paused, paused.paused_until, paused.counts[State.READY]) == (True, None, 1)
    assert client.lease(queue).jobs == ()
    listed = {summary.queue: summary for summary in client.queues(limit=1000).queues}
    assert (listed[queue].paused, listed[queue].draining) == (True, False)
    assert not client.resume_queue(queue).paused
    assert len(client.lease(queue).jobs) == 1
    assert client.pause_queue(queue, for_ms=60_000).paused_until is not None


def test_a_pause_may_end_by_itself(client: Client, queue: str) -> None:
    client.enqueue("t", queue=queue)
    client.pause_queue(queue, for_ms=300)
    assert client.lease(queue).jobs == ()
    assert len(client.lease(queue, wait_ms=10_000).jobs) == 1


def test_a_draining_queue_takes_nothing_and_serves_the_rest(client: Client, queue: str) -> None:
    client.enqueue("t", queue=queue)
    assert client.drain_queue(queue).draining
    with pytest.raises(QueueDraining):
        client.enqueue("t", queue=queue)
    assert len(client.lease(queue).jobs) == 1
    client.resume_queue(queue)
    client.enqueue("t", queue=queue)


def test_a_queue_is_forgotten_once_it_has_no_jobs(client: Client, queue: str) -> None:
    client.configure_queue(queue, SETTINGS)
    client.enqueue("t", queue=queue)
    with pytest.raises(Conflict) as caught:
        client.delete_queue(queue)
    assert caught.value.code == "queue_not_empty"
    purged = client.wait_operation(client.purge_queue(queue).id, timeout=30)
    assert (purged.action, purged.state, purged.done) == ("purge", OperationState.DONE, 1)
    client.delete_queue(queue)
    assert client.queue(queue).settings == QueueSettings()


def test_a_purge_may_only_count_and_may_mean_some_states(client: Client, queue: str) -> None:
    client.enqueue_batch([NewJob(task="t", queue=queue), NewJob(task="t", queue=queue, delay_ms=60_000)])
    dry = client.wait_operation(client.purge_queue(queue, dry_run=True).id, timeout=30)
    assert (dry.dry_run, dry.matched, dry.done) == (True, 2, 0)
    client.wait_operation(client.purge_queue(queue, states=[State.SCHEDULED]).id, timeout=30)
    counts = client.queue_stats(queue).counts
    assert (counts[State.READY], counts[State.SCHEDULED]) == (1, 0)


def test_many_dead_jobs_are_retried_at_once(client: Client, queue: str) -> None:
    policy = RetryPolicy(max_attempts=1)
    client.enqueue_batch([NewJob(task="t", queue=queue, retry=policy) for _ in range(5)])
    for leased in client.lease(queue, max_jobs=5).jobs:
        client.nack(leased.id, leased.token, error=JobError(type="E", message="m"))
    dry = client.wait_operation(
        client.start_operation("retry", queue=queue, error_type="E", dry_run=True).id, timeout=30
    )
    assert (dry.state, dry.matched, dry.done, len(dry.sample)) == (OperationState.DONE, 5, 0, 5)
    started = client.start_operation("retry", queue=queue, state="dead", target_queue=f"{queue}.again")
    ended = client.wait_operation(started.id, timeout=30)
    assert (ended.done, ended.skipped, ended.target_queue) == (5, 0, f"{queue}.again")
    assert client.queue_stats(f"{queue}.again").counts[State.READY] == 5
    assert ended.id in {operation.id for operation in client.operations()}


def test_an_operation_can_be_stopped(client: Client, queue: str) -> None:
    client.enqueue_batch([NewJob(task="t", queue=queue) for _ in range(200)], atomic=False)
    started = client.start_operation("cancel", queue=queue, rate_per_s=1)
    stopped = client.stop_operation(started.id)
    assert (stopped.state, stopped.is_running) == (OperationState.CANCELLED, False)
    assert client.stop_operation(started.id).state is OperationState.CANCELLED
    assert client.queue_stats(queue).counts[State.READY] > 0
    with pytest.raises(NotFound):
        client.operation(NOBODY)


def test_an_operation_that_has_ended_cannot_be_stopped(client: Client, queue: str) -> None:
    ended = client.wait_operation(client.start_operation("cancel", queue=queue).id, timeout=30)
    with pytest.raises(Conflict) as caught:
        client.stop_operation(ended.id)
    assert caught.value.code == "operation_ended"


def test_events_tell_what_happens_to_the_jobs_of_a_queue(client: Client, queue: str) -> None:
    begin = client.events(queue=queue).cursor
    made = client.enqueue("t", queue=queue)
    client.enqueue("t", queue=f"{queue}.other")
    (leased,) = client.lease(queue, worker="w1").jobs
    client.ack(leased.id, leased.token)
    client.delete(made.id)
    followed = list(islice(client.follow_events(after=begin, queue=queue), 4))
    assert [(event.was, event.state) for event in followed] == [
        (None, State.READY),
        (State.READY, State.LEASED),
        (State.LEASED, State.SUCCEEDED),
        (State.SUCCEEDED, State.GONE),
    ]
    assert {(event.job_id, event.queue, event.task) for event in followed} == {(made.id, queue, "t")}
    revs = [event.rev for event in followed if event.rev is not None]
    assert revs == sorted(revs)
    page = client.events(after=followed[1].cursor, queue=queue)
    assert [event.cursor for event in page.events] == [event.cursor for event in followed[2:]]


def test_a_follower_outlives_a_server_that_goes_away(shared_server: ServerProcess, queue: str) -> None:
    """It comes back with its cursor: what happened meanwhile is not missed, and nothing comes twice."""
    with (
        Client(shared_server.url) as direct,
        Proxy(shared_server.port) as proxy,
        Client(proxy.url, retry=Patience(total_s=0)) as client,
    ):
        seen: list[Event] = []
        follower = client.follow_events(after=direct.events(queue=queue).cursor, queue=queue)

        def follow() -> None:
            for event in islice(follower, 2):
                seen.append(event)  # noqa: PERF402 - one by one: the test looks on

        thread = threading.Thread(target=follow)
        thread.start()
        direct.enqueue("t", 1, queue=queue)
        eventually(lambda: seen, 10.0, "the first event is seen")
        proxy.refuse()
        direct.enqueue("t", 2, queue=queue)
        proxy.accept()
        thread.join(timeout=30)
    assert [(event.was, event.state) for event in seen] == [(None, State.READY)] * 2
    assert len({event.job_id for event in seen}) == 2


def test_the_awaiting_client_iterates(shared_server: ServerProcess, queue: str) -> None:
    async def look() -> tuple[list[str], list[Any]]:
        async with AsyncClient(shared_server.url) as client:
            begin = (await client.events(queue=queue)).cursor
            made = [(await client.enqueue("t", n, queue=queue)).id for n in range(3)]
            listed = [job.id async for job in client.iter_jobs(queue=queue, limit=2)]
            assert sorted(listed) == sorted(made)
            seen = []
            async for event in client.follow_events(after=begin, queue=queue):
                seen.append(event.job_id)
                if len(seen) == 3:
                    return made, seen
            raise AssertionError("it never ends")

    made, seen = asyncio.run(look())
    assert seen == made
