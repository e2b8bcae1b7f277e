"""Reports to Sentry from this process, where a DSN is set: what goes wrong with them never reaches a job.

Supervisor and children have a reporter each, made by the same variables. What is in a report: sentry.py.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from headrace import Leased
from headrace.context import Request

from headrace_worker import log
from headrace_worker.monitors import CheckIn, Monitor, Send
from headrace_worker.outcome import Outcome
from headrace_worker.sentry import CannotReport, Reporter, ReportSettings, Span

__all__ = ["CannotReport", "begin", "close", "crashed", "ended", "fault", "start", "teller", "use"]


class _Here:
    """The reporter of this process, made when it is first asked for: children make theirs by the same variables."""

    reporter: Reporter | None = None
    is_made = False


_SPAN: Final[ContextVar[Span | None]] = ContextVar("headrace_worker_span", default=None)


def start() -> None:
    """Make the reporter that the environment asks for. Raises CannotReport."""
    settings = ReportSettings.read(os.environ)
    use(Reporter(settings, worker=os.environ.get(log.WORKER_VARIABLE)) if settings else None)


def use(reporter: Reporter | None) -> None:
    """Make this the reporter of this process."""
    _Here.reporter, _Here.is_made = reporter, True


def close() -> None:
    """Send what has not been sent; this process is about to end."""
    if _Here.reporter is not None:
        with _harmless():
            _Here.reporter.close()


def begin(request: Request) -> None:
    """A run begins, in this context."""
    if not _Here.is_made:
        start()
    if _Here.reporter is not None:
        with _harmless():
            _SPAN.set(_Here.reporter.begin(request))


def ended(request: Request, outcome: Outcome, error: BaseException | None) -> None:
    """The run of this context is over."""
    if _Here.reporter is not None:
        with _harmless():
            _Here.reporter.ended(request, outcome, error, _SPAN.get())


def teller() -> Send | None:
    """Return what takes check-ins; None: nobody wants them."""
    return _check_in if _Here.reporter is not None else None


def _check_in(check_in: CheckIn, monitor: Monitor) -> None:
    if _Here.reporter is not None:
        with _harmless():
            _Here.reporter.check_in(check_in, monitor)


def crashed(job: Leased, outcome: Outcome) -> None:
    """A run is over with its process."""
    if _Here.reporter is not None:
        with _harmless():
            _Here.reporter.crashed(job, outcome)


def fault(error: BaseException) -> None:
    """Something of the worker's own failed."""
    if _Here.reporter is not None:
        with _harmless():
            _Here.reporter.fault(error)


@contextmanager
def _harmless() -> Iterator[None]:
    """No report is worth a job."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - as the docstring says
        log.warning("a report to Sentry failed", error=type(error).__name__)
