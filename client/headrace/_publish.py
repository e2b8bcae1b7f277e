"""The `queue.publish` span of an application that uses Sentry: made around an enqueue, and the parent of what it sends.

Sentry is never imported here: who has no current span of it has no span of this.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from headrace.tracing import current_trace, given_trace


@contextmanager
def published(task: str, queue: str | None, trace: Mapping[str, str] | None) -> Iterator[Mapping[str, str]]:
    """Yield the trace headers for what is enqueued inside: `trace` itself if given. No payload is in a span."""
    if trace is not None:
        yield trace
        return
    sentry = sys.modules.get("sentry_sdk")
    parent = sentry.get_current_span() if sentry is not None and given_trace() is None else None
    if parent is None:
        yield current_trace()
        return
    with parent.start_child(op="queue.publish", name=task, origin="auto.queue.headrace") as span:
        span.set_data("messaging.system", "headrace")
        span.set_data("messaging.destination.name", queue or "default")
        traceparent = f"00-{span.trace_id}-{span.span_id}-{'01' if span.sampled else '00'}"
        baggage = span.to_baggage()
        yield {"traceparent": traceparent, **({"baggage": baggage.serialize()} if baggage else {})}
