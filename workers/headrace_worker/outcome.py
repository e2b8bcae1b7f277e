"""How a run ended: pure values that cross the pipe between two processes.

The child makes outcomes and the supervisor turns them into completions (completions.py). The supervisor runs no user
code, so nothing here is pickled: a result crosses the pipe as the bytes of its format.
"""

import json
import traceback
from enum import StrEnum
from types import TracebackType
from typing import Any, Final, NamedTuple

import msgpack  # type: ignore[import-untyped]
from headrace import ABSENT, Raw

from headrace_worker import bounds
from headrace_worker.news import Topic, written


class Kind(StrEnum):
    """What a run ended with."""

    RETURNED = "returned"
    FAILED = "failed"
    DISCARDED = "discarded"  # by the task: never again, and no record
    SNOOZED = "snoozed"  # by the task: again after a while
    GIVEN_BACK = "given_back"  # by the task: another worker should have it
    CANCELLED = "cancelled"  # by us: the lease was lost, the worker stops, its process had to go; message says why
    STOPPED = "stopped"  # by the task, because somebody had asked for the end of its job


class Form(StrEnum):
    """How the bytes of a result or checkpoint are written; msgpack where it can, for it is faster and takes binary."""

    MSGPACK = "msgpack"
    JSON = "json"  # integers beyond 64 bits
    RAW = "raw"  # bytes of a media type of their own


_KINDS: Final = {kind.value: kind for kind in Kind}  # asking a dict is much quicker than asking the class
_FORMS: Final = {form.value: form for form in Form}


class Outcome(NamedTuple):
    """One finished run; its order is that of the pipe."""

    kind: Kind
    content: bytes = b""  # the result; of a snooze its checkpoint
    form: Form = Form.MSGPACK
    media_type: str = ""  # of Form.RAW only
    error_type: str = ""  # failed and discarded only
    message: str = ""  # of the error, else the reason
    stack: str | None = None  # failed and discarded only
    retryable: bool = True  # failed only
    delay_ms: int | None = None  # until the next run: of a snooze; of a failure where the task chose one

    def to_wire(self) -> "bytes | Outcome":
        """Return it as it crosses the pipe: of the usual one, a result in msgpack, no more than its bytes."""
        return self.content if self.kind is Kind.RETURNED and self.form is Form.MSGPACK else self

    @classmethod
    def from_wire(cls, told: Any) -> "Outcome":
        """Return what a child sent. Raises KeyError, TypeError or ValueError for what is none."""
        if isinstance(told, bytes):
            return cls(Kind.RETURNED, told)
        kind, content, form, *rest = told
        return cls(_KINDS[kind], content, _FORMS[form], *rest)

    @property
    def size(self) -> int:
        """How many bytes it takes, roughly."""
        return len(self.content) + len(self.message) + len(self.stack or "")

    def value(self) -> Any:
        """Return the content as a value. It is data of user code: plain, but of any size."""
        if self.form is Form.MSGPACK:
            return msgpack.unpackb(self.content, strict_map_key=False)
        return json.loads(self.content) if self.form is Form.JSON else Raw(self.content, self.media_type)


_OURS: Final = ("contextlib", "headrace.hooks", "headrace_worker.run", "headrace_worker.soft")

CANCELLED: Final = Outcome(Kind.CANCELLED)
LEASE_OVER: Final = Outcome(Kind.CANCELLED, message="lease_over")  # before it was begun
STOPPED: Final = Outcome(Kind.STOPPED)


def returned(value: Any) -> Outcome:
    """Return the outcome of a run that returned `value`, plain or Raw: a failure where it cannot be written."""
    try:
        content, form, media_type = _written(value)
    except (TypeError, ValueError, RecursionError) as error:
        return unwritable(value, error)
    if len(content) > bounds.RESULT_BYTES:
        return unwritable(value, ValueError(f"it takes {len(content)} bytes, more than any server accepts"))
    return Outcome(Kind.RETURNED, content, form, media_type)


def snoozed(delay_ms: int, reason: str, checkpoint: Any = ABSENT) -> Outcome:
    """Return the outcome of a run that wants to go on later. Raises TypeError or ValueError for its checkpoint."""
    content, form = b"", Form.JSON
    if checkpoint is not ABSENT:
        content = written(Topic.CHECKPOINT, checkpoint)
    return Outcome(Kind.SNOOZED, content, form, message=reason, delay_ms=delay_ms)


def failed(
    error: BaseException, *, kind: Kind = Kind.FAILED, retryable: bool = True, delay_ms: int | None = None
) -> Outcome:
    """Return the outcome of a run that raised."""
    stack = _stack(error, users_trace(error.__traceback__))
    return Outcome(
        kind,
        error_type=shortened(type(error).__name__, bounds.ERROR_TYPE_CHARS) or "Exception",
        message=shortened(_message(error), bounds.ERROR_MESSAGE_CHARS),
        stack=_tail(stack, bounds.ERROR_STACK_CHARS),
        retryable=retryable,
        delay_ms=delay_ms,
    )


def refused(error_type: str, message: str) -> Outcome:
    """Return the outcome of a job that would fail the same way every time."""
    return Outcome(
        Kind.FAILED,
        error_type=error_type,
        message=shortened(message, bounds.ERROR_MESSAGE_CHARS),
        retryable=False,
    )


def unwritable(value: Any, error: Exception) -> Outcome:
    """Return the outcome of a run whose result cannot travel."""
    return refused(
        "ResultNotWritable",
        f"the task returned a value of type {type(value).__name__} that cannot be written: {_message(error)}; "
        "return plain dicts, lists, strings, numbers, booleans, bytes or None, or use a serializer that can write it",
    )


def _written(value: Any) -> tuple[bytes, Form, str]:
    if isinstance(value, Raw):
        return value.data, Form.RAW, value.media_type
    try:
        return msgpack.packb(value), Form.MSGPACK, ""
    except OverflowError:
        return json.dumps(value, allow_nan=False).encode(), Form.JSON, ""


def users_trace(trace: TracebackType | None) -> TracebackType | None:
    """Return the part of a traceback that begins with user code; all of it where there is none."""
    inner = trace
    while inner is not None and inner.tb_frame.f_globals.get("__name__") in _OURS:
        inner = inner.tb_next
    return inner or trace


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


def shortened(text: str, limit: int) -> str:
    """Return the beginning of a text, as far as it may go; it can be written as UTF-8."""
    return _utf8(text if len(text) <= limit else text[: limit - 1] + "…")


def _tail(text: str, limit: int) -> str:
    """Keep the end: the innermost frames and the error itself."""
    return _utf8(text if len(text) <= limit else "…" + text[len(text) - limit + 1 :])


def _utf8(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
