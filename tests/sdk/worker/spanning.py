"""The app whose tasks fail with their arguments, as one that uses OpenTelemetry; imported by workers."""

import os

from opentelemetry import baggage, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from tests.sdk.worker.leaking import app
from tests.support.otel import FILE, FileExporter

__all__ = ["app"]

NOT_BY_ITSELF_MS = 3_600_000  # nothing is exported before somebody says so

_provider = TracerProvider(shutdown_on_exit=False)
_provider.add_span_processor(BatchSpanProcessor(FileExporter(os.environ[FILE]), schedule_delay_millis=NOT_BY_ITSELF_MS))
trace.set_tracer_provider(_provider)


@app.task(name="own_span")
def own_span() -> object:
    with trace.get_tracer("shop").start_as_current_span("bank"):
        return baggage.get_baggage("tenant")


@app.task(name="own_span_async")
async def own_span_async() -> object:
    return own_span()
