"""Reads what the store answers to settles and extends; it must not know how a verdict is found."""

from functools import lru_cache

from headrace_server.domain.lifecycle import State
from headrace_server.domain.requests import Settled, SettleStatus


def settled(job_id: bytes, answer: bytes, now_ms: int) -> Settled:
    """Return the verdict on one settle or extend."""
    status, state, attempt, run_at_ms, deadline_ms, cancel_requested = _read(answer)
    return Settled(
        job_id=job_id,
        status=status,
        now_ms=now_ms,
        state=state,
        attempt=attempt,
        run_at_ms=run_at_ms,
        deadline_ms=deadline_ms,
        cancel_requested=cancel_requested,
    )


@lru_cache(maxsize=64)  # of a hundred acks nearly all are answered by the same words
def _read(answer: bytes) -> tuple[SettleStatus, State | None, int | None, int | None, int | None, bool]:
    status, state, attempt, run_at, deadline, cancel_requested = answer.split(b" ")
    return (
        SettleStatus(status.decode()),
        State(state.decode()) if state else None,
        int(attempt) if state else None,
        int(run_at) if run_at else None,
        int(deadline) if deadline else None,
        bool(cancel_requested),
    )
