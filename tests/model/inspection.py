"""Looks for faults of a shard that no answer shows; for tests only.

It knows the layout of the keys and must not know the rules: each job lies in exactly one structure, the one its state
names, nothing lies around without a job, and whatever must happen by itself is on the agenda in time.
"""

from collections.abc import Iterator

from headrace_server.domain.lifecycle import HELD_BY_NOBODY, State

from tests.model.inspection_of_options import option_faults
from tests.model.picture import Picture

_AGENDA_KIND = {
    State.SCHEDULED.value: b"promote",
    State.RETRYING.value: b"promote",
    State.LEASED.value: b"reap",
    State.SUCCEEDED.value: b"prune",
    State.DEAD.value: b"prune",
    State.CANCELLED.value: b"prune",
    "expiring": b"expire",
    "results": b"results",
}
_HOMES = {*(state.value for state in State), "laned"}
_SETS = {*_HOMES, "expiring", "results"}
_OTHERS = {"lane", "open", "turns", "times", "busy", "settings"}
_MARKS = 16  # what the marks of a queue are below the number of its seat
_SCORE_FIELD = {State.SCHEDULED.value: b"ru", State.RETRYING.value: b"ru"}


def faults(picture: Picture) -> list[str]:
    """Return what is wrong, one line each."""
    return [
        *_misplaced(picture),
        *_left_over(picture),
        *_wrong_expiring(picture),
        *_not_planned(picture),
        *option_faults(picture),
        *_tally_faults(picture),
        *(f"a key of no known kind: {name!r}" for name in picture.strangers),
    ]


def _misplaced(picture: Picture) -> Iterator[str]:
    homes: dict[bytes, list[tuple[bytes, str]]] = {}
    for home, ids in picture.sets(*_HOMES).items():
        for job_id in ids:
            homes.setdefault(job_id, []).append(home)
    for job_id, job in picture.jobs.items():
        state = job[b"s"].decode()
        name = "laned" if state == State.READY and _is_laned(job) else state
        if homes.get(job_id) != [(job[b"q"], name)]:
            yield f"job {job_id.hex()} of queue {job[b'q']!r} is {name} but lies in {homes.get(job_id)}"
        elif (due := _SCORE_FIELD.get(name)) and picture.set(job[b"q"], name)[job_id] != float(job[due]):
            yield f"job {job_id.hex()} is due at {job[due]!r} but filed under another time"


def _is_laned(job: dict[bytes, bytes]) -> bool:
    return any(name in job for name in (b"fk", b"ok", b"li"))


def _left_over(picture: Picture) -> Iterator[str]:
    listed = picture.single.get(b"queues") or {}
    for (queue, name), ids in picture.sets(*_SETS).items():
        yield from (f"{name} of {queue!r} holds {i.hex()}, which is no job" for i in ids if i not in picture.jobs)
        if queue not in listed:
            yield f"queue {queue!r} is not in the list of queues"
    if {*listed} != {*(picture.single.get(b"marks") or {})}:
        yield "the list of queues and what is noted of them differ"
    yield from (f"{q!r} has a set of no known kind: {n}" for q, n, _ in picture.of_queues if n not in _SETS | _OTHERS)
    attempts = picture.by_kind[b"a"]
    yield from (f"attempts of {i.hex()}, which is no job" for i in attempts if i not in picture.jobs)


def _wrong_expiring(picture: Picture) -> Iterator[str]:
    wanted = {
        (job[b"q"], job_id, float(job[b"ex"]))
        for job_id, job in picture.jobs.items()
        if b"ex" in job and State(job[b"s"].decode()) in HELD_BY_NOBODY
    }
    found = {(queue, i, at) for (queue, _), ids in picture.sets("expiring").items() for i, at in ids.items()}
    if wanted != found:
        yield f"jobs that may expire: {wanted}, filed under expiring: {found}"


def _not_planned(picture: Picture) -> Iterator[str]:
    for (queue, name), ids in picture.sets(*_AGENDA_KIND).items():
        yield from _late(picture, _AGENDA_KIND[name] + b":" + queue, min(ids.values()))
    for kind in (b"idem", b"echo"):
        buckets = picture.by_kind[kind]
        yield from (f"{kind!r} {n!r} is not planned" for n in buckets if kind + b":" + n not in picture.agenda)
    yield from (f"replays of {w!r} are not planned" for w in picture.replays if b"replay:" + w not in picture.agenda)
    if uniques := picture.single.get(b"uniques"):
        yield from _late(picture, b"unique:", min(uniques.values()))


def _tally_faults(picture: Picture) -> Iterator[str]:
    tallies = picture.by_kind[b"tally"]
    taken = [int(marks) // _MARKS for marks in (picture.single.get(b"marks") or {}).values()]
    seats = sorted(taken + [int(seat) for seat in tallies.get(b"free", [])])
    made = int((picture.single.get(b"meta") or {}).get(b"seats", 0))
    if seats != [*range(1, made + 1)]:
        yield f"{made} seats for counters were made, and these are taken or free: {seats}"
    named, counted = {*tallies.get(b"tasks", {})}, {key[2:] for key in tallies if key.startswith(b"t:")}
    if named != counted:
        yield f"tasks that are listed: {named}, that have counters: {counted}"


def _late(picture: Picture, member: bytes, due_ms: float) -> Iterator[str]:
    planned_ms = picture.agenda.get(member)
    if planned_ms is None or planned_ms > due_ms:
        yield f"agenda: {member!r} is planned for {planned_ms}, but due at {due_ms}"
