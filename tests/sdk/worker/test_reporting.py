"""Sentry in the worker: what is told, how it is joined with the producer's trace, and that no argument is in it."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from headrace import App, Client, NewJob, RetryPolicy
from headrace_worker import reporting
from headrace_worker.inline import InlineHands
from headrace_worker.sentry import CannotReport, Reporter, ReportSettings
from headrace_worker.worker import Worker, WorkerSettings

from tests.sdk.worker.conftest import END_S, MakeWorker, ended
from tests.support.sentry import DSN, Kept, SentryServer
from tests.support.servers import ServerProcess, run_headrace
from tests.support.waiting import eventually

APP = "tests.sdk.worker.leaking:app"
SECRET = "geheim-4711"
TRACE_ID, PARENT_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACE = {"traceparent": f"00-{TRACE_ID}-{PARENT_ID}-01"}
ONCE = RetryPolicy(max_attempts=1)


@pytest.fixture
def sentry() -> Iterator[SentryServer]:
    made = SentryServer()
    yield made
    made.close()


def env(sentry: SentryServer, **more: str) -> dict[str, str]:
    return {"HEADRACE_SENTRY_DSN": sentry.dsn, **{f"HEADRACE_SENTRY_{name}": value for name, value in more.items()}}


def tags(event: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = event["tags"]
    return found


def told(sentry: SentryServer, events: int, spans: int = 0) -> None:
    """Wait until so much has been told: what is left is sent at the end, but not for ever."""

    def is_there() -> bool:
        return len(sentry.events("event")) >= events and len(sentry.events("transaction")) >= spans

    eventually(is_there, END_S, f"{events} failures and {spans} spans are told")


def test_a_final_failure_is_told_with_its_stack_and_without_a_word_of_its_arguments(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, sentry: SentryServer
) -> None:
    worker = make_worker(shared_server.url, "--name", "w-9", app=APP, env=env(sentry))
    call = {"value": SECRET, "other": {"deep": SECRET}}
    tasks = ("leak", "leak_async", "leak_in_a_chain", "leak_as_verdict", "refused")
    jobs = {
        name: client.enqueue(name, call, queue=queue, retry=ONCE, meta={"note": SECRET}, tags={"tenant": SECRET})
        for name in tasks
    }
    for job in jobs.values():
        assert ended(client, job.id).state == "dead"
    told(sentry, len(tasks))
    assert worker.terminate() == 0
    events = {tags(event)["task"]: event for event in sentry.events("event")}
    assert set(events) == set(tasks)
    for name, event in events.items():
        expected = {"task": name, "queue": queue, "attempt": "1", "worker": "w-9", "job_id": jobs[name].id}
        assert tags(event) == expected
    [chained, error] = events["leak_in_a_chain"]["exception"]["values"]
    assert (chained["type"], error["type"]) == ("ValueError", "RuntimeError")
    assert [frame["function"] for frame in error["stacktrace"]["frames"]] == ["leak_in_a_chain"]
    assert not any(SECRET.encode() in envelope for envelope in sentry.wire)
    assert not sentry.events("transaction"), "no trace was sampled"


def test_what_is_retried_is_told_only_where_every_failure_is_wanted(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, sentry: SentryServer
) -> None:
    twice = RetryPolicy(max_attempts=2, initial_ms=10, jitter=False)
    worker = make_worker(shared_server.url, app=APP, env=env(sentry))
    ended(client, client.enqueue("leak", ["x"], queue=queue, retry=twice).id)
    told(sentry, 1)
    assert worker.terminate() == 0
    assert [tags(event)["attempt"] for event in sentry.events("event")] == ["2"]
    worker = make_worker(shared_server.url, app=APP, env=env(sentry, FAILURES="every", MESSAGES="1"))
    ended(client, client.enqueue("leak", ["x"], queue=queue, retry=twice).id)
    told(sentry, 3)
    assert worker.terminate() == 0
    assert [tags(event)["attempt"] for event in sentry.events("event")] == ["2", "1", "2"]
    assert sentry.events("event")[-1]["exception"]["values"][-1]["value"] == "no x"


def test_a_process_that_dies_is_told_by_the_one_that_sees_it(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, sentry: SentryServer
) -> None:
    make_worker(shared_server.url, app=APP, env=env(sentry))
    job = client.enqueue("die", [SECRET], queue=queue, retry=ONCE)
    ended(client, job.id)
    [event] = eventually(lambda: sentry.events("event"), END_S, "the report is here") or []
    assert event["exception"]["values"][0]["type"] == "WorkerProcessDied"
    assert (tags(event)["job_id"], event["level"]) == (job.id, "fatal")
    assert not any(SECRET.encode() in envelope for envelope in sentry.wire)


def test_spans_are_joined_with_the_producer_and_with_the_jobs_of_the_job(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, sentry: SentryServer
) -> None:
    worker = make_worker(shared_server.url, app=APP, env=env(sentry))
    first = client.enqueue("relay", [queue, SECRET], queue=queue, trace=TRACE)
    second = ended(client, first.id).result
    assert ended(client, second).state == "dead"
    unsampled = client.enqueue_batch(
        [NewJob(task="quiet", queue=queue)], trace={"traceparent": TRACE["traceparent"][:-1] + "0"}
    )
    ended(client, unsampled.jobs[0].id)
    told(sentry, 1, spans=2)
    assert worker.terminate() == 0
    spans = {span["transaction"]: span for span in sentry.events("transaction")}
    assert set(spans) == {"relay", "leak"}
    outer, inner = (spans[name]["contexts"]["trace"] for name in ("relay", "leak"))
    assert (outer["op"], outer["status"], inner["status"]) == ("queue.process", "ok", "internal_error")
    assert outer["trace_id"] == inner["trace_id"] == TRACE_ID
    assert (outer["parent_span_id"], inner["parent_span_id"]) == (PARENT_ID, outer["span_id"])
    assert outer["data"]["messaging.message.id"] == first.id
    assert outer["data"]["messaging.destination.name"] == queue
    [failure] = sentry.events("event")
    assert failure["contexts"]["trace"]["span_id"] == inner["span_id"]
    assert not any(SECRET.encode() in envelope for envelope in sentry.wire)


def test_nothing_of_sentry_is_imported_without_a_dsn() -> None:
    code = (
        "import sys; from headrace_worker import reporting, running, child; reporting.start(); "
        "assert 'sentry_sdk' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"HEADRACE_SENTRY_DSN": "geheim"}, "no DSN"),
        ({"HEADRACE_SENTRY_DSN": DSN, "HEADRACE_SENTRY_FAILURES": "some"}, "final or every"),
        ({"HEADRACE_SENTRY_DSN": DSN, "HEADRACE_SENTRY_TRACES": "2"}, "from 0 to 1"),
    ],
)
def test_a_wrong_setting_is_refused_at_the_start(variables: dict[str, str], words: str) -> None:
    code, _, errors = run_headrace("worker", APP, env=variables)
    assert code == 78
    assert words in errors
    assert "geheim" not in errors


def test_a_fault_of_the_worker_itself_is_told_and_stops_it() -> None:
    settings = ReportSettings.read({"HEADRACE_SENTRY_DSN": DSN})
    assert settings
    kept = Kept()
    reporter = Reporter(settings, worker="w-9", transport=kept)
    reporting.use(reporter)

    async def fails() -> None:
        raise RuntimeError(SECRET)

    async def supervise() -> bool:
        worker = Worker(WorkerSettings(), InlineHands(App, 1))
        part = worker._guarded(fails())
        await asyncio.wait({part})
        await asyncio.wait_for(worker._stopping.wait(), END_S)
        return worker._failed

    try:
        assert asyncio.run(supervise())
    finally:
        reporting.use(None)
        reporter.close()
    [event] = kept.events("event")
    assert (event["level"], event["tags"]) == ("fatal", {"worker": "w-9"})
    assert event["exception"]["values"][0]["stacktrace"]["frames"][-1]["function"] == "fails"
    assert not any(SECRET.encode() in envelope for envelope in kept.wire)


def test_no_fault_of_a_report_reaches_a_job() -> None:
    class Broken(Reporter):
        def begin(self, request: Any) -> Any:
            raise RuntimeError("broken")

    settings = ReportSettings.read({"HEADRACE_SENTRY_DSN": DSN})
    assert settings is not None
    reporting.use(Broken(settings, transport=Kept()))
    try:
        reporting.begin(None)  # type: ignore[arg-type]
    finally:
        reporting.use(None)
    with pytest.raises(CannotReport):
        ReportSettings.read({"HEADRACE_SENTRY_DSN": DSN, "HEADRACE_SENTRY_TRACES": "x"})
