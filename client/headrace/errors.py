"""What a call can end with, one class per decision the caller must take; it must not know HTTP or httpx.

    HeadraceError
    |-- Refused                  the server looked and said no; the same request again gets the same answer
    |   |-- Invalid              the request itself is wrong; `errors` lists every fault with its JSON pointer
    |   |   |-- IdempotencyMismatch   the key came before with another request; nothing was written
    |   |   `-- InvalidCursor    the cursor is not of this list or log, or too old: begin anew
    |   |-- Unauthorized         the bearer token is missing, wrong, or not enough
    |   |-- NotFound             no such job or operation (or the job has no result, or is pruned)
    |   `-- Conflict             something is in a state that forbids it; of a job `state` names it
    |       |-- LeaseLost        the lease token is no proof any more; nothing was changed
    |       |   `-- JobCancelled     ... because somebody cancelled the job: stop working on it
    |       |-- UniqueConflict   another job has the unique key; `job_id` names it
    |       |-- QueueDraining    the queue takes no new jobs until somebody resumes it
    |       `-- NotFinished      no result yet: asked too early, or waited as long as `timeout` allowed
    |-- NotDone                  it never happened; safe to repeat after `retry_after_ms`
    |   |-- QueueFull            the queue is as deep or as large as its settings allow
    |   `-- ConnectionFailed     there was not even a connection
    |-- OutcomeUnknown           it may have happened; repeat only with the same Idempotency-Key or token
    |   `-- TimedOut             no answer in time
    |-- ContentRefused           a payload or result in a form that this side does not accept or cannot read
    `-- TaskFailed               the job ended without a result; carries the remote error
        `-- TaskCancelled        ... because it was cancelled or it expired

The server's table from code to status stands in `openapi.yaml`; `CLASSES` below is its inverse. A code this version
does not know falls back to the status and `outcome`.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from headrace.models import Fault, JobError
from headrace.words import State


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A problem document (RFC 9457), or what stands for one where no reply came."""

    code: str  # stable name of the cause, for instance lease_lost
    detail: str  # one sentence for people
    title: str = ""
    status: int | None = None  # HTTP status; None: no reply came
    outcome: str | None = None  # "not_done": nothing was changed; "unknown": it may have been; None: nobody said
    retryable: bool | None = None  # whether the same request can succeed later
    retry_after_ms: int | None = None  # the server's wish
    request_id: str | None = None  # to find the request in the server's log
    job_id: str | None = None
    state: State | None = None  # of the job now
    error: JobError | None = None  # the job's last error (code job_failed)
    errors: tuple[Fault, ...] = ()  # all faults of the body


class HeadraceError(Exception):
    """Whatever this package raises on purpose."""


class ProblemError(HeadraceError):
    """An error that a problem document describes."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)  # the only argument, so that the error survives pickling
        self.problem = problem

    def __str__(self) -> str:
        faults = "".join(f"\n  {f.pointer or 'the body'}: {f.detail}" for f in self.errors)
        title = self.problem.title
        told = self.problem.status is None or title.casefold() in self.detail.casefold()  # None: our own words
        id = None if isinstance(self, Refused | QueueFull) else self.problem.request_id  # of others the log tells more
        return f"{'' if told else f'{title}: '}{self.detail} [{self.code}]{f' (request {id})' if id else ''}{faults}"

    @property
    def code(self) -> str:
        """The stable name of the cause."""
        return self.problem.code

    @property
    def detail(self) -> str:
        """One sentence for people."""
        return self.problem.detail

    @property
    def errors(self) -> tuple[Fault, ...]:
        """All faults of the request body; empty where the body was not the cause."""
        return self.problem.errors

    @property
    def state(self) -> State | None:
        """The job's state now, where the server said it."""
        return self.problem.state

    @property
    def retry_after_ms(self) -> int | None:
        """When the server wants to be asked again, in milliseconds from the reply; None: it did not say."""
        return self.problem.retry_after_ms


class Refused(ProblemError):
    """The server looked at the request and said no."""


class Invalid(Refused):
    """The request itself is wrong; `errors` lists every fault."""


class IdempotencyMismatch(Invalid):
    """This Idempotency-Key came before with another request."""


class InvalidCursor(Invalid):
    """The cursor is not one of this list or log, or it is too old: begin anew."""


class Unauthorized(Refused):
    """The bearer token is missing, wrong, or not enough for this."""

    def __str__(self) -> str:
        hint = " (the token comes from HEADRACE_TOKEN)" if self.code == "unauthorized" else ""
        return f"{super().__str__()}{hint}"


class NotFound(Refused):
    """There is no such job or operation, or the job has no result."""


class Conflict(Refused):
    """Something is in a state that forbids it."""


class LeaseLost(Conflict):
    """The lease token is no proof any more: somebody else has the job, or it is over."""


class JobCancelled(LeaseLost):
    """Somebody cancelled the job that this token was the proof for."""


