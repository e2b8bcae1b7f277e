"""What the server is told about an outcome; pure."""

from typing import Any

from headrace import ABSENT, Completion, JobError, Leased
from headrace.leases import Ack, Nack, Release, Snooze

from headrace_worker import bounds
from headrace_worker.outcome import Kind, Outcome, shortened, unwritable


def completion(job: Leased, outcome: Outcome) -> Completion:
    """Return what the server is told."""
    if outcome.kind is Kind.RETURNED:
        return _ack(job, outcome)
    mine: dict[str, Any] = {"job_id": job.id, "token": job.token}
    match outcome.kind:
        case Kind.FAILED | Kind.DISCARDED:
            return _nack(job, outcome)
        case Kind.SNOOZED:
            checkpoint = outcome.value() if outcome.content else ABSENT
            return Snooze(**mine, delay_ms=_delay(outcome) or 0, reason=_reason(outcome), checkpoint=checkpoint)
        case Kind.GIVEN_BACK:
            return Release(**mine, reason=_reason(outcome))
        case Kind.CANCELLED:
            return Release(**mine, reason=outcome.message or "worker_stopped")
        case Kind.STOPPED:  # the server knows of the request: it does not hand the job out again
            return Release(**mine, reason="cancelled")


def _ack(job: Leased, outcome: Outcome) -> Completion:
    try:
        result = outcome.value()
    except (ValueError, RecursionError) as error:  # nested too deeply to be read again
        return _nack(job, unwritable(outcome.content, error))
    ack = object.__new__(Ack)
    vars(ack).update(job_id=job.id, token=job.token, result=result)  # for a frozen class one slow call for each field
    return ack


def _nack(job: Leased, outcome: Outcome) -> Nack:
    return Nack(
        job_id=job.id,
        token=job.token,
        error=JobError(type=outcome.error_type, message=outcome.message, stack=outcome.stack),
        retryable=outcome.retryable,
        retry_in_ms=_delay(outcome),
        discard=outcome.kind is Kind.DISCARDED,
    )


def _delay(outcome: Outcome) -> int | None:
    return None if outcome.delay_ms is None else min(outcome.delay_ms, bounds.DELAY_MS)


def _reason(outcome: Outcome) -> str:
    return shortened(outcome.message, bounds.REASON_CHARS)
