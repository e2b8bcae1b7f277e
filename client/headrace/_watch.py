"""What a handle can ask of its job, as steps; it must not know how they are carried out."""

from collections.abc import Callable
from typing import Any, Final, Literal, TypeAlias

from headrace._steps import Steps
from headrace._verbs import Verbs
from headrace.errors import Conflict, NotFinished, NotFound, Problem, TaskFailed, failure_of
from headrace.models import Job
from headrace.serializers import Serializers
from headrace.words import State

Read: TypeAlias = Callable[[Any], Any]  # what a result becomes on its way to the caller

# Our states in Celery's words, for code that comes from there.
_CELERY: Final[dict[State, str]] = {
    State.SCHEDULED: "PENDING",
    State.READY: "PENDING",
    State.LEASED: "STARTED",
    State.RETRYING: "RETRY",
    State.SUCCEEDED: "SUCCESS",
    State.DEAD: "FAILURE",
    State.CANCELLED: "REVOKED",
}
_PLAIN: Final = Serializers()  # reads the results of a handle that belongs to no app


def celery_status(state: State) -> str:
    """Return a state in Celery's words: PENDING, STARTED, RETRY, SUCCESS, FAILURE or REVOKED; PENDING for a new one."""
    return _CELERY.get(state, "PENDING")


def plain_result(result: Any) -> Any:
    """Return a result for a caller without an app: tags are read, bytes of a type of their own stay Raw."""
    return _PLAIN.decode(result, raw=True)


def not_finished(detail: str, job: Job) -> NotFinished:
    """Return the error of somebody who would not wait any longer."""
    return NotFinished(Problem(code="not_finished", detail=detail, job_id=job.id, state=job.state))


class Watch:
    """One job; once it has ended it is remembered and not asked for again."""

    def __init__(self, verbs: Verbs, job_id: str, read: Read | None = None, ended: Job | None = None) -> None:
        self.verbs = verbs
        self.id = job_id
        self._read = read or plain_result
        self._final = ended

    @property
    def has_ended(self) -> bool:
        """Whether the end of the job is known here."""
        return self._final is not None

    def job(self) -> Steps[Job]:
        """Return the whole job as it is now. Raises NotFound once its record is pruned."""
        return self._final or self.remember((yield from self.verbs.get(self.id)))

    def ready(self) -> Steps[bool]:
        """Return whether the job has ended, in whichever way."""
        return (yield from self.job()).state.is_final

    def successful(self) -> Steps[bool]:
        """Return whether the job has succeeded."""
        return (yield from self.job()).state is State.SUCCEEDED

    def failed(self) -> Steps[bool]:
        """Return whether the job is dead."""
        return (yield from self.job()).state is State.DEAD

    def state(self) -> Steps[State]:
        """Return the job's state now."""
        return (yield from self.job()).state

    def status(self) -> Steps[str]:
        """Return the job's state now in Celery's words."""
        return celery_status((yield from self.job()).state)

    def progress(self) -> Steps[Any]:
        """Return what the task last said of its progress."""
        return (yield from self.job()).progress

    def traceback(self) -> Steps[str | None]:
        """Return the traceback of the last failed attempt, as the worker wrote it."""
        error = (yield from self.job()).error
        return None if error is None else error.stack

    def result(self) -> Steps[Any]:
        """Return the result, or the error that stands for a job that ended without; None before its end."""
        job = yield from self.job()
        if not job.state.is_final:
            return None
        return self.ending(job, propagate=False)

    def info(self) -> Steps[Any]:
        """Return the result or error of a job that has ended, and its progress before."""
        job = yield from self.job()
        return self.ending(job, propagate=False) if job.state.is_final else job.progress

    def cancel(self, *, reason: str | None = None, mode: Literal["soft", "hard"] | None = None) -> Steps[Job]:
        """Cancel the job. One that a worker holds is asked for, and its lease ended at once with mode `hard`.

        Returns the job: it is cancelled, or says `cancel_requested`. Raises Conflict once it has succeeded or died.
        """
        return self.remember((yield from self.verbs.cancel(self.id, reason=reason, mode=mode)))

    def revoke(self, *, terminate: bool = False) -> Steps[None]:
        """Cancel the job as Celery does: of one that has ended nothing is changed, and nothing is raised.

        `terminate`: the lease of one that runs ends at once, and the worker is told; else its task is asked to end.
        """
        try:
            yield from self.cancel(mode="hard" if terminate else None)
        except Conflict as error:
            if error.code != "job_final":
                raise

    def forget(self) -> Steps[None]:
        """Delete the record of a job that has ended, and its result with it. Raises Conflict before its end."""
        yield from self.verbs.delete(self.id)
        self._final = None

    def get(self, timeout: float | None, propagate: bool) -> Steps[Any]:
        """Return the result, or raise; see `JobHandle.get`."""
        job = self._final or self.remember((yield from self.verbs.wait(self.id, timeout=timeout)))
        if not job.state.is_final:
            raise not_finished(f"job {self.id} is {job.state.value} after {timeout:g} s", job)
        return self.ending(job, propagate)

    def ending(self, job: Job, propagate: bool) -> Any:
        """Return the result of a job that has ended; raise the error of one that has none, or return it."""
        if job.state is State.SUCCEEDED:
            return self._read(job.result)
        if job.state is State.GONE:
            raise NotFound(Problem(code="not_found", detail=f"job {self.id} has ended; its record is gone"))
        error: TaskFailed = failure_of(job.id, job.state, job.error, job.reason, job.attempt)
        if propagate:
            raise error
        return error

    def remember(self, job: Job) -> Job:
        """Take note of how the job is; of its end for ever, but not of the end of its record."""
        if job.state.is_final and job.state is not State.GONE:
            self._final = job
        return job
