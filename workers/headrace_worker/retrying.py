"""The patience of one loop that asks the server: counts failures, logs their beginning and end, and waits."""

import asyncio
import random

from headrace import NotDone, OutcomeUnknown, ProblemError

from headrace_worker import clock, log
from headrace_worker.backoff import retry_s
from headrace_worker.tally import Tally


class Retrying:
    """Failures in a row of one kind of request."""

    def __init__(self, what: str, tally: Tally) -> None:
        self._what = what
        self._tally = tally
        self._failures = 0
        self._since = 0.0
        self._retry_after_s = 0.0

    def failed(self, error: Exception) -> None:
        """Count a failure; `pause` will wait for it. An error that will not mend by itself is logged as one."""
        asked_ms = error.retry_after_ms if isinstance(error, ProblemError) else None
        will_mend = isinstance(error, NotDone | OutcomeUnknown)
        self._count(str(error), (asked_ms or 0) / 1000, will_mend=will_mend)

    def fell_short(self, why: str) -> None:
        """Count an answer that was none."""
        self._count(why, 0.0, will_mend=True)

    def worked(self) -> None:
        """Forget the failures."""
        if self._failures:
            log.info(f"{self._what} works again", after_s=clock.now() - self._since, failures=self._failures)
        self._failures = 0
        self._tally.failing.discard(self._what)

    async def pause(self) -> None:
        """Wait as long as the number of failures asks for."""
        await asyncio.sleep(retry_s(max(self._failures, 1), random.random(), self._retry_after_s))

    def _count(self, why: str, retry_after_s: float, *, will_mend: bool) -> None:
        if self._failures == 0:
            self._since = clock.now()
            say = log.warning if will_mend else log.error
            say(f"{self._what} failed, will try again", why=why)
        self._failures += 1
        self._tally.failures[self._what] += 1
        self._tally.failing.add(self._what)
        self._retry_after_s = retry_after_s
