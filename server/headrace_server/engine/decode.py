"""Reads the answers of the scripts; the order of each list is the header of its Lua file."""

from collections.abc import Sequence
from typing import Any

from headrace_server.domain.defaults import Defaults
from headrace_server.domain.jobs import Body, Format, Job, Leased, NewJob, QueueStats
from headrace_server.domain.lifecycle import FINAL, State
from headrace_server.domain.requests import (
    Cancelled,
    CancelStatus,
    Enqueued,
    EnqueueGroup,
    EnqueueStatus,
    Settled,
    SettleStatus,
)

_WAITING = frozenset({State.SCHEDULED, State.RETRYING})


def enqueued(answer: Sequence[bytes], group: EnqueueGroup, now_ms: int, defaults: Defaults) -> Enqueued:
    """Return the answer to one group."""
    status = EnqueueStatus(answer[0].decode())
    match status:
        case EnqueueStatus.CREATED:
            jobs = [_created(job, answer[1 + 5 * i : 6 + 5 * i], defaults) for i, job in enumerate(group.jobs)]
            return Enqueued(status=status, now_ms=now_ms, jobs=jobs, ids=[job.id for job in jobs])
        case EnqueueStatus.REPLAYED:
            ids = [answer[1][i : i + 16] for i in range(0, len(answer[1]), 16)]
            return Enqueued(status=status, now_ms=now_ms, ids=ids)
        case EnqueueStatus.EXPIRED:
            return Enqueued(status=status, now_ms=now_ms, refused=[int(index) for index in answer[1:]])
        case EnqueueStatus.KEY_MISMATCH:
            return Enqueued(status=status, now_ms=now_ms)


def _created(job: NewJob, words: Sequence[bytes], defaults: Defaults) -> Job:
    state, rev, enqueued_at, run_at, expires_at = words
    max_attempts = job.retry.max_attempts if job.retry is not None else None
    return Job(
        id=job.id,
        task=job.task,
        queue=job.queue,
        state=State(state.decode()),
        rev=int(rev),
        payload=job.payload,
        priority=defaults.priority if job.priority is None else job.priority,
        attempt=1,
        max_attempts=defaults.max_attempts if max_attempts is None else max_attempts,
        delivery=0,
        crashes=0,
        enqueued_at_ms=int(enqueued_at),
        run_at_ms=_number(run_at),
        expires_at_ms=_number(expires_at),
        meta=job.meta,
        trace=job.trace,
    )


def leased(words: Sequence[bytes], defaults: Defaults) -> Leased:
    """Return one job handed out."""
    (job_id, queue, attempt, delivery, max_attempts, fence, token, deadline, rev) = words[:9]
    (task, payload, payload_type, priority, enqueued_at, meta, trace, checkpoint, max_runtime) = words[9:]
    return Leased(
        id=job_id,
        task=task.decode(),
        queue=queue.decode(),
        payload=_body(payload, payload_type),
        priority=int(priority) if priority else defaults.priority,
        attempt=int(attempt),
        delivery=int(delivery),
        max_attempts=int(max_attempts) if max_attempts else defaults.max_attempts,
        enqueued_at_ms=int(enqueued_at),
        fence=int(fence),
        token=token,
        deadline_ms=int(deadline),
        rev=int(rev),
        meta=meta or None,
        trace=trace or None,
        checkpoint=checkpoint or None,
        max_runtime_ms=_number(max_runtime),
    )


def settled(job_id: bytes, words: Sequence[bytes], now_ms: int) -> Settled:
    """Return the verdict on one settle or extend."""
    status, state, attempt, run_at, deadline, cancel_requested = words
    return Settled(
        job_id=job_id,
        status=SettleStatus(status.decode()),
        now_ms=now_ms,
        state=State(state.decode()) if state else None,
        attempt=int(attempt) if state else None,
        run_at_ms=_number(run_at),
        deadline_ms=_number(deadline),
        cancel_requested=bool(cancel_requested),
    )


def cancelled(job_id: bytes, words: Sequence[bytes], now_ms: int) -> Cancelled:
    """Return the answer to one cancel."""
    status, state = words
    return Cancelled(
        job_id=job_id,
        status=CancelStatus(status.decode()),
        now_ms=now_ms,
        state=State(state.decode()) if state else None,
    )


def job(job_id: bytes, flat: Sequence[bytes], defaults: Defaults) -> Job | None:
    """Return a job from the names and values of its fields; None for an unknown id."""
    if not flat:
        return None
    get = dict(zip(flat[::2], flat[1::2], strict=True)).get
    state = State((get(b"s") or b"").decode())
    attempt_record = get(b"attempt")
    return Job(
        id=job_id,
        task=_text(get(b"t")) or "",
        queue=_text(get(b"q")) or "",
        state=state,
        rev=int(get(b"rv") or 0),
        payload=_body(get(b"p") or b"", get(b"pt")),
        priority=int(get(b"pr") or defaults.priority),
        attempt=int(get(b"at") or 1),
        max_attempts=int(get(b"ma") or defaults.max_attempts),
        delivery=int(get(b"dl") or 0),
        crashes=int(get(b"cr") or 0),
        enqueued_at_ms=int(get(b"ca") or 0),
        run_at_ms=_number(get(b"ru")) if state in _WAITING else None,
        expires_at_ms=_number(get(b"ex")),
        deadline_ms=_number(get(b"deadline")),
        worker=_text(get(b"w")),
        fence=_number(get(b"fe")),
        started_at_ms=_number(get(b"st")),
        finished_at_ms=_number(get(b"ft")) if state in FINAL else None,
        reason=_text(get(b"rs")),
        meta=get(b"m"),
        trace=get(b"tr"),
        result=_result(get(b"r"), get(b"rt")),
        error=attempt_record.partition(b"\n")[2] if attempt_record else None,
    )


def stats(queue: str, words: Sequence[bytes], states: Sequence[State], now_ms: int) -> QueueStats:
    """Return how full one queue is."""
    counts = {state: int(count) for state, count in zip(states, words, strict=False)}
    oldest_ms = _number(words[len(states)])
    return QueueStats(
        queue=queue,
        counts=counts,
        backlog=counts[State.READY] + counts[State.LEASED],
        oldest_ready_age_ms=None if oldest_ms is None else now_ms - oldest_ms,
        now_ms=now_ms,
    )


def _body(data: bytes, format_name: bytes | None) -> Body:
    return Body(data, Format(format_name.decode()) if format_name else Format.JSON)


def _result(data: bytes | None, format_name: bytes | None) -> Body | None:
    return None if data is None else _body(data, format_name)


def _number(word: Any) -> int | None:
    return int(word) if word else None


def _text(word: bytes | None) -> str | None:
    return word.decode() if word else None
