"""What became of the jobs since the worker started, by task: for its heartbeats and its metrics."""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from headrace import State, Status
from headrace.leases import Ack, Completion, Nack, Settled

from headrace_worker import bounds

# Upper bounds in seconds: from what only just repays a request to what should have a time limit.
BUCKETS_S: Final = (0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0, 3600.0)
_OTHERS: Final = "(others)"


class End(StrEnum):
    """How a delivery ended, as the server sees it."""

    SUCCEEDED = "succeeded"
    RETRIED = "retried"  # failed, and will run again
    FAILED = "failed"  # failed, and will not
    RETURNED = "returned"  # released or snoozed: nothing was counted
    CANCELLED = "cancelled"
    LOST = "lost"  # the lease was somebody else's meanwhile, or nobody's; what it did here did not count


@dataclass
class Runs:
    """How long the runs of one task took, in their slots."""

    buckets: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))  # the last one: longer than all
    sum_s: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.buckets[bisect_left(BUCKETS_S, seconds)] += 1
        self.sum_s += seconds


class Tally:
    """The counters of one worker. Tasks beyond a bound are counted together."""

    def __init__(self) -> None:
        self.ends: dict[End, Counter[str]] = {end: Counter() for end in End}  # by task
        self.runs: dict[str, Runs] = {}
        self.failures: Counter[str] = Counter()  # requests, by what they were for
        self.failing: set[str] = set()  # those that failed when they were last tried
        self._tasks: set[str] = set()

    def total(self, end: End) -> int:
        """Return how many ended so, of all tasks."""
        return self.ends[end].total()

    def ran(self, task: str, seconds: float) -> None:
        """Count a run."""
        runs = self.runs.get(task)
        if runs is None:
            runs = self.runs.setdefault(self._known(task), Runs())
        runs.add(seconds)

    def ended(self, task: str, end: End) -> None:
        """Count an end."""
        ends = self.ends[end]
        ends[task if task in ends else self._known(task)] += 1

    def _known(self, task: str) -> str:
        if task not in self._tasks and len(self._tasks) >= bounds.TALLIED_TASKS:
            return _OTHERS
        self._tasks.add(task)
        return task


def end_of(completion: Completion, verdict: Settled) -> End:
    """Return how a delivery ended by its completion and the server's verdict on it."""
    if verdict.status in (Status.LEASE_LOST, Status.NOT_FOUND):
        return End.LOST
    if verdict.status is Status.JOB_CANCELLED or verdict.state is State.CANCELLED:
        return End.CANCELLED
    if isinstance(completion, Ack):
        return End.SUCCEEDED
    if isinstance(completion, Nack):
        return End.FAILED if verdict.state is State.DEAD else End.RETRIED
    return End.RETURNED
