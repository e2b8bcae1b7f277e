"""Workers as such on a real server, in both formats."""

import threading
import time
from datetime import UTC, datetime

import pytest
from headrace import (
    Client,
    Conflict,
    Directive,
    Grant,
    Held,
    NotFound,
    ReasonCode,
    Status,
    WorkerInfo,
    WorkerState,
)

from tests.support.waiting import eventually

INFO = WorkerInfo(
    host="worker-host",
    pid=17,
    state=Directive.RUN,
    queues=("a", "b"),
    slots=8,
    busy=0,
    processes=2,
    tasks=("t",),
    versions={"headrace": "0.1.0"},
    rss_bytes=1_000_000,
    started_at=datetime(2026, 1, 2, 3, 4, 5, 678000, UTC),
    counts={"succeeded": 5, "failed": 1, "retried": 2},
    labels={"zone": "eu"},
)


def test_what_a_worker_says_of_itself_comes_back(client: Client, queue: str) -> None:
    heard = client.heartbeat(queue, info=INFO, next_ms=60_000)
    assert (heard.leases, heard.directive) == ((), Directive.RUN)
    known = client.worker(queue)
    assert (known.info, known.state, known.leased) == (INFO, WorkerState.UP, 0)
    assert (known.lost_at - known.last_seen_at).total_seconds() == 130
    client.heartbeat(queue, final=True)
    with pytest.raises(NotFound):
        client.worker(queue)


def test_a_heartbeat_keeps_leases_and_names_their_jobs(client: Client, queue: str) -> None:
    client.enqueue("t", queue=queue)
    (job,) = client.lease(queue, worker=queue).jobs
    heard = client.heartbeat(queue, [Held(job_id=job.id, token=job.token, extend_ms=90_000)])
    assert (heard.leases[0].status, client.worker(queue).job_ids) == (Status.OK, (job.id,))


def test_a_poll_hears_at_once_that_its_worker_shall_stop(client: Client, queue: str) -> None:
    client.heartbeat(queue)
    heard: list[tuple[Grant, float]] = []

    def poll() -> None:
        while not heard or heard[-1][0].directive is Directive.RUN:
            heard.append((client.lease(queue, worker=queue, wait_ms=20_000), time.monotonic()))

    thread = threading.Thread(target=poll)
    thread.start()
    client.enqueue("t", queue=queue)  # so that the poll is seen to be there
    eventually(lambda: heard, 10.0, "the poll is there")
    told_at = time.monotonic()
    assert client.stop_worker(queue).directive is Directive.STOP
    thread.join(timeout=10)
    grant, at = heard[-1]
    assert (grant.directive, grant.jobs) == (Directive.STOP, ())
    assert at - told_at < 2
    assert client.heartbeat(queue).directive is Directive.STOP


def test_a_quiet_worker_gets_nothing_until_it_is_resumed(client: Client, queue: str) -> None:
    client.heartbeat(queue)
    client.enqueue("t", queue=queue)
    assert client.quiet_worker(queue).directive is Directive.QUIET
    assert client.lease(queue, worker=queue).jobs == ()
    assert client.resume_worker(queue).directive is Directive.RUN
    assert len(client.lease(queue, worker=queue).jobs) == 1
    with pytest.raises(Conflict):
        client.delete_worker(queue)


def test_workers_are_found_by_what_they_serve(client: Client, queue: str) -> None:
    for n in range(3):
        client.heartbeat(f"{queue}-{n}", info=WorkerInfo(queues=[queue], tasks=[f"t{n}"]), next_ms=60_000)
    found = [worker.id for worker in client.iter_workers(queue=queue, limit=2) if worker.id.startswith(queue)]
    assert found == [f"{queue}-{n}" for n in range(3)]
    page = client.workers(queue=queue, task="t1", state="up", limit=200)
    assert [worker.id for worker in page.workers if worker.id.startswith(queue)] == [f"{queue}-1"]
    lost = client.workers(state="lost", queue=queue, limit=200).workers
    assert [worker.id for worker in lost if worker.id.startswith(queue)] == []


def test_explain_says_that_no_worker_would_take_the_job(client: Client, queue: str) -> None:
    client.heartbeat(queue, info=WorkerInfo(queues=[queue], tasks=["other"]))
    others = [worker for worker in client.iter_workers(state="up") if worker.info.queues is None]
    for worker in others:  # of other tests; each would take any job
        client.heartbeat(worker.id, final=True)
    told = client.explain(client.enqueue("t", queue=queue).id)
    assert told.reasons[0].code is ReasonCode.NO_WORKER
