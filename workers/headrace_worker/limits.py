"""When the jobs of one child have to be over.

A hard limit is measured by the supervisor, because a task that holds the GIL stops every clock in its own process. It
counts from the start of the job, by a clock that stands still while the machine is suspended, as the job does.
"""

import asyncio
from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from typing import Any

from headrace.context import reserved

from headrace_worker import bounds
from headrace_worker.frames import Order
from headrace_worker.hands import TaskFacts


class Limits:
    """The hard limits of the jobs that one child has; pure: moments are arguments."""

    def __init__(self) -> None:
        self._unstarted: dict[int, float] = {}  # key -> seconds
        self._due: dict[int, float] = {}  # key -> moment

    def __bool__(self) -> bool:
        return bool(self._unstarted or self._due)

    @property
    def has_unstarted(self) -> bool:
        """Whether somebody has to say when a job starts."""
        return bool(self._unstarted)

    @property
    def next_due(self) -> float | None:
        """The moment at which the first of the running jobs has to be over."""
        return min(self._due.values(), default=None)

    def add(self, key: int, seconds: float) -> None:
        """Take in a job that may run so long once it has started."""
        self._unstarted[key] = seconds

    def drop(self, keys: Iterable[int]) -> None:
        """Forget jobs that are over or were taken back."""
        for key in keys:
            self._unstarted.pop(key, None)
            self._due.pop(key, None)

    def note_started(self, unstarted: Container[int], now: float) -> None:
        """Take in that all jobs but these have started by now."""
        for key in [key for key in self._unstarted if key not in unstarted]:
            self._due[key] = now + self._unstarted.pop(key)

    def over(self, now: float) -> list[int]:
        """Return the jobs that have run for too long, each once."""
        over = [key for key, due in self._due.items() if due <= now]
        for key in over:
            del self._due[key]
        return over


def limits_of(orders: Iterable[Order], tasks: Mapping[str, TaskFacts]) -> dict[int, float]:
    """Return how many seconds each job may run, where that is limited: by its call, else by its task."""
    limits: dict[int, float] = {}
    for key, facts in orders:
        task, meta = tasks.get(facts["task"]), facts.get("meta")
        limit = (_asked_s(meta) if meta else None) or (None if task is None else task.time_limit_s)
        if limit is not None:
            limits[key] = limit
    return limits


def _asked_s(meta: Mapping[str, Any]) -> float | None:
    asked = reserved(meta).get("time_limit")
    return float(asked) if isinstance(asked, int | float) and asked > 0 else None


class Stopwatch:
    """Looks at the limits of one child when there is something to see; of no cost while no job has one."""

    def __init__(self, unstarted: Callable[[], Collection[int]], over: Callable[[Sequence[int]], None]) -> None:
        self._unstarted = unstarted
        self._over = over
        self._loop = asyncio.get_running_loop()
        self._limits = Limits()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, limits: Mapping[int, float]) -> None:
        """Take in jobs that may run so many seconds."""
        for key, seconds in limits.items():
            self._limits.add(key, seconds)
        if limits:
            self._set()

    def drop(self, keys: Iterable[int]) -> None:
        """Forget jobs that are over or were taken back."""
        if self._limits:
            self._limits.drop(keys)

    def look(self) -> None:
        """Note which jobs have started, and tell which have run for too long."""
        if not self._limits:
            return
        if self._limits.has_unstarted:
            self._limits.note_started(set(self._unstarted()), self._loop.time())
        over = self._limits.over(self._loop.time())
        if over:
            self._over(over)
        self._set()

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self) -> None:
        self.stop()
        moments = [] if self._limits.next_due is None else [self._limits.next_due]
        if self._limits.has_unstarted:
            moments.append(self._loop.time() + bounds.LOOK_FOR_STARTS_S)
        if moments:
            self._timer = self._loop.call_at(min(moments), self.look)
