"""Results of tasks: handles on one job each, and sets of handles that are asked about with one request.

    handles = [add.delay(n, n) for n in range(100)]
    gather(handles, timeout=60)                 # all results, in the order of the handles
    for handle in as_completed(handles): ...    # the handles, in the order in which they end

`agather` and `aas_completed` do the same for code that awaits.
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any, Generic, Literal, TypeVar, overload

from headrace._many import Many
from headrace._steps import Steps, at_once, awaiting, blocking, next_of
from headrace._watch import Watch
from headrace.errors import TaskFailed
from headrace.handles import AsyncJobHandle, Handle, JobHandle

__all__ = [
    "AsyncJobHandle",
    "AsyncResultSet",
    "JobHandle",
    "ResultSet",
    "aas_completed",
    "agather",
    "as_completed",
    "gather",
]

H = TypeVar("H", bound=Handle)
R = TypeVar("R")
X = TypeVar("X")


def gather(handles: Iterable[JobHandle[R]], *, timeout: float | None = None) -> list[R]:
    """Wait for the end of all jobs and return their results; see `ResultSet.get`."""
    return ResultSet(handles).get(timeout)


async def agather(handles: Iterable[AsyncJobHandle[R]], *, timeout: float | None = None) -> list[R]:  # noqa: ASYNC109
    """Wait for the end of all jobs as `gather` does, awaiting."""
    return await AsyncResultSet(handles).get(timeout)


def as_completed(handles: Iterable[JobHandle[R]], *, timeout: float | None = None) -> Iterator[JobHandle[R]]:
    """Iterate over the handles as their jobs end; see `ResultSet.as_completed`."""
    return ResultSet(handles).as_completed(timeout)


def aas_completed(
    handles: Iterable[AsyncJobHandle[R]], *, timeout: float | None = None
) -> AsyncIterator[AsyncJobHandle[R]]:
    """Iterate over the handles as `as_completed` does, with `async for`."""
    return AsyncResultSet(handles).as_completed(timeout)


class _Set(Generic[H]):
    """What both kinds of sets know without asking."""

    def __init__(self, handles: Iterable[H] = ()) -> None:
        self._handles: list[H] = []
        self._asker: H | None = None  # by whose client all are asked for
        for handle in handles:
            self.add(handle)

    def add(self, handle: H) -> None:
        """Add a handle at the end. Raises ValueError for one of another client: one request cannot ask for both."""
        if not _watch(handle).has_ended:
            self._asker = self._asker or handle
            if _watch(self._asker).verbs is not _watch(handle).verbs:
                raise ValueError("a set holds handles of one client or app; make one for each")
        self._handles.append(handle)

    def __len__(self) -> int:
        return len(self._handles)

    def __iter__(self) -> Iterator[H]:
        return iter(self._handles)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self._handles)} handles)"

    @property
    def _verbs(self) -> Many:
        return Many([_watch(handle) for handle in self._handles])


class ResultSet(_Set[JobHandle[R]], Generic[R]):
    """Handles that are asked about together: each look is one request, for a thousand handles at a time."""

    ready = blocking(Many.ready)
    successful = blocking(Many.successful)
    failed = blocking(Many.failed)
    completed_count = blocking(Many.completed_count)
    revoke = blocking(Many.revoke)
    forget = blocking(Many.forget)

    @overload
    def get(self, timeout: float | None = None, propagate: Literal[True] = True) -> list[R]: ...
    @overload
    def get(self, timeout: float | None = None, propagate: bool = True) -> list[R | TaskFailed]: ...
    def get(self, timeout: float | None = None, propagate: bool = True) -> list[Any]:
        """Wait for the end of all jobs, `timeout` seconds at most (None: as long as it takes), and return the results.

        They are in the order of the handles. Once all have ended, raises the TaskFailed or TaskCancelled of the first
        one that has no result (`propagate=False` returns it in the place of a result). Raises NotFinished (a
        TimeoutError) if not all have ended in time, NotFound for one whose record is gone.
        """
        return self._run(self._verbs.get(timeout, propagate))

    def as_completed(self, timeout: float | None = None) -> Iterator[JobHandle[R]]:
        """Iterate over the handles as their jobs end, in whichever way; what they have then costs no request more.

        Raises NotFinished if not all have ended `timeout` seconds after the first was asked for.
        """
        stream = self._verbs.as_completed(timeout)
        handles = tuple(self._handles)
        while (given := self._run(next_of(stream))) is not None:
            yield handles[given.item]

    def _run(self, steps: Steps[X]) -> X:
        return at_once(steps) if self._asker is None else self._asker._run(steps)  # noqa: SLF001 - its client's


class AsyncResultSet(_Set[AsyncJobHandle[R]], Generic[R]):
    """A `ResultSet` for code that awaits."""

    ready = awaiting(Many.ready)
    successful = awaiting(Many.successful)
    failed = awaiting(Many.failed)
    completed_count = awaiting(Many.completed_count)
    revoke = awaiting(Many.revoke)
    forget = awaiting(Many.forget)

    @overload
    async def get(self, timeout: float | None = ..., propagate: Literal[True] = True) -> list[R]: ...  # noqa: ASYNC109
    @overload
    async def get(self, timeout: float | None = ..., propagate: bool = True) -> list[R | TaskFailed]: ...  # noqa: ASYNC109
    async def get(self, timeout: float | None = None, propagate: bool = True) -> list[Any]:  # noqa: ASYNC109
        """Wait for the end of all jobs and return the results; see `ResultSet.get`."""
        return await self._run(self._verbs.get(timeout, propagate))

    async def as_completed(self, timeout: float | None = None) -> AsyncIterator[AsyncJobHandle[R]]:  # noqa: ASYNC109
        """Iterate over the handles as their jobs end, with `async for`; see `ResultSet.as_completed`."""
        stream = self._verbs.as_completed(timeout)
        handles = tuple(self._handles)
        while (given := await self._run(next_of(stream))) is not None:
            yield handles[given.item]

    async def _run(self, steps: Steps[X]) -> X:
        return at_once(steps) if self._asker is None else await self._asker._run(steps)  # noqa: SLF001 - as above


def _watch(handle: Handle) -> Watch:
    return handle._verbs  # noqa: SLF001 - a set asks for all of its handles at once
