"""A job that somebody waits for: `JobHandle` blocks, `AsyncJobHandle` is awaited, both over the steps of `Watch`."""

from typing import Any, Final, Generic, Literal, Protocol, TypeVar, overload

from headrace._steps import Steps, awaiting, blocking
from headrace._verbs import Verbs
from headrace.errors import NotFinished, Problem, TaskFailed, failure_of
from headrace.models import Job
from headrace.words import State

R_co = TypeVar("R_co", covariant=True)
X = TypeVar("X")

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


def celery_status(state: State) -> str:
    """Return a state in Celery's words: PENDING, STARTED, RETRY, SUCCESS, FAILURE or REVOKED; PENDING for a new one."""
    return _CELERY.get(state, "PENDING")


def result_of(job: Job) -> Any:
    """Return the result of a final job. Raises TaskFailed or TaskCancelled for one that ended without."""
    if job.state is State.SUCCEEDED:
        return job.result
    raise failure_of(job.id, job.state, job.error, job.reason)


class Watch:
    """What a handle can ask, as steps; a final job is remembered and not asked for again."""

    def __init__(self, verbs: Verbs, job_id: str) -> None:
        self._verbs = verbs
        self.id = job_id
        self._final: Job | None = None

    def job(self) -> Steps[Job]:
        """Return the whole job as it is now. Raises NotFound once its record is pruned."""
        return self._final or self._remember((yield from self._verbs.get(self.id)))

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

    def cancel(self, *, reason: str | None = None, mode: Literal["soft", "hard"] | None = None) -> Steps[Job]:
        """Cancel the job. One that a worker holds is asked for, and its lease ended at once with mode `hard`.

        Returns the job: it is cancelled, or says `cancel_requested`. Raises Conflict once it has succeeded or died.
        """
        return self._remember((yield from self._verbs.cancel(self.id, reason=reason, mode=mode)))

    def get(self, timeout: float | None, propagate: bool) -> Steps[Any]:
        """Return the result, or raise; see `JobHandle.get`."""
        job = self._final or self._remember((yield from self._verbs.wait(self.id, timeout=timeout)))
        if not job.state.is_final:
            detail = f"job {self.id} is {job.state.value} after {timeout:g} s"
            raise NotFinished(Problem(code="not_finished", detail=detail, job_id=self.id, state=job.state))
        try:
            return result_of(job)
        except TaskFailed as error:
            if propagate:
                raise
            return error

    def _remember(self, job: Job) -> Job:
        if job.state.is_final:
            self._final = job
        return job


class BlockingRun(Protocol):
    """Carries out steps while the caller waits."""

    def __call__(self, steps: Steps[X], /) -> X:
        """Return what the steps return, or raise what they raise."""
        ...


class AwaitingRun(Protocol):
    """Carries out steps while the caller awaits."""

    async def __call__(self, steps: Steps[X], /) -> X:
        """Return what the steps return, or raise what they raise."""
        ...


class JobHandle(Generic[R_co]):
    """A job whose result somebody may want; whatever looks at it asks the server, until the job has ended.

    `id`: the job's id, 36 characters; `App.handle(id)` or `Client.handle(id)` makes a handle of it anywhere.
    """

    def __init__(self, job_id: str, verbs: Verbs, run: BlockingRun) -> None:
        self.id = job_id
        self._verbs = Watch(verbs, job_id)
        self._run = run

    job = blocking(Watch.job)
    ready = blocking(Watch.ready)
    successful = blocking(Watch.successful)
    failed = blocking(Watch.failed)
    cancel = blocking(Watch.cancel)

    @property
    def state(self) -> State:
        """The job's state now."""
        return self._run(self._verbs.state())

    @property
    def status(self) -> str:
        """The job's state now, in Celery's words: PENDING, STARTED, RETRY, SUCCESS, FAILURE or REVOKED."""
        return self._run(self._verbs.status())

    @overload
    def get(self, timeout: float | None = None, propagate: Literal[True] = True) -> R_co: ...
    @overload
    def get(self, timeout: float | None = None, propagate: bool = True) -> R_co | TaskFailed: ...
    def get(self, timeout: float | None = None, propagate: bool = True) -> Any:
        """Wait for the end of the job, `timeout` seconds at most (None: as long as it takes), and return its result.

        Raises TaskFailed if it died and TaskCancelled if it was cancelled (`propagate=False` returns these instead),
        NotFinished (a TimeoutError) if it has not ended in time, NotFound once its record is pruned.
        """
        return self._run(self._verbs.get(timeout, propagate))

    def __repr__(self) -> str:
        return f"JobHandle({self.id!r})"


class AsyncJobHandle(Generic[R_co]):
    """A `JobHandle` for code that awaits: the same names, and whatever asks the server is awaited (`await h.state`)."""

    def __init__(self, job_id: str, verbs: Verbs, run: AwaitingRun) -> None:
        self.id = job_id
        self._verbs = Watch(verbs, job_id)
        self._run = run

    job = awaiting(Watch.job)
    ready = awaiting(Watch.ready)
    successful = awaiting(Watch.successful)
    failed = awaiting(Watch.failed)
    cancel = awaiting(Watch.cancel)

    @property
    async def state(self) -> State:
        """The job's state now."""
        return await self._run(self._verbs.state())

    @property
    async def status(self) -> str:
        """The job's state now, in Celery's words."""
        return await self._run(self._verbs.status())

    @overload
    async def get(self, timeout: float | None = ..., propagate: Literal[True] = True) -> R_co: ...  # noqa: ASYNC109
    @overload
    async def get(self, timeout: float | None = ..., propagate: bool = True) -> R_co | TaskFailed: ...  # noqa: ASYNC109
    async def get(self, timeout: float | None = None, propagate: bool = True) -> Any:  # noqa: ASYNC109
        """Wait for the end of the job and return its result; see `JobHandle.get`."""
        return await self._run(self._verbs.get(timeout, propagate))

    def __repr__(self) -> str:
        return f"AsyncJobHandle({self.id!r})"
