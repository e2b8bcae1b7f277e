"""What a token is worth, and what a settle does to one job of the oracle; the reaper's decisions too."""

from collections.abc import Sequence

from headrace_server.domain.finding import Attempt, AttemptOutcome
from headrace_server.domain.lifecycle import FINAL, State
from headrace_server.domain.limits import ATTEMPTS_KEPT, SETTLED_TOKENS_KEPT
from headrace_server.domain.requests import Ack, Extend, Nack, Release, Settle, Settled, SettleStatus, Snooze
from headrace_server.domain.retry import is_non_retryable, wait_ms
from headrace_server.domain.tokens import TokenFacts, judge

from tests.model.records import Record
from tests.model.resolving import Rules
from tests.model.views import as_job
from tests.model.world import World

LEASE_EXPIRED = b'{"type":"LeaseExpired"}'
MAX_RUNTIME_EXCEEDED = b'{"type":"MaxRuntimeExceeded"}'


class Settling:
    """The verbs ack, nack, release, snooze and extend, over one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def settle(self, items: Sequence[Settle]) -> list[Settled]:
        """Do the items one after the other."""
        return [self._settle(item) for item in items]

    def _settle(self, item: Settle) -> Settled:
        now = self._world.begin()
        record = self._world.jobs.get(item.job_id)
        status = verdict(record, item, now)
        if record is None:
            return Settled(status=status, now_ms=now)
        if status is SettleStatus.LATE:
            self._world.tallies.queue(record, "late")
        if status in (SettleStatus.OK, SettleStatus.LATE):
            take_effect(self._world, record, item, now)
        job = as_job(self._world, record)
        return Settled(
            status=status,
            now_ms=now,
            state=job.state,
            attempt=job.attempt,
            run_at_ms=job.run_at_ms,
            deadline_ms=job.deadline_ms,
            cancel_requested=job.cancel_requested,
        )


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
            cancelled_under=record.cancelled_under == item.token,
        )
    )


def take_effect(world: World, record: Record, item: Settle, now: int) -> None:
    """Do what a holder of the job may."""
    match item:
        case Ack():
            ack(world, record, item, now)
        case Nack():
            record.error, record.error_type = item.error, item.error_type
            note_attempt(record, AttemptOutcome.FAILED, now)
            remember(record, "nack")
            fail(world, record, now, retryable=item.retryable, retry_in_ms=item.retry_in_ms, discard=item.discard)
        case Release():
            remember(record, "release")
            record.reason = item.reason or record.reason
            if not ended_as_asked(world, record):
                put_back(world, record)
        case Snooze():
            remember(record, "snooze")
            snooze(world, record, item, now)
        case Extend():
            extend(world, record, item, now)


def remember(record: Record, verb: str) -> None:
    """End the current lease by `verb`."""
    assert record.token is not None
    record.settled = [*record.settled, (record.token, verb)][-SETTLED_TOKENS_KEPT:]
    record.token = None


def ack(world: World, record: Record, item: Ack, now: int) -> None:
    """The job is done; its result is kept for a while."""
    ttl = world.rules(record).result_ttl_ms(item.result_ttl_ms)
    _count_run(world, record, now)
    remember(record, "ack")
    end(world, record, State.SUCCEEDED)
    if ttl != 0:
        record.result = item.result
        is_kept = ttl is None or ttl >= world.rules(record).retention_ms(State.SUCCEEDED)
        record.result_until_ms = None if is_kept else now + (ttl or 0)


def put_back(world: World, record: Record) -> None:
    """Make the job ready at the place it was leased from."""
    record.deadline_ms = record.due_ms = None
    record.place = record.leased_place
    world.move(record, State.READY)


def _count_run(world: World, record: Record, now: int) -> None:
    assert record.started_at_ms is not None
    world.tallies.took(record, "run", now - record.started_at_ms)


def ended_as_asked(world: World, record: Record) -> bool:
    """End a job that is left by its holder, if somebody asked for its end."""
    if record.cancel_reason is None:
        return False
    end(world, record, State.CANCELLED, reason=record.cancel_reason)
    return True


def end(world: World, record: Record, state: State, *, reason: str | None = None) -> None:
    """Bring the job to its end; a token that is still current then was not asked."""
    assert state in FINAL
    now = world.now_ms()
    if state is State.CANCELLED:
        record.cancelled_under = record.token
        record.was_held = record.state is State.LEASED
    record.token = None
    record.finished_at_ms, record.reason = now, reason or None
    record.deadline_ms = record.due_ms = None
    record.prune_at_ms = now + world.rules(record).retention_ms(state)
    if state is not State.CANCELLED:
        world.tallies.took(record, "total", now - record.run_opened_ms)
    world.move(record, state)


def expire(world: World, record: Record) -> None:
    """End a job that nobody took in time."""
    world.tallies.queue(record, "expired")
    end(world, record, State.CANCELLED, reason="expired")


def fail(
    world: World, record: Record, now: int, *, retryable: bool, retry_in_ms: int | None, discard: bool = False
) -> None:
    """Decide what a failed attempt comes to: the first line that holds."""
    world.tallies.both(record, "failed")
    _count_run(world, record, now)
    if ended_as_asked(world, record):
        return
    rules = world.rules(record)
    policy = rules.policy
    due = now + (_backoff(rules, record.attempt, world.jitter) if retry_in_ms is None else retry_in_ms)
    dead = None
    if discard:
        dead = "discarded"
    elif not retryable:
        dead = "not_retryable"
    elif is_non_retryable(record.error_type, policy.non_retryable or ()):
        dead = "non_retryable"
    elif record.attempt >= rules.max_attempts:
        dead = "max_attempts"
    elif policy.max_elapsed_ms is not None and due > record.run_opened_ms + policy.max_elapsed_ms:
        dead = "max_elapsed"
    if dead is not None:
        end(world, record, State.DEAD, reason=dead)
        record.prune_at_ms = now if discard else record.prune_at_ms
    elif record.expires_at_ms is not None and due >= record.expires_at_ms:
        expire(world, record)
    else:
        record.attempt += 1
        record.due_ms, record.deadline_ms, record.reason = due, None, None
        world.move(record, State.RETRYING)


def _backoff(rules: Rules, attempt: int, jitter: float) -> int:
    policy = rules.policy
    assert policy.backoff is not None
    assert policy.initial_ms is not None
    assert policy.factor is not None
    assert policy.max_ms is not None
    return wait_ms(
        attempt=attempt,
        backoff=policy.backoff,
        initial_ms=policy.initial_ms,
        factor=policy.factor,
        max_ms=policy.max_ms,
        jitter=jitter if policy.jitter else None,
    )


def snooze(world: World, record: Record, item: Snooze, now: int) -> None:
    """Let the job wait; neither attempt nor crash is touched."""
    if item.checkpoint is not None:
        record.checkpoint = item.checkpoint
    if not ended_as_asked(world, record):
        record.due_ms, record.deadline_ms, record.reason = now + item.delay_ms, None, item.reason or None
        world.move(record, State.SCHEDULED)


def extend(world: World, record: Record, item: Extend, now: int) -> None:
    """Move the deadline away, never nearer, and never past the run time that the job may use."""
    assert record.deadline_ms is not None
    until = now + (record.lease_ms if item.lease_ms is None else item.lease_ms)
    if record.run_until_ms is not None:
        until = min(until, record.run_until_ms)
    record.deadline_ms = max(record.deadline_ms, until)
    record.progress = record.progress if item.progress is None else item.progress
    record.checkpoint = record.checkpoint if item.checkpoint is None else item.checkpoint
    world.touch(record)


def reap(world: World, record: Record, now: int) -> None:
    """End a lease that ran out: a failed attempt if the job used up its run time, else a crash."""
    if record.run_until_ms is not None and now >= record.run_until_ms:
        record.error, record.error_type = MAX_RUNTIME_EXCEEDED, "MaxRuntimeExceeded"
        note_attempt(record, AttemptOutcome.TIMED_OUT, now)
        record.token = None
        fail(world, record, now, retryable=True, retry_in_ms=None)
        return
    record.crashes += 1
    world.tallies.queue(record, "lease_lost")
    record.error, record.error_type = LEASE_EXPIRED, "LeaseExpired"
    note_attempt(record, AttemptOutcome.CRASHED, now)
    if ended_as_asked(world, record):
        return
    if record.crashes >= world.rules(record).max_crashes:
        end(world, record, State.DEAD, reason="max_crashes")
    else:
        put_back(world, record)


def note_attempt(record: Record, outcome: AttemptOutcome, now: int) -> None:
    """Keep a failed attempt for those who ask why."""
    attempt = Attempt(
        attempt=record.attempt,
        delivery=record.delivery,
        outcome=outcome,
        worker=record.worker,
        started_at_ms=record.started_at_ms,
        ended_at_ms=now,
        error=record.error,
    )
    record.attempts = [*record.attempts, attempt][-ATTEMPTS_KEPT:]
