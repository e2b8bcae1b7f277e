"""Reads what the store answers to settles and extends; it must not know how a verdict is found."""

from collections.abc import Sequence

from headrace_server.domain.lifecycle import State
from headrace_server.domain.requests import Settled, SettleStatus


def settled(answers: Sequence[bytes], now_ms: int) -> list[Settled]:
    """Return the verdicts of one script; of a hundred items nearly all are answered by the same words."""
    read = {answer: _settled(answer, now_ms) for answer in set(answers)}
    return [read[answer] for answer in answers]


def _settled(answer: bytes, now_ms: int) -> Settled:
    status, state, attempt, run_at, deadline, cancel_requested = answer.split(b" ")
    return Settled(
        status=SettleStatus(status.decode()),
        now_ms=now_ms,
        state=State(state.decode()) if state else None,
        attempt=int(attempt) if state else None,
        run_at_ms=int(run_at) if run_at else None,
        deadline_ms=int(deadline) if deadline else None,
        cancel_requested=bool(cancel_requested),
    )
