"""Reads the answers of the scripts; the order of each list is the header of its Lua file."""

from collections.abc import Callable, Sequence
from typing import Any

from headrace_server.domain.defaults import Defaults
from headrace_server.domain.jobs import (
    Body,
    Format,
    Job,
    Leased,
    LeaseFacts,
    OnDead,
    QueueStats,
    ScheduleSlot,
)
from headrace_server.domain.lifecycle import FINAL, State
from headrace_server.domain.requests import (
    CancelAsk,
    Cancelled,
    CancelStatus,
    Deleted,
    DeleteStatus,
    Patch,
    Patched,
    PatchStatus,
    Redrive,
    Redriven,
    RedriveStatus,
)
from headrace_server.engine.encode import SEPARATOR

_WAITING = frozenset({State.SCHEDULED, State.RETRYING})
_STATES = tuple(State)  # in the order of lua/counts.lua


def leased(jobs: Sequence[Sequence[bytes]], defaults: Defaults) -> list[Leased]:
    """Return the jobs handed out; what they share is read once, and is one object for all who share it."""
    known: dict[bytes, LeaseFacts] = {}
    found = []
    for job_id, token, told, payload, *more in jobs:
        facts = known.get(told)
        if facts is None:
            facts = known[told] = _facts(told, defaults)
        found.append(
            _with_more(job_id, token, payload, facts, more) if more else Leased(job_id, token, Body(payload), facts)
        )
    return found


def _with_more(job_id: bytes, token: bytes, payload: bytes, facts: LeaseFacts, more: Sequence[bytes]) -> Leased:
    payload_type, meta, trace, checkpoint, schedule = more
    body = _body(payload, payload_type)
    return Leased(job_id, token, body, facts, meta or None, trace or None, checkpoint or None, _slot(schedule))


def _facts(told: bytes, defaults: Defaults) -> LeaseFacts:
    task, queue, *numbers = told.decode().split(" ")
    priority, attempt, delivery, max_attempts, enqueued_at, fence, deadline, max_runtime = numbers
    return LeaseFacts(
        task=task,
        queue=queue,
        priority=int(priority) if priority else defaults.priority,
        attempt=int(attempt),
        delivery=int(delivery),
        max_attempts=int(max_attempts) if max_attempts else defaults.max_attempts,
        enqueued_at_ms=int(enqueued_at),
        fence=int(fence),
        deadline_ms=int(deadline),
        max_runtime_ms=_number(max_runtime),
    )


def cancelled(ask: CancelAsk, answer: bytes, now_ms: int) -> Cancelled:
    """Return the answer to one cancel."""
    status, state = answer.split(b" ")
    return Cancelled(job_id=ask.job_id, status=CancelStatus(status.decode()), now_ms=now_ms, state=_state(state))


def redriven(ask: Redrive, answer: bytes, now_ms: int) -> Redriven:
    """Return the answer to one redrive."""
    status, state, conflict = answer.split(b" ", 2)
    return Redriven(
        job_id=ask.job_id,
        status=RedriveStatus(status.decode()),
        now_ms=now_ms,
        state=_state(state),
        conflict=conflict or None,
    )


def patched(ask: Patch, answer: bytes, now_ms: int) -> Patched:
    """Return the answer to one patch."""
    status, state = answer.split(b" ")
    return Patched(job_id=ask.job_id, status=PatchStatus(status.decode()), now_ms=now_ms, state=_state(state))


def deleted(job_id: bytes, answer: bytes, now_ms: int) -> Deleted:
    """Return the answer to one removal."""
    status, state = answer.split(b" ")
    return Deleted(job_id=job_id, status=DeleteStatus(status.decode()), now_ms=now_ms, state=_state(state))


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
        result=None if (result := get(b"r")) is None else _body(result, get(b"rt")),
        error=attempt_record.partition(b"\n")[2] if attempt_record else None,
        max_crashes=int(get(b"mc") or defaults.max_crashes),
        run=int(get(b"rn") or 1),
        max_runtime_ms=_number(get(b"mx")),
        **_options(get),
        cancel_requested=state is State.LEASED and b"c" in (get(b"o") or b""),
        progress=get(b"pg"),
        checkpoint=get(b"ck"),
        schedule=_slot(get(b"sd")),
    )


def _options(get: Callable[[bytes], bytes | None]) -> dict[str, Any]:
    return {
        "tags": _tags(get(b"tg")),
        "fairness_key": _text(get(b"fk")),
        "weight": int(get(b"fw") or 1),
        "ordering_key": _text(get(b"ok")),
        "on_dead": OnDead.HOLD if get(b"oh") else OnDead.NEXT,
        "limits": tuple((get(b"li") or b"").decode().split()),
    }


def _slot(words: bytes | None) -> ScheduleSlot | None:
    if not words:
        return None
    name, slot = words.decode().split()
    return ScheduleSlot(name, int(slot))


def _tags(packed: bytes | None) -> dict[str, str] | None:
    if packed is None:
        return None
    pairs = (tag.partition("=") for tag in packed.decode().split(SEPARATOR))
    return {name: value for name, _, value in pairs}


def stats(queue: str, answer: bytes, now_ms: int) -> QueueStats:
    """Return how full one queue is."""
    *numbers, oldest_ms, pause_ms, draining = answer.split(b" ")
    counts = {state: int(number) for state, number in zip(_STATES, numbers, strict=True)}
    return QueueStats(
        queue=queue,
        counts=counts,
        backlog=counts[State.READY] + counts[State.LEASED],
        oldest_ready_age_ms=now_ms - int(oldest_ms) if oldest_ms else None,
        now_ms=now_ms,
        paused=bool(pause_ms),
        draining=bool(draining),
    )


def _body(data: bytes, kind: bytes | None) -> Body:
    """Return a payload or result; `kind` is the name of its format (none: JSON), or a media type."""
    if not kind:
        return Body(data)
    return Body(data, media=kind.decode()) if b"/" in kind else Body(data, Format(kind.decode()))


def _state(word: bytes) -> State | None:
    return State(word.decode()) if word else None


def _number(word: Any) -> int | None:
    return int(word) if word else None


def _text(word: bytes | None) -> str | None:
    return word.decode() if word else None
