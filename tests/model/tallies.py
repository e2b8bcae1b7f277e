"""What the oracle counts: each thing when it happens, one by one, with nothing summed up beforehand."""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

from headrace_server.domain.lifecycle import State
from headrace_server.domain.metrics import TaskMetrics, Times
from headrace_server.telemetry.catalogue import QUEUE_COUNTERS, TASK_COUNTERS, TASK_SECONDS

from tests.model.records import Record

_MOVED = {
    State.LEASED: "leased",
    State.RETRYING: "retried",
    State.SUCCEEDED: "succeeded",
    State.DEAD: "dead",
    State.CANCELLED: "cancelled",
}
Spans = tuple[str, str]  # a task, and which of its times


@dataclass
class Tallies:
    """Counters by queue and by task, and every span of time that was measured."""

    of_queues: Counter[tuple[str, str]] = field(default_factory=Counter)
    of_tasks: Counter[tuple[str, str]] = field(default_factory=Counter)
    spans_ms: dict[Spans, list[int]] = field(default_factory=dict)
    forgotten: set[str] = field(default_factory=set)  # queues whose counters go, or have gone, with their last record

    def queue(self, record: Record, word: str) -> None:
        """Count something for the queue of a job."""
        self.of_queues[record.new.queue, word] += 1

    def both(self, record: Record, word: str) -> None:
        """Count something for queue and task."""
        self.queue(record, word)
        self.of_tasks[record.new.task, word] += 1

    def moved(self, record: Record, was: State | None) -> None:
        """Count a move to another state."""
        if was is None:
            self.both(record, "enqueued")
        elif was is not record.state and record.state in _MOVED:
            self.both(record, _MOVED[record.state])
        elif was is State.DEAD:
            self.queue(record, "redriven")

    def took(self, record: Record, what: str, ms: int) -> None:
        """Note how long something took."""
        self.spans_ms.setdefault((record.new.task, what), []).append(ms)

    def waited(self, record: Record, now: int) -> None:
        """Note how long a job was due until this lease, once for each time that it was."""
        due = max(record.run_opened_ms, record.wanted_ms or 0)
        if record.started_at_ms is None or record.started_at_ms < due:
            self.took(record, "wait", max(0, now - due))

    def queue_names(self) -> list[str]:
        """Return the queues of which anything was counted."""
        return sorted({queue for queue, _ in self.of_queues})

    def counted_of(self, queue: str) -> tuple[int, ...]:
        """Return the counters of a queue, in the order of the catalogue."""
        return tuple(self.of_queues[queue, word] for word in QUEUE_COUNTERS)

    def tasks(self) -> list[TaskMetrics]:
        """Return what was counted of each task."""
        return [self._task(task) for task in sorted({task for task, _ in self.of_tasks})]

    def _task(self, task: str) -> TaskMetrics:
        times = [_times(self.spans_ms.get((task, what), [])) for what in ("wait", "run", "total")]
        return TaskMetrics(task, tuple(self.of_tasks[task, word] for word in TASK_COUNTERS), *times)


def _times(spans_ms: list[int]) -> Times:
    buckets = Counter(bisect_left(TASK_SECONDS, ms / 1000) for ms in spans_ms)
    return Times(sum(spans_ms), tuple(buckets[n] for n in range(len(TASK_SECONDS) + 1)))
