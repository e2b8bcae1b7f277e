"""What the supervisor needs of whoever runs the jobs: child processes (pool.py) or its own threads (inline.py)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from headrace_worker.frames import Order
from headrace_worker.news import Topic
from headrace_worker.outcome import Outcome


class AppFailed(Exception):
    """The app cannot be used; the text is for its author."""


class TaskFacts(NamedTuple):
    """What the supervisor has to know of a task; its order is that of the pipe."""

    queue: str  # where its jobs are put by default
    time_limit_s: float | None = None  # hard: a longer run is ended with its process
    soft_time_limit_s: float | None = None  # a longer run gets SoftTimeLimitExceeded
    rate_limit: str | float | None = None  # as the app has it: "10/m", or a number per second


class Plan(NamedTuple):
    """The schedules of an app; its order is that of the pipe."""

    owner: str | None  # None: nothing is removed
    documents: Mapping[str, bytes]  # by name, as the API takes them, in JSON: a payload may hold any integer


class Imported(NamedTuple):
    """What the supervisor has to know of an app; its order is that of the pipe."""

    tasks: Mapping[str, TaskFacts]
    plan: Plan | None = None  # None: it has none, or somebody else tells the server

    @classmethod
    def from_wire(cls, tasks: Mapping[str, Sequence[Any]], plan: Sequence[Any] | None) -> "Imported":
        """Return what a child sent."""
        return cls({name: TaskFacts(*facts) for name, facts in tasks.items()}, None if plan is None else Plan(*plan))


class ChildFacts(NamedTuple):
    """One child process as it is now."""

    pid: int
    slots: int  # 0 while it takes no jobs: it does not react, or ends
    busy: int  # jobs that it runs
    rss_bytes: int  # 0 where it cannot be read
    started: float  # `clock.now()`
    jobs_done: int


class Ended(NamedTuple):
    """A run that is over."""

    key: int
    took_ms: float  # in its slot
    outcome: Outcome


class Said(NamedTuple):
    """What a job says while it runs."""

    key: int
    topic: Topic
    data: bytes  # JSON


class Listener(Protocol):
    """Who gives jobs to hands and hears of them; called on the supervisor's event loop."""

    def said(self, said: Sequence[Said]) -> None:
        """Some jobs said something; never after their end was told."""

    def done(self, ended: Sequence[Ended]) -> None:
        """Some runs are over."""

    def parted(self, unstarted: Iterable[int], ended: Iterable[tuple[int, Outcome]]) -> None:
        """A child runs no more jobs: of those it had, some have not started, and some are over with its process."""

    def overran(self, keys: Sequence[int]) -> None:
        """Some runs have taken too long, and nobody can end them: their leases have to end by themselves."""

    def changed(self) -> None:
        """The number of usable slots is another one."""


class Hands(Protocol):
    """Run jobs, in the order in which they are handed over, as many at a time as there are slots."""

    @property
    def tasks(self) -> Mapping[str, str]:
        """The names of the tasks that can be run, each with the queue it is put on by default."""
        return {name: facts.queue for name, facts in self.facts.items()}

    @property
    def facts(self) -> Mapping[str, TaskFacts]:
        """What is known of each task."""

    @property
    def plan(self) -> Plan | None:
        """What the app says is periodic; None: nothing, or nothing that this worker is to tell."""

    @property
    def children(self) -> Sequence[ChildFacts]:
        """The child processes; none where there are none. It looks at their memory: not for every job."""

    @property
    def slots(self) -> int:
        """How many jobs can run at a time as things stand: 0 while no child is there that reacts."""

    @property
    def stuck(self) -> int:
        """How many jobs run where nothing reacts: they take up none of these slots."""

    @property
    def unstarted(self) -> int:
        """How many jobs have been handed over and have not started."""

    @property
    def is_uneven(self) -> bool:
        """Whether jobs stand behind busy slots while others are free: taken back and handed over again, they start."""

    def unstarted_keys(self) -> Collection[int]:
        """Return which jobs have been handed over and have not started."""

    async def start(self, listener: Listener) -> None:
        """Import the app and be ready. Raises AppFailed."""

    def run(self, orders: Sequence[Order]) -> None:
        """Hand over some jobs."""

    def take_back(self) -> list[int]:
        """Take back all jobs that have not started, and never will; return their keys, first in line first."""

    def extend(self, deadlines: Sequence[tuple[int, float]]) -> None:
        """Tell running jobs their new deadlines."""

    def lose(self, keys: Sequence[int]) -> None:
        """Tell running jobs that their lease is lost."""

    def ask_to_end(self, keys: Sequence[int]) -> None:
        """Tell running jobs that somebody wants them to end."""

    async def end(self) -> None:
        """Stop everything that still runs: cancel, a moment for last words, kill. Called again: nothing."""
