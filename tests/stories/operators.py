"""The lines of a story that operators speak: queues, limits, bulk operations, and how jobs are found."""

from headrace_server.domain.jobs import QueueStats
from headrace_server.domain.metrics import JobMetrics
from headrace_server.telemetry.catalogue import QUEUE_COUNTERS, TASK_COUNTERS

from tests.stories import orders
from tests.stories.language import Line, StoryError, millis
from tests.stories.stage import Stage
from tests.stories.writing import refuse_unknown, span


class Operators:
    """One method for each verb; it returns the verdict."""

    def __init__(self, stage: Stage, names: dict[bytes, str], start_ms: int) -> None:
        self._stage, self._names, self._start_ms = stage, names, start_ms
        self._operation: bytes | None = None

    # -- queues ---------------------------------------------------------------------------------------

    def configure(self, line: Line) -> str:
        wanted = orders.settings(line.options)
        view = self._stage.configure(line.words[0], wanted)
        assert view.settings == wanted, f"the settings are: {view.settings}"
        return "ok"

    def pause(self, line: Line) -> str:
        refuse_unknown(line.options, {"for"})
        view = self._stage.pause(line.words[0], span(line.options, "for"))
        assert view.paused or line.options.get("for") == "0"
        return "ok"

    def resume(self, line: Line) -> str:
        view = self._stage.resume(line.words[0])
        assert not view.paused
        assert not view.draining
        return "ok"

    def drain(self, line: Line) -> str:
        assert self._stage.drain(line.words[0]).draining
        return "ok"

    def forget(self, line: Line) -> str:
        return "ok" if self._stage.forget(line.words[0]) is None else "refused queue_not_empty"

    def queue(self, line: Line) -> str:
        view = self._stage.queue(line.words[0])
        until = "no" if not view.paused else "yes" if view.paused_until_ms is None else "until"
        found = {"paused": until, "draining": "yes" if view.draining else "no"}
        if until == "until" and view.paused_until_ms is not None:
            found["paused"] = str(view.paused_until_ms - self._start_ms)
        wanted = {name: _millis_or_word(value) for name, value in line.facts.items()}
        assert found.items() >= wanted.items(), f"the queue is: {found}"
        return "ok"

    def stats(self, line: Line) -> str:
        (answer,) = self._stage.stats([line.words[0]])
        _compare_stats(answer, line.facts)
        return "ok"

    def tally(self, line: Line) -> str:
        metrics, task = self._stage.metrics(), line.options.get("task")
        found = _task_tally(metrics, task) if task else _queue_tally(metrics, line.words[0])
        wanted = {name: _millis_or_word(value) for name, value in line.facts.items()}
        assert found == wanted, f"counted is: {found}"
        return "ok"

    # -- limits ---------------------------------------------------------------------------------------

    def set_limit(self, line: Line) -> str:
        wanted = orders.limit(line.options)
        assert self._stage.set_limit(line.words[0], wanted).settings == wanted
        return "ok"

    def unset_limit(self, line: Line) -> str:
        assert self._stage.unset_limit(line.words[0]).settings is None
        return "ok"

    def back_off(self, line: Line) -> str:
        self._stage.back_off(line.words[0], millis(line.options["for"]))
        return "ok"

    def limit(self, line: Line) -> str:
        view = self._stage.limit(line.words[0])
        held = "no" if view.held_until_ms is None else str(view.held_until_ms - self._start_ms)
        found = {"leased": str(view.leased), "held": held}
        wanted = {**line.facts}
        if "held" in wanted:
            wanted["held"] = _millis_or_word(wanted["held"])
        assert found.items() >= wanted.items(), f"the limit is: {found}"
        return "ok"

    # -- many jobs ------------------------------------------------------------------------------------

    def operate(self, line: Line) -> str:
        view = self._stage.operate(orders.operation(line.words[0], line.options, self._start_ms))
        self._operation = view.id
        return "ok"

    def stop_operation(self, _line: Line) -> str:
        assert self._operation is not None
        assert self._stage.stop_operation(self._operation) is not None
        return "ok"

    def operation(self, line: Line) -> str:
        view = self._stage.operation(self._operation or b"")
        assert view is not None
        found = {name: str(getattr(view, name)) for name in ("matched", "done", "skipped")}
        found["state"] = view.state.value
        assert found.items() >= line.facts.items(), f"the operation is: {found}"
        return "ok"

    def list(self, line: Line) -> str:
        found = self._stage.find(orders.job_filter(line.options, self._start_ms))
        wanted = sorted(expected.job for expected in line.jobs)
        assert sorted(self._names[job_id] for job_id in found) == wanted, f"found: {found}"
        return "ok" if found else "nothing"

    def events(self, line: Line) -> str:
        found = [
            (self._names[event.job_id], event.state.value if event.state else "gone")
            for event in self._stage.new_events()
        ]
        assert found == [(expected.job, expected.state) for expected in line.jobs], f"there were: {found}"
        return "ok" if found else "nothing"


def _millis_or_word(text: str) -> str:
    try:
        return str(millis(text))
    except StoryError:
        return text


def _compare_stats(answer: QueueStats, facts: dict[str, str]) -> None:
    wanted = {name: value for name, value in facts.items() if name not in ("backlog", "oldest")}
    found = {state.value: str(n) for state, n in answer.counts.items() if n}
    assert found == wanted, f"counted: {found}"
    if "backlog" in facts:
        assert answer.backlog == int(facts["backlog"]), f"backlog {answer.backlog}"
    if "oldest" in facts:
        assert answer.oldest_ready_age_ms == millis(facts["oldest"]), f"oldest {answer.oldest_ready_age_ms}"


def _queue_tally(metrics: JobMetrics, name: str) -> dict[str, str]:
    """Return what was counted of a queue, without zeros."""
    [counted] = [queue.counted for queue in metrics.queues if queue.stats.queue == name] or [()]
    return {word: str(n) for word, n in zip(QUEUE_COUNTERS, counted, strict=False) if n}


def _task_tally(metrics: JobMetrics, name: str) -> dict[str, str]:
    """Return the same of a task; then how often it waited, ran and ended, and how long that took in all."""
    tasks = {task.task: task for task in metrics.tasks}
    assert name in tasks, f"counted are: {[*tasks]}"
    task = tasks[name]
    found = {word: str(n) for word, n in zip(TASK_COUNTERS, task.counted, strict=True) if n}
    for word, times in (("wait", task.wait), ("run", task.run), ("total", task.total)):
        if any(times.buckets):
            found |= {f"{word}s": str(sum(times.buckets)), word: str(times.sum_ms)}
    return found
