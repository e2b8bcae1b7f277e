"""What the executor has to tell: what jobs said, and how they ended; may be filled from any thread.

What a job said is never told after its end, and of what it said in a row only the newest is told at all.
"""

import threading

from headrace_worker.hands import Ended, Said
from headrace_worker.news import Topic
from headrace_worker.outcome import Outcome


class Outbox:
    """The news of one executor, until somebody takes them.

    Who puts the first of them in hears so, and sees to it that somebody comes for all.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said: dict[tuple[int, Topic], bytes] = {}
        self._ended: list[Ended] = []

    def say(self, key: int, topic: Topic, data: bytes) -> bool:
        """Take in what a job says; return whether it is the first news."""
        with self._lock:
            is_first = not (self._said or self._ended)
            self._said[key, topic] = data
        return is_first

    def end(self, key: int, took_ms: float, outcome: Outcome) -> bool:
        """Take in how a job ended; return whether it is the first news."""
        ended = Ended(key, took_ms, outcome)
        with self._lock:
            is_first = not (self._said or self._ended)
            self._ended.append(ended)
        return is_first

    def take(self) -> tuple[list[Said], list[Ended]]:
        """Return all, to be told in this order."""
        with self._lock:
            said, self._said = self._said, {}
            ended, self._ended = self._ended, []
        return [Said(key, topic, data) for (key, topic), data in said.items()], ended
