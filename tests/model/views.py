"""How the oracle's jobs and queues look from outside; it must not change anything."""

from headrace_server.domain.jobs import Job, Leased, LeaseFacts, QueueStats
from headrace_server.domain.lifecycle import FINAL, State
from headrace_server.domain.metrics import JobMetrics, QueueMetrics
from headrace_server.domain.queues import LimitView, QueueView

from tests.model.queues import FOR_EVER
from tests.model.records import Record
from tests.model.world import World

NO_REV = 0  # the oracle keeps no revs: the tests compare everything else, and judge the engine's revs by their order


def as_job(world: World, record: Record) -> Job:
    """Return the job as `get` shows it."""
    new, rules, state = record.new, world.rules(record), record.state
    return Job(
        id=new.id,
        task=new.task,
        queue=new.queue,
        state=state,
        rev=NO_REV,
        payload=new.payload,
        priority=rules.priority,
        attempt=record.attempt,
        max_attempts=rules.max_attempts,
        delivery=record.delivery,
        crashes=record.crashes,
        enqueued_at_ms=record.enqueued_at_ms,
        run_at_ms=record.due_ms if state in (State.SCHEDULED, State.RETRYING) else None,
        expires_at_ms=record.expires_at_ms,
        deadline_ms=record.deadline_ms if state is State.LEASED else None,
        worker=record.worker,
        fence=record.fence,
        started_at_ms=record.started_at_ms,
        finished_at_ms=record.finished_at_ms if state in FINAL else None,
        reason=record.reason,
        meta=new.meta,
        trace=new.trace,
        result=record.result if _has_result(world, record) else None,
        error=record.error,
        max_crashes=rules.max_crashes,
        run=record.run,
        max_runtime_ms=rules.max_runtime_ms,
        tags=new.tags,
        fairness_key=new.fairness_key,
        weight=new.weight,
        ordering_key=new.ordering_key,
        on_dead=new.on_dead,
        limits=new.limits,
        cancel_requested=state is State.LEASED and record.cancel_reason is not None,
        progress=record.progress,
        checkpoint=record.checkpoint,
    )


def _has_result(world: World, record: Record) -> bool:
    is_over = record.result_until_ms is not None and record.result_until_ms <= world.now_ms()
    return record.state is State.SUCCEEDED and not is_over


def as_leased(world: World, record: Record) -> Leased:
    """Return the job as the worker that holds it gets it."""
    job = as_job(world, record)
    assert record.token is not None
    assert job.fence is not None
    assert job.deadline_ms is not None
    facts = LeaseFacts(
        task=job.task,
        queue=job.queue,
        priority=job.priority,
        attempt=job.attempt,
        delivery=job.delivery,
        max_attempts=job.max_attempts,
        enqueued_at_ms=job.enqueued_at_ms,
        fence=job.fence,
        deadline_ms=job.deadline_ms,
        max_runtime_ms=job.max_runtime_ms,
    )
    return Leased(job.id, record.token, job.payload, facts, meta=job.meta, trace=job.trace, checkpoint=job.checkpoint)


def stats_of(world: World, queue: str) -> QueueStats:
    """Count the jobs of a queue."""
    now = world.now_ms()
    counts = {state: sum(r.state is state for r in world.of(queue)) for state in State}
    heads = {(r.place[0], r.is_laned): r.enqueued_at_ms for r in reversed(world.ready(queue))}
    return QueueStats(
        queue=queue,
        counts=counts,
        backlog=counts[State.READY] + counts[State.LEASED],
        oldest_ready_age_ms=now - min(heads.values()) if heads else None,
        now_ms=now,
        paused=world.known(queue).is_paused(now),
        draining=world.known(queue).draining,
    )


def metrics_of(world: World) -> JobMetrics:
    """Return what was counted."""
    names, counted_of = world.tallies.queue_names(), world.tallies.counted_of
    queues = [QueueMetrics(stats_of(world, name), counted_of(name), polled=False) for name in names]
    return JobMetrics(queues, len(queues), world.tallies.tasks(), world.now_ms())


def view_of(world: World, name: str) -> QueueView:
    """Return what an operator sees of a queue."""
    queue, now = world.known(name), world.now_ms()
    timed = queue.is_paused(now) and queue.paused_until_ms < FOR_EVER
    return QueueView(
        stats=stats_of(world, name),
        settings=queue.settings,
        paused=queue.is_paused(now),
        paused_until_ms=queue.paused_until_ms if timed else None,
        draining=queue.draining,
    )


def limit_view(world: World, name: str) -> LimitView:
    """Return what an operator sees of a limit: all shards together."""
    now = world.now_ms()
    held_until = world.limits.held_until_ms.get(name, 0)
    return LimitView(
        name=name,
        settings=world.limits.settings.get(name),
        leased=sum(r.state is State.LEASED and name in r.new.limits for r in world.jobs.values()),
        held_until_ms=held_until if held_until > now else None,
        now_ms=now,
    )
