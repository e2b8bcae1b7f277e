"""When a store that died is started again; pure, time is an argument."""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

FIRST_WAIT_MS: Final = 100
LONGEST_WAIT_MS: Final = 5_000  # jobs are served again within 5 s of the cause going away (G25)
STEADY_MS: Final = 30_000  # a store that lived that long died of something new


class Action(Enum):
    """What the supervisor does next."""

    NOTHING = "nothing"
    TAKE_OVER = "take over"  # try to become the supervisor: the one that was may be dead
    START = "start"


@dataclass(frozen=True)
class Watch:
    """What the supervisor remembers."""

    holder: bool  # this server supervises
    since_ms: int  # start of the current life, or of the current wait
    failures: int = 0  # deaths and failed starts in a row


def decide(watch: Watch, *, alive: bool, now_ms: int) -> Action:
    """Return what to do about a store that lives or not."""
    if not watch.holder:
        return Action.TAKE_OVER
    if alive or now_ms - watch.since_ms < restart_wait_ms(watch.failures):
        return Action.NOTHING
    return Action.START


def after_death(watch: Watch, now_ms: int) -> Watch:
    """Return what to remember when the store was found dead, or failed to start."""
    steady = now_ms - watch.since_ms >= STEADY_MS
    return replace(watch, since_ms=now_ms, failures=1 if steady else watch.failures + 1)


def restart_wait_ms(failures: int) -> int:
    """Return how long to wait before a start: none after the first death, then doubling up to the cap."""
    if failures <= 1:
        return 0
    return min(LONGEST_WAIT_MS, FIRST_WAIT_MS << min(failures - 2, 16))
