"""How the oracle's jobs are found and looked into: filters and attempts; it must not change anything."""

from headrace_server.domain.finding import Attempt, AttemptOutcome, JobFilter
from headrace_server.domain.lifecycle import FINAL, State

from tests.model.records import Record
from tests.model.world import World


def matches(record: Record, wanted: JobFilter) -> bool:
    """Return whether a job is meant by a filter."""
    finished_ms = record.finished_at_ms if record.state in FINAL else None
    return (
        wanted.queue in (None, record.new.queue)
        and (not wanted.states or record.state in wanted.states)
        and wanted.task in (None, record.new.task)
        and (wanted.error_type is None or (record.error is not None and record.error_type == wanted.error_type))
        and (wanted.tag is None or wanted.tag in (record.new.tags or {}).items())
        and _is_within(record.enqueued_at_ms, wanted.enqueued_after_ms, wanted.enqueued_before_ms)
        and _is_within(finished_ms, wanted.finished_after_ms, wanted.finished_before_ms)
    )


def find(world: World, wanted: JobFilter) -> set[bytes]:
    """Return the ids of all jobs that a filter means."""
    return {record.new.id for record in world.jobs.values() if matches(record, wanted)}


def attempts_of(world: World, job_id: bytes) -> list[Attempt] | None:
    """Return what became of the deliveries of a job that were worked on."""
    record = world.jobs.get(job_id)
    if record is None:
        return None
    outcome = {State.LEASED: AttemptOutcome.RUNNING, State.SUCCEEDED: AttemptOutcome.SUCCEEDED}.get(record.state)
    last = record.attempts[-1] if record.attempts else None
    is_told = last is not None and (last.delivery, last.started_at_ms) == (record.delivery, record.started_at_ms)
    if record.state is State.CANCELLED and record.was_held and not is_told:
        outcome = AttemptOutcome.CANCELLED
    return record.attempts if outcome is None else [*record.attempts, _last(record, outcome)]


def _last(record: Record, outcome: AttemptOutcome) -> Attempt:
    return Attempt(
        attempt=record.attempt,
        delivery=record.delivery,
        outcome=outcome,
        worker=record.worker,
        started_at_ms=record.started_at_ms,
        ended_at_ms=None if outcome is AttemptOutcome.RUNNING else record.finished_at_ms,
    )


def _is_within(instant: int | None, after: int | None, before: int | None) -> bool:
    if after is None and before is None:
        return True
    return instant is not None and (after is None or instant >= after) and (before is None or instant < before)
