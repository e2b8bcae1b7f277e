"""Sentry: which failures, runs (`queue.process` spans) and check-ins it is told; imported only where a DSN is set.

It has a client of its own: an app that uses Sentry itself keeps its own settings, and neither sees the other's events.
An event holds what is named here and nothing else: no arguments, payloads, results, headers or local variables, and
messages of errors (which repeat arguments) only where HEADRACE_SENTRY_MESSAGES says so.
"""

import os
import random
import secrets
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from headrace import Leased, __version__
from headrace.context import Request
from headrace.exceptions import cause_of

from headrace_worker.monitors import CheckIn, Monitor
from headrace_worker.outcome import Kind, Outcome, users_trace

if TYPE_CHECKING:
    from sentry_sdk.transport import Transport

PREFIX: Final = "HEADRACE_SENTRY_"
FLUSH_S: Final = 2.0
_SAMPLED: Final = 1  # flag of a traceparent
# what a span says of an outcome; internal_error of all others
_STATUS: Final = {Kind.RETURNED: "ok", Kind.SNOOZED: "ok", Kind.GIVEN_BACK: "aborted", Kind.CANCELLED: "cancelled"}


class CannotReport(Exception):
    """Sentry is asked for, and cannot be used; the text says why, and what to do."""


@dataclass(frozen=True, kw_only=True)
class ReportSettings:
    """What is told to Sentry."""

    dsn: str
    every: bool = False  # failures that are retried, too
    messages: bool = False  # of errors: they may repeat arguments
    crons: tuple[str, ...] = ("*",)  # names of schedules that check in, `*` for any characters
    rate: float = 0.0  # of the runs that begin a trace of their own: how many are recorded

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "ReportSettings | None":
        """Return the settings of HEADRACE_SENTRY_*, None without a DSN. Raises CannotReport."""
        dsn = environ.get(PREFIX + "DSN")
        if not dsn:
            return None
        failures = environ.get(PREFIX + "FAILURES", "final")
        if failures not in ("final", "every"):
            raise CannotReport(f"{PREFIX}FAILURES is final or every, not {failures!r}")
        try:
            rate = float(environ.get(PREFIX + "TRACES", "0"))
        except ValueError:
            rate = -1.0
        if not 0 <= rate <= 1:
            raise CannotReport(f"{PREFIX}TRACES is a number from 0 to 1")
        messages = environ.get(PREFIX + "MESSAGES", "0").lower() in ("1", "true", "yes")
        crons = tuple(name.strip() for name in environ.get(PREFIX + "CRONS", "*").split(",") if name.strip())
        return cls(dsn=dsn, every=failures == "every", messages=messages, crons=crons, rate=rate)


