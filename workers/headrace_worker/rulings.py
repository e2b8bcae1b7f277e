"""How a run ends by what its task raised; pure, and in the child, where the classes of errors are known."""

from headrace.context import Request
from headrace.exceptions import (
    Cancelled,
    Discard,
    MaxRetriesExceeded,
    Reject,
    Retry,
    Snooze,
    SoftTimeLimitExceeded,
    Verdict,
    cause_of,
)

from headrace_worker.outcome import STOPPED, Kind, Outcome, failed, snoozed
from headrace_worker.registry import Handler


def ruled(error: BaseException, request: Request, handler: Handler) -> Outcome:
    """Return the outcome of a run that ended with an error of the task's own."""
    if isinstance(error, Cancelled) and request.cancelled:
        return STOPPED
    if isinstance(error, Verdict):
        return _wished(error, handler)
    if isinstance(error, SoftTimeLimitExceeded) and not error.args:
        error.args = ("the task ran for longer than its soft_time_limit",)
    spent = isinstance(error, MaxRetriesExceeded) and request.attempt >= request.max_attempts
    return failed(cause_of(error), retryable=spent or handler.retries(error))  # spent: the server says so, as it counts


def is_final(outcome: Outcome, request: Request) -> bool:
    """Whether a failed job will not run again, as far as it is known here."""
    return not outcome.retryable or request.attempt >= request.max_attempts


def _wished(verdict: Verdict, handler: Handler) -> Outcome:
    """Return the outcome that a task asked for."""
    match verdict:
        case Retry():
            return failed(cause_of(verdict), delay_ms=verdict.wait_ms())
        case Reject(requeue=True):
            return Outcome(Kind.GIVEN_BACK, message=str(verdict))
        case Reject():
            return failed(verdict, retryable=False)
        case Discard():
            return failed(verdict, kind=Kind.DISCARDED, retryable=False)
        case Snooze():
            return _snoozed(verdict)
        case _:  # Cancelled, and nobody had asked for it
            return failed(verdict, retryable=handler.retries(verdict))


def _snoozed(verdict: Snooze) -> Outcome:
    try:
        return snoozed(verdict.wait_ms(), str(verdict), verdict.checkpoint)
    except (TypeError, ValueError) as error:
        return failed(error)
