"""What workers are told, as this process has heard; it must not know the store, nor who waits.

A directive is rare and a poll is not: so nobody asks the store about it. Whoever changes one publishes it, and what was
said before the subscription began is read once, then. Between the two nothing is known.
"""

from collections.abc import Mapping
from typing import Final

from headrace_server.domain.fleet import Directive

_WORDS: Final = frozenset(Directive)
_PREFIX: Final = "worker "  # no queue's name has a space


def parking_name(worker: str) -> str:
    """Return the name under which the polls of a worker wait, beside those of their queues."""
    return _PREFIX + worker


def known(word: str) -> Directive:
    """Return a directive by its word; of one that only newer servers know, nothing is known here: go on."""
    return Directive(word) if word in _WORDS else Directive.RUN


class Directives:
    """Directives by worker; only those are held that are not `run`."""

    def __init__(self) -> None:
        self._told: dict[str, Directive] | None = None  # None: not known
        self._since: dict[str, Directive] | None = None  # heard while somebody reads; None: nobody does
        self.changes = 0  # how often something was heard: what was asked before may be older

    def of(self, worker: str | None) -> Directive | None:
        """Return what a worker is told; None when that is not known, or it has no id."""
        return None if self._told is None or worker is None else self._told.get(worker, Directive.RUN)

    def takes_none(self, worker: str | None) -> bool:
        """Return whether a worker is known to be told to take no jobs."""
        return self.of(worker) in (Directive.QUIET, Directive.STOP)

    def begin(self) -> None:
        """Hear changes from now on, and expect `know` with what was read after this."""
        self._since = {}

    def know(self, told: Mapping[str, Directive]) -> None:
        """Take what was read; what was heard since `begin` is newer. After `lose` it is too old to be of use."""
        since, self._since = self._since, None
        if since is not None:
            self._told = {worker: told for worker, told in {**told, **since}.items() if told is not Directive.RUN}

    def lose(self) -> None:
        """Know nothing any more: changes are not heard."""
        self._told = self._since = None

    def hear(self, worker: str, directive: Directive) -> None:
        """Take a change."""
        self.changes += 1
        if self._since is not None:
            self._since[worker] = directive
        self._keep(worker, directive)

    def learn(self, worker: str, directive: Directive, changes: int) -> None:
        """Take what the store said about one worker, if nothing was heard since it was asked, at that many changes."""
        if changes == self.changes and self._since is None:
            self._keep(worker, directive)

    def _keep(self, worker: str, directive: Directive) -> None:
        if self._told is not None and directive is Directive.RUN:
            self._told.pop(worker, None)
        elif self._told is not None:
            self._told[worker] = directive
