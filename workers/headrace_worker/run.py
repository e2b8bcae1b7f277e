"""One run of one job: its arguments, hooks, middleware, function, and what they ended with; it must not know slots.

All of it happens in the context of the run, on its thread or its event loop: a contextvar that a hook or a middleware
sets is seen by the task, and by nobody else.
"""

import asyncio
import time
from typing import Any

from headrace.annotations import Misfit
from headrace.calls import arguments_of
from headrace.context import CURRENT, Request, reserved
from headrace.errors import ContentRefused
from headrace.hooks import Event

from headrace_worker import reporting, spans
from headrace_worker.outcome import CANCELLED, Kind, Outcome, refused, returned, unwritable
from headrace_worker.registry import Handler
from headrace_worker.rulings import is_final, ruled
from headrace_worker.soft import Alarms, Interruptible


def run(handler: Handler, request: Request, alarms: Alarms) -> Outcome:
    """Run a plain function to its end, here."""
    _begin(request)
    outcome = _prepare(handler, request)
    if outcome is not None:
        return _told(handler, request, outcome)
    value, error = None, None
    try:
        limit_s = _soft_limit_s(handler, request)
        if limit_s is None and handler.hooks.is_empty:  # as most are: four calls less
            value = handler.function(*request.args, **request.kwargs)
        else:
            value = _surrounded(handler, request, alarms, limit_s)
    except BaseException as raised:  # noqa: BLE001 - SystemExit of a task must fail the job, not end the worker
        error = raised
    outcome = _returned(handler, value) if error is None else ruled(error, request, handler)
    return _told(handler, request, outcome, value, error)


def _surrounded(handler: Handler, request: Request, alarms: Alarms, limit_s: float | None) -> Any:
    with alarms.limit(limit_s):
        handler.hooks.fire("before_task", request=request)
        with handler.hooks.around(request):
            return handler.function(*request.args, **request.kwargs)


async def arun(handler: Handler, request: Request) -> Outcome:
    """Run a coroutine function to its end, in a task of the event loop that is for it alone."""
    _begin(request)
    outcome = _prepare(handler, request)
    if outcome is not None:
        return _told(handler, request, outcome)
    limit_s = _soft_limit_s(handler, request)
    body = _body(handler, request)
    value, error = None, None
    try:
        value = await (body if limit_s is None else Interruptible(body, limit_s))
    except BaseException as raised:  # noqa: BLE001 - as above; the loop would let SystemExit through to its thread
        error = raised
    outcome = _returned(handler, value) if error is None else _ruled_in_loop(error, request, handler)
    return _told(handler, request, outcome, value, error)


async def _body(handler: Handler, request: Request) -> Any:
    handler.hooks.fire("before_task", request=request)
    async with handler.hooks.around(request):
        return await handler.function(*request.args, **request.kwargs)


def _ruled_in_loop(error: BaseException, request: Request, handler: Handler) -> Outcome:
    """Return the outcome of an error, which may be a cancellation: of ours, or something that the task ran into."""
    task = asyncio.current_task()
    if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
        return CANCELLED
    return ruled(error, request, handler)


def _begin(request: Request) -> None:
    """Begin the spans of a run, in the context that its task will have."""
    CURRENT.set(request)
    spans.begin(request)
    reporting.begin(request)


def _prepare(handler: Handler, request: Request) -> Outcome | None:
    """Give the request its arguments; return the failure of a payload that has none for this function.

    No retry would make it fit. A job without a payload has null, which is no argument where that will do.
    """
    shape = handler.shape
    try:
        payload = handler.serializers.decode(request.payload, raw=shape.takes_raw)
        args, kwargs = ((), {}) if payload is None and shape.misfit((), {}) is None else arguments_of(payload)
        misfit = shape.misfit(args, kwargs)
        if misfit is not None:
            return refused("TypeError", f"the payload does not fit {handler.name}{shape.signature}: {misfit}")
        request.args, request.kwargs = shape.fit_arguments(args, kwargs)
    except ContentRefused as error:
        return refused("ContentRefused", str(error))
    except Misfit as error:
        return refused("TypeError", f"the payload does not fit {handler.name}{shape.signature}: {error}")
    return None


def _soft_limit_s(handler: Handler, request: Request) -> float | None:
    """Return the soft limit of a run: that of its call, else that of its task."""
    asked = reserved(request.meta).get("soft_time_limit") if request.meta else None
    return float(asked) if isinstance(asked, int | float) and asked > 0 else handler.facts.soft_time_limit_s


def _returned(handler: Handler, value: Any) -> Outcome:
    try:
        return returned(handler.serializers.encode(value, handler.serializer, of="result"))
    except (TypeError, ValueError, RecursionError, ContentRefused) as error:
        return unwritable(value, error)


def _told(
    handler: Handler, request: Request, outcome: Outcome, value: Any = None, error: BaseException | None = None
) -> Outcome:
    """Tell Sentry, the app's hooks and its span how a run ended; return the outcome."""
    ended_ns = time.time_ns()
    reporting.ended(request, outcome, error)
    try:
        if not handler.hooks.is_empty:
            _fire(handler, request, outcome, value, error)
    finally:
        spans.ended(outcome, error, ended_ns)  # the last: hooks may put something on it
    return outcome


def _fire(handler: Handler, request: Request, outcome: Outcome, value: Any, error: BaseException | None) -> None:
    fire = handler.hooks.fire
    event: Event | None = None
    match outcome.kind:
        case Kind.RETURNED:
            fire("task_success", request=request, result=value)
        case Kind.FAILED:
            event = "task_failure" if is_final(outcome, request) else "task_retry"
        case Kind.DISCARDED:
            event = "task_failure"
        case Kind.CANCELLED | Kind.STOPPED:
            event = "task_cancelled"
        case Kind.SNOOZED | Kind.GIVEN_BACK:
            pass
    if event is not None:
        fire(event, request=request, error=error)
    fire("after_task", request=request, outcome=outcome.kind.value, result=value, error=error)
