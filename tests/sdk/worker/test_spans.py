"""OpenTelemetry in the worker: the span of a run, what it is joined with, and that it is handed over in time."""

import contextvars
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from headrace import App, Client, Request, Snooze, State, current
from headrace_worker import registry, reporting
from headrace_worker.log import WORKER_VARIABLE
from headrace_worker.outcome import Outcome
from headrace_worker.run import run
from headrace_worker.sentry import Reporter, ReportSettings
from headrace_worker.soft import Alarms
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode

from tests.sdk.worker.conftest import MakeWorker, ended
from tests.support.otel import FILE, recording, written
from tests.support.sentry import DSN, Kept
from tests.support.servers import ServerProcess

APP = "tests.sdk.worker.spanning:app"
JOB = "01909c5e-6a52-7000-8a3f-0b6f1d2c3e4f"
TRACE_ID, PARENT_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACE = {"traceparent": f"00-{TRACE_ID}-{PARENT_ID}-01", "tracestate": "vendor=x", "baggage": "tenant=5"}
app = App()


def ids(span: dict[str, Any]) -> tuple[str, str, str | None]:
    """Return the ids of a span as it was written: its trace's, its own, its parent's."""
    found = (span["context"]["trace_id"], span["context"]["span_id"], span["parent_id"])
    trace_id, span_id, parent_id = (text and text.removeprefix("0x") for text in found)
    return trace_id, span_id, parent_id


@pytest.mark.parametrize("flags", [(), ("--processes", "0")], ids=["process", "inline"])
def test_runs_are_joined_with_the_producer_with_their_own_spans_and_with_the_jobs_of_the_job(
    shared_server: ServerProcess,
    client: Client,
    queue: str,
    make_worker: MakeWorker,
    tmp_path: Path,
    flags: tuple[str, ...],
) -> None:
    file = tmp_path / "spans.jsonl"  # filled at the worker's end, and not before
    worker = make_worker(shared_server.url, "--name", "w-9", *flags, app=APP, env={FILE: str(file)})
    first = client.enqueue("relay", [queue, "x"], queue=queue, trace=TRACE)
    second = ended(client, first.id).result
    assert ended(client, second).state is State.DEAD
    assert ended(client, client.enqueue("own_span", queue=queue, trace=TRACE).id).result == "5"
    assert ended(client, client.enqueue("own_span_async", queue=queue).id).result is None
    assert worker.terminate() == 0

    spans = {span["name"]: span for span in written(file) if span["name"] != "bank"}
    assert set(spans) == {
        "process relay",
        f"publish {queue}",
        "process leak",
        "process own_span",
        "process own_span_async",
    }
    outer, publish, inner = (spans[name] for name in ("process relay", f"publish {queue}", "process leak"))
    assert {ids(span)[0] for span in (outer, publish, inner)} == {TRACE_ID}
    assert (ids(outer)[2], ids(publish)[2], ids(inner)[2]) == (PARENT_ID, ids(outer)[1], ids(publish)[1])
    assert [link["context"]["span_id"] for link in inner["links"]] == [publish["context"]["span_id"]]
    assert outer["attributes"]["messaging.client.id"] == "w-9"
    assert publish["attributes"]["messaging.message.id"] == second
    own = {ids(span)[2] for span in written(file) if span["name"] == "bank"}
    assert own == {ids(spans["process own_span"])[1], ids(spans["process own_span_async"])[1]}
    assert (spans["process own_span_async"]["parent_id"], spans["process own_span_async"]["links"]) == (None, [])


@pytest.fixture
def kept() -> Iterator[InMemorySpanExporter]:
    with recording() as exporter:
        yield exporter


@app.on("before_task")
def colour(request: Request) -> None:
    trace.get_current_span().set_attribute("colour", request.task)


@app.on("after_task")
def repeat(outcome: str) -> None:
    trace.get_current_span().set_attribute("said", outcome)


@app.task(name="good")
def good() -> str:
    return current().trace["traceparent"]


@app.task(name="bad")
def bad(value: str) -> None:
    try:
        int(value)
    except ValueError as error:
        raise RuntimeError(value) from error


@app.task(name="not_yet")
def not_yet() -> None:
    raise Snooze(3600)


