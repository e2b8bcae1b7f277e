"""One call with its retries, as steps; it must not do I/O, so the clock and the dice are handed in."""

import itertools
import random
import time
from collections.abc import Callable
from typing import TypeVar

from headrace._codec import CODECS, Format
from headrace._retry import Patience
from headrace._steps import Pause, Steps, send
from headrace._wire import Call, Dialect, read_outcome
from headrace.errors import HeadraceError

R = TypeVar("R")


class Exchange:
    """What all verbs stand on: the format of the bodies, the patience, the clock and the dice."""

    def __init__(
        self,
        *,
        format: Format = "json",
        retry: Patience | None = None,
        timeout_s: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
        dice: Callable[[], float] = random.random,
    ) -> None:
        if format not in CODECS:
            raise ValueError(f"format must be one of {', '.join(map(repr, CODECS))}, not {format!r}")
        self._dialect = Dialect(CODECS[format])
        self._retry = retry or Patience()
        self._timeout_s = timeout_s
        self._clock = clock
        self._dice = dice

    def _call(self, call: Call[R]) -> Steps[R]:
        """Send until there is an answer worth having; raises the error of the last try."""
        started = self._clock()
        for tries in itertools.count(1):
            outcome = yield from send(call.request, self._timeout_s + call.wait_s)
            try:
                return read_outcome(call, outcome)
            except HeadraceError as error:
                wait_s = self._retry.wait_s(
                    error,
                    repeatable=call.repeatable,
                    tries=tries,
                    elapsed_s=self._clock() - started,
                    draw=self._dice(),
                )
                if wait_s is None:
                    raise
            yield Pause(wait_s)
        raise AssertionError("unreachable: the count has no end")
