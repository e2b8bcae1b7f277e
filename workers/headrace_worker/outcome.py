"""How a run ended, and what the server is told about it; pure values that cross the pipe between two processes.

The child makes outcomes and the supervisor turns them into completions. The supervisor runs no user code, so nothing
here is pickled: a result crosses the pipe as the bytes of its format.
"""

import json
import signal
import traceback
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any, Final

import msgpack  # type: ignore[import-untyped]
from headrace import Completion, JobError, Leased
from headrace.leases import Ack, Nack, Release

from headrace_worker import bounds


class Kind(StrEnum):
    """What a run ended with."""

    RETURNED = "returned"
    FAILED = "failed"
    CANCELLED = "cancelled"  # by us: the lease was lost, or the worker stops
    STOPPED = "stopped"  # by the task, because somebody had asked for the end of its job


class Form(StrEnum):
    """How the bytes of a result are written; msgpack where it can, for it is faster and takes binary."""

    MSGPACK = "msgpack"
    JSON = "json"  # integers beyond 64 bits


@dataclass(frozen=True, slots=True)
class Outcome:
    """One finished run."""

    kind: Kind
    result: bytes = b""  # returned only
    form: Form = Form.MSGPACK
    error_type: str = ""  # failed only, as the three below
    message: str = ""
    stack: str | None = None
    retryable: bool = True

    def to_wire(self) -> list[Any]:
        """Return plain values for the pipe."""
        return [
            self.kind.value,
            self.result,
            self.form.value,
            self.error_type,
            self.message,
            self.stack,
            self.retryable,
        ]

    @classmethod
    def from_wire(cls, parts: list[Any]) -> "Outcome":
        """Return what `to_wire` was called on."""
        kind, result, form, *error = parts
        return cls(Kind(kind), result, Form(form), *error)

    def value(self) -> Any:
        """Return the result as a value. It is data of user code: plain, but of any size."""
        return json.loads(self.result) if self.form is Form.JSON else msgpack.unpackb(self.result, strict_map_key=False)


CANCELLED: Final = Outcome(Kind.CANCELLED)
STOPPED: Final = Outcome(Kind.STOPPED)


def returned(value: Any) -> Outcome:
    """Return the outcome of a run that returned `value`: a failure, not to be retried, where it cannot be written."""
    try:
        result, form = _written(value)
    except (TypeError, ValueError, RecursionError) as error:
        return _unwritable(value, error)
    if len(result) > bounds.RESULT_BYTES:
        return _unwritable(value, ValueError(f"it takes {len(result)} bytes, more than any server accepts"))
    return Outcome(Kind.RETURNED, result, form)


def _written(value: Any) -> tuple[bytes, Form]:
    try:
        return msgpack.packb(value), Form.MSGPACK
    except OverflowError:
        return json.dumps(value, allow_nan=False).encode(), Form.JSON


def failed(error: BaseException, *, retryable: bool = True, skip: int = 0) -> Outcome:
    """Return the outcome of a run that raised; the traceback starts `skip` frames below ours."""
    trace = error.__traceback__
    for _ in range(skip):
        trace = trace.tb_next if trace is not None else None
    stack = _stack(error, trace)
    name, message = type(error).__name__, _message(error)
    return Outcome(
        Kind.FAILED,
        error_type=_text(name, bounds.ERROR_TYPE_CHARS) or "Exception",
        message=_text(message, bounds.ERROR_MESSAGE_CHARS),
        stack=_tail(stack, bounds.ERROR_STACK_CHARS),
        retryable=retryable,
    )


def refused(error_type: str, message: str) -> Outcome:
    """Return the outcome of a job that would fail the same way every time."""
    return Outcome(
        Kind.FAILED,
        error_type=error_type,
        message=_text(message, bounds.ERROR_MESSAGE_CHARS),
        retryable=False,
    )


def died(status: int) -> Outcome:
    """Return the outcome of the runs that a child process took with it; `status` as subprocess has it: -9 is SIGKILL.

    A nack, not a lease that is left to run out: it is told at once and with its cause, it counts an attempt, and the
    backoff keeps a job that kills its process from killing the next one right away (ADR 0016).
    """
    return Outcome(
        Kind.FAILED,
        error_type="WorkerProcessDied",
        message=f"the process that ran this job ended with {describe_status(status)}",
    )


def describe_status(status: int) -> str:
    """Return an exit status in words."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"signal {-status} ({signal.Signals(-status).name})"
    except ValueError:
        return f"signal {-status}"


def completion(job: Leased, outcome: Outcome) -> Completion:
    """Return what the server is told."""
    match outcome.kind:
        case Kind.RETURNED:
            return _ack(job, outcome)
        case Kind.FAILED:
            return _nack(job, outcome)
        case Kind.CANCELLED:
            return Release(job_id=job.id, token=job.token, reason="worker_stopped")
        case Kind.STOPPED:  # the server knows of the request: it does not hand the job out again
            return Release(job_id=job.id, token=job.token, reason="cancelled")


def _ack(job: Leased, outcome: Outcome) -> Completion:
    try:
        return Ack(job_id=job.id, token=job.token, result=outcome.value())
    except (ValueError, RecursionError) as error:  # nested too deeply to be read again
        return _nack(job, _unwritable(outcome.result, error))


def _nack(job: Leased, outcome: Outcome) -> Nack:
    error = JobError(type=outcome.error_type, message=outcome.message, stack=outcome.stack)
    return Nack(job_id=job.id, token=job.token, error=error, retryable=outcome.retryable)


def _unwritable(value: Any, error: Exception) -> Outcome:
    return refused(
        "ResultNotWritable",
        f"the task returned a {type(value).__name__} that cannot be written as JSON or msgpack: {_message(error)}; "
        "return plain dicts, lists, strings, numbers, booleans, bytes or None",
    )


def _stack(error: BaseException, trace: TracebackType | None) -> str:
    try:
        return "".join(traceback.format_exception(type(error), error, trace))
    except BaseException as fault:  # noqa: BLE001 - it calls str(error), too
        return "".join(traceback.format_tb(trace)) + f"<the error itself raised {type(fault).__name__}>\n"


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException as fault:  # noqa: BLE001 - user code; a broken __str__ must not hide the failure
        return f"<str() of this {type(error).__name__} raised {type(fault).__name__}>"


def _text(text: str, limit: int) -> str:
    return _utf8(text if len(text) <= limit else text[: limit - 1] + "…")


def _tail(text: str, limit: int) -> str:
    """Keep the end: the innermost frames and the error itself."""
    return _utf8(text if len(text) <= limit else "…" + text[len(text) - limit + 1 :])


def _utf8(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
