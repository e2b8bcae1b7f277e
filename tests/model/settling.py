"""What a token is worth and what a settle does to one record of the oracle; it must not know the other jobs."""

from headrace_server.domain.defaults import Defaults
from headrace_server.domain.lifecycle import State
from headrace_server.domain.limits import SETTLED_TOKENS_KEPT
from headrace_server.domain.requests import Extend, Nack, Settle, SettleStatus, Snooze
from headrace_server.domain.retry import wait_ms
from headrace_server.domain.tokens import TokenFacts, judge

from tests.model.records import Record


def verdict(record: Record | None, item: Settle, now: int) -> SettleStatus:
    """Return what the token of `item` is worth at `now`."""
    verb = type(item).__name__.lower()
    if record is None:
        return judge(TokenFacts(verb=verb, state=None, is_current=False, past_deadline=False, settled_with=None))
    return judge(
        TokenFacts(
            verb=verb,
            state=record.state,
            is_current=record.token == item.token,
            past_deadline=record.deadline_ms is not None and now >= record.deadline_ms,
            settled_with=dict(record.settled).get(item.token),
        )
    )


def remember(record: Record, verb: str) -> None:
    """End the current lease by `verb`."""
    assert record.token is not None
    record.settled = [*record.settled, (record.token, verb)][-SETTLED_TOKENS_KEPT:]
    record.token = None


def put_back(record: Record) -> None:
    """Make the job ready at the place it was leased from."""
    record.state, record.deadline_ms = State.READY, None


def finish(
    record: Record, state: State, now: int, defaults: Defaults, *, verb: str | None = None, reason: str | None = None
) -> None:
    """Bring the job to its end: by a settle (`verb`), or past whoever had it."""
    if verb is not None:
        remember(record, verb)
    record.token = None
    record.state, record.finished_at_ms, record.reason = state, now, reason
    record.deadline_ms = record.due_ms = None
    record.prune_at_ms = now + record.retention_ms(defaults)


def nack(record: Record, item: Nack, now: int, defaults: Defaults, jitter: float) -> None:
    """Count the failed attempt, and try again or give up."""
    record.error = item.error
    policy = record.policy(defaults)
    assert policy.max_attempts is not None
    due = now + _wait(record, item, defaults, jitter)
    if not item.retryable:
        finish(record, State.DEAD, now, defaults, verb="nack", reason="not_retryable")
    elif record.attempt >= policy.max_attempts:
        finish(record, State.DEAD, now, defaults, verb="nack", reason="max_attempts")
    elif record.expires_at_ms is not None and due >= record.expires_at_ms:
        finish(record, State.CANCELLED, now, defaults, verb="nack", reason="expired")
    else:
        remember(record, "nack")
        record.attempt += 1
        record.state, record.due_ms, record.deadline_ms, record.reason = State.RETRYING, due, None, None


def _wait(record: Record, item: Nack, defaults: Defaults, jitter: float) -> int:
    if item.retry_in_ms is not None:
        return item.retry_in_ms
    policy = record.policy(defaults)
    return wait_ms(
        attempt=record.attempt,
        backoff=policy.backoff or defaults.backoff,
        initial_ms=defaults.initial_ms if policy.initial_ms is None else policy.initial_ms,
        factor=policy.factor or defaults.factor,
        max_ms=defaults.max_ms if policy.max_ms is None else policy.max_ms,
        jitter=jitter if policy.jitter else None,
    )


def snooze(record: Record, item: Snooze, now: int) -> None:
    """Let the job wait; neither attempt nor crash is touched."""
    remember(record, "snooze")
    record.state, record.due_ms, record.deadline_ms, record.reason = State.SCHEDULED, now + item.delay_ms, None, None


def extend(record: Record, item: Extend, now: int) -> None:
    """Move the deadline away, never nearer."""
    assert record.deadline_ms is not None
    length = record.lease_ms if item.lease_ms is None else item.lease_ms
    record.deadline_ms = max(record.deadline_ms, now + length)
