"""Calls that run here and now, as a worker would run them: for tests, and for debuggers; it must not know the server.

Arguments and results go through their serializers, hooks and middleware take part, and what fails is tried again, but
at once: no wait is waited out and no limit enforced. What comes out is a handle on a job that was never anywhere.
"""

import asyncio
import contextvars
import traceback
import uuid
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from headrace._codec import JSON
from headrace._steps import Steps
from headrace._verbs import Verbs
from headrace.calls import arguments_of
from headrace.context import CURRENT, Request
from headrace.errors import Conflict, Problem
from headrace.exceptions import Discard, MaxRetriesExceeded, Snooze, cause_of
from headrace.models import Job, JobError, Raw
from headrace.options import CallOptions, job_options
from headrace.results import AsyncJobHandle, JobHandle
from headrace.sending import encoded
from headrace.tasks import DEFAULT_QUEUE, BaseTask
from headrace.tracing import current_trace
from headrace.words import ABSENT, State

R_co = TypeVar("R_co", covariant=True)
T = TypeVar("T")

_MAX_RETRIES: Final = 2  # the server's default
_SNOOZES: Final = 100  # then the task waits for something that does not happen here


def run_eagerly(
    task: BaseTask[Any, Any], args: Sequence[Any], kwargs: Mapping[str, Any], call: CallOptions
) -> "EagerResult[Any]":
    """Run a call of a task to its end; a coroutine on an event loop of its own.

    Raises TypeError and ValueError for what could not be sent, and the task's own error where
    `conf.task_eager_propagates` says so.
    """
    run = Run(task, args, kwargs, call)
    if task.is_async:
        _await(_all_of(run))
    while not run.is_over:
        contextvars.copy_context().run(run.attempt)
    return EagerResult(run.ended(), run.error)


async def arun_eagerly(
    task: BaseTask[Any, Any], args: Sequence[Any], kwargs: Mapping[str, Any], call: CallOptions
) -> "AsyncEagerResult[Any]":
    """Run a call of a task to its end as `run_eagerly` does, in the running event loop."""
    run = Run(task, args, kwargs, call)
    await _all_of(run)
    return AsyncEagerResult(run.ended(), run.error)


async def _all_of(run: "Run") -> None:
    while not run.is_over:
        await asyncio.create_task(run.aattempt(), context=contextvars.copy_context())


