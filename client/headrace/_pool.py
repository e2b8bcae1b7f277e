"""Connections that wait for their next request: the one used last goes first; it must not know what a connection is."""

import time
from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Final, Generic, Protocol, TypeVar

KEPT_CONNECTIONS: Final = 100
KEPT_S: Final = 30.0  # shorter than a Headrace server keeps an idle connection (75 s): the client should close first


class Connection(Protocol):
    """What is kept here."""

    @property
    def is_whole(self) -> bool:
        """Whether it can carry another request, by the last reply: it was whole, and did not say goodbye."""
        ...

    @property
    def is_usable(self) -> bool:
        """Whether it can carry another request now: it is whole, and the server has not closed it since."""
        ...

    def close(self) -> None:
        """End it."""
        ...


C = TypeVar("C", bound=Connection)


class Pool(Generic[C]):
    """The idle connections to one server; may be used from any thread."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._idle: deque[tuple[float, C]] = deque()  # with the time since when, the oldest first
        self._closed = False

    def take(self) -> C | None:
        """Return a connection that was idle, or None where there is none that can be used."""
        self._drop(older_than=self._clock() - KEPT_S)
        while (connection := self._last()) is not None:
            if connection.is_usable:
                return connection
            connection.close()
        return None

    def give(self, connection: C) -> None:
        """Keep a connection until it is needed again, or close it where it cannot be used or too many are idle."""
        with self._lock:
            keep = not self._closed and connection.is_whole
            if keep:
                self._idle.append((self._clock(), connection))
        if not keep:
            connection.close()
        self._drop(most=KEPT_CONNECTIONS)

    def close(self) -> list[C]:
        """Close all idle connections, and from now on those that come back; return which."""
        self._closed = True
        return self._drop(most=0)

    def _last(self) -> C | None:
        with self._lock:
            return self._idle.pop()[1] if self._idle else None

    def _drop(self, *, older_than: float = 0.0, most: int = KEPT_CONNECTIONS) -> list[C]:
        dropped = []
        with self._lock:
            while self._idle and (self._idle[0][0] < older_than or len(self._idle) > most):
                dropped.append(self._idle.popleft()[1])
        for connection in dropped:
            connection.close()
        return dropped
