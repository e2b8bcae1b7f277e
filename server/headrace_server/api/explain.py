"""Why a job is where it is, in sentences that say what to do next; it must not know how the facts were found."""

from collections.abc import Callable
from typing import Final, TypeAlias
from urllib.parse import quote

from headrace_server.api.render import given, instant, maybe_instant
from headrace_server.api.reports import ExplanationDocument, ReasonDocument
from headrace_server.domain.finding import Explanation, Reason, ReasonCode
from headrace_server.domain.ids import format_id
from headrace_server.domain.jobs import Job
from headrace_server.domain.lifecycle import State

Told: TypeAlias = tuple[str, str]  # the fact as a sentence, what to do about it


def explanation(found: Explanation) -> ExplanationDocument:
    """Return an explanation; its summary is the fact of the first reason."""
    facts = [_told(reason, found.job)[0] for reason in found.reasons[:1]]
    return ExplanationDocument(
        job_id=format_id(found.job.id),
        state=found.job.state.value,
        summary=facts[0] if facts else f"The job is {found.job.state.value}.",
        reasons=[_reason(reason, found.job) for reason in found.reasons],
        server_time=instant(found.now_ms),
    )


def _reason(reason: Reason, job: Job) -> ReasonDocument:
    return ReasonDocument(
        code=reason.code.value,
        detail=" ".join(_told(reason, job)),
        key=given(reason.key),
        until=maybe_instant(reason.until_ms),
        in_use=given(reason.in_use),
        limit=given(reason.limit),
        position=given(reason.position),
        job_id=given(None if reason.job_id is None else format_id(reason.job_id)),
        seen_at=maybe_instant(reason.seen_ms),
    )


def _told(reason: Reason, job: Job) -> Told:
    return _SENTENCES[reason.code](reason, job)


def _ended(_reason: Reason, job: Job) -> Told:
    path, why = _path(job), f" ({job.reason})" if job.reason else ""
    match job.state:
        case State.DEAD:
            return (
                f"The job is dead{why} and is not tried again by itself.",
                f"GET {path}/attempts says what went wrong; POST {path}/retry gives it another run.",
            )
        case State.CANCELLED:
            return f"The job was cancelled{why} and will not run.", "If that was a mistake, enqueue it anew."
        case _:
            return "The job has succeeded.", f"GET {path}/result has its result, if it left one."


def _leased(reason: Reason, job: Job) -> Told:
    who = f"The worker {job.worker}" if job.worker else "A worker that gave no id"
    until = _until(reason, " until {}")
    if job.cancel_requested:
        return (
            f"{who} holds the job{until}, and somebody asked for its end.",
            "The worker hears of that with its next heartbeat; a cancel with mode `hard` does not wait for it.",
        )
    return f"{who} holds the job{until}.", "If that worker is lost, the job is offered again then."


def _not_due(reason: Reason, job: Job) -> Told:
    until = _until(reason, " before {}")
    now = f"PATCH {_path(job)} with `delay_ms: 0` lets it start at once."
    if job.state is State.RETRYING:
        return f"The job has failed and is not tried again{until}.", now
    if job.reason:  # that of a snooze
        return f"The job was put off ({job.reason}) and must not start{until}.", now
    return f"The job must not start{until}.", now


def _queue_paused(reason: Reason, job: Job) -> Told:
    until = _until(reason, " until {}") or " until somebody resumes it"
    return f"The queue {job.queue} is paused{until}.", f"POST /v1/queues/{job.queue}/resume ends that."


def _queue_concurrency(reason: Reason, job: Job) -> Told:
    return (
        f"The queue {job.queue} is at its concurrency: {_use(reason)} are leased.",
        f"It goes on when one of them ends; PUT /v1/queues/{job.queue} sets another `concurrency`.",
    )


def _queue_rate(reason: Reason, job: Job) -> Told:
    return (
        f"The queue {job.queue} has used up its rate{_until(reason, ' until {}')}.",
        f"It goes on by itself; PUT /v1/queues/{job.queue} sets another `rate`.",
    )


