"""What a test has enqueued: looked up in the server, compared as calls of Python, told readably when it is missing."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from headrace.annotations import Misfit
from headrace.app import App
from headrace.calls import arguments_of
from headrace.models import Job, Raw
from headrace.tasks import BaseTask

Call: TypeAlias = tuple[tuple[Any, ...], dict[str, Any]]  # args, kwargs
Received: TypeAlias = tuple[list[Any], dict[str, Any]]  # the same, with all arguments by name where those are known

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
        if wanted is not None:
            call = self._received(name, _travelled(self._app.job(name, *wanted, {}).payload))
            found = [job for job in found if self._is_call(job, call)]
        if len(found) != count if count is not None else not found:
            raise AssertionError(self._told(_wish(name, wanted, queue, count), len(found), jobs))
        return found

    def jobs(self) -> list[Job]:
        """Return all jobs of the server, oldest first."""
        client = self._app.client
        return [client.get(each.id) for each in sorted(client.iter_jobs(), key=lambda job: job.id)]

    def _is_call(self, job: Job, call: Received) -> bool:
        try:
            return bool(self._received(job.task, job.payload) == call)
        except Misfit:  # of another program
            return False

    def _received(self, name: str, payload: Any) -> Received:
        """Return a call as a worker gets it, all arguments by name, so that equal calls are equal. Raises Misfit."""
        args, kwargs = self._arguments(payload)
        task = self._app.tasks.get(name)
        if task is None or task.shape.signature is None:
            return list(args), kwargs
        args, kwargs = task.shape.fit_arguments(args, kwargs)
        try:
            bound = task.shape.signature.bind(*args, **kwargs)
        except TypeError:  # a job of another program
            return list(args), kwargs
        bound.apply_defaults()
        return [], dict(bound.arguments)

    def _arguments(self, payload: Any) -> Call:
        return arguments_of(self._app.serializers.decode(payload, raw=True))

    def _told(self, wish: str, found: int, jobs: list[Job]) -> str:
        first = f"{wish} expected, found {found}; " + ("enqueued were:" if jobs else "nothing was enqueued")
        calls = [(_call(job.task, *self._arguments(job.payload)), job) for job in jobs[:_TOLD]]
        lines = [f"  {call} in queue {job.queue!r}: {job.state.value}" for call, job in calls]
        more = [f"  and {len(jobs) - _TOLD} more"] if len(jobs) > _TOLD else []
        return "\n".join([first, *lines, *more])


def _travelled(payload: Any) -> Any:
    """Return a payload as it comes out of the server: JSON knows no tuples."""
    return payload if isinstance(payload, Raw) else json.loads(json.dumps(payload))


def _wish(name: str, wanted: Call | None, queue: str | None, count: int | None) -> str:
    times = "at least one job" if count is None else f"{count} job{'' if count == 1 else 's'}"
    call = f"{name}(...)" if wanted is None else _call(name, *wanted)
    return f"{times} {call}" + (f" in queue {queue!r}" if queue else "")


def _call(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    return f"{name}({', '.join([*map(repr, args), *(f'{key}={value!r}' for key, value in kwargs.items())])})"