def _await(work: Coroutine[Any, Any, None]) -> None:
    """Await something from code that does not; beside a running event loop, on a thread of its own."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1, thread_name_prefix="headrace-eager") as thread:
        return thread.submit(contextvars.copy_context().run, asyncio.run, work).result()


class Run:
    """One call on its way through its attempts."""

    def __init__(
        self, task: BaseTask[Any, Any], args: Sequence[Any], kwargs: Mapping[str, Any], call: CallOptions
    ) -> None:
        self._task = task
        self._app = task.app
        self._options = task.in_force
        asked = job_options(self._options, call)
        retries = self._options.max_retries
        serializer = call.get("serializer") or self._options.serializer or "json"
        self._content = _carried(encoded(task, args, kwargs, self._app.serializers, serializer))
        self._job = Job(
            id=str(uuid.uuid4()),
            state=State.READY,
            task=task.name,
            queue=asked["queue"] or DEFAULT_QUEUE,
            max_attempts=1 + (_MAX_RETRIES if retries is None else retries),
            enqueued_at=datetime.now(UTC),
            payload=self._content,
            meta=asked["meta"] or {},
            trace=current_trace(),
        )
        self._arguments()  # what does not fit is the caller's fault
        self._snoozes = 0
        self.error: Exception | None = None  # what the last attempt raised

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to run."""
        return self._job.state is not State.READY

    def ended(self) -> Job:
        """Return the job as it ended. Raises the task's error instead, where the app wants that."""
        if self.error is not None and self._job.state is State.DEAD and self._app.conf.task_eager_propagates:
            raise self.error
        return self._job

    def attempt(self) -> None:
        """Run a function once."""
        request = self._begin()
        try:
            with self._app.hooks.around(request):
                result = self._task.run(*request.args, **request.kwargs)
            self._succeed(request, result)
        except Exception as error:  # noqa: BLE001 - whatever a task raises is its end
            self._fail(request, error)

    async def aattempt(self) -> None:
        """Run a function or a coroutine function once."""
        if not self._task.is_async:
            return self.attempt()
        request = self._begin()
        try:
            async with self._app.hooks.around(request):
                result = await self._task.run(*request.args, **request.kwargs)
            self._succeed(request, result)
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(request, error)

    def _begin(self) -> Request:
        job = self._job
        args, kwargs = self._arguments()
        self._job = replace(job, delivery=job.delivery + 1)
        request = Request(
            id=job.id,
            task=job.task,
            queue=job.queue,
            attempt=job.attempt,
            max_attempts=job.max_attempts,
            delivery=job.delivery + 1,
            fence=job.delivery + 1,
            payload=job.payload,
            args=args,
            kwargs=kwargs,
            enqueued_at=job.enqueued_at,
            meta=job.meta,
            trace=job.trace,
            last_checkpoint=job.checkpoint,
            is_eager=True,
            tell=self._hear,
        )
        CURRENT.set(request)
        self._app.hooks.fire("before_task", request=request)
        return request

    def _arguments(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments, anew for each attempt: a task may change them."""
        return self._task.shape.fit_arguments(*arguments_of(self._app.serializers.decode(self._content)))

    def _hear(self, topic: str, value: Any) -> None:
        plain = JSON.decode(JSON.encode(value))
        self._job = replace(self._job, **{topic: plain})

    def _succeed(self, request: Request, result: Any) -> None:
        try:
            content = self._app.serializers.encode(result, self._app.conf.result_serializer, of="result")
            value = self._task.shape.fit_result(self._app.serializers.decode(_carried(content)))
        except Exception as error:  # noqa: BLE001 - a serializer of one's own may raise anything
            return self._end(request, error, "not_retryable")
        self._job = replace(self._job, state=State.SUCCEEDED, result=value)
        self.error = None
        return self._tell("task_success", "returned", request, result=result)

    def _fail(self, request: Request, error: Exception) -> None:
        if isinstance(error, Snooze):
            return self._snooze(request, error)
        retries = self._options.retries(error)
        if request.attempt >= request.max_attempts and (retries or isinstance(error, MaxRetriesExceeded)):
            return self._end(request, error, "max_attempts")
        if not retries:
            return self._end(request, error, "discarded" if isinstance(error, Discard) else "not_retryable")
        self._job = replace(self._job, attempt=request.attempt + 1, error=_told(error))
        return self._tell("task_retry", "failed", request, error=error)

    def _end(self, request: Request, error: Exception, reason: str) -> None:
        self.error = error
        self._job = replace(self._job, state=State.DEAD, error=_told(error), reason=reason)
        self._tell("task_failure", "discarded" if reason == "discarded" else "failed", request, error=error)

    def _snooze(self, request: Request, wish: Snooze) -> None:
        checkpoint = self._job.checkpoint if wish.checkpoint is ABSENT else wish.checkpoint
        self._snoozes += 1
        if self._snoozes == _SNOOZES:
            raise RuntimeError(f"{self._task.name} snoozes for ever: nothing changes while it runs eagerly") from wish
        self._job = replace(self._job, checkpoint=checkpoint)
        self._app.hooks.fire("after_task", request=request, outcome="snoozed", result=None, error=None)

    def _tell(self, event: Any, outcome: str, request: Request, result: Any = None, error: Any = None) -> None:
        hooks = self._app.hooks
        hooks.fire(event, request=request, result=result, error=error)
        hooks.fire("after_task", request=request, outcome=outcome, result=result, error=error)


def _told(error: Exception) -> JobError:
    cause = cause_of(error)
    stack = "".join(traceback.format_exception(error))
    return JobError(type=type(cause).__name__, message=str(cause), stack=stack)


def _carried(content: Any) -> Any:
    """Return what arrives of content that is sent away."""
    return content if isinstance(content, Raw) else JSON.decode(JSON.encode(content))


class Nowhere(Verbs):
    """The verbs of a handle on a job that no server has."""

    def __init__(self, job: Job) -> None:
        super().__init__(format="json", retry=None, timeout_s=0)
        self._job = job

    def cancel(self, job_id: str, **_: Any) -> Steps[Job]:
        """See Produce; it is too late."""
        yield from ()
        detail = f"job {job_id} ran eagerly, and has ended"
        raise Conflict(Problem(code="job_final", detail=detail, job_id=job_id, state=self._job.state))

    def delete(self, job_id: str) -> Steps[None]:  # noqa: ARG002 - the same for every job
        """See Mend; there is no record."""
        yield from ()


def _as_it_is(result: Any) -> Any:
    return result


def _done(steps: Steps[T]) -> T:
    try:
        next(steps)
    except StopIteration as stop:
        value: T = stop.value
        return value
    raise RuntimeError("a handle on an eager result asks no server")


async def _adone(steps: Steps[T]) -> T:
    return _done(steps)


class EagerResult(JobHandle[R_co]):
    """A handle on a call that ran here and now; `error` is what the task raised, as `get` raises it as TaskFailed."""

    def __init__(self, job: Job, error: Exception | None = None) -> None:
        super().__init__(job.id, Nowhere(job), _done, read=_as_it_is, ended=job)
        self.error = error


class AsyncEagerResult(AsyncJobHandle[R_co]):
    """An `EagerResult` for code that awaits."""

    def __init__(self, job: Job, error: Exception | None = None) -> None:
        super().__init__(job.id, Nowhere(job), _adone, read=_as_it_is, ended=job)
        self.error = error
