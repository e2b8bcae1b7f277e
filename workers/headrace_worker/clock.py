"""Time for leases: a clock that counts suspend, and deadlines of the server's clock on it; it must not start timers.

A laptop that sleeps for a minute has lost its 30-second leases. CLOCK_MONOTONIC stands still meanwhile and would still
believe in them; CLOCK_BOOTTIME does not. It is the same for all processes of the machine.
"""

import sys
import time
from datetime import datetime, timedelta
from typing import Final

DRIFT: Final = 500e-6  # the most that NTP slews a clock


if sys.platform == "linux":

    def now() -> float:
        """Return seconds since some fixed moment, suspend included."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

else:

    def now() -> float:
        """Return seconds since some fixed moment; whether suspend is included is up to the system."""
        return time.monotonic()


def seconds(span: timedelta) -> float:
    """Return a span in seconds."""
    return span / timedelta(seconds=1)


class ServerClock:
    """When, at the earliest, an instant of the server's clock is reached on ours.

    A reply with the server's time S, asked for at `sent`, proves that S was not reached before `sent`. A poll that was
    parked for 20 s proves little, a quick heartbeat much; so the best proof is kept, weakened by the drift of clocks,
    and dropped when a later reply contradicts it: then one of the clocks was set.
    """

    def __init__(self) -> None:
        self._anchor: datetime | None = None  # an instant of the server ...
        self._reached = 0.0  # ... and the earliest moment of ours for it
        self._proved = 0.0

    def observe(self, *, sent: float, server_time: datetime, received: float) -> None:
        """Take in one reply: when its request was sent, what it says, when it was here."""
        kept = self._earliest(server_time, received)
        holds = kept is not None and sent < kept <= received
        if not holds:
            self._anchor, self._reached, self._proved = server_time, sent, received

    def local(self, instant: datetime) -> float:
        """Return the earliest moment of our clock for `instant` of the server's. Needs one `observe` before."""
        if self._anchor is None:
            raise RuntimeError("no reply of the server was observed yet")
        return self._reached + seconds(instant - self._anchor)

    def _earliest(self, instant: datetime, moment: float) -> float | None:
        if self._anchor is None:
            return None
        return self.local(instant) - DRIFT * (moment - self._proved)
