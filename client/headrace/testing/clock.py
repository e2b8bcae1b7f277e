"""The clock of a test server: it goes as fast as everybody's, and a test may turn it on."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from headrace.client import Client
from headrace.words import State

_MAX_STEPS: Final = 10_000  # moments at which something falls due in one `advance`
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_HELD_BACK: Final = 20  # ready jobs that are asked what they wait for: those of one limit wait for the same
_WAITING: Final = (State.SCHEDULED, State.RETRYING)


class Clock:
    """Turns the clock of a server that was started with `--test-clock`; what falls due on the way happens in order.

    `settle` is called between two steps and at the end, and returns when the workers have nothing to do: so each retry
    and each delayed job runs at its own time, however far the clock is turned at once.
    """

    def __init__(self, client: Client) -> None:
        """Make a clock over a server's client."""
        self._client = client
        self.settle: Callable[[], None] | None = None

    @property
    def now(self) -> datetime:
        """What time it is for the server (aware, UTC)."""
        return self._client.clock()

    def advance(self, by: float | timedelta | str) -> datetime:
        """Turn the clock on by seconds, a timedelta, or a text as "90s", "10m", "36h", "3d"; return the time then.

        Raises RuntimeError when more than 10,000 moments are on the way (a task that enqueues itself again and again).
        """
        if self.settle is None:
            return self._client.advance_clock(_span(by))
        target = self.now + _span(by)
        for _ in range(_MAX_STEPS):
            self.settle()
            due = self._next_due()
            if due is None or due > target:
                self._turn(target)
                self.settle()
                return self.now
            self._turn(due)
        raise RuntimeError(f"{_MAX_STEPS} moments were not enough to reach {target}: it is {self.now}")

    def _turn(self, moment: datetime) -> None:
        self._client.advance_clock(max(moment - self.now, timedelta()))  # 0: what is due by now happens

    def _next_due(self) -> datetime | None:
        """Return when a job is due next, or let go by a rate or a pause."""
        ready = self._client.list_jobs(state=State.READY, limit=_HELD_BACK).jobs
        held = [reason.until for job in ready for reason in self._client.explain(job.id).reasons]
        moments = [*held, *(job.run_at for job in self._client.iter_jobs(state=_WAITING))]
        return min((moment for moment in moments if moment is not None), default=None)


def _span(by: float | timedelta | str) -> timedelta:
    if isinstance(by, timedelta):
        return by
    return timedelta(seconds=float(by)) if isinstance(by, int | float) else _read(by)


def _read(text: str) -> timedelta:
    number, unit = text[:-1], text[-1:]
    if unit not in _UNITS:
        raise ValueError(f"{text!r} is no span of time; write 90s, 10m, 36h or 3d")
    return timedelta(**{_UNITS[unit]: float(number)})
