"""The part of an app that says what comes by itself: entries of its settings and its code, told to the server.

Nothing runs here when a slot comes: the server keeps schedules and fires them. It must not know how entries are read.
"""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Unpack, overload

from headrace._codec import JSON
from headrace._plan import plan_body
from headrace.conf import Conf
from headrace.decorators import BindingDecorator, Decorator
from headrace.entries import HOW, Entry, How, PeriodicOptions, add, entry, read_entries, schedule_name
from headrace.models import NewJob
from headrace.options import CallOptions, TaskKeywords, TaskOptions, task_options
from headrace.schedules import Schedule, ScheduleChange
from headrace.signatures import Signature
from headrace.tasks import BaseTask
from headrace.timings import Timing, zone_name

if TYPE_CHECKING:
    from headrace.aio import AsyncClient
    from headrace.client import Client

F = TypeVar("F", bound=Callable[..., object])


class PeriodicKeywords(TaskKeywords, How, total=False):
    """What `@app.periodic_task` takes beside its timing: the options of a task, and those of its schedule."""


class Moment:
    """A moment of an app's start to which functions can be connected, as to one of Celery's signals."""

    def __init__(self) -> None:
        self._functions: list[Callable[..., object]] = []

    def connect(self, function: F) -> F:
        """Have a function called at the moment, with the app as `sender`; it is returned."""
        self._functions.append(function)
        return function

    def come(self, sender: object) -> None:
        """Call them, once each; what they raise is raised."""
        functions, self._functions = self._functions, []
        for function in functions:
            function(sender=sender)


class Periodic(ABC):
    """What is periodic in an app, and how the server is told."""

    conf: Conf
    name: str | None

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self.on_after_configure = Moment()  # when the modules with tasks have been imported ...
        self.on_after_finalize = Moment()  # ... and right after

    @property
    @abstractmethod
    def client(self) -> "Client":
        """The blocking client."""

    @property
    @abstractmethod
    def async_client(self) -> "AsyncClient":
        """The awaiting client."""

    @abstractmethod
    def job(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], call: CallOptions) -> NewJob:
        """Return the job that a call becomes."""

    @abstractmethod
    def _register(
        self, fn: Callable[..., Any], name: str | None, options: TaskOptions, bind: bool
    ) -> BaseTask[Any, Any]: ...

    @overload
    def periodic_task(
        self,
        run_every: Timing,
        *,
        name: str | None = None,
        bind: Literal[True],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        **options: Unpack[PeriodicKeywords],
    ) -> BindingDecorator: ...
    @overload
    def periodic_task(
        self,
        run_every: Timing,
        *,
        name: str | None = None,
        bind: Literal[False] = False,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        **options: Unpack[PeriodicKeywords],
    ) -> Decorator: ...
    def periodic_task(
        self,
        run_every: Timing,
        *,
        name: str | None = None,
        bind: bool = False,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Any:
        """Register a function as a task that comes by itself: `@app.periodic_task(crontab(hour=7, minute=0))`.

        `name`, `bind` and the options of tasks are those of `@app.task`; `args` and `kwargs` are what it is called
        with; `overlap`, `catch_up`, `jitter` and the like (`How`) are of its schedule, which is called as the task.
        """
        how = {word: options.pop(word) for word in HOW & options.keys()}
        of_task = task_options(options)

        def register(function: Callable[..., Any]) -> BaseTask[Any, Any]:
            made = self._register(function, name, of_task, bind)
            add(self._entries, made.name, entry(run_every, made, args, kwargs, how))
            return made

        return register

    def add_periodic_task(
        self,
        schedule: Timing,
        sig: str | BaseTask[Any, Any] | Signature[Any],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        name: str | None = None,
        **options: Unpack[PeriodicOptions],
    ) -> str:
        """Have a task run by itself, and return the schedule's name: `app.add_periodic_task(30.0, add.s(2, 3))`.

        `sig`: a task, its name, or a call of it, to which `args` and `kwargs` are added; `options`: of the jobs, as of
        `apply_async`, and of the schedule (`How`). Without a name it is the task's, with a digest of the arguments
        where there are some. Raises TypeError or ValueError for what cannot be, ValueError for a name that is taken.
        """
        made = entry(schedule, sig, args, kwargs, dict(options))
        chosen = _default_name(made) if name is None else schedule_name(name)
        add(self._entries, chosen, made)
        return chosen

    def schedules(self) -> dict[str, Schedule]:
        """Return all that is periodic, of `conf.beat_schedule` and of the code, by the names of the schedules.

        Raises TypeError or ValueError, with the entry's name, for a call that its task does not take.
        """
        entries = read_entries(self.conf.beat_schedule or {})
        for name, each in self._entries.items():
            add(entries, name, each)
        return {name: self._schedule(name, each) for name, each in entries.items()}

    def schedule_documents(self) -> dict[str, bytes]:
        """Return `schedules` as the API takes them, in JSON: for those who tell the server in this app's place."""
        return {name: JSON.encode(plan_body(schedule, JSON)) for name, schedule in self.schedules().items()}

    @property
    def schedule_owner(self) -> str | None:
        """Whose schedules these are: `conf.beat_owner`, else the app's name; None: nobody's, so none is removed."""
        return self.conf.beat_owner or self.name

    def apply_schedules(self, *, prune: bool | None = None, dry_run: bool = False) -> tuple[ScheduleChange, ...]:
        """Let the server's schedules be those of this app; see `Client.apply_schedules`."""
        return self.client.apply_schedules(self.schedules(), owner=self.schedule_owner, prune=prune, dry_run=dry_run)

    async def aapply_schedules(self, *, prune: bool | None = None, dry_run: bool = False) -> tuple[ScheduleChange, ...]:
        """Let the server's schedules be those of this app, as `apply_schedules` does, awaiting."""
        return await self.async_client.apply_schedules(
            self.schedules(), owner=self.schedule_owner, prune=prune, dry_run=dry_run
        )

    def _schedule(self, name: str, each: Entry) -> Schedule:
        try:
            job = self.job(each.task, each.args, each.kwargs, each.options)
            return each.schedule(job, zone_name(self.conf.timezone))
        except (TypeError, ValueError) as error:
            raise type(error)(f"schedule {name!r}: {error}") from error


def _default_name(made: Entry) -> str:
    if not made.args and not made.kwargs:
        return made.task
    try:
        told = json.dumps([made.args, made.kwargs], sort_keys=True)
    except (TypeError, ValueError):
        raise ValueError(f"please give the schedule of {made.task} a name: its arguments make none") from None
    return schedule_name(f"{made.task}-{hashlib.blake2b(told.encode(), digest_size=4).hexdigest()}")
