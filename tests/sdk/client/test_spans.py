"""The OpenTelemetry span around an enqueue: what it says, whose child it is, and that it is the parent of the job."""

import asyncio
from collections.abc import Iterator
from contextvars import copy_context
from typing import Any

import pytest
import sentry_sdk
from headrace import AsyncClient, NewJob, Request
from headrace.client import Client
from headrace.context import CURRENT
from headrace.errors import QueueFull
from headrace.tracing import current_trace, trace_context
from opentelemetry import baggage, context, trace
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode

from tests.sdk.client.drive import ID, Line, job, line, problem, reply, told
from tests.support.otel import recording
from tests.support.sentry import DSN, Kept

SECRET = "geheim-4711"
GIVEN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def kept() -> Iterator[InMemorySpanExporter]:
    with recording() as exporter:
        yield exporter


def sent_one() -> Line:
    """An enqueue of one job."""
    sent = line(reply(job(), 201))
    sent.run(sent.verbs.enqueue("shop.mail", [SECRET], queue="mail", meta={"note": SECRET}, tags={"t": SECRET}))
    return sent


def traceparent(span: ReadableSpan) -> str:
    assert span.context
    return f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-{span.context.trace_flags:02x}"


def facts(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def test_an_enqueue_is_a_span_and_the_parent_of_the_job(kept: InMemorySpanExporter) -> None:
    sent = sent_one()
    [span] = kept.get_finished_spans()
    assert (span.name, span.kind, span.parent) == ("publish mail", SpanKind.PRODUCER, None)
    assert facts(span) == {
        "messaging.system": "headrace",
        "messaging.operation.name": "publish",
        "messaging.operation.type": "send",
        "messaging.destination.name": "mail",
        "messaging.message.id": ID,
        "messaging.headrace.task": "shop.mail",
    }
    assert span.status.status_code is StatusCode.UNSET
    assert sent.request.headers["traceparent"] == traceparent(span)
    assert SECRET not in span.to_json()
    assert not trace.get_current_span().get_span_context().is_valid, "it is over"


def test_it_is_a_child_of_the_span_around_it_and_takes_the_baggage_along(kept: InMemorySpanExporter) -> None:
    with trace.get_tracer("shop").start_as_current_span("checkout") as outer:
        token = context.attach(baggage.set_baggage("tenant", "5"))
        sent = sent_one()
        context.detach(token)
        assert trace.get_current_span() is outer
    inner, finished = kept.get_finished_spans()
    assert inner.parent == finished.context
    assert (sent.request.headers["traceparent"], sent.request.headers["baggage"]) == (traceparent(inner), "tenant=5")


def test_many_payloads_are_one_span_and_the_parent_of_all_their_requests(kept: InMemorySpanExporter) -> None:
    sent = line(told(*[ID] * 1000), told(*[ID] * 200))
    sent.run(sent.verbs.enqueue_payloads("shop.mail", [SECRET] * 1200, queue="mail"))
    [span] = kept.get_finished_spans()
    assert span.name == "publish mail"
    assert facts(span)["messaging.batch.message_count"] == 1200
    assert {step.request.headers["traceparent"] for step in sent.sent} == {traceparent(span)}
    assert SECRET not in span.to_json()


def test_a_batch_is_one_span_and_names_a_queue_only_where_there_is_one(kept: InMemorySpanExporter) -> None:
    for queues in (["mail", "mail"], ["mail", "bulk"]):
        sent = line(told(ID, ID))
        sent.run(sent.verbs.enqueue_batch([NewJob(task="shop.mail", queue=name, payload=SECRET) for name in queues]))
    one, several = kept.get_finished_spans()
    assert (one.name, several.name) == ("publish mail", "publish")
    assert facts(one)["messaging.destination.name"] == "mail"
    assert "messaging.destination.name" not in facts(several)
    assert facts(one)["messaging.batch.message_count"] == facts(several)["messaging.batch.message_count"] == 2
    assert SECRET not in one.to_json() + several.to_json()


def test_in_a_task_without_a_span_it_belongs_to_the_trace_of_the_tasks_own_job(kept: InMemorySpanExporter) -> None:
    def inside() -> None:
        CURRENT.set(Request(id="j", task="t", queue="q", trace={"traceparent": GIVEN, "baggage": "k=v"}))
        sent = sent_one()
        [span] = kept.get_finished_spans()
        assert span.parent
        assert f"{span.parent.span_id:016x}" == GIVEN[36:52]
        assert (sent.request.headers["traceparent"], sent.request.headers["baggage"]) == (traceparent(span), "k=v")

    copy_context().run(inside)


def test_what_the_call_or_the_app_says_itself_is_sent_as_it_is_without_a_span(kept: InMemorySpanExporter) -> None:
    call = line(reply(job(), 201))
    call.run(call.verbs.enqueue("t", trace={"traceparent": GIVEN}))
    with trace_context({"traceparent": GIVEN}):
        around = sent_one()
    assert call.request.headers["traceparent"] == around.request.headers["traceparent"] == GIVEN
    assert kept.get_finished_spans() == ()


def test_a_trace_that_is_not_sampled_goes_on_as_one(kept: InMemorySpanExporter) -> None:
    with recording(ALWAYS_OFF) as nothing:
        sent = sent_one()
    assert nothing.get_finished_spans() == ()
    assert int(sent.request.headers["traceparent"][-2:], 16) & trace.TraceFlags.SAMPLED == 0


def test_an_enqueue_that_fails_says_so_by_the_type_of_its_error_alone(kept: InMemorySpanExporter) -> None:
    full = line(problem("queue_full", 429, detail=SECRET), problem("queue_full", 429), problem("queue_full", 429))
    full.answers += [problem("queue_full", 429)] * 50
    with pytest.raises(QueueFull):
        full.run(full.verbs.enqueue("t", [SECRET]))
    [span] = kept.get_finished_spans()
    assert (span.status.status_code, facts(span)["error.type"]) == (StatusCode.ERROR, "QueueFull")
    assert (span.status.description, span.events) == (None, ())
    assert SECRET not in span.to_json()


def test_the_span_is_current_while_the_request_runs_and_ends_with_a_call_that_is_given_up(
    kept: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def interrupted(*_: object) -> None:
        seen.append(trace.get_current_span().get_span_context())
        raise KeyboardInterrupt

    with Client("http://127.0.0.1:9") as client:
        monkeypatch.setattr(client, "_send", interrupted)
        with pytest.raises(KeyboardInterrupt):
            client.enqueue("t")
        assert not trace.get_current_span().get_span_context().is_valid
    [span] = kept.get_finished_spans()
    assert seen == [span.context]
    assert facts(span)["error.type"] == "cancelled"


def test_a_call_that_is_cancelled_leaves_no_span_behind(kept: InMemorySpanExporter) -> None:
    async def give_up() -> None:
        asked = asyncio.Event()

        async def never(step: object) -> None:
            asked.set()
            await asyncio.Event().wait()

        async with AsyncClient("http://127.0.0.1:9") as client:
            client._send = never  # type: ignore[assignment, method-assign]
            call = asyncio.ensure_future(client.enqueue("t"))
            await asked.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
        [span] = kept.get_finished_spans()
        assert facts(span)["error.type"] == "cancelled"

    asyncio.run(give_up())


def test_a_recorded_span_goes_before_one_of_sentry(kept: InMemorySpanExporter) -> None:
    told = Kept()
    with sentry_sdk.isolation_scope():
        before = sentry_sdk.get_global_scope().client
        sentry_sdk.init(
            DSN, transport=told, traces_sample_rate=1.0, default_integrations=False, auto_enabling_integrations=False
        )
        with sentry_sdk.start_transaction(name="checkout"):
            sent = sent_one()
            with recording(ALWAYS_OFF):
                unsampled = sent_one()
        sentry_sdk.get_global_scope().set_client(before)
    [span] = kept.get_finished_spans()
    assert sent.request.headers["traceparent"] == traceparent(span)
    [of_sentry] = told.events("transaction")[0]["spans"]
    assert of_sentry["span_id"] in unsampled.request.headers["traceparent"]


def test_a_processor_that_fails_fails_no_call(kept: InMemorySpanExporter) -> None:
    class Broken(SpanProcessor):
        def on_start(self, span: object, parent_context: object = None) -> None:
            raise RuntimeError("broken")

        def on_end(self, span: object) -> None:
            raise RuntimeError("broken")

    with recording():
        provider = trace.get_tracer_provider()
        provider.add_span_processor(Broken())  # type: ignore[attr-defined]
        sent_one()
    assert current_trace() == {}
