"""Tickets: who owns a job that may not have started. The owner of a job's ticket may start it, or give it back.

The supervisor puts a ticket for each job it hands over; the executor takes one for each slot that becomes free. A job
whose ticket is still there has not started, and when the supervisor takes the ticket back, it never will. Between two
processes the tickets lie in a pipe, which both can read: the kernel gives every byte to one reader only, also while
the child cannot answer because a task holds the GIL.
"""

import array
import fcntl
import os
import termios
from collections import deque
from collections.abc import Iterable
from typing import Final, Protocol

_TICKET: Final = "Q"  # as `array` writes it, for processes of one machine
_TICKET_BYTES: Final = array.array(_TICKET).itemsize
_ALL_BYTES: Final = 1 << 16  # what a pipe of Linux holds: 8,192 tickets, many more than a worker holds jobs


class Tickets(Protocol):
    """The keys of jobs that have been handed over and have not started, first in line first."""

    def put(self, keys: Iterable[int]) -> None:
        """Add some at the end."""

    def take(self, most: int) -> list[int]:
        """Remove up to `most` from the front; whoever gets a key from here owns its job."""

    def take_all(self) -> list[int]:
        """Remove all."""

    def count(self) -> int:
        """Return how many there are."""


class LocalTickets(Tickets):
    """Tickets within one process; `popleft` is atomic."""

    def __init__(self) -> None:
        self._keys: deque[int] = deque()

    def put(self, keys: Iterable[int]) -> None:
        """See Tickets."""
        self._keys.extend(keys)

    def take(self, most: int) -> list[int]:
        """See Tickets."""
        taken: list[int] = []
        try:
            while len(taken) < most:
                taken.append(self._keys.popleft())
        except IndexError:
            return taken
        return taken

    def take_all(self) -> list[int]:
        """See Tickets."""
        return self.take(len(self._keys))

    def count(self) -> int:
        """See Tickets."""
        return len(self._keys)

    def keys(self) -> set[int]:
        """Return which there are."""
        return set(self._keys.copy())


class PipeTickets(Tickets):
    """Tickets in a pipe; the child has the reading end only."""

    def __init__(self, out: int, into: int | None = None) -> None:
        self._out = out
        self._into = into

    @classmethod
    def make(cls) -> "PipeTickets":
        """Return the supervisor's, with both ends."""
        out, into = os.pipe()
        os.set_blocking(out, False)  # for the child, too: the flag belongs to the pipe, not to the process
        return cls(out, into)

    @property
    def out(self) -> int:
        """The file descriptor of the reading end, for the child to inherit."""
        return self._out

    def put(self, keys: Iterable[int]) -> None:
        """See Tickets."""
        assert self._into is not None, "the child only takes"
        os.write(self._into, array.array(_TICKET, keys).tobytes())

    def take(self, most: int) -> list[int]:
        """See Tickets."""
        return self._read(most * _TICKET_BYTES) if most > 0 else []

    def take_all(self) -> list[int]:
        """See Tickets."""
        return self._read(_ALL_BYTES)

    def count(self) -> int:
        """See Tickets."""
        unread = array.array("i", [0])
        fcntl.ioctl(self._out, termios.FIONREAD, unread)
        return unread[0] // _TICKET_BYTES

    def close(self) -> None:
        """Close both ends."""
        os.close(self._out)
        if self._into is not None:
            os.close(self._into)

    def _read(self, size: int) -> list[int]:
        try:
            return array.array(_TICKET, os.read(self._out, size)).tolist()
        except BlockingIOError:
            return []
