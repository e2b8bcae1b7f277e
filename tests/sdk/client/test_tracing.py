"""Which trace a call belongs to, and that it can never be the reason why a call fails."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context

import pytest
from headrace import App, NewJob, Request, current
from headrace.context import CURRENT
from headrace.tracing import MAX_CHARS, current_trace, trace_context
from opentelemetry import baggage, context, trace
from opentelemetry.trace.span import TraceState

from tests.sdk.client.drive import ID, job, line, reply, told

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
OTHER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


@contextmanager
def open_telemetry_span(state: str = "k=v") -> Iterator[None]:
    """A span as OpenTelemetry's own SDK puts it into the context, and some baggage."""
    span = trace.NonRecordingSpan(
        trace.SpanContext(
            trace_id=int(OTHER[3:35], 16),
            span_id=int(OTHER[36:52], 16),
            is_remote=False,
            trace_flags=trace.TraceFlags(0),
            trace_state=TraceState.from_header([state]),
        )
    )
    token = context.attach(baggage.set_baggage("tenant", "5", trace.set_span_in_context(span)))
    try:
        yield
    finally:
        context.detach(token)


def in_task(given: dict[str, str]) -> None:
    CURRENT.set(Request(id="j", task="t", queue="q", trace=given))


def test_there_is_no_trace_where_nobody_has_one() -> None:
    assert current_trace() == {}
    sent = line(reply(job(), 201))
    sent.run(sent.verbs.enqueue("t"))
    assert not {"traceparent", "tracestate", "baggage"} & set(sent.request.headers)


def test_the_trace_of_given_headers_goes_with_a_job_and_with_a_batch() -> None:
    headers = {"Traceparent": PARENT, "TRACESTATE": "a=b", "baggage": "k=v", "Cookie": "geheim"}
    expected = {"traceparent": PARENT, "tracestate": "a=b", "baggage": "k=v"}
    with trace_context(headers):
        assert current_trace() == expected
        one = line(reply(job(), 201))
        one.run(one.verbs.enqueue("t"))
        many = line(told(ID))
        many.run(many.verbs.enqueue_batch([NewJob(task="t")]))
    for sent in (one.request, many.request):
        assert expected.items() <= sent.headers.items()
        assert "geheim" not in str(sent.headers)
    assert current_trace() == {}


def test_what_the_call_says_itself_wins() -> None:
    for given in ({"traceparent": OTHER}, {}):
        sent = line(reply(job(), 201))
        with trace_context({"traceparent": PARENT}):
            sent.run(sent.verbs.enqueue("t", trace=given))
        assert sent.request.headers.get("traceparent") == given.get("traceparent")


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "00-1",
        PARENT.upper(),
        "ff" + PARENT[2:],
        PARENT + "\r\nx-evil: 1",
        "00-" + "0" * 32 + PARENT[35:],
        PARENT[:36] + "0" * 16 + "-01",
        PARENT + "é",
    ],
)
def test_a_traceparent_that_is_none_is_left_out_with_its_state(broken: str) -> None:
    with trace_context({"traceparent": broken, "tracestate": "a=b", "baggage": "k=v"}):
        assert current_trace() == {"baggage": "k=v"}


def test_a_later_version_of_the_standard_is_passed_on_as_it_is() -> None:
    later = "01" + PARENT[2:] + "-more"
    with trace_context({"traceparent": later}):
        assert current_trace() == {"traceparent": later}


def test_what_is_too_long_is_left_out_the_least_important_first() -> None:
    long = "x" * MAX_CHARS
    with trace_context({"traceparent": PARENT, "tracestate": "a=b", "baggage": long}):
        assert current_trace() == {"traceparent": PARENT, "tracestate": "a=b"}
    with trace_context({"traceparent": PARENT, "tracestate": long, "baggage": long}):
        assert current_trace() == {"traceparent": PARENT}


def test_open_telemetrys_current_span_counts_where_the_app_says_nothing() -> None:
    with open_telemetry_span():
        assert current_trace() == {"traceparent": OTHER, "tracestate": "k=v", "baggage": "tenant=5"}
        with trace_context({"traceparent": PARENT}):
            assert current_trace() == {"traceparent": PARENT}
        with trace_context({}):
            assert current_trace() == {}
    assert current_trace() == {}


def test_open_telemetry_is_imported_for_nobody_who_has_not_done_so() -> None:
    code = (
        "import sys; from headrace.tracing import current_trace; assert not current_trace(); import headrace.app;"
        "assert not any(name.startswith('opentelemetry') for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_task_passes_its_trace_on_unless_something_in_it_has_another() -> None:
    def inside() -> None:
        in_task({"traceparent": PARENT, "baggage": "k=v"})
        assert current_trace() == {"traceparent": PARENT, "baggage": "k=v"}
        with open_telemetry_span():
            assert current_trace()["traceparent"] == OTHER
        with trace_context({}):
            assert current_trace() == {}

    copy_context().run(inside)


def test_concurrent_requests_do_not_see_each_others_trace() -> None:
    async def serve(parent: str) -> str:
        with trace_context({"traceparent": parent}):
            await asyncio.sleep(0)
            return current_trace()["traceparent"]

    async def both() -> list[str]:
        return await asyncio.gather(serve(PARENT), serve(OTHER))

    assert asyncio.run(both()) == [PARENT, OTHER]


def test_an_eager_call_sees_the_trace_too() -> None:
    app = App()
    app.conf.task_always_eager = True

    @app.task(name="inner")
    def inner() -> str:
        return current().trace["traceparent"]

    @app.task(name="outer")
    def outer() -> str:
        return inner.delay().get()

    with trace_context({"traceparent": PARENT}):
        assert outer.delay().get() == PARENT
