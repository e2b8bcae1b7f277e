"""OpenTelemetry's own SDK as an application would set it up: spans are kept here, or written to a file."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler

FILE = "SPANS_FILE"  # the variable that tells a worker's app where to


@contextmanager
def recording(sampler: Sampler = ALWAYS_ON) -> Iterator[InMemorySpanExporter]:
    """Have the spans of this process kept, inside; a process has one provider for its whole life, so it is put in."""
    kept = InMemorySpanExporter()
    provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trace, "_TRACER_PROVIDER", provider)
        try:
            yield kept
        finally:
            provider.shutdown()


class FileExporter(SpanExporter):
    """Appends spans to a file, one line of JSON each: all that a span says."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        with self._path.open("a") as file:
            file.writelines(span.to_json(indent=None) + "\n" for span in spans)
        return SpanExportResult.SUCCESS


def written(path: Path) -> list[dict[str, Any]]:
    """Return the spans in a file."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
