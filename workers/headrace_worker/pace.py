"""How many jobs to hold: the prefetch window and its guards; pure: times are arguments.

One HTTP request costs as much as a hundred short jobs, so short jobs are leased in advance. A job that waits here is
a job that no other worker can take, so the advance is 50 ms of work, and what does not start soon goes back.
"""

from collections import deque
from collections.abc import Iterable

from headrace_worker import bounds


class Pace:
    """The running means of the tasks, and which tasks have been coming lately."""

    def __init__(self) -> None:
        self._mean_ms: dict[str, float] = {}
        self._runs: dict[str, int] = {}
        self._recent: deque[str] = deque(maxlen=bounds.RECENT_TASKS)

    def leased(self, task: str) -> None:
        """Take in that a job of this task was leased."""
        self._recent.append(task)

    def ran(self, task: str, took_ms: float) -> None:
        """Take in one run, slot to slot: with the ways to the executor and back."""
        old = self._mean_ms.get(task, took_ms)
        self._mean_ms[task] = old + bounds.MEAN_WEIGHT * (took_ms - old)
        self._runs[task] = self._runs.get(task, 0) + 1

    def mean_ms(self) -> float | None:
        """Return the mean of the slowest task that came lately; None while one of them is not known."""
        tasks = set(self._recent)
        if not tasks or any(self._runs.get(task, 0) < bounds.MEAN_SAMPLES for task in tasks):
            return None
        return max(self._mean_ms[task] for task in tasks)


def window(mean_ms: float | None, slots: int) -> int:
    """Return how many jobs to hold beyond the slots: what `slots` finish in 50 ms; 0 for slow and unknown tasks."""
    if mean_ms is None or mean_ms >= bounds.WINDOW_MEAN_MS:
        return 0
    return min(int(slots * bounds.WINDOW_MS / max(mean_ms, 0.001)), bounds.WINDOW_JOBS)


def wanted(*, slots: int, running: int, waiting: int, window_jobs: int) -> int:
    """Return how many jobs to ask for, 0 for none.

    With a window the next request leaves when half of it is used up: the other half is worked on meanwhile.
    """
    if window_jobs and waiting > window_jobs // 2:
        return 0
    return max(0, min(slots - running - waiting + window_jobs, bounds.LEASE_JOBS))


def overdue(ages_ms: Iterable[float], *, mean_ms: float | None, slots: int, blocked: int) -> list[int]:
    """Return the places, in the line of waiting jobs, of those that must go back.

    `ages_ms` is how long each has been waiting, first in line first; `blocked` counts the slots that have been busy for
    more than BLOCKED_SLOT_MS with one job. Once one is, only what the others finish in 50 ms may wait.
    """
    keep = window(mean_ms, slots - blocked) if blocked else None
    return [
        place
        for place, age_ms in enumerate(ages_ms)
        if age_ms > bounds.WAIT_TO_START_MS or (keep is not None and place >= keep)
    ]
