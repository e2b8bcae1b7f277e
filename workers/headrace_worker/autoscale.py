"""How many child processes to have, by how busy they are; pure: moments are arguments.

A worker sees how many of its slots are busy, not how much waits at the server. So it grows while all slots are busy,
one process at a time, and shrinks, more slowly, when one process less would have done for a while.
"""

from typing import Final

GROW_AFTER_S: Final = 1.0  # all slots busy for so long: longer than a burst takes that the slots can handle
SHRINK_AFTER_S: Final = 30.0  # a start costs the app's imports: many times what an idle process costs meanwhile


class Autoscale:
    """The decision for one worker, between `fewest` and `most` processes of `threads` slots each."""

    def __init__(self, fewest: int, most: int, threads: int) -> None:
        self._fewest = fewest
        self._most = most
        self._threads = threads
        self._full_since: float | None = None
        self._spare_since: float | None = None

    def wanted(self, have: int, busy: int, now: float) -> int:
        """Return how many processes there should be; `have` takes jobs now, and `busy` jobs run in them."""
        slots = have * self._threads
        self._full_since = (self._full_since or now) if busy >= slots else None
        self._spare_since = (self._spare_since or now) if busy <= slots - self._threads else None
        if self._full_since is not None and now - self._full_since >= GROW_AFTER_S:
            self._full_since = now
            have += 1
        elif self._spare_since is not None and now - self._spare_since >= SHRINK_AFTER_S:
            self._spare_since = now
            have -= 1
        return max(self._fewest, min(have, self._most))
