"""The span around an enqueue, of OpenTelemetry or of Sentry: the parent of what is sent away. No payload is in it.

Neither is imported here: an application that uses neither has no span of this. What somebody gave as the trace of a
call is sent as it is, without a span.
"""

import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from headrace import spans
from headrace.tracing import checked, current_trace, given_trace

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer

_DEFAULT_QUEUE: Final = "default"


def _nobody(job_id: str) -> None:
    """Hear nothing: there is no span to put it on."""


@dataclass(frozen=True, kw_only=True)
class Sending:
    """What is sent away."""

    task: str  # of many: of the first
    queues: Collection[str | None]  # None: the default one
    count: int | None = None  # of a batch

    @property
    def queue(self) -> str | None:
        """The one queue it goes to; None: several."""
        names = {name or _DEFAULT_QUEUE for name in self.queues}
        return names.pop() if len(names) == 1 else None


@dataclass(frozen=True)
class Published:
    """What goes along with it, and who wants to hear what became of it."""

    headers: Mapping[str, str]  # its trace: traceparent, tracestate, baggage
    made: Callable[[str], None] = _nobody  # hears the id of the job


@contextmanager
def published(sending: Sending, trace: Mapping[str, str] | None) -> Iterator[Published]:
    """Make the span of what is sent inside; `trace`: what the call itself says.

    A span of OpenTelemetry that is recorded goes before one of Sentry; one that is not still hands its trace on.
    """
    if trace is not None or given_trace() is not None:
        yield Published(current_trace() if trace is None else trace)
        return
    begun = _begun(sending)
    sentry = sys.modules.get("sentry_sdk")
    parent = sentry.get_current_span() if sentry is not None else None
    if begun is not None and begun[0].is_recording():
        with _recorded(*begun) as sent:
            yield sent
    elif parent is not None:
        with _told_sentry(parent, sending) as sent:
            yield sent
    else:
        yield Published((begun and checked(spans.headers_of(begun[1]))) or current_trace())


def _begun(sending: Sending) -> "tuple[Span, Context] | None":
    """Return the span of OpenTelemetry that begins now, with the context that it is the current one of."""
    tracer = spans.tracer()
    if tracer is None:
        return None
    with spans.HARMLESS:
        from opentelemetry import trace

        parent = None if trace.get_current_span().get_span_context().is_valid else spans.context_of(current_trace())
        span = _start(tracer, sending, parent)
        return span, trace.set_span_in_context(span, parent)
    return None


def _start(tracer: "Tracer", sending: Sending, parent: "Context | None") -> "Span":
    from opentelemetry.trace import SpanKind

    queue = sending.queue
    facts = spans.attributes("publish", "send", sending.task, queue)
    if sending.count is not None:
        facts["messaging.batch.message_count"] = sending.count
    name = "publish" if queue is None else f"publish {queue}"
    return tracer.start_span(name, parent, SpanKind.PRODUCER, facts)


@contextmanager
def _recorded(span: "Span", context: "Context") -> Iterator[Published]:
    """Make a span the current one, for an HTTP client that makes spans of its own, until its end."""
    from opentelemetry.context import attach, detach

    token = attach(context)
    try:
        yield Published(checked(spans.headers_of(context)), lambda job: span.set_attribute("messaging.message.id", job))
    except BaseException as error:
        spans.fail(span, "cancelled" if isinstance(error, GeneratorExit) else type(error).__qualname__)
        raise
    finally:
        detach(token)
        with spans.HARMLESS:
            span.end()


@contextmanager
def _told_sentry(parent: Any, sending: Sending) -> Iterator[Published]:
    with parent.start_child(op="queue.publish", name=sending.task, origin="auto.queue.headrace") as span:
        span.set_data("messaging.system", spans.SYSTEM)
        if sending.queue is not None:
            span.set_data("messaging.destination.name", sending.queue)
        traceparent = f"00-{span.trace_id}-{span.span_id}-{'01' if span.sampled else '00'}"
        baggage = span.to_baggage()
        yield Published({"traceparent": traceparent, **({"baggage": baggage.serialize()} if baggage else {})})
