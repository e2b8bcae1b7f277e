"""The options of jobs, and what can be done with jobs that are there, on a real server and in both formats."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from headrace import (
    AttemptOutcome,
    Client,
    Conflict,
    Invalid,
    Job,
    JobError,
    Leased,
    NewJob,
    NotFinished,
    NotFound,
    Patience,
    ProblemError,
    QueueFull,
    QueueSettings,
    Rate,
    Raw,
    ReasonCode,
    Receipt,
    RetryPolicy,
    State,
    TaskFailed,
    Unique,
    UniqueConflict,
)

from tests.sdk.client.conftest import Ask
from tests.support.servers import ServerProcess

NOBODY = "01909c5e-6a52-7000-8a3f-0b6f1d2c3e4f"
ERROR = JobError(type="TimeoutError", message="no answer", stack="File x", details={"line": 3})
ONE_RUN = RetryPolicy(max_attempts=1)


def one(client: Client, queue: str) -> Leased:
    """Lease the only job of a queue."""
    (leased,) = client.lease(queue, worker="w1").jobs
    return leased


def dead(client: Client, queue: str, **options: Any) -> Job:
    """Return a job that has died."""
    made = client.enqueue("t", [1], queue=queue, retry=ONE_RUN, **options)
    leased = one(client, queue)
    client.nack(leased.id, leased.token, error=ERROR)
    return client.get(made.id)


def test_every_option_comes_back_on_the_job(client: Client, queue: str) -> None:
    made = client.enqueue(
        "t",
        queue=queue,
        max_crashes=7,
        max_runtime_ms=60_000,
        tags={"tenant": "seven"},
        limits=[f"{queue}:a", f"{queue}:b"],
        fairness_key="tenant-7",
        weight=3,
        ordering_key="order-9",
        on_dead="hold",
    )
    shown = client.get(made.id)
    assert (shown.max_crashes, shown.max_runtime_ms, shown.run) == (7, 60_000, 1)
    assert (shown.tags, set(shown.limits)) == ({"tenant": "seven"}, {f"{queue}:a", f"{queue}:b"})
    assert (shown.fairness_key, shown.weight) == ("tenant-7", 3)
    assert (shown.ordering_key, shown.on_dead) == ("order-9", "hold")
    leased = one(client, queue)
    assert leased.max_runtime_ms == 60_000


def test_a_unique_job_is_met_refused_or_replaced(client: Client, queue: str) -> None:
    unique = Unique(key=f"{queue}-7")
    first = client.enqueue("t", [1], queue=queue, delay_ms=60_000, unique=unique)
    met = client.enqueue("t", [2], queue=queue, unique=unique)
    assert (met.id, met.deduplicated, met.payload) == (first.id, True, [1])
    with pytest.raises(UniqueConflict) as taken:
        client.enqueue("t", [2], queue=queue, unique=Unique(key=f"{queue}-7", on_conflict="reject"))
    assert taken.value.job_id == first.id
    put = client.enqueue("t", [3], queue=queue, unique=Unique(key=f"{queue}-7", on_conflict="replace"))
    assert (put.id, put.replaced, put.payload, put.state) == (first.id, True, [3], State.READY)
    one(client, queue)
    with pytest.raises(UniqueConflict):
        client.enqueue("t", queue=queue, unique=Unique(key=f"{queue}-7", on_conflict="replace"))


def test_what_makes_a_job_unique_may_be_its_payload(client: Client, queue: str) -> None:
    unique = Unique(by=["task", "payload"], until="start")
    first = client.enqueue("t", {"a": 1}, queue=queue, unique=unique)
    assert client.enqueue("t", {"a": 1}, queue=queue, unique=unique).id == first.id
    other = client.enqueue("t", {"a": 2}, queue=queue, unique=unique)
    assert other.id != first.id
    client.lease(queue, max_jobs=2)
    assert client.enqueue("t", {"a": 1}, queue=queue, unique=unique).id != first.id


def test_an_atomic_batch_points_at_the_job_in_the_way(client: Client, queue: str) -> None:
    unique = Unique(key=f"{queue}-7", on_conflict="reject")
    client.enqueue("t", queue=queue, unique=unique)
    with pytest.raises(UniqueConflict) as taken:
        client.enqueue_batch([NewJob(task="t", queue=queue), NewJob(task="t", queue=queue, unique=unique)])
    assert [fault.pointer for fault in taken.value.errors] == ["/jobs/1/unique"]
    batch = client.enqueue_batch(
        [NewJob(task="t", queue=queue), NewJob(task="t", queue=queue, unique=unique)], atomic=False
    )
    assert [type(item) for item in batch.items] == [Receipt, UniqueConflict]


def test_a_full_queue_says_later(shared_server: ServerProcess, client: Client, queue: str) -> None:
    client.configure_queue(queue, QueueSettings(max_depth=1))
    client.enqueue("t", queue=queue)
    with Client(shared_server.url, retry=Patience(total_s=0)) as hasty, pytest.raises(QueueFull) as full:
        hasty.enqueue("t", queue=queue)
    assert full.value.retry_after_ms


def test_errors_that_no_retry_mends_are_named_with_patterns(client: Client, queue: str) -> None:
    made = client.enqueue("t", queue=queue, retry=RetryPolicy(non_retryable=["Value*", "TimeoutError"]))
    leased = one(client, queue)
    assert client.nack(leased.id, leased.token, error=ERROR).state is State.DEAD
    assert client.get(made.id).reason == "non_retryable"


def test_a_dead_job_gets_another_run(client: Client, queue: str) -> None:
    job = dead(client, queue)
    assert (job.state, job.reason) == (State.DEAD, "max_attempts")
    again = client.retry(job.id)
    assert (again.state, again.run, again.attempt, again.delivery) == (State.READY, 2, 1, 0)
    with pytest.raises(Conflict) as caught:
        client.retry(job.id)
    assert (caught.value.code, caught.value.state) == ("job_not_dead", State.READY)
    leased = one(client, queue)
    client.ack(leased.id, leased.token)
    failed, succeeded = client.attempts(job.id)
    assert (failed.outcome, failed.worker) == (AttemptOutcome.FAILED, "w1")
    assert failed.error is not None
    assert (failed.error.type, failed.error.message) == ("TimeoutError", "no answer")
    assert failed.ended_at is not None
    assert succeeded.outcome is AttemptOutcome.SUCCEEDED


def test_a_dead_job_may_be_retried_elsewhere_in_its_group(client: Client, queue: str) -> None:
    job = dead(client, queue)
    assert client.retry(job.id, queue=f"{queue}.slow").queue == f"{queue}.slow"
    other = dead(client, queue)
    with pytest.raises(Invalid) as caught:
        client.retry(other.id, queue="elsewhere")
    assert caught.value.code == "other_group"


def test_a_waiting_job_can_be_changed_and_a_held_one_cannot(client: Client, queue: str) -> None:
    made = client.enqueue("t", queue=queue, delay_ms=60_000)
    ready = client.patch(made.id, priority=7, run_at=datetime.now(UTC) - timedelta(days=1))
    assert (ready.state, ready.priority) == (State.READY, 7)
    later = client.patch(made.id, delay_ms=60_000, queue=f"{queue}.slow")
    assert (later.state, later.queue) == (State.SCHEDULED, f"{queue}.slow")
    client.patch(made.id, delay_ms=0)
    one(client, f"{queue}.slow")
    with pytest.raises(Conflict) as caught:
        client.patch(made.id, priority=1)
    assert caught.value.code == "job_leased"


def test_an_ended_job_can_be_deleted_and_no_other(client: Client, queue: str) -> None:
    job = dead(client, queue)
    waiting = client.enqueue("t", queue=queue)
    client.delete(job.id)
    for ask in (client.get, client.delete, client.retry, client.attempts, client.explain, client.payload_bytes):
        with pytest.raises(NotFound):
            ask(job.id)
    with pytest.raises(Conflict) as caught:
        client.delete(waiting.id)
    assert caught.value.code == "job_not_final"


def test_bytes_come_back_as_they_went(client: Client, queue: str) -> None:
    made = client.enqueue("t", {"a": [1, 2]}, queue=queue)
    payload = client.payload_bytes(made.id)
    assert payload.media_type in ("application/json", "application/msgpack")
    assert payload.data in (b'{"a":[1,2]}', b"\x81\xa1a\x92\x01\x02")
    with pytest.raises(NotFinished):
        client.result_bytes(made.id)
    leased = one(client, queue)
    picture = Raw(b"\x89PNG\x00\xff", "image/png")
    client.ack(leased.id, leased.token, result=picture)
    assert client.result_bytes(made.id) == picture
    assert client.result(made.id) == picture
    assert client.get(made.id).result == picture


def test_a_result_may_be_kept_for_no_time_at_all(client: Client, queue: str) -> None:
    made = client.enqueue("t", queue=queue)
    leased = one(client, queue)
    client.ack(leased.id, leased.token, result="secret", result_ttl_ms=0)
    assert client.get(made.id).state is State.SUCCEEDED
    with pytest.raises(NotFound):
        client.result(made.id)


def test_progress_is_seen_and_a_checkpoint_is_handed_on(client: Client, queue: str) -> None:
    made = client.enqueue("t", queue=queue)
    leased = one(client, queue)
    assert leased.checkpoint is None
    client.extend(leased.id, leased.token, progress=0.5, checkpoint={"row": 7})
    assert (client.get(made.id).progress, client.get(made.id).checkpoint) == (0.5, {"row": 7})
    client.release(leased.id, leased.token)
    again = one(client, queue)
    assert again.checkpoint == {"row": 7}
    assert client.get(made.id).progress is None
    client.snooze(again.id, again.token, delay_ms=0, reason="later", checkpoint=[8])
    (third,) = client.lease(queue, wait_ms=5000).jobs
    assert third.checkpoint == [8]


def test_jobs_are_found_by_whatever_is_known_of_them(client: Client, queue: str) -> None:
    gone = dead(client, queue, tags={"tenant": "seven"})
    ready = client.enqueue("other", queue=queue, tags={"tenant": "seven"})
    late = client.enqueue("t", queue=queue, delay_ms=60_000)

    def found(**which: Any) -> set[str]:
        return {job.id for job in client.iter_jobs(limit=1, **{"queue": queue, **which})}

    assert found() == {gone.id, ready.id, late.id}
    assert found(state=State.DEAD) == found(error_type="TimeoutError") == {gone.id}
    assert found(state=["ready", State.SCHEDULED]) == {ready.id, late.id}
    assert found(task="other") == {ready.id}
    assert found(tag=("tenant", "seven")) == {gone.id, ready.id}
    assert found(finished_after=gone.finished_at) == {gone.id}
    assert found(enqueued_before=gone.enqueued_at) == set()
    (summary,) = client.list_jobs(queue=queue, state="dead").jobs
    assert (summary.error, summary.reason) == (JobError(type="TimeoutError", message="no answer"), "max_attempts")


def test_a_cursor_of_another_list_is_refused(client: Client, queue: str) -> None:
    client.enqueue_batch([NewJob(task="t", queue=queue) for _ in range(3)])
    page = client.list_jobs(queue=queue, limit=1)
    assert len(page.jobs) == 1
    assert page.cursor is not None
    with pytest.raises(Invalid) as caught:
        client.list_jobs(queue=queue, task="t", cursor=page.cursor)
    assert caught.value.code == "invalid_cursor"


def test_a_job_that_waits_says_what_for(client: Client, queue: str) -> None:
    late = client.enqueue("t", queue=queue, delay_ms=60_000)
    told = client.explain(late.id)
    assert (told.state, told.reasons[0].code, told.reasons[0].until) == (
        State.SCHEDULED,
        ReasonCode.NOT_DUE,
        late.run_at,
    )
    held = client.enqueue("t", queue=queue, limits=[f"{queue}:a"])
    client.back_off(queue, for_ms=60_000)
    reasons = {reason.code: reason for reason in client.explain(held.id).reasons}
    assert reasons[ReasonCode.LIMIT_HELD].until is not None


def test_a_limit_holds_for_each_of_its_keys_and_can_be_changed_live(client: Client, queue: str) -> None:
    client.set_limit(queue, concurrency=1, rate=Rate(count=100, per_ms=1000, burst=100))
    keys = [f"{queue}:a", f"{queue}:a", f"{queue}:b"]
    client.enqueue_batch([NewJob(task="t", queue=queue, payload=n, limits=[key]) for n, key in enumerate(keys)])
    first, second = client.lease(queue, max_jobs=3).jobs
    assert [first.payload, second.payload] == [0, 2], "a blocked key is passed over"
    assert client.limit(f"{queue}:a").leased == 1
    client.set_limit(queue, concurrency=2)
    assert [leased.payload for leased in client.lease(queue, wait_ms=10_000).jobs] == [1]
    assert client.unset_limit(queue).concurrency is None


def test_the_awaiting_client_finds_and_mends(aclient: Ask, queue: str) -> None:
    made = aclient("enqueue", "t", queue=queue, retry=ONE_RUN)
    (leased,) = aclient("lease", queue).jobs
    aclient("nack", leased.id, leased.token, error=ERROR)
    with pytest.raises(TaskFailed):
        aclient("result", made.id)
    assert [job.id for job in aclient("list_jobs", queue=queue, state="dead").jobs] == [made.id]
    assert aclient("retry", made.id).run == 2
    aclient("cancel", made.id)
    aclient("delete", made.id)
    with pytest.raises(ProblemError):
        aclient("get", made.id)
