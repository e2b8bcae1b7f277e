"""What the supervisor needs of whoever runs the jobs: a child process (process.py) or its own threads (inline.py)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from headrace_worker.frames import Order
from headrace_worker.outcome import Outcome


class AppFailed(Exception):
    """The app cannot be used; the text is for its author."""


class Listener(Protocol):
    """Who gives jobs to hands and hears of them; called on the supervisor's event loop."""

    def done(self, ended: Sequence[tuple[int, Outcome]]) -> None:
        """Some jobs have ended."""

    def taken_back(self, keys: Iterable[int]) -> None:
        """These jobs have not started and never will."""

    def died(self, outcome: Outcome) -> None:
        """All jobs that had started are over, with this outcome."""

    def changed(self) -> None:
        """The number of usable slots is another one."""


class Hands(Protocol):
    """Run jobs."""

    @property
    def tasks(self) -> Mapping[str, str]:
        """The names of the tasks that can be run, each with the queue it is put on by default."""

    @property
    def slots(self) -> int:
        """How many jobs can run at a time as things stand: 0 while a child is replaced or does not react."""

    async def start(self, listener: Listener) -> None:
        """Import the app and be ready. Raises AppFailed."""

    def run(self, orders: Sequence[Order]) -> None:
        """Start some jobs; never more than `slots` at a time."""

    def extend(self, deadlines: Sequence[tuple[int, float]]) -> None:
        """Tell running jobs their new deadlines."""

    def lose(self, keys: Sequence[int]) -> None:
        """Tell running jobs that their lease is lost."""

    def check(self) -> bool:
        """Look after jobs that should have started by now; return whether some have not, so that it is called again."""

    async def end(self) -> None:
        """Stop everything that still runs: cancel, a moment for last words, kill. Called again: nothing."""
