"""Reads a shard straight from the store and looks for faults that no answer shows; for tests only.

It knows the layout of the keys and must not know the rules: each job lies in exactly one structure, the one its state
names, nothing lies around without a job, and whatever must happen by itself is on the agenda in time.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import redis
from headrace_server.domain.lifecycle import HELD_BY_NOBODY, State

_PLAIN_KEYS = {b"meta", b"agenda", b"queues", b"clock"}
_AGENDA_KIND = {
    State.SCHEDULED: b"promote",
    State.RETRYING: b"promote",
    State.LEASED: b"reap",
    State.SUCCEEDED: b"prune",
    State.DEAD: b"prune",
    State.CANCELLED: b"prune",
}
_SCORE_FIELD = {State.SCHEDULED: b"ru", State.RETRYING: b"ru"}


@dataclass
class Picture:
    """Everything a shard holds, by short name."""

    jobs: dict[bytes, dict[bytes, bytes]] = field(default_factory=dict)
    sets: dict[tuple[bytes, str], dict[bytes, float]] = field(default_factory=dict)  # (queue, set) -> id -> score
    attempts: set[bytes] = field(default_factory=set)
    replays: set[bytes] = field(default_factory=set)
    buckets: set[bytes] = field(default_factory=set)
    agenda: dict[bytes, float] = field(default_factory=dict)
    queues: set[bytes] = field(default_factory=set)
    strangers: list[bytes] = field(default_factory=list)

    def ready(self, queue: str) -> list[bytes]:
        """Return the ids of the ready jobs of a queue in the order of their scores."""
        members = self.sets.get((queue.encode(), State.READY), {})
        return sorted(members, key=lambda job_id: members[job_id])


def take_picture(client: "redis.Redis", prefix: bytes) -> Picture:
    """Read the shard whose keys start with `prefix`."""
    picture = Picture()
    keys: list[bytes] = client.keys(prefix.replace(b"{", b"[{]") + b"*")
    names = [key.removeprefix(prefix) for key in keys]
    with client.pipeline(transaction=False) as pipe:
        for key, name in zip(keys, names, strict=True):
            if name.startswith(b"j:"):
                pipe.hgetall(key)
            elif name.startswith(b"q:") or name in (b"agenda", b"queues"):
                pipe.zrange(key, 0, -1, withscores=True)
            else:
                pipe.exists(key)
        for name, value in zip(names, pipe.execute(), strict=True):
            _put(picture, name, value)
    return picture


def _put(picture: Picture, name: bytes, value: object) -> None:
    kind, _, rest = name.partition(b":")
    if name in (b"agenda", b"queues"):
        members = dict(value)  # type: ignore[call-overload]
        picture.agenda, picture.queues = (
            (members, picture.queues) if name == b"agenda" else (picture.agenda, {*members})
        )
    elif kind == b"j":
        picture.jobs[rest] = value  # type: ignore[assignment]
    elif kind == b"q":
        queue, _, set_name = rest.rpartition(b":")
        picture.sets[queue, set_name.decode()] = dict(value)  # type: ignore[call-overload]
    elif kind in (b"a", b"r", b"idem"):
        {b"a": picture.attempts, b"r": picture.replays, b"idem": picture.buckets}[kind].add(rest)
    elif name not in _PLAIN_KEYS:
        picture.strangers.append(name)


def faults(picture: Picture) -> list[str]:
    """Return what is wrong, one line each."""
    return [
        *_misplaced(picture),
        *_left_over(picture),
        *_wrong_expiring(picture),
        *_not_planned(picture),
        *(f"a key of no known kind: {name!r}" for name in picture.strangers),
    ]


def _misplaced(picture: Picture) -> Iterator[str]:
    for job_id, job in picture.jobs.items():
        homes = [(q, name) for (q, name), ids in picture.sets.items() if name != "expiring" and job_id in ids]
        if homes != [(job[b"q"], job[b"s"].decode())]:
            yield f"job {job_id.hex()} of queue {job[b'q']!r} is {job[b's']!r} but lies in {homes}"
            continue
        score_field = _SCORE_FIELD.get(State(homes[0][1]))
        if score_field and picture.sets[homes[0]][job_id] != float(job[score_field]):
            yield f"job {job_id.hex()} is due at {job[score_field]!r} but filed under {picture.sets[homes[0]][job_id]}"


def _left_over(picture: Picture) -> Iterator[str]:
    for (queue, name), ids in picture.sets.items():
        yield from (f"{name} of {queue!r} holds {i.hex()}, which is no job" for i in ids if i not in picture.jobs)
        if queue not in picture.queues:
            yield f"queue {queue!r} is not in the list of queues"
    yield from (f"attempts of {i.hex()}, which is no job" for i in picture.attempts if i not in picture.jobs)


def _wrong_expiring(picture: Picture) -> Iterator[str]:
    wanted = {
        (job[b"q"], job_id, float(job[b"ex"]))
        for job_id, job in picture.jobs.items()
        if b"ex" in job and State(job[b"s"].decode()) in HELD_BY_NOBODY
    }
    found = {(q, i, at) for (q, name), ids in picture.sets.items() if name == "expiring" for i, at in ids.items()}
    if wanted != found:
        yield f"jobs that may expire: {wanted}, filed under expiring: {found}"


def _not_planned(picture: Picture) -> Iterator[str]:
    for (queue, name), ids in picture.sets.items():
        if name == "expiring":
            yield from _late(picture, b"expire:" + queue, min(ids.values()))
        elif name != State.READY:
            yield from _late(picture, _AGENDA_KIND[State(name)] + b":" + queue, min(ids.values()))
    yield from (
        f"replay record of {w!r} is not planned" for w in picture.replays if b"replay:" + w not in picture.agenda
    )
    yield from (f"bucket {n!r} is not planned" for n in picture.buckets if b"idem:" + n not in picture.agenda)


def _late(picture: Picture, member: bytes, due_ms: float) -> Iterator[str]:
    planned_ms = picture.agenda.get(member)
    if planned_ms is None or planned_ms > due_ms:
        yield f"agenda: {member!r} is planned for {planned_ms}, but due at {due_ms}"
