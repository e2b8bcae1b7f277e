"""What the executor has to tell: what jobs said, and how they ended; may be filled from any thread.

What a job said is never told after its end, and of what it said in a row only the newest is told at all.
"""

import threading
from collections import deque
from collections.abc import Callable

from headrace_worker.hands import Ended, Said
from headrace_worker.news import Topic
from headrace_worker.outcome import Outcome


class Outbox:
    """The news of one executor, until somebody takes them; `filled` is called when there are some."""

    def __init__(self, filled: Callable[[], None]) -> None:
        self._filled = filled
        self._lock = threading.Lock()
        self._said: dict[tuple[int, Topic], bytes] = {}
        self._ended: deque[Ended] = deque()

    def say(self, key: int, topic: Topic, data: bytes) -> None:
        """Take in what a job says."""
        with self._lock:
            self._said[key, topic] = data
        self._filled()

    def end(self, key: int, took_ms: float, outcome: Outcome) -> None:
        """Take in how a job ended."""
        self._ended.append(Ended(key, took_ms, outcome))
        self._filled()

    def take(self) -> tuple[list[Said], list[Ended]]:
        """Return all, to be told in this order."""
        ended = [self._ended.popleft() for _ in range(len(self._ended))]  # first: whatever these said is in the dict
        with self._lock:
            said, self._said = self._said, {}
        return [Said(key, topic, data) for (key, topic), data in said.items()], ended
