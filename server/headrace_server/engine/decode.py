"""Reads the answers of the scripts; the order of each list is the header of its Lua file."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from headrace_server.domain.defaults import Defaults
from headrace_server.domain.jobs import (
    Body,
    Format,
    Job,
    Leased,
    LeaseFacts,
    NewJob,
    OnDead,
    QueueStats,
    Receipt,
    ScheduleSlot,
)
from headrace_server.domain.lifecycle import FINAL, State
from headrace_server.domain.requests import (
    CancelAsk,
    Cancelled,
    CancelStatus,
    Deleted,
    DeleteStatus,
    Enqueued,
    EnqueueGroup,
    EnqueueStatus,
    Patch,
    Patched,
    PatchStatus,
    Placed,
    Redrive,
    Redriven,
    RedriveStatus,
)
from headrace_server.engine.encode import SEPARATOR, is_plain

_PLACED = {place.value.encode(): place for place in (Placed.DEDUPLICATED, Placed.REPLACED, Placed.REPLAYED)}
_WAITING = frozenset({State.SCHEDULED, State.RETRYING})
_STATES = tuple(State)  # in the order of lua/counts.lua
# by the words of the scripts: an enumeration's own look-up takes five times as long, for every job of every batch
_STATE_OF = {state.value.encode(): state for state in State}
_STATUS_OF = {status.value.encode(): status for status in EnqueueStatus}


def enqueued(answer: Sequence[bytes], group: EnqueueGroup, now_ms: int, defaults: Defaults) -> Enqueued:
    """Return the answer to one group."""
    status = _STATUS_OF[answer[0]]
    match status:
        case EnqueueStatus.CREATED:
            return _written(answer, group, now_ms, defaults)
        case EnqueueStatus.REPLAYED:
            return Enqueued(status=status, now_ms=now_ms, ids=_ids(answer[1]))
        case EnqueueStatus.KEY_MISMATCH:
            return Enqueued(status=status, now_ms=now_ms)
        case EnqueueStatus.CONFLICT:
            refused = [int(index) for index in answer[2:]]
            return Enqueued(status=status, now_ms=now_ms, refused=refused, conflicts=_ids(answer[1]))
        case EnqueueStatus.EXPIRED | EnqueueStatus.FULL | EnqueueStatus.DRAINING:
            return Enqueued(status=status, now_ms=now_ms, refused=[int(index) for index in answer[1:]])


def _ids(joined: bytes) -> list[bytes]:
    return [joined[i : i + 16] for i in range(0, len(joined), 16)]


def _written(answer: Sequence[bytes], group: EnqueueGroup, now_ms: int, defaults: Defaults) -> Enqueued:
    states = [_STATE_OF.get(word) for word in answer[1:]] if group.brief else []
    if states and None not in states:  # all are new, as they mostly are
        jobs = [Receipt(job.id, state) for job, state in zip(group.jobs, states, strict=True) if state]
        ids = [job.id for job in jobs]
        placed = [Placed.CREATED] * len(ids)
        return Enqueued(status=EnqueueStatus.CREATED, now_ms=now_ms, jobs=[*jobs], ids=ids, placed=placed)
    found = Enqueued(status=EnqueueStatus.CREATED, now_ms=now_ms)
    for index, job in enumerate(group.jobs):
        word, _, rest = answer[1 + index].partition(b" ")
        place = _place(word)
        found.jobs.append(_created(job, word, rest, defaults) if place is Placed.CREATED else None)
        found.ids.append(job.id if place is Placed.CREATED else rest)
        found.placed.append(place)
        if place is Placed.REFUSED:
            conflicts = [rest] if rest else []
            refusal = Enqueued(status=_STATUS_OF[word], now_ms=now_ms, refused=[0], conflicts=conflicts)
            found.refusals[index] = refusal
    return found


def _place(word: bytes) -> Placed:
    """Return what became of a job, by the first word about it: where it was written, that is its state."""
    return Placed.CREATED if word in _STATE_OF else _PLACED.get(word, Placed.REFUSED)


def _created(job: NewJob, state: bytes, rest: bytes, defaults: Defaults) -> Job | Receipt:
    if not rest:
        return Receipt(job.id, _STATE_OF[state])
    rev, enqueued_at, run_at, expires_at, said = rest.split(b" ", 4)
    own = (job.priority, job.retry.max_attempts if job.retry is not None else None, job.max_crashes, job.max_runtime_ms)
    priority, max_attempts, max_crashes, max_runtime = _resolved(own, said) if said else own
    made = Job(
        id=job.id,
        task=job.task,
        queue=job.queue,
        state=_STATE_OF[state],
        rev=int(rev),
        payload=job.payload,
        priority=defaults.priority if priority is None else priority,
        attempt=1,
        max_attempts=defaults.max_attempts if max_attempts is None else max_attempts,
        delivery=0,
        crashes=0,
        enqueued_at_ms=int(enqueued_at),
        max_crashes=defaults.max_crashes if max_crashes is None else max_crashes,
    )
    if is_plain(job) and not (run_at or expires_at) and max_runtime is None and job.meta is job.trace is None:
        return made
    return msgspec.structs.replace(
        made,
        run_at_ms=_number(run_at),
        expires_at_ms=_number(expires_at),
        meta=job.meta,
        trace=job.trace,
        max_runtime_ms=max_runtime,
        tags=job.tags or None,
        fairness_key=job.fairness_key,
        weight=job.weight,
        ordering_key=job.ordering_key,
        on_dead=job.on_dead,
        limits=tuple(sorted(job.limits)) if job.limits else (),
    )


def _resolved(own: Sequence[int | None], said: bytes) -> list[int | None]:
    """Return each number of a job, or what its queue says in its place."""
    theirs = (None if word == b"-" else int(word) for word in said.split())
    return [wish if wish is not None else word for wish, word in zip(own, theirs, strict=True)]


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