@dataclass(frozen=True, kw_only=True)
class Span:
    """The `queue.process` span of one run."""

    trace_id: str
    span_id: str
    parent_id: str | None
    began: float

    def context(self, status: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return it as an event names it."""
        found = {"trace_id": self.trace_id, "span_id": self.span_id, "op": "queue.process", "origin": "auto.headrace"}
        return {**found, "parent_span_id": self.parent_id, "status": status, "data": dict(data)}


class Reporter:
    """One process's way to Sentry. Nothing that goes wrong in it reaches a job."""

    def __init__(
        self, settings: ReportSettings, *, worker: str | None = None, transport: "Transport | None" = None
    ) -> None:
        try:
            from sentry_sdk import Client
            from sentry_sdk.utils import BadDsn
        except ImportError:
            raise CannotReport(f"{PREFIX}DSN is set: install headrace[sentry]") from None
        try:
            self._client = Client(
                dsn=settings.dsn,
                release=os.environ.get("SENTRY_RELEASE", f"headrace@{__version__}"),
                transport=transport,
                default_integrations=False,
                auto_enabling_integrations=False,
                include_local_variables=False,
                max_breadcrumbs=0,
                max_request_body_size="never",
            )
        except BadDsn:
            raise CannotReport(f"{PREFIX}DSN is no DSN of Sentry") from None
        self._settings = settings
        self._worker = worker

    def begin(self, request: Request) -> Span | None:
        """Return the span of a run that is to be recorded, and make it the parent of what the run sends away."""
        trace_id, parent_id, flags = _parts(request.trace)
        if not (flags & _SAMPLED if trace_id else random.random() < self._settings.rate):
            return None
        span = Span(
            trace_id=trace_id or secrets.token_hex(16),
            span_id=secrets.token_hex(8),
            parent_id=parent_id,
            began=time.time(),
        )
        request.trace = {**request.trace, "traceparent": f"00-{span.trace_id}-{span.span_id}-01"}
        return span

    def ended(self, request: Request, outcome: Outcome, error: BaseException | None, span: Span | None) -> None:
        """Tell how a run ended: its failure, if that is wanted, and its span."""
        if self._is_wanted(request, outcome):
            self._fail(request, outcome, error, span)
        if span is not None:
            self._send_span(request, outcome, span)

    def crashed(self, job: Leased, outcome: Outcome) -> None:
        """Tell of a run that ended with its process. What it says of the error are our own words."""
        if self._is_wanted(job, outcome):
            value = {"type": outcome.error_type, "value": outcome.message}
            event: Any = {**self._about(job), "level": "fatal", "exception": {"values": [value]}}
            self._client.capture_event(event)

    def check_in(self, check_in: CheckIn, monitor: Monitor) -> None:
        """Tell how a slot of a schedule goes."""
        if not any(fnmatchcase(check_in.schedule, pattern) for pattern in self._settings.crons):
            return
        event: Any = {
            "type": "check_in",
            "check_in_id": uuid.UUID(check_in.job_id).hex,
            "monitor_slug": monitor.slug,
            "status": check_in.status.value,
            "duration": check_in.took_s,
        }
        self._client.capture_event(event | ({"monitor_config": monitor.config} if monitor.config else {}))

    def fault(self, error: BaseException) -> None:
        """Tell of a fault of the worker itself."""
        event: Any = {"level": "fatal", "logger": "headrace.worker", "exception": {"values": self._values(error)}}
        if self._worker:
            event["tags"] = {"worker": self._worker}
        self._client.capture_event(event)

    def close(self) -> None:
        """Send what has not been sent, for as long as that is decent."""
        self._client.close(timeout=FLUSH_S)

    def _is_wanted(self, job: Request | Leased, outcome: Outcome) -> bool:
        is_final = job.attempt >= job.max_attempts or not outcome.retryable
        return outcome.kind is Kind.FAILED and (is_final or self._settings.every)

    def _fail(self, request: Request, outcome: Outcome, error: BaseException | None, span: Span | None) -> None:
        event: Any = {**self._about(request), "level": "error"}
        if error is None:  # refused before it ran
            event["exception"] = {"values": [{"type": outcome.error_type}]}
        else:
            event["exception"] = {"values": self._values(cause_of(error))}
        if span is not None:
            event["contexts"]["trace"] = span.context("internal_error", {})
        self._client.capture_event(event)

    def _send_span(self, request: Request, outcome: Outcome, span: Span) -> None:
        data = {
            "messaging.system": "headrace",
            "messaging.destination.name": request.queue,
            "messaging.message.id": request.id,
            "messaging.message.retry.count": request.retries,
        }
        if request.enqueued_at is not None:
            waited_s = span.began - request.enqueued_at.timestamp()
            data["messaging.message.receive.latency"] = max(0, round(waited_s * 1000))
        about = self._about(request)
        about["contexts"]["trace"] = span.context(_STATUS.get(outcome.kind, "internal_error"), data)
        times = {"start_timestamp": span.began, "timestamp": time.time()}
        source = {"transaction_info": {"source": "task"}, "spans": []}
        event: Any = {**about, **times, **source, "type": "transaction"}
        self._client.capture_event(event)

    def _about(self, job: Request | Leased) -> Any:
        tags = {"task": job.task, "queue": job.queue, "attempt": str(job.attempt), "job_id": job.id}
        if self._worker:
            tags["worker"] = self._worker
        attempt = {"attempt": job.attempt, "max_attempts": job.max_attempts, "delivery": job.delivery}
        contexts: dict[str, Any] = {"job": {"type": "job", **attempt}}
        trace_id, parent_id, _ = _parts(job.trace)
        if trace_id:
            contexts["trace"] = {"trace_id": trace_id, "span_id": secrets.token_hex(8), "parent_span_id": parent_id}
        return {"transaction": job.task, "logger": "headrace.worker", "tags": tags, "contexts": contexts}

    def _values(self, error: BaseException) -> list[dict[str, Any]]:
        """Return an error, with what led to it, as an event has it."""
        from sentry_sdk.utils import event_from_exception

        about = (type(error), error, users_trace(error.__traceback__))
        found, _ = event_from_exception(about, self._client.options, {"type": "headrace", "handled": False})
        return [self._scrubbed(value) for value in found["exception"]["values"]]

    def _scrubbed(self, value: dict[str, Any]) -> dict[str, Any]:
        """Return one exception of an event without its message; a stack has no variables by the client's option."""
        wanted = {"type", "module", "stacktrace", "mechanism"} | ({"value"} if self._settings.messages else set())
        return {name: part for name, part in value.items() if name in wanted}


def _parts(trace: Mapping[str, str]) -> tuple[str | None, str | None, int]:
    """Return trace id, span id and flags of a trace context."""
    parts = trace.get("traceparent", "").split("-")
    try:
        if len(parts) >= 4 and (len(parts[1]), len(parts[2])) == (32, 16):
            return parts[1], parts[2], int(parts[3], 16)
    except ValueError:
        pass
    return None, None, 0
