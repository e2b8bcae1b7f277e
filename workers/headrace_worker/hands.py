"""What the supervisor needs of whoever runs the jobs: a child process (process.py) or its own threads (inline.py)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from headrace_worker.frames import Order
from headrace_worker.news import Topic
from headrace_worker.outcome import Outcome


class AppFailed(Exception):
    """The app cannot be used; the text is for its author."""


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

    def died(self, unstarted: Iterable[int], outcome: Outcome) -> None:
        """A child is gone: of the jobs it had, these had not started, and all others are over with this outcome."""

    def changed(self) -> None:
        """The number of usable slots is another one."""


class Hands(Protocol):
    """Run jobs, in the order in which they are handed over, as many at a time as there are slots."""

    @property
    def tasks(self) -> Mapping[str, str]:
        """The names of the tasks that can be run, each with the queue it is put on by default."""

    @property
    def slots(self) -> int:
        """How many jobs can run at a time as things stand: 0 while a child is replaced or does not react."""

    @property
    def unstarted(self) -> int:
        """How many jobs have been handed over and have not started: the last ones of those that have not ended."""

    async def start(self, listener: Listener) -> None:
        """Import the app and be ready. Raises AppFailed."""

    def run(self, orders: Sequence[Order]) -> None:
        """Hand over some jobs."""

    def take_back(self) -> list[int]:
        """Take back all jobs that have not started, and never will; return their keys, first in line first."""

    def doubt(self) -> None:
        """Slots are free and jobs do not start: have no usable slots until there is a sign of life."""

    def extend(self, deadlines: Sequence[tuple[int, float]]) -> None:
        """Tell running jobs their new deadlines."""

    def lose(self, keys: Sequence[int]) -> None:
        """Tell running jobs that their lease is lost."""

    def ask_to_end(self, keys: Sequence[int]) -> None:
        """Tell running jobs that somebody wants them to end."""

    async def end(self) -> None:
        """Stop everything that still runs: cancel, a moment for last words, kill. Called again: nothing."""
