"""Who hears of child processes: what one does (life.py), and what becomes of the jobs of those that go (crew.py)."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from headrace_worker.hands import Ended, Said
from headrace_worker.outcome import Outcome

if TYPE_CHECKING:
    from headrace_worker.life import Life


class Parent(Protocol):
    """Who is told what a child does."""

    def said(self, said: Sequence[Said]) -> None:
        """Some of its jobs said something."""

    def done(self, life: "Life", ended: Sequence[Ended]) -> None:
        """Some of its runs are over."""

    def doubted(self, life: "Life") -> None:
        """It does not react any more, or does again."""

    def overtime(self, life: "Life", keys: Sequence[int]) -> None:
        """Jobs of it have run for longer than they may."""

    def files_changed(self, life: "Life", files: Sequence[str]) -> None:
        """The app that it has imported is made of other files now."""


class Owner(Parent, Protocol):
    """Who is told what the children do, and what becomes of the jobs of those that go."""

    def parted(self, unstarted: Iterable[int], ended: Iterable[tuple[int, Outcome]]) -> None:
        """See Listener."""

    def changed(self) -> None:
        """Somebody has come who can take jobs."""
