"""OpenTelemetry, where the process has imported it: its tracer, and the headers that carry a span's context on.

It is never imported here for the first time: who has not done so has no spans, and does not pay for any. Spans are made
with the API alone; whether and where they are recorded is for the SDK that the application has set up.
"""

import logging
import sys
from collections.abc import Mapping
from functools import lru_cache
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from headrace._version import __version__

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer, TracerProvider

LOGGER: Final = logging.getLogger("headrace.spans")
_SCHEMA: Final = "https://opentelemetry.io/schemas/1.44.0"  # the messaging conventions that the attributes follow
SYSTEM: Final = "headrace"
NAMESPACE: Final = "messaging.headrace."  # of attributes that are ours alone


class Harmless:
    """Logs what is raised inside: no span, and no exporter of an application's own, is worth a call or a job."""

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, Exception):
            LOGGER.warning("a span failed: %s", type(error).__name__)
            return True
        return False


HARMLESS: Final = Harmless()


def is_imported() -> bool:
    """Return whether somebody in this process has a use for OpenTelemetry."""
    return "opentelemetry.trace" in sys.modules


def tracer() -> "Tracer | None":
    """Return the tracer of this package, None where nobody has imported OpenTelemetry."""
    if not is_imported():
        return None
    from opentelemetry import trace

    return _tracer_of(trace.get_tracer_provider())


def headers_of(context: "Context | None" = None) -> dict[str, str]:
    """Return the trace and baggage of a context, of the current one by default; empty where it has no span."""
    from opentelemetry.baggage.propagation import W3CBaggagePropagator
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    headers: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(headers, context)
    if headers:
        W3CBaggagePropagator().inject(headers, context)
    return headers


def context_of(headers: Mapping[str, str]) -> "Context":
    """Return the current context with the span and baggage of such headers, as the parent of what is begun in it."""
    from opentelemetry.baggage.propagation import W3CBaggagePropagator
    from opentelemetry.context import get_current
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    if not headers:
        return get_current()
    return W3CBaggagePropagator().extract(headers, TraceContextTextMapPropagator().extract(headers))


def attributes(operation: str, kind: str, task: str, queue: str | None) -> dict[str, Any]:
    """Return what every span says, in the words of the conventions for messaging; None: several queues."""
    found = {
        "messaging.system": SYSTEM,
        "messaging.operation.name": operation,
        "messaging.operation.type": kind,
        NAMESPACE + "task": task,
    }
    return found if queue is None else {**found, "messaging.destination.name": queue}


def fail(span: "Span", error_type: str) -> None:
    """Say that what a span stands for failed; an error's message may repeat arguments, so its type is all."""
    from opentelemetry.trace import Status, StatusCode

    span.set_attribute("error.type", error_type)
    span.set_status(Status(StatusCode.ERROR))


@lru_cache(maxsize=2)
def _tracer_of(provider: "TracerProvider") -> "Tracer":
    return provider.get_tracer(SYSTEM, __version__, _SCHEMA)
