"""Lists of jobs, attempts, reasons, limits, operations and events as text for people."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from headrace._text import age, document, field_table, printable, table
from headrace.finding import Attempt, Event, Explanation
from headrace.fleet import WorkerRecord
from headrace.models import JobError, JobSummary
from headrace.operating import Limit, Operation, Queue, Rate
from headrace.schedules import ScheduleChange, ScheduleRecord

_ERROR_CHARS: Final = 80  # of a message in a list; -o json shows all of it


def jobs(found: Sequence[JobSummary]) -> str:
    """Return jobs, one a line."""
    head = ("ID", "STATE", "QUEUE", "TASK", "ATTEMPT", "ENQUEUED", "WHY")
    rows = [
        (
            job.id,
            job.state.value,
            job.queue,
            job.task,
            f"{job.attempt}/{job.max_attempts}",
            _at(job.enqueued_at),
            _why(job),
        )
        for job in found
    ]
    return table(head, rows, numbers=(4,))


def causes(dead: Iterable[JobSummary]) -> list[dict[str, Any]]:
    """Return what dead jobs died of: queue, task, type of the error, how many and the newest one; the most first."""
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for job in dead:
        error = job.error.type if job.error else job.reason or ""
        key = (job.queue, job.task, error)
        kept = found.setdefault(key, {"queue": job.queue, "task": job.task, "error": error, "jobs": 0})
        kept["jobs"] += 1
        if job.finished_at is not None and job.finished_at >= kept.get("last", job.finished_at):
            kept["last"], kept["job_id"] = job.finished_at, job.id
    return sorted(found.values(), key=lambda each: -each["jobs"])


def cause_table(found: Sequence[Mapping[str, Any]]) -> str:
    """Return what `causes` found, one a line."""
    head = ("JOBS", "QUEUE", "TASK", "ERROR", "LAST", "FOR INSTANCE")
    rows = [
        (str(c["jobs"]), c["queue"], c["task"], c["error"] or "-", _at(c.get("last")), c.get("job_id", "-"))
        for c in found
    ]
    return table(head, rows, numbers=(0,))


def attempts(found: Sequence[Attempt]) -> str:
    """Return attempts, one a line."""
    head = ("ATTEMPT", "DELIVERY", "OUTCOME", "WORKER", "STARTED", "ENDED", "ERROR")
    rows = [
        (
            str(each.attempt),
            str(each.delivery),
            each.outcome.value,
            each.worker or "-",
            _at(each.started_at),
            _at(each.ended_at),
            _error(each.error),
        )
        for each in found
    ]
    return table(head, rows, numbers=(0, 1))


def explanation(told: Explanation) -> str:
    """Return the sentence, and the reasons behind it."""
    lines = [f"{told.job_id} is {told.state.value}: {told.summary}"]
    lines += [f"  {reason.code.value}: {reason.detail}" for reason in told.reasons]
    return "\n".join(printable(line) for line in lines)


def queue(found: Queue) -> str:
    """Return a queue: how it is, how full it is, and what is set."""
    how = [word for word in ("paused", "draining") if getattr(found, word)] or ["open"]
    until = f" until {_at(found.paused_until)}" if found.paused and found.paused_until else ""
    counts = {state.value: n for state, n in found.counts.items()}
    oldest = age(found.oldest_ready_age_ms)
    rows = {
        "queue": found.queue,
        "is": ", ".join(how) + until,
        "backlog": found.backlog,
        **counts,
        "oldest ready": oldest,
    }
    return field_table({**rows, **{f"set: {name}": value for name, value in settings(found).items()}})


def settings(found: Queue) -> dict[str, str]:
    """Return the settings of a queue in the words that set them."""
    values = {name: value for name, value in vars(found.settings).items() if value is not None}
    retry, rate = values.pop("retry", None), values.pop("rate", None)
    if retry is not None:
        values |= {f"retry.{name}": value for name, value in vars(retry).items() if value is not None}
    words = {name: ",".join(value) if isinstance(value, tuple) else str(value) for name, value in values.items()}
    return words if rate is None else {**words, **_rate(rate)}


def limits(found: Sequence[Limit]) -> str:
    """Return limits, one a line."""
    head = ("LIMIT", "LEASED", "CONCURRENCY", "RATE", "BURST", "HELD UNTIL")
    rows = [
        (
            limit.name,
            str(limit.leased),
            "-" if limit.concurrency is None else str(limit.concurrency),
            *(("-", "-") if limit.rate is None else _rate(limit.rate).values()),
            _at(limit.held_until),
        )
        for limit in found
    ]
    return table(head, rows, numbers=(1, 2, 3, 4))


def operations(found: Sequence[Operation]) -> str:
    """Return operations, one a line."""
    head = ("ID", "ACTION", "STATE", "SCANNED", "MATCHED", "DONE", "SKIPPED", "CREATED")
    rows = [
        (
            operation.id,
            operation.action + (" (dry run)" if operation.dry_run else ""),
            operation.state.value,
            *(str(n) for n in (operation.scanned, operation.matched, operation.done, operation.skipped)),
            _at(operation.created_at),
        )
        for operation in found
    ]
    return table(head, rows, numbers=range(3, 7))


def operation(found: Operation) -> str:
    """Return an operation, one field a line, with some of its jobs."""
    rows = {name: value for name, value in document(found).items() if name not in ("sample", "server_time")}
    return "\n".join([field_table(rows), *(f"  {job_id}" for job_id in found.sample)])


def workers(found: Sequence[WorkerRecord]) -> str:
    """Return workers, one a line."""
    head = ("WORKER", "STATE", "DOES", "BUSY", "LEASED", "QUEUES", "DONE", "FAILED", "MEMORY", "LAST SEEN")
    rows = [
        (
            each.id,
            each.state.value,
            each.info.state.value if each.info.state else "-",
            f"{_number(each.info.busy)}/{_number(each.info.slots)}",
            str(each.leased),
            ",".join(each.info.queues or ()) or "-",
            _number((each.info.counts or {}).get("succeeded")),
            _number((each.info.counts or {}).get("failed")),
            "-" if each.info.rss_bytes is None else f"{each.info.rss_bytes / 2**20:.0f} MiB",
            _at(each.last_seen_at),
        )
        for each in found
    ]
    return table(head, rows, numbers=(3, 4, 6, 7, 8))


def worker(found: WorkerRecord) -> dict[str, Any]:
    """Return a worker as the fields of a table."""
    said = {name: value for name, value in document(found).items() if name not in ("info", "server_time")}
    info = document(found.info)
    does = {"does": info.pop("state")} if "state" in info else {}
    return {**said, **does, **info}


def schedules(found: Sequence[ScheduleRecord]) -> str:
    """Return schedules, one a line."""
    head = ("SCHEDULE", "STATE", "WHEN", "TASK", "NEXT", "LAST", "OUTCOME", "FIRED", "MISSED")
    rows = [
        (
            each.name,
            each.state.value,
            _when(each),
            str(each.job.get("task", "")),
            _at(each.next_at),
            _at(each.runs[0].slot if each.runs else None),
            each.runs[0].outcome.value if each.runs else "-",
            str(each.fired),
            str(each.missed),
        )
        for each in found
    ]
    return table(head, rows, numbers=(7, 8))


def schedule(found: ScheduleRecord) -> str:
    """Return a schedule, one field a line, with its newest runs."""
    rows = {name: value for name, value in document(found).items() if name not in ("runs", "server_time")}
    head = ("SLOT", "OUTCOME", "STARTED", "TOOK", "JOB")
    runs = [
        (
            _at(run.slot) + (" (by hand)" if run.manual else ""),
            run.outcome.value,
            _at(run.started_at),
            age(run.duration_ms),
            run.job_id or "-",
        )
        for run in found.runs
    ]
    return "\n".join([field_table(rows), *([table(head, runs)] if runs else [])])


def schedule_changes(changes: Sequence[ScheduleChange]) -> str:
    """Return what became of schedules, or would, one a line."""
    head = ("SCHEDULE", "CHANGE", "NEXT", "WHAT")
    return table(head, [(c.name, c.change, _at(c.next_at), c.why or ", ".join(c.fields) or "-") for c in changes])


def _when(found: ScheduleRecord) -> str:
    if found.cron is not None:
        return f"{found.cron} ({found.timezone})"
    return _at(found.at) if found.at is not None else f"every {age(found.every_ms)}"


def _number(n: int | None) -> str:
    return "-" if n is None else str(n)


def event(seen: Event) -> str:
    """Return an event as one line."""
    if seen.is_gap:
        return f"{'':12}  some events are missing here"
    at = seen.at.strftime("%H:%M:%S.%f")[:12] if seen.at else ""
    was = seen.was.value if seen.was else "new"
    state = seen.state.value if seen.state else ""
    by = f" by {seen.worker}" if seen.worker else ""
    why = f" ({seen.reason})" if seen.reason else ""
    line = f"{at:12}  {seen.job_id}  {seen.queue}  {seen.task}  {was} -> {state}{by}{why}"
    return printable(line)


def _rate(rate: Rate) -> dict[str, str]:
    burst = rate.count if rate.burst is None else rate.burst
    span = f"{rate.per_ms // 1000}s" if rate.per_ms % 1000 == 0 else f"{rate.per_ms}ms"
    return {"rate": f"{rate.count}/{span}", "burst": str(burst)}


def _why(job: JobSummary) -> str:
    cancel = "cancel requested" if job.cancel_requested else ""
    return ", ".join(part for part in (cancel, job.reason or "", _error(job.error)) if part)


def _error(error: JobError | None) -> str:
    if error is None:
        return ""
    text = f"{error.type}: {error.message}" if error.message else error.type
    return text if len(text) <= _ERROR_CHARS else f"{text[:_ERROR_CHARS]}..."


def _at(instant: datetime | None) -> str:
    return "-" if instant is None else instant.strftime("%Y-%m-%d %H:%M:%SZ")