def ran(name: str, payload: Any = None, **facts: Any) -> Outcome:
    """Run a task as the worker does, in a context of its own."""
    request = Request(**{"id": JOB, "task": name, "queue": "q", "payload": payload, "trace": TRACE, **facts})
    return contextvars.Context().run(run, registry.handlers(app)[name], request, Alarms())


def facts(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def test_the_span_of_a_run_says_what_ran_and_how_it_ended_and_its_hooks_may_say_more(
    kept: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(WORKER_VARIABLE, "w-9")
    outcome = ran("good", attempt=2, delivery=3)
    [span] = kept.get_finished_spans()
    assert span.context
    assert (span.name, span.kind, span.status.status_code) == ("process good", SpanKind.CONSUMER, StatusCode.UNSET)
    assert facts(span) == {
        "messaging.system": "headrace",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "q",
        "messaging.message.id": JOB,
        "messaging.client.id": "w-9",
        "messaging.headrace.task": "good",
        "messaging.headrace.attempt": 2,
        "messaging.headrace.delivery": 3,
        "messaging.headrace.outcome": "returned",
        "colour": "good",
        "said": "returned",
    }
    assert span.context.trace_state == {"vendor": "x"}
    assert outcome.value() == f"00-{TRACE_ID}-{span.context.span_id:016x}-{span.context.trace_flags:02x}"


def test_a_failure_has_the_stack_of_the_task_and_of_what_led_to_it_without_a_message(
    kept: InMemorySpanExporter,
) -> None:
    ran("bad", ["geheim-4711"])
    [span] = kept.get_finished_spans()
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, None)
    assert facts(span)["error.type"] == "RuntimeError"
    [event] = span.events
    assert event.attributes
    assert (event.name, event.attributes["exception.type"]) == ("exception", "RuntimeError")
    stack = str(event.attributes["exception.stacktrace"])
    assert stack.index("ValueError\n") < stack.index("RuntimeError\n"), "what led to it goes before"
    assert "raise RuntimeError(value) from error" in stack
    assert "headrace_worker" not in stack


def test_what_did_not_run_and_what_is_put_off(kept: InMemorySpanExporter) -> None:
    ran("bad", ["too", "many", "arguments"])
    ran("not_yet")
    refused, later = kept.get_finished_spans()
    assert (facts(refused)["error.type"], refused.events) == ("TypeError", ())
    assert (later.status.status_code, facts(later)["messaging.headrace.outcome"]) == (StatusCode.UNSET, "snoozed")


def test_spans_of_sentry_and_of_opentelemetry_lie_in_one_trace(kept: InMemorySpanExporter) -> None:
    settings = ReportSettings.read({"HEADRACE_SENTRY_DSN": DSN})
    assert settings
    told = Kept()
    reporter = Reporter(settings, transport=told)
    reporting.use(reporter)
    try:
        ran("good")
    finally:
        reporting.use(None)
        reporter.close()
    [transaction] = told.events("transaction")
    [span] = kept.get_finished_spans()
    assert span.context
    found = transaction["contexts"]["trace"]
    assert (found["trace_id"], found["parent_span_id"]) == (TRACE_ID, f"{span.context.span_id:016x}")


def test_what_is_not_sampled_hands_on_that_it_is_not() -> None:
    with recording(ALWAYS_OFF) as nothing:
        traceparent = ran("good").value()
    assert nothing.get_finished_spans() == ()
    assert (traceparent[3:35], int(traceparent[-2:], 16) & trace.TraceFlags.SAMPLED) == (TRACE_ID, 0)


def test_a_processor_that_fails_fails_no_job(kept: InMemorySpanExporter) -> None:
    class Broken(SpanProcessor):
        def on_start(self, span: object, parent_context: object = None) -> None:
            raise RuntimeError("broken")

    trace.get_tracer_provider().add_span_processor(Broken())  # type: ignore[attr-defined]
    assert ran("good").value() == TRACE["traceparent"]


def test_opentelemetry_is_imported_by_no_worker_whose_app_does_not() -> None:
    code = (
        "import sys; from headrace_worker import child, running, spans; from headrace import Request; "
        "spans.begin(Request(id='j', task='t', queue='q')); spans.close(); "
        "assert not any(name.startswith('opentelemetry') for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
