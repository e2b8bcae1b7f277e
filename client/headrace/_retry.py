"""Whether and when to send a request again: pure decisions; it must not sleep, read a clock or draw a number."""

from dataclasses import dataclass
from typing import Final

from headrace.errors import HeadraceError, NotDone, OutcomeUnknown

_MAX_DOUBLINGS: Final = 32  # passes any cap; without a bound the power overflows


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How stubborn a client is.

    A request is repeated only where that cannot do harm: when it never happened (NotDone), and when its outcome is
    unknown but it carries a proof (an Idempotency-Key, a lease token) or only reads.
    """

    total_s: float = 15.0  # no further try begins later than this after the first; 0: one try
    first_s: float = 0.1  # the wait before the second try is uniform in 0..first_s (full jitter)
    cap_s: float = 3.0  # and doubles with each try up to this

    def wait_s(
        self, error: HeadraceError, *, repeatable: bool, tries: int, elapsed_s: float, draw: float
    ) -> float | None:
        """Return how long to wait before the next try, in seconds, or None: give up and raise `error`.

        `repeatable`: a second execution does no harm. `tries`: how many there were, >= 1. `draw`: a random number in
        0..1. A wait that the server asks for (Retry-After) is a floor, spread by the jitter so that a crowd of
        clients does not come back at once.
        """
        if not (isinstance(error, NotDone) or (repeatable and isinstance(error, OutcomeUnknown))):
            return None
        if error.problem.retryable is False:
            return None
        backoff_s = min(self.cap_s, self.first_s * 2.0 ** min(tries - 1, _MAX_DOUBLINGS)) * draw
        asked_s = (error.retry_after_ms or 0) / 1000
        wait_s = asked_s + backoff_s
        return wait_s if elapsed_s + wait_s <= self.total_s else None


ONE_TRY: Final = Patience(total_s=0)
