"""A job that somebody waits for: `JobHandle` blocks, `AsyncJobHandle` is awaited, both over the steps of `Watch`."""

from typing import Any, Generic, Literal, Protocol, TypeVar, overload

from headrace._steps import Steps, awaiting, blocking
from headrace._verbs import Verbs
from headrace._watch import Read, Watch
from headrace.errors import TaskFailed
from headrace.models import Job
from headrace.words import State

R_co = TypeVar("R_co", covariant=True)
X = TypeVar("X")


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


class Handle:
    """What both kinds of handles know without asking."""

    def __init__(self, job_id: str, verbs: Verbs, read: Read | None, ended: Job | None) -> None:
        self.id = job_id
        self._verbs = Watch(verbs, job_id, read, ended)

    @property
    def task_id(self) -> str:
        """The job's id, by Celery's name."""
        return self.id

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id!r})"


class JobHandle(Handle, Generic[R_co]):
    """A job whose result somebody may want; whatever looks at it asks the server, until the job has ended.

    `id`: the job's id, 36 characters; `App.handle(id)` or `Client.handle(id)` makes a handle of it anywhere.
    """

    def __init__(
        self, job_id: str, verbs: Verbs, run: BlockingRun, *, read: Read | None = None, ended: Job | None = None
    ) -> None:
        super().__init__(job_id, verbs, read, ended)
        self._run = run

    job = blocking(Watch.job)
    ready = blocking(Watch.ready)
    successful = blocking(Watch.successful)
    failed = blocking(Watch.failed)
    cancel = blocking(Watch.cancel)
    revoke = blocking(Watch.revoke)
    forget = blocking(Watch.forget)

    @property
    def state(self) -> State:
        """The job's state now."""
        return self._run(self._verbs.state())

    @property
    def status(self) -> str:
        """The job's state now, in Celery's words: PENDING, STARTED, RETRY, SUCCESS, FAILURE or REVOKED."""
        return self._run(self._verbs.status())

    @property
    def result(self) -> Any:
        """The result; the TaskFailed that `get` would raise, of a job that ended without; None before its end."""
        return self._run(self._verbs.result())

    @property
    def info(self) -> Any:
        """`result` of a job that has ended, and `progress` before."""
        return self._run(self._verbs.info())

    @property
    def progress(self) -> Any:
        """What the task last said of its progress; None: nothing."""
        return self._run(self._verbs.progress())

    @property
    def traceback(self) -> str | None:
        """The traceback of the last failed attempt, as the worker wrote it; None: there is none."""
        return self._run(self._verbs.traceback())

    @overload
    def get(self, timeout: float | None = None, propagate: Literal[True] = True) -> R_co: ...
    @overload
    def get(self, timeout: float | None = None, propagate: bool = True) -> R_co | TaskFailed: ...
    def get(self, timeout: float | None = None, propagate: bool = True) -> Any:
        """Wait for the end of the job, `timeout` seconds at most (None: as long as it takes), and return its result.

        Raises TaskFailed if it died and TaskCancelled if it was cancelled (`propagate=False` returns these instead),
        NotFinished (a TimeoutError) if it has not ended in time, NotFound once its record is pruned, ContentRefused for
        a result that this side does not accept, Misfit (a TypeError) for one that is not what its task is annotated
        with.
        """
        return self._run(self._verbs.get(timeout, propagate))


class AsyncJobHandle(Handle, Generic[R_co]):
    """A `JobHandle` for code that awaits: the same names, and whatever asks the server is awaited (`await h.state`)."""

    def __init__(
        self, job_id: str, verbs: Verbs, run: AwaitingRun, *, read: Read | None = None, ended: Job | None = None
    ) -> None:
        super().__init__(job_id, verbs, read, ended)
        self._run = run

    job = awaiting(Watch.job)
    ready = awaiting(Watch.ready)
    successful = awaiting(Watch.successful)
    failed = awaiting(Watch.failed)
    cancel = awaiting(Watch.cancel)
    revoke = awaiting(Watch.revoke)
    forget = awaiting(Watch.forget)

    @property
    async def state(self) -> State:
        """The job's state now."""
        return await self._run(self._verbs.state())

    @property
    async def status(self) -> str:
        """The job's state now, in Celery's words: PENDING, STARTED, RETRY, SUCCESS, FAILURE or REVOKED."""
        return await self._run(self._verbs.status())

    @property
    async def result(self) -> Any:
        """The result; the TaskFailed that `get` would raise, of a job that ended without; None before its end."""
        return await self._run(self._verbs.result())

    @property
    async def info(self) -> Any:
        """`result` of a job that has ended, and `progress` before."""
        return await self._run(self._verbs.info())

    @property
    async def progress(self) -> Any:
        """What the task last said of its progress; None: nothing."""
        return await self._run(self._verbs.progress())

    @property
    async def traceback(self) -> str | None:
        """The traceback of the last failed attempt, as the worker wrote it; None: there is none."""
        return await self._run(self._verbs.traceback())

    @overload
    async def get(self, timeout: float | None = ..., propagate: Literal[True] = True) -> R_co: ...  # noqa: ASYNC109
    @overload
    async def get(self, timeout: float | None = ..., propagate: bool = True) -> R_co | TaskFailed: ...  # noqa: ASYNC109
    async def get(self, timeout: float | None = None, propagate: bool = True) -> Any:  # noqa: ASYNC109
        """Wait for the end of the job and return its result; see `JobHandle.get`."""
        return await self._run(self._verbs.get(timeout, propagate))
