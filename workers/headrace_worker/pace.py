"""How many jobs to hold: the prefetch window and its guards; pure: times are arguments.

One HTTP request costs as much as a hundred short jobs, so short jobs are leased in advance. A job that waits here is
a job that no other worker can take, so the advance is 50 ms of work, and what does not start soon goes back.
"""

from collections import deque
from collections.abc import Sequence

from headrace_worker import bounds


class Pace:
    """The running means of the tasks, which tasks have been coming lately, and how fast jobs end."""

    def __init__(self) -> None:
        self._mean_ms: dict[str, float] = {}
        self._runs: dict[str, int] = {}
        self._recent: deque[str] = deque(maxlen=bounds.RECENT_TASKS)
        self.gap_ms: float | None = None  # running mean of the time between two ends while the slots were busy

    def leased(self, task: str) -> None:
        """Take in that a job of this task was leased."""
        self._recent.append(task)

    def ran(self, task: str, took_ms: float) -> None:
        """Take in one run."""
        old = self._mean_ms.get(task, took_ms)
        self._mean_ms[task] = old + bounds.MEAN_WEIGHT * (took_ms - old)
        self._runs[task] = self._runs.get(task, 0) + 1

    def ended(self, jobs: int, since_ms: float) -> None:
        """Take in that `jobs` ended within `since_ms`, in which there always was one to run."""
        gap_ms = since_ms / jobs
        old = gap_ms if self.gap_ms is None else self.gap_ms
        self.gap_ms = old + bounds.MEAN_WEIGHT * (gap_ms - old)

    def mean_ms(self) -> float | None:
        """Return the mean of the slowest task that came lately; None while one of them is not known."""
        tasks = set(self._recent)
        if not tasks or any(self._runs.get(task, 0) < bounds.MEAN_SAMPLES for task in tasks):
            return None
        return max(self._mean_ms[task] for task in tasks)


def window(mean_ms: float | None, slots: int, gap_ms: float | None = None) -> int:
    """Return how many jobs to hold beyond the slots: what `slots` finish in 50 ms; 0 for slow and unknown tasks.

    Very short jobs end more slowly than their mean says, because their way there and back takes longer than they do:
    `gap_ms`, the time between two ends as it was seen, bounds the window, too.
    """
    if mean_ms is None or mean_ms >= bounds.WINDOW_MEAN_MS:
        return 0
    by_mean = slots * bounds.WINDOW_MS / max(mean_ms, 0.001)
    by_gap = by_mean if gap_ms is None else bounds.WINDOW_MS / max(gap_ms, 0.001)
    return int(min(by_mean, by_gap, bounds.WINDOW_JOBS))


def wanted(*, slots: int, held: int, window_jobs: int) -> int:
    """Return how many jobs to ask for, 0 for none; `held` counts those that have not ended.

    With a window the next request leaves when half of it is used up: the other half is worked on meanwhile.
    """
    if window_jobs and held - slots > window_jobs // 2:
        return 0
    return max(0, min(slots + window_jobs - held, bounds.LEASE_JOBS))


def overdue(ages_ms: Sequence[float], keep: int | None) -> list[int]:
    """Return the places, in the line of jobs that have not started, of those that must go back.

    `ages_ms` is how long each has been here, first in line first. `keep`: how many may wait, where that is limited,
    because a slot has been busy for more than BLOCKED_SLOT_MS and the others will not get further in 50 ms.
    """
    return [
        place
        for place, age_ms in enumerate(ages_ms)
        if age_ms > bounds.WAIT_TO_START_MS or (keep is not None and place >= keep)
    ]
