"""What a test has enqueued: looked up in the server, compared as calls of Python, told readably when it is missing."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from headrace.annotations import Misfit
from headrace.app import App
from headrace.calls import arguments_of
from headrace.models import Job
from headrace.tasks import BaseTask

Call: TypeAlias = tuple[tuple[Any, ...], dict[str, Any]]  # args, kwargs

_TOLD: Final = 20  # jobs that a failed assertion names


class AssertEnqueued:
    """`assert_enqueued(task, args=, kwargs=, queue=, count=)`: which jobs a test has put in.

    Jobs count in whatever state they are by now, also those that a worker has done already. Arguments are compared as
    the task gets them: `f(1, y=2)` and `f(x=1, y=2)` are the same call of `def f(x, y)`.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    def __call__(
        self,
        task: BaseTask[Any, Any] | str,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        *,
        queue: str | None = None,
        count: int | None = None,
    ) -> list[Job]:
        """Return the jobs that match, oldest first; AssertionError unless there are `count` (None: at least one).

        `task`: a task or its name. Without `args` and `kwargs` any arguments do; with one of them, these very ones.
        """
        name = task if isinstance(task, str) else task.name
        jobs = self.jobs()
        wanted = None if args is None and kwargs is None else (tuple(args or ()), dict(kwargs or {}))
        found = [job for job in jobs if job.task == name and (queue is None or job.queue == queue)]
        found = [job for job in found if wanted is None or self._is_call(job, wanted)]
        if len(found) != count if count is not None else not found:
            raise AssertionError(_told(_wish(name, wanted, queue, count), len(found), jobs))
        return found

    def jobs(self) -> list[Job]:
        """Return all jobs of the server, oldest first."""
        client = self._app.client
        return [client.get(each.id) for each in sorted(client.iter_jobs(), key=lambda job: job.id)]

    def _is_call(self, job: Job, wanted: Call) -> bool:
        given = arguments_of(self._app.serializers.decode(job.payload, raw=True))
        task = self._app.tasks.get(job.task)
        if task is None:
            return (list(given[0]), given[1]) == (list(wanted[0]), wanted[1])
        try:
            given = task.shape.fit_arguments(*given)
        except Misfit:  # of another program
            return False
        return bool(_bound(task.shape.signature, *given) == _bound(task.shape.signature, *wanted))


def _bound(signature: inspect.Signature | None, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return a call in a form in which equal calls are equal: all arguments by name, defaults included."""
    if signature is None:
        return list(args), kwargs
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError:
        return list(args), kwargs
    bound.apply_defaults()
    return dict(bound.arguments)


def _wish(name: str, wanted: Call | None, queue: str | None, count: int | None) -> str:
    times = "at least one job" if count is None else f"{count} job{'' if count == 1 else 's'}"
    call = f"{name}(...)" if wanted is None else _call(name, *wanted)
    return f"{times} {call}" + (f" in queue {queue!r}" if queue else "")


def _call(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    return f"{name}({', '.join([*map(repr, args), *(f'{key}={value!r}' for key, value in kwargs.items())])})"


def _told(wish: str, found: int, jobs: list[Job]) -> str:
    first = f"{wish} expected, found {found}; " + ("enqueued were:" if jobs else "nothing was enqueued")
    more = [f"  and {len(jobs) - _TOLD} more"] if len(jobs) > _TOLD else []
    return "\n".join([first, *map(_line, jobs[:_TOLD]), *more])


def _line(job: Job) -> str:
    return f"  {_call(job.task, *arguments_of(job.payload))} in queue {job.queue!r}: {job.state.value}"