class UniqueConflict(Conflict):
    """Another job has the unique key."""

    @property
    def job_id(self) -> str | None:
        """The job that has it; None where several do: then `errors` names each job that was in the way."""
        return self.problem.job_id


class QueueDraining(Conflict):
    """The queue takes no new jobs."""


class NotFinished(Conflict, TimeoutError):
    """The job has no result yet."""


class NotDone(ProblemError):
    """It never happened; the same request may be sent again."""


class QueueFull(NotDone):
    """The queue holds as many jobs or bytes as its settings allow."""


class ConnectionFailed(NotDone, ConnectionError):
    """No connection to the server was made."""


class OutcomeUnknown(ProblemError):
    """It may have happened or not."""


class TimedOut(OutcomeUnknown, TimeoutError):
    """The request was sent and no answer came in time."""


class ContentRefused(HeadraceError):
    """A payload or result in a form that this side does not accept or cannot read; the text says what to set."""


class TaskFailed(HeadraceError):
    """The job is dead: its handler failed for good, or its workers kept vanishing.

    `job_id`, and `state` at its end; `error` of the last attempt (None: it never failed by itself); `reason` why it
    ended: max_attempts, not_retryable, max_crashes, expired, or the canceller's words; `attempts`: how often the
    handler ran (None: the server did not say).
    """

    def __init__(
        self,
        job_id: str,
        state: State,
        error: JobError | None = None,
        reason: str | None = None,
        attempts: int | None = None,
    ) -> None:
        super().__init__(job_id, state, error, reason, attempts)  # all of it, so that the error survives pickling
        self.job_id = job_id
        self.state = state
        self.error = error
        self.reason = reason
        self.attempts = attempts

    @property
    def type(self) -> str:
        """The name of the remote exception's class; empty where none was raised."""
        return "" if self.error is None else self.error.type

    @property
    def message(self) -> str:
        """What the remote exception said; empty where none was raised."""
        return "" if self.error is None else self.error.message

    @property
    def traceback(self) -> str | None:
        """The remote traceback, as the worker wrote it; None where it sent none."""
        return None if self.error is None else self.error.stack

    def __str__(self) -> str:
        why = f" ({self.reason})" if self.reason else ""
        if self.error is None:
            return f"job {self.job_id} is {self.state.value}{why}"
        stack = f"\n\nIn the worker:\n{self.error.stack}" if self.error.stack else ""
        return f"job {self.job_id} is {self.state.value}{why}: {self.error.type}: {self.error.message}{stack}"


class TaskCancelled(TaskFailed):
    """The job was cancelled, or it expired before it could run."""


# code -> class: the inverse of the server's table, where outcome and status alone would say too little.
CLASSES: Final = MappingProxyType[str, type[ProblemError]](
    {
        "not_found": NotFound,
        "no_result": NotFound,
        "no_such_operation": NotFound,
        "no_such_worker": NotFound,
        "no_such_schedule": NotFound,
        "no_such_webhook": NotFound,
        "no_test_clock": NotFound,
        "lease_lost": LeaseLost,
        "job_cancelled": JobCancelled,
        "unique_conflict": UniqueConflict,
        "queue_draining": QueueDraining,
        "queue_full": QueueFull,
        "invalid_cursor": InvalidCursor,
        "job_leased": Conflict,
        "job_final": Conflict,
        "job_failed": Conflict,
        "worker_up": Conflict,
        "too_many_schedules": Conflict,
        "too_many_webhooks": Conflict,
        "webhook_paused": Conflict,
        "not_finished": NotFinished,
        "unauthorized": Unauthorized,
        "forbidden_origin": Unauthorized,
        "idempotency_mismatch": IdempotencyMismatch,
        "request_timeout": NotDone,
    }
)


# For codes that this version does not know, and for what proxies answer.
_BY_STATUS: Final = MappingProxyType[int, type[ProblemError]](
    {
        **dict.fromkeys((400, 413, 415, 422, 431), Invalid),
        401: Unauthorized,
        403: Unauthorized,
        409: Conflict,
        429: NotDone,  # a limit that somebody set: later it may be done
    }
)


def error_for(problem: Problem) -> ProblemError:
    """Return the error that a problem document stands for: by its code, else by its status and outcome."""
    return _class_for(problem)(problem)


def failure_of(
    job_id: str, state: State, error: JobError | None, reason: str | None, attempts: int | None = None
) -> TaskFailed:
    """Return the error that stands for a job which ended without a result."""
    kind = TaskCancelled if state is State.CANCELLED else TaskFailed
    return kind(job_id, state, error, reason, attempts)


def _class_for(problem: Problem) -> type[ProblemError]:
    known = CLASSES.get(problem.code)
    if known is not None:
        return known
    status = problem.status or 500
    if status >= 500:
        return NotDone if problem.outcome == "not_done" else OutcomeUnknown
    return _BY_STATUS.get(status, Refused)


def no_reply(code: str, detail: str, **more: Any) -> Problem:
    """Return the problem that stands for a reply which never came."""
    return Problem(code=code, detail=detail, title="No reply", **more)
