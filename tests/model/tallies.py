"""What the oracle counts: each thing when it happens, one by one, with nothing summed up beforehand."""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

from headrace_server.domain.lifecycle import State
from headrace_server.domain.metrics import JobMetrics, Times
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

    def faults_of(self, told: JobMetrics) -> list[str]:
        """Return where the engine tells something else, one line each."""
        return [*self._queue_faults(told), *self._task_faults(told)]

    def _queue_faults(self, told: JobMetrics) -> list[str]:
        queues = [queue for queue in told.queues if queue.stats.queue not in self.forgotten]
        real = {
            (queue.stats.queue, word): n
            for queue in queues
            for word, n in zip(QUEUE_COUNTERS, queue.counted, strict=True)
        }
        mine = {key: n for key, n in self.of_queues.items() if key[0] not in self.forgotten}
        return [
            f"{key}: told {real.get(key, 0)}, is {mine.get(key, 0)}"
            for key in {*real, *mine}
            if real.get(key, 0) != mine.get(key, 0)
        ]

    def _task_faults(self, told: JobMetrics) -> list[str]:
        faults = []
        for task in told.tasks:
            for word, n in zip(TASK_COUNTERS, task.counted, strict=True):
                if n != self.of_tasks[task.task, word]:
                    faults.append(f"{task.task} {word}: told {n}, is {self.of_tasks[task.task, word]}")
            for what, times in (("wait", task.wait), ("run", task.run), ("total", task.total)):
                if times != (mine := _times(self.spans_ms.get((task.task, what), []))):
                    faults.append(f"{task.task} {what}: told {times}, is {mine}")
        if {task.task for task in told.tasks} != {task for task, _ in self.of_tasks}:
            faults.append(f"tasks: told {told.tasks}")
        return faults


def _times(spans_ms: list[int]) -> Times:
    buckets = Counter(bisect_left(TASK_SECONDS, ms / 1000) for ms in spans_ms)
    return Times(sum(spans_ms), tuple(buckets[n] for n in range(len(TASK_SECONDS) + 1)))
