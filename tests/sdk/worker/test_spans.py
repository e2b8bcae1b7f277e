"""OpenTelemetry in the worker: the span of a run, what it is joined with, and that no argument is in it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from headrace import Client, RetryPolicy, State

from tests.sdk.worker.conftest import MakeWorker, WorkerProcess, ended, reached
from tests.support.otel import FILE, written
from tests.support.sentry import SentryServer
from tests.support.servers import ServerProcess

APP = "tests.sdk.worker.spanning:app"
SECRET = "geheim-4711"
TRACE_ID, PARENT_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACE = {"traceparent": f"00-{TRACE_ID}-{PARENT_ID}-01", "tracestate": "vendor=x", "baggage": "tenant=5"}
ONCE = RetryPolicy(max_attempts=1)

Make = Callable[..., WorkerProcess]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "spans.jsonl"


@pytest.fixture
def worker(shared_server: ServerProcess, make_worker: MakeWorker, file: Path) -> Make:
    """A maker of workers whose app exports spans to the file at their end, and not before."""

    def make(*flags: str, **env: str) -> WorkerProcess:
        return make_worker(shared_server.url, *flags, app=APP, env={FILE: str(file), **env})

    return make


def ids(span: dict[str, Any]) -> tuple[str, str, str | None]:
    """Return the ids of a span: its trace's, its own, its parent's."""
    found = (span["context"]["trace_id"], span["context"]["span_id"], span["parent_id"])
    trace_id, span_id, parent_id = (text and text.removeprefix("0x") for text in found)
    return trace_id, span_id, parent_id


def by_name(file: Path) -> dict[str, dict[str, Any]]:
    return {span["name"]: span for span in written(file)}


@pytest.mark.parametrize("flags", [(), ("--processes", "0")], ids=["process", "inline"])
def test_a_run_is_a_span_joined_with_the_producer_and_with_the_jobs_of_the_job(
    client: Client, queue: str, worker: Make, file: Path, flags: tuple[str, ...]
) -> None:
    running = worker("--name", "w-9", *flags)
    first = client.enqueue("relay", [queue, SECRET], queue=queue, trace=TRACE)
    second = ended(client, first.id).result
    assert ended(client, second).state is State.DEAD
    assert running.terminate() == 0
    spans = by_name(file)
    assert set(spans) == {"process relay", f"publish {queue}", "process leak"}
    outer, publish, inner = (spans[name] for name in ("process relay", f"publish {queue}", "process leak"))
    assert {ids(span)[0] for span in spans.values()} == {TRACE_ID}
    assert ids(outer)[2] == PARENT_ID
    assert ids(publish)[2] == ids(outer)[1]
    assert ids(inner)[2] == ids(publish)[1]
    assert [link["context"]["span_id"] for link in inner["links"]] == [publish["context"]["span_id"]]
    assert (outer["kind"], outer["status"]["status_code"]) == ("SpanKind.CONSUMER", "UNSET")
    assert outer["attributes"] == {
        "messaging.system": "headrace",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": queue,
        "messaging.message.id": first.id,
        "messaging.client.id": "w-9",
        "messaging.headrace.task": "relay",
        "messaging.headrace.attempt": 1,
        "messaging.headrace.delivery": 1,
        "messaging.headrace.outcome": "returned",
        "colour": "relay",
        "said": "returned",
    }
    assert publish["attributes"]["messaging.message.id"] == second


def test_a_failure_is_told_with_its_stack_and_without_a_word_of_its_arguments(
    client: Client, queue: str, worker: Make, file: Path
) -> None:
    running = worker()
    call = {"value": SECRET, "other": {"deep": SECRET}}
    tasks = ("leak", "leak_async", "leak_in_a_chain", "leak_as_verdict", "refused")
    for name in tasks:
        job = client.enqueue(name, call, queue=queue, retry=ONCE, meta={"note": SECRET}, tags={"tenant": SECRET})
        assert ended(client, job.id).state is State.DEAD
    assert running.terminate() == 0
    spans = by_name(file)
    assert set(spans) == {f"process {name}" for name in tasks}
    assert {span["status"]["status_code"] for span in spans.values()} == {"ERROR"}
    errors = {name: span["attributes"]["error.type"] for name, span in spans.items()}
    assert errors["process leak_async"] == "KeyError"
    assert errors["process refused"] == "TypeError"
    assert spans["process refused"]["events"] == [], "it did not run"
    [event] = spans["process leak_in_a_chain"]["events"]
    assert (event["name"], event["attributes"]["exception.type"]) == ("exception", "RuntimeError")
    stack = event["attributes"]["exception.stacktrace"]
    assert stack.index("ValueError\n") < stack.index("RuntimeError\n"), "what led to it goes before"
    assert "raise RuntimeError(value, other) from error" in stack
    assert "headrace_worker" not in stack
    assert SECRET not in file.read_text()


def test_spans_of_the_task_itself_belong_to_its_run_and_see_the_baggage(
    client: Client, queue: str, worker: Make, file: Path
) -> None:
    running = worker()
    traced = client.enqueue("own_span", queue=queue, trace=TRACE)
    untraced = client.enqueue("own_span_async", queue=queue)
    assert ended(client, traced.id).result == "5"
    assert ended(client, untraced.id).result is None
    assert running.terminate() == 0
    spans = written(file)
    runs = {ids(span)[1]: span for span in spans if span["name"] != "bank"}
    own = [span for span in spans if span["name"] == "bank"]
    assert {runs[ids(span)[2] or ""]["name"] for span in own} == {"process own_span", "process own_span_async"}
    roots = [span for span in runs.values() if span["parent_id"] is None]
    assert [span["name"] for span in roots] == ["process own_span_async"]
    assert roots[0]["links"] == []


def test_what_is_retried_and_what_is_put_off_are_runs_of_their_own(
    client: Client, queue: str, worker: Make, file: Path
) -> None:
    running = worker()
    twice = client.enqueue("leak", ["x"], queue=queue, trace=TRACE, retry=RetryPolicy(max_attempts=2, initial_ms=10))
    later = client.enqueue("not_yet", queue=queue, trace=TRACE)
    ended(client, twice.id)
    reached(client, later.id, State.SCHEDULED)
    assert running.terminate() == 0
    spans = written(file)
    attempts = [span["attributes"]["messaging.headrace.attempt"] for span in spans if span["name"] == "process leak"]
    assert sorted(attempts) == [1, 2]
    assert {ids(span)[2] for span in spans} == {PARENT_ID}
    snoozed = by_name(file)["process not_yet"]
    assert snoozed["attributes"]["messaging.headrace.outcome"] == "snoozed"
    assert snoozed["status"]["status_code"] == "UNSET"


def test_spans_of_sentry_and_of_opentelemetry_lie_in_one_trace(
    client: Client, queue: str, worker: Make, file: Path
) -> None:
    sentry = SentryServer()
    try:
        running = worker(HEADRACE_SENTRY_DSN=sentry.dsn)
        ended(client, client.enqueue("quiet", queue=queue, trace=TRACE).id)
        assert running.terminate() == 0
        [transaction] = sentry.events("transaction")
    finally:
        sentry.close()
    [span] = written(file)
    found = transaction["contexts"]["trace"]
    assert (found["trace_id"], found["parent_span_id"]) == (TRACE_ID, ids(span)[1])


def test_opentelemetry_is_imported_by_no_worker_whose_app_does_not() -> None:
    code = (
        "import sys; from headrace_worker import child, running, spans; from headrace import Request; "
        "spans.begin(Request(id='j', task='t', queue='q')); spans.close(); "
        "assert not any(name.startswith('opentelemetry') for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
