"""Reads what the script says of an enqueue (`lua/enqueue.lua`); it must not know what is done with the answer."""

from collections.abc import Sequence

import msgspec

from headrace_server.domain.alike import Alike
from headrace_server.domain.defaults import Defaults
from headrace_server.domain.jobs import Job, NewJob, Receipt
from headrace_server.domain.lifecycle import State
from headrace_server.domain.requests import Enqueued, EnqueueGroup, EnqueueStatus, Placed
from headrace_server.engine.encode import is_plain

_PLACED = {place.value.encode(): place for place in (Placed.DEDUPLICATED, Placed.REPLACED, Placed.REPLAYED)}
# by the words of the scripts: an enumeration's own look-up takes five times as long, for every job of every batch
_STATE_OF = {state.value.encode(): state for state in State}
_STATUS_OF = {status.value.encode(): status for status in EnqueueStatus}


def read(answer: Sequence[bytes], group: EnqueueGroup, now_ms: int, defaults: Defaults) -> Enqueued:
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
    if type(group.jobs) is Alike and len(answer) == 2 and _is_new(answer[1]):
        return _all_new(answer[1], group, now_ms, defaults)
    made = _made(answer, group, defaults)
    if made is not None:
        return _all_created(made, now_ms)
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


def _made(answer: Sequence[bytes], group: EnqueueGroup, defaults: Defaults) -> list[Job | Receipt | None] | None:
    """Return the jobs of a group if all of them are new, as they mostly are."""
    made: list[Job | Receipt | None] = []
    for job, words in zip(group.jobs, answer[1:], strict=True):
        state, _, rest = words.partition(b" ")
        if state not in _STATE_OF:
            return None
        made.append(_created(job, state, rest, defaults))
    return made


def _is_new(words: bytes) -> bool:
    return words.partition(b" ")[0] in _STATE_OF


def _all_new(words: bytes, group: EnqueueGroup, now_ms: int, defaults: Defaults) -> Enqueued:
    """Return the answer to jobs that are alike and all new: one text, with the rev of the first; others follow it."""
    state, _, rest = words.partition(b" ")
    if not rest:
        return Enqueued(status=EnqueueStatus.CREATED, now_ms=now_ms, state=_STATE_OF[state])
    first, _, rest = rest.partition(b" ")
    return _all_created(
        [
            _created(job, state, b"%d %b" % (rev, rest), defaults)
            for rev, job in enumerate(group.jobs, start=int(first))
        ],
        now_ms,
    )


def _all_created(jobs: list[Job | Receipt | None], now_ms: int) -> Enqueued:
    ids, placed = [job.id for job in jobs if job is not None], [Placed.CREATED] * len(jobs)
    return Enqueued(status=EnqueueStatus.CREATED, now_ms=now_ms, jobs=jobs, ids=ids, placed=placed)


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
        run_at_ms=int(run_at) if run_at else None,
        expires_at_ms=int(expires_at) if expires_at else None,
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
