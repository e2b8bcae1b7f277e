"""The facts in parentheses of a story's line: their names, and how each is read from a job."""

from collections.abc import Callable

import msgspec
from headrace_server.domain.jobs import Job

from tests.stories.language import StoryError, micros, millis

_PLAIN: dict[str, Callable[[Job], object]] = {
    "attempt": lambda job: job.attempt,
    "delivery": lambda job: job.delivery,
    "crash": lambda job: job.crashes,
    "worker": lambda job: job.worker,
    "reason": lambda job: job.reason,
    "result": lambda job: job.result.data.decode() if job.result else None,
    "error": lambda job: msgspec.json.decode(job.error)["type"] if job.error else None,
    "priority": lambda job: job.priority,
    "queue": lambda job: job.queue,
    "run": lambda job: job.run,
    "asked": lambda job: "yes" if job.cancel_requested else "no",  # to end
    "max_attempts": lambda job: job.max_attempts,
    "max_crashes": lambda job: job.max_crashes,
    "bytes": lambda job: len(job.payload.data),
    "type": lambda job: job.payload.media,
    "progress": lambda job: job.progress.decode() if job.progress else None,
    "checkpoint": lambda job: job.checkpoint.decode() if job.checkpoint else None,
    "media": lambda job: job.result.media if job.result else None,
}
_INSTANTS: dict[str, Callable[[Job], int | None]] = {
    "due": lambda job: job.run_at_ms,
    "deadline": lambda job: job.deadline_ms,
    "expires": lambda job: job.expires_at_ms,
    "enqueued": lambda job: job.enqueued_at_ms,
    "started": lambda job: job.started_at_ms,
    "finished": lambda job: job.finished_at_ms,
}


def fact_of(job: Job, name: str, text: str, start_ms: int) -> tuple[object, object]:
    """Return what the story wants of a fact and what the job has; instants count from `start_ms`, `none` is absence."""
    if name in _INSTANTS:
        return _wanted(text, millis), _since(_INSTANTS[name](job), start_ms)
    if name == "fence":  # in microseconds, as it is made from the clock
        return _wanted(text, micros), _since(job.fence, start_ms * 1_000)
    if name not in _PLAIN:
        raise StoryError(f"no fact {name!r}")
    value = _PLAIN[name](job)
    return text, "none" if value is None else str(value)


def _wanted(text: str, read: Callable[[str], int]) -> int | None:
    return None if text == "none" else read(text)


def _since(instant: int | None, start: int) -> int | None:
    return None if instant is None else instant - start
