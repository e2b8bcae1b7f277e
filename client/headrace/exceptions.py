"""What a task raises to say how its run ends, and what is raised in it; it must not know workers or the server.

Exception
|-- Verdict                  the task decides; no error of the task's code
|   |-- Retry                again after a while; counts as a failed attempt
|   |-- Reject               never again: dead at once; or, with requeue, back to its queue
|   |-- Discard              never again, and nobody needs the record
|   |-- Snooze               again after a while; no attempt is counted
|   `-- Cancelled            ended because somebody wanted it to end
|-- MaxRetriesExceeded       `self.retry` was asked for more often than allowed; dead at once
`-- SoftTimeLimitExceeded    raised in the task by the worker: a little time is left to tidy up
"""

from datetime import UTC, datetime
from typing import Any

from headrace.durations import Seconds, milliseconds
from headrace.words import ABSENT


class Verdict(Exception):
    """What a task raises to say how its run ends. `except Exception` in a task catches it, too: let it pass."""


class Retry(Verdict):
    """Run the job again: after `countdown` seconds, at `eta`, or, without both, after the backoff of the job.

    It counts as a failed attempt; after the last one the job is dead. `exc` is what went wrong; the job shows it
    unless there is a `message`. Raises ValueError for both times at once and for a naive `eta`.
    """

    def __init__(
        self,
        message: str | None = None,
        *,
        countdown: Seconds | None = None,
        eta: datetime | None = None,
        exc: BaseException | None = None,
    ) -> None:
        if countdown is not None and eta is not None:
            raise ValueError("give countdown or eta, not both")
        if eta is not None and eta.tzinfo is None:
            raise ValueError("eta must be an aware datetime: datetime.now(UTC) or value.astimezone()")
        super().__init__(message or (str(exc) if exc is not None else "the task asked for another attempt"))
        self.message = message
        self.countdown = countdown
        self.eta = eta
        self.exc = exc

    def wait_ms(self, now: datetime | None = None) -> int | None:
        """Return how long to wait from `now` (aware; None: this machine's time) on, or None: as the backoff says."""
        if self.eta is not None:
            return milliseconds(self.eta - (now or datetime.now(UTC)))
        return None if self.countdown is None else milliseconds(self.countdown)


class Reject(Verdict):
    """Do not run the job again: it is dead, whatever attempts are left, and can be looked at and redriven.

    `requeue=True` gives it back to its queue instead, at once and without counting an attempt: only for a worker that
    is the wrong one, because the next one may be the same.
    """

    def __init__(self, reason: str | None = None, *, requeue: bool = False) -> None:
        super().__init__(reason or ("given back" if requeue else "rejected by the task"))
        self.reason = reason
        self.requeue = requeue


class Discard(Verdict):
    """Do not run the job again, and keep no record of it: there is nothing left to do, and nothing to look at."""

    def __init__(self, reason: str | None = None) -> None:
        super().__init__(reason or "discarded by the task")
        self.reason = reason


class Snooze(Verdict):
    """Run the job again after `countdown` seconds, because its time has not come: no attempt is counted.

    `checkpoint` (any JSON value) is the `last_checkpoint` of the next run; left out, what was there stays.
    """

    def __init__(self, countdown: Seconds, *, reason: str | None = None, checkpoint: Any = ABSENT) -> None:
        super().__init__(reason or "not yet")
        self.countdown = countdown
        self.reason = reason
        self.checkpoint = checkpoint

    def wait_ms(self) -> int:
        """Return how long to wait, in milliseconds."""
        return milliseconds(self.countdown)


class Cancelled(Verdict):
    """Raise it in a task whose `cancelled` is true: its job ends as cancelled, and not as a failure."""


class MaxRetriesExceeded(Exception):
    """`self.retry` was asked for once more than allowed; the job is dead. `exc` is what went wrong the last time."""

    def __init__(self, message: str | None = None, *, exc: BaseException | None = None) -> None:
        super().__init__(message or (str(exc) if exc is not None else "no retry is left"))
        self.message = message
        self.exc = exc


class SoftTimeLimitExceeded(Exception):
    """The task's `soft_time_limit` is over. What it does then is up to it; uncaught it is a failed attempt."""


def cause_of(error: BaseException) -> BaseException:
    """Return the error that the job shows: what went wrong (`exc`), unless the task has its own words for it."""
    if isinstance(error, Retry | MaxRetriesExceeded) and error.exc is not None and error.message is None:
        return error.exc
    return error
