"""What the store says of jobs, workers, schedules and itself -> families of metrics; pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeVar

import msgspec
from msgspec import UNSET

from headrace_server.api.reports import WorkerInfoDocument
from headrace_server.domain.fleet import Directive, WorkerRecord, WorkerState
from headrace_server.domain.lifecycle import State
from headrace_server.domain.metrics import JobMetrics, QueueMetrics, StoreHealth, TaskMetrics, Times
from headrace_server.domain.schedules import ScheduleState, ScheduleView
from headrace_server.domain.webhooks import WebhookView
from headrace_server.telemetry.catalogue import BY_NAME, QUEUE_COUNTERS, TASK_COUNTERS, TASK_OUTCOMES
from headrace_server.telemetry.exposition import Family, Sample, Spread

T = TypeVar("T")
_facts: Final = msgspec.json.Decoder(WorkerInfoDocument)


def of_store(health: StoreHealth, now_ms: int) -> list[Family]:
    """Return how the store is."""
    return [
        _flat("headrace_store_up", 1),
        Family(BY_NAME["headrace_store_info"], [((health.server, health.version, health.fsync), 1)]),
        _flat("headrace_store_latency_seconds", health.latency_s),
        _flat("headrace_store_memory_bytes", health.memory_bytes),
        _flat("headrace_store_memory_max_bytes", health.memory_max_bytes),
        _flat("headrace_store_persistence_ok", int(health.persistence_ok)),
        _flat("headrace_store_clock_timestamp_seconds", now_ms / 1000),
    ]


def of_queues(jobs: JobMetrics, workers: Sequence[WorkerRecord]) -> list[Family]:
    """Return what is in the queues, who serves them, and what was counted of them."""
    queues, serving = jobs.queues, _serving(workers)

    def each(name: str, value: Callable[[QueueMetrics], float]) -> Family:
        return Family(BY_NAME[name], [((queue.stats.queue,), value(queue)) for queue in queues])

    return [
        *(_counters(queues, number, word) for number, word in enumerate(QUEUE_COUNTERS)),
        Family(BY_NAME["headrace_queue_depth"], [*_depths(queues)]),
        each("headrace_queue_oldest_ready_seconds", lambda queue: (queue.stats.oldest_ready_age_ms or 0) / 1000),
        each("headrace_queue_backlog", lambda queue: queue.stats.backlog),
        each("headrace_queue_paused", lambda queue: int(queue.stats.paused)),
        each("headrace_queue_draining", lambda queue: int(queue.stats.draining)),
        each("headrace_queue_workers", lambda queue: serving[queue.stats.queue] + serving[None]),
        each("headrace_queue_polled", lambda queue: int(queue.polled)),
        _flat("headrace_backlog", sum(queue.stats.backlog for queue in queues)),
        _flat("headrace_queues", jobs.queue_count),
    ]


def _counters(queues: Iterable[QueueMetrics], number: int, word: str) -> Family:
    samples: list[Sample] = [((queue.stats.queue,), queue.counted[number]) for queue in queues]
    return Family(BY_NAME[f"headrace_jobs_{word}_total"], samples)


def _depths(queues: Iterable[QueueMetrics]) -> Iterator[Sample]:
    for queue in queues:
        for state in State:
            yield (queue.stats.queue, state.value), queue.stats.counts[state]


def _serving(workers: Iterable[WorkerRecord]) -> Counter[str | None]:
    """Count the live workers that take jobs of each queue; under None those that do not say of which."""
    serving: Counter[str | None] = Counter()
    for worker in workers:
        is_at_work = worker.state is WorkerState.UP and worker.directive is Directive.RUN
        if is_at_work and worker.info is not None and worker.info.takes_jobs:
            serving.update([None] if worker.info.queues is None else worker.info.queues)
    return serving


def of_tasks(tasks: Sequence[TaskMetrics]) -> list[Family]:
    """Return what was counted of the tasks."""
    first = TASK_COUNTERS.index(TASK_OUTCOMES[0])
    outcomes: list[Sample] = [
        ((task.task, outcome), task.counted[first + number])
        for task in tasks
        for number, outcome in enumerate(TASK_OUTCOMES)
    ]

    def times(name: str, of: Callable[[TaskMetrics], Times]) -> Family:
        return Family(BY_NAME[name], [((task.task,), _spread(of(task))) for task in tasks])

    return [
        *(
            Family(BY_NAME[f"headrace_task_{word}_total"], [((task.task,), task.counted[number]) for task in tasks])
            for number, word in enumerate(TASK_COUNTERS[:first])
        ),
        Family(BY_NAME["headrace_task_outcomes_total"], outcomes),
        times("headrace_task_wait_seconds", lambda task: task.wait),
        times("headrace_task_run_seconds", lambda task: task.run),
        times("headrace_task_total_seconds", lambda task: task.total),
    ]


def _spread(times: Times) -> Spread:
    return Spread(times.buckets, times.sum_ms / 1000)


def of_workers(workers: Sequence[WorkerRecord]) -> list[Family]:
    """Return which workers are there, and how busy they are as far as they say it."""
    said = {worker.id: _facts.decode(worker.info.facts) for worker in workers if worker.info is not None}
    slots: list[Sample] = [((name,), info.slots) for name, info in said.items() if info.slots is not UNSET]
    return [
        Family(BY_NAME["headrace_worker_up"], [((w.id,), int(w.state is WorkerState.UP)) for w in workers]),
        Family(BY_NAME["headrace_worker_slots"], slots),
        Family(BY_NAME["headrace_worker_busy"], [((worker.id,), worker.leased) for worker in workers]),
        Family(
            BY_NAME["headrace_worker_last_seen_timestamp_seconds"],
            [((worker.id,), worker.last_seen_at_ms / 1000) for worker in workers],
        ),
    ]


def of_schedules(schedules: Sequence[ScheduleView]) -> list[Family]:
    """Return when schedules fire, and what they have done."""

    def each(name: str, value: Callable[[ScheduleView], float | None]) -> Family:
        found = ((schedule.name, value(schedule)) for schedule in schedules)
        return Family(
            BY_NAME[f"headrace_schedule_{name}"], [((name,), number) for name, number in found if number is not None]
        )

    return [
        each("next_timestamp_seconds", lambda s: _seconds(s.next_ms) if s.state is ScheduleState.ACTIVE else None),
        each("last_timestamp_seconds", lambda schedule: _seconds(schedule.last_ms)),
        each("paused", lambda schedule: int(schedule.state is ScheduleState.PAUSED)),
        each("fired_total", lambda schedule: schedule.fired),
        each("missed_total", lambda schedule: schedule.missed),
    ]


def of_webhooks(webhooks: Sequence[WebhookView]) -> list[Family]:
    """Return which webhooks are told nothing, and what they do not know."""
    paused = [((webhook.name,), int(webhook.paused is not None)) for webhook in webhooks]
    missed = [((webhook.name,), webhook.missed) for webhook in webhooks]
    return [
        Family(BY_NAME["headrace_webhook_paused"], paused),
        Family(BY_NAME["headrace_webhook_missed_events"], missed),
    ]


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000


def _flat(name: str, value: float) -> Family:
    return Family(BY_NAME[name], [((), value)])