def _limit_concurrency(reason: Reason, _job: Job) -> Told:
    return (
        f"The limit {reason.key} is at its concurrency: {_use(reason)} are leased.",
        f"It goes on when one of them ends; PUT {_limit(reason)} sets another `concurrency`.",
    )


def _limit_rate(reason: Reason, _job: Job) -> Told:
    return (
        f"The limit {reason.key} has used up its rate{_until(reason, ' until {}')}.",
        f"It goes on by itself; PUT {_limit(reason)} sets another `rate`.",
    )


def _limit_held(reason: Reason, _job: Job) -> Told:
    return (
        f"The limit {reason.key} is held back{_until(reason, ' until {}')}.",
        f"It goes on by itself; POST {_limit(reason)}/backoff with `for_ms: 0` lifts that.",
    )


def _ordering(reason: Reason, _job: Job) -> Told:
    if reason.job_id is None:
        return f"Another job of the ordering key {reason.key} comes first.", "It goes on when that one has ended."
    other = format_id(reason.job_id)
    goes_on = "It goes on when that one has ended, after a death with `on_dead: hold` when it was retried or deleted"
    return (
        f"The job {other} of the same ordering key {reason.key} comes first.",
        f"{goes_on}; GET /v1/jobs/{other}/explain says what keeps it.",
    )


def _behind(reason: Reason, job: Job) -> Told:
    others = "1 other goes" if reason.position == 1 else f"{reason.position or 'some'} others go"
    return (
        f"In the queue {job.queue} {others} before the job.",
        f"More workers let it start sooner, or a higher priority: PATCH {_path(job)} with `priority`.",
    )


def _no_poller(reason: Reason, job: Job) -> Told:
    since = "" if reason.seen_ms is None else f" since {instant(reason.seen_ms)}"
    return f"Nobody has asked for jobs of the queue {job.queue}{since}.", "Start a worker for that queue."


def _no_worker(_reason: Reason, job: Job) -> Told:
    what = f"takes jobs of the queue {job.queue} and knows the task {job.task}"
    return (
        f"Of the workers that are known, none lives that {what}.",
        f"Start one, or resume one that is quiet: GET /v1/workers?task={job.task} shows who knows it.",
    )


def _next(_reason: Reason, _job: Job) -> Told:
    return "Nothing is in the job's way.", "The next worker that is free gets it; if that takes long, all are busy."


def _path(job: Job) -> str:
    return f"/v1/jobs/{format_id(job.id)}"


def _limit(reason: Reason) -> str:
    return f"/v1/limits/{quote(reason.key or '', safe='')}"


def _until(reason: Reason, words: str) -> str:
    return "" if reason.until_ms is None else words.format(instant(reason.until_ms))


def _use(reason: Reason) -> str:
    if reason.in_use is None or reason.limit is None:
        return "as many jobs as it allows"
    return f"{reason.in_use} of {reason.limit} jobs"


_SENTENCES: Final[dict[ReasonCode, Callable[[Reason, Job], Told]]] = {
    ReasonCode.ENDED: _ended,
    ReasonCode.LEASED: _leased,
    ReasonCode.NOT_DUE: _not_due,
    ReasonCode.QUEUE_PAUSED: _queue_paused,
    ReasonCode.QUEUE_CONCURRENCY: _queue_concurrency,
    ReasonCode.QUEUE_RATE: _queue_rate,
    ReasonCode.LIMIT_CONCURRENCY: _limit_concurrency,
    ReasonCode.LIMIT_RATE: _limit_rate,
    ReasonCode.LIMIT_HELD: _limit_held,
    ReasonCode.ORDERING: _ordering,
    ReasonCode.BEHIND: _behind,
    ReasonCode.NO_POLLER: _no_poller,
    ReasonCode.NO_WORKER: _no_worker,
    ReasonCode.NEXT: _next,
}
