"""The OpenTelemetry span of a run, where the app (or what started it) has imported OpenTelemetry.

It is the current span while the task runs, with its hooks and its middleware: the task's own spans belong to it. Its
parent is the span that the job was enqueued in. A process that dies takes its spans with it: they are the app's, whose
code the supervisor does not run.
"""

import os
import traceback
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from headrace import spans
from headrace.context import Request
from headrace.exceptions import cause_of
from headrace.tracing import checked

from headrace_worker import log
from headrace_worker.outcome import Kind, Outcome, users_trace

if TYPE_CHECKING:
    from opentelemetry.trace import Span

FLUSH_MS: Final = 2_000
_DEEPEST: Final = 10  # errors in a chain whose stacks are told

_SPAN: Final[ContextVar["Span | None"]] = ContextVar("headrace_worker_otel_span", default=None)


def begin(request: Request) -> None:
    """A run begins, in this context, which is its own: nobody has to put back what was there."""
    tracer = spans.tracer()
    if tracer is None:
        return
    with spans.HARMLESS:
        from opentelemetry.context import attach
        from opentelemetry.trace import Link, SpanKind, get_current_span, set_span_in_context

        parent = spans.context_of(request.trace)
        origin = get_current_span(parent).get_span_context()
        links = [Link(origin)] if origin.is_valid else None  # the conventions' way; a parent joins the traces as well
        span = tracer.start_span(f"process {request.task}", parent, SpanKind.CONSUMER, _facts(request), links)
        context = set_span_in_context(span, parent)
        attach(context)
        request.trace = checked(spans.headers_of(context)) or request.trace
        _SPAN.set(span)


def ended(outcome: Outcome, error: BaseException | None, ended_ns: int) -> None:
    """The run of this context was over at `ended_ns`, by the machine's clock."""
    span = _SPAN.get()
    if span is None:
        return
    with spans.HARMLESS:
        span.set_attribute(spans.NAMESPACE + "outcome", outcome.kind.value)
        if outcome.kind is Kind.FAILED:
            spans.fail(span, outcome.error_type)
            if error is not None:
                _tell(span, cause_of(error))
        span.end(ended_ns)


def close() -> None:
    """Have what has not been exported exported, for as long as that is decent: a child ends without a goodbye."""
    if spans.is_imported():
        with spans.HARMLESS:
            from opentelemetry.trace import get_tracer_provider

            flush = getattr(get_tracer_provider(), "force_flush", None)  # of the SDK; the API knows none
            if flush is not None:
                flush(FLUSH_MS)


def _facts(request: Request) -> dict[str, str | int]:
    facts = {
        **spans.attributes("process", "process", request.task, request.queue),
        "messaging.message.id": request.id,
        spans.NAMESPACE + "attempt": request.attempt,
        spans.NAMESPACE + "delivery": request.delivery,
    }
    worker = os.environ.get(log.WORKER_VARIABLE)
    return {**facts, "messaging.client.id": worker} if worker else facts


def _tell(span: "Span", error: BaseException) -> None:
    """Tell where a run failed. Messages are left out: they repeat arguments."""
    facts = {"exception.type": type(error).__qualname__, "exception.stacktrace": "".join(_frames(error))}
    span.add_event("exception", facts)


def _frames(error: BaseException) -> list[str]:
    """Return the stacks of an error and of what led to it, the oldest first, as Python shows them without messages."""
    shown: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(shown) < _DEEPEST:
        frames = "".join(traceback.format_tb(users_trace(cause.__traceback__)))
        shown.insert(0, f"Traceback (most recent call last):\n{frames}{type(cause).__qualname__}\n")
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return shown
