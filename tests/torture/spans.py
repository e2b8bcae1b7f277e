"""When something surely was the case, by the store's clock: what a judge of intervals may build on; it must not judge.

The processes of a run share the machine's monotonic clock, and each answer tells the store's. So whatever was asked at
a moment happened, in the store, not before any answer that somebody had by then, and not after any answer to what was
asked later.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

from tests.torture.ledger import Grant, Ledger, Life, Order

ENDS_LEASE = frozenset({"ack", "nack", "release", "snooze"})
NEVER_MS = 2**60


@dataclass(frozen=True)
class Span:
    """A time in which a job surely was leased, in ms of the store's clock; `end_ms` is not in it."""

    life: Life
    grant: Grant
    start_ms: int
    end_ms: int


class StoreClock:
    """What is known of the store's time at a moment of the machine's clock."""

    def __init__(self, ledger: Ledger) -> None:
        told = sorted((told_t, at_ms) for _, told_t, at_ms in ledger.clock)
        asked = sorted((asked_t, at_ms) for asked_t, _, at_ms in ledger.clock)
        self._told_t = [t for t, _ in told]
        self._latest_ms = list(accumulate((at_ms for _, at_ms in told), max))
        self._asked_t = [t for t, _ in asked]
        self._earliest_ms = list(accumulate((at_ms for _, at_ms in reversed(asked)), min))[::-1]

    def not_before(self, t: int) -> int:
        """Return a time that the store's clock had reached at `t`."""
        known = bisect_right(self._told_t, t)
        return self._latest_ms[known - 1] if known else 0

    def not_after(self, t: int) -> int:
        """Return a time that the store's clock had not passed at `t`."""
        later = bisect_left(self._asked_t, t)
        return self._earliest_ms[later] if later < len(self._asked_t) else NEVER_MS


def sure_spans(ledger: Ledger, clock: StoreClock) -> list[Span]:
    """Return, for each lease of jobs that somebody asked for, how long it surely lasted."""
    spans: list[Span] = []
    for life in ledger.lives.values():
        for grant in life.grants:
            end_ms = min([grant.deadline_ms, *(clock.not_before(t) for t in _ends_asked(life, grant))])
            spans.append(Span(life, grant, grant.granted_ms, end_ms))
    return spans


def _ends_asked(life: Life, grant: Grant) -> Iterable[int]:
    """Yield when somebody asked for something that ends this lease."""
    yield from (ask.t for ask in life.asks.get(grant.token, []) if ask.op in ENDS_LEASE)
    yield from (steer.asked_t for steer in life.steered("cancel"))


def most_at_once(spans: Iterable[Span]) -> tuple[int, int]:
    """Return how many spans there are at the worst moment, and that moment; one that ends makes room first."""
    steps = [step for span in spans for step in ((span.start_ms, 1), (span.end_ms, -1)) if span.start_ms < span.end_ms]
    most, now, when = 0, 0, 0
    for at_ms, step in sorted(steps):
        now += step
        if now > most:
            most, when = now, at_ms
    return most, when


def order_of(ledger: Ledger, life: Life) -> Order:
    """Return what was asked for; an order without wishes for a job that nobody is known to have asked for."""
    return ledger.order_of(life) or Order(-1, "", 0)
