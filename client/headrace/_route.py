"""Which of several servers is asked: the first that answers, for as long as it does; it must not do I/O.

Servers are equal, for all they know is in the store. So a client stays with one, moves on when that one cannot be
reached or a reply is lost, and tries the first one again after a while: that is the order its owner wished.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from threading import Lock
from typing import Final

from headrace._steps import Loss, NoReply, Outcome
from headrace._transport import Endpoint

_HOME_S: Final = 30.0  # after that the first server is asked again


class Route:
    """The servers of a client, and the one that is asked now; may be used from any thread."""

    def __init__(self, servers: Sequence[Endpoint], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._servers = tuple(servers)
        self._clock = clock
        self._lock = Lock()
        self._index = 0
        self._left_at = 0.0  # when the first server was left

    @property
    def current(self) -> Endpoint:
        """The server that the next request goes to."""
        with self._lock:
            if self._index and self._clock() - self._left_at >= _HOME_S:
                self._index = 0
            return self._servers[self._index]

    def tries(self) -> Iterator[Endpoint]:
        """Iterate over the servers for one request: each one once, the current one first."""
        start = self._servers.index(self.current)
        yield from self._servers[start:]
        yield from self._servers[:start]

    def unsent(self, server: Endpoint, outcome: Outcome) -> NoReply | None:
        """Take note of what came of a request, and return it where the request may be sent to the next server at once.

        That is where nothing of it was sent; of a lost reply the verb knows whether a second execution does no harm.
        """
        if not isinstance(outcome, NoReply):
            return None
        self._leave(server)
        return outcome if outcome.loss is Loss.NOT_SENT else None

    def _leave(self, server: Endpoint) -> None:
        with self._lock:
            if server != self._servers[self._index]:  # another thread has moved on
                return
            if self._index == 0:
                self._left_at = self._clock()
            self._index = (self._index + 1) % len(self._servers)
