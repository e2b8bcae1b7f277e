"""Looks for faults in what stands for the rarer wishes of jobs: lanes, slots, keys, tags, bytes; for tests only."""

from collections import Counter
from collections.abc import Iterator

from headrace_server.domain.lifecycle import FINAL, State

from tests.model.picture import SEPARATOR, Fields, Picture

_LETTERS = {
    **dict.fromkeys((b"fk", b"ok", b"li", b"fw", b"oh"), b"l"),
    **dict.fromkeys((b"nr", b"ox", b"me"), b"r"),
    b"ex": b"e",
    b"re": b"k",
    b"wt": b"w",
    b"uq": b"u",
    b"tg": b"t",
    b"rl": b"v",
}
_KEEPS_BUSY = {State.LEASED, State.RETRYING}


def option_faults(picture: Picture) -> Iterator[str]:
    """Yield what is wrong, one line each."""
    yield from _unnamed_options(picture)
    for queue in {queue for queue, *_ in picture.of_queues}:
        yield from _wrong_lanes(picture, queue)
        yield from _wrong_openings(picture, queue)
    yield from _wrong_slots(picture)
    yield from _wrong_keys(picture)
    yield from _wrong_tags(picture)
    yield from _wrong_bytes(picture)


def lane_of(job: Fields) -> bytes | None:
    """Return the lane in which a job lies when it is ready; None: in none."""
    tenant = job.get(b"fk", b"")
    if b"ok" in job:
        return b"o" + tenant + SEPARATOR + job[b"ok"]
    if b"fk" in job or b"li" in job:
        return b"l" + tenant + SEPARATOR + job.get(b"li", b"")
    return None


def _state(job: Fields) -> State:
    return State(job[b"s"].decode())


def _words(job: Fields, name: bytes) -> list[bytes]:
    return job.get(name, b"").split()


def _unnamed_options(picture: Picture) -> Iterator[str]:
    for job_id, job in picture.jobs.items():
        letters = job.get(b"o", b"")
        missing = [name for name, letter in _LETTERS.items() if name in job and letter not in letters]
        if missing:
            yield f"job {job_id.hex()} has {missing}, but only the options {letters!r}"
        if b"c" in letters and _state(job) is not State.LEASED:
            yield f"job {job_id.hex()} is asked to end, and nobody holds it"


def _wrong_lanes(picture: Picture, queue: bytes) -> Iterator[str]:
    wanted: dict[bytes, set[bytes]] = {}
    for job_id, job in picture.jobs.items():
        lane = lane_of(job)
        if lane is not None and job[b"q"] == queue and _state(job) is State.READY:
            wanted.setdefault(lane, set()).add(job_id)
    lanes, laned = picture.below(queue, "lane"), picture.set(queue, "laned")
    if {lane: {*ids} for lane, ids in lanes.items()} != wanted:
        yield f"lanes of {queue!r}: {lanes}, but its jobs say {wanted}"
    if {i: place for ids in lanes.values() for i, place in ids.items()} != laned:
        yield f"jobs in lanes of {queue!r} have other places in all of them: {lanes}, {laned}"
    for lane, job_id in picture.set(queue, "busy").items():
        job = picture.jobs.get(job_id, {})
        holds = job and (_state(job) in _KEEPS_BUSY or (_state(job) is State.DEAD and job.get(b"oh") == b"1"))
        if not holds or (job[b"q"], lane_of(job)) != (queue, lane):
            yield f"lane {lane!r} of {queue!r} is busy by {job_id.hex()}: {job}"


def _wrong_openings(picture: Picture, queue: bytes) -> Iterator[str]:
    """A lane with a job is open at its head's place, busy, or shut by a limit; the tenants of open lanes have turns."""
    busy, opened = picture.set(queue, "busy"), picture.below(queue, "open")
    shut = {member for lanes in picture.by_kind[b"shut"].values() for member in lanes}
    heads = {lane: min(ids.values()) for lane, ids in picture.below(queue, "lane").items()}
    for lane, place in heads.items():
        tenant = lane[1:].partition(SEPARATOR)[0]
        found = opened.get(tenant, {}).get(lane)
        if lane in busy and found is not None:
            yield f"lane {lane!r} of {queue!r} is open and busy"
        if lane not in busy and found != place and not (found is None and queue + SEPARATOR + lane in shut):
            yield f"lane {lane!r} of {queue!r} is not open at its head's place, and not shut"
    yield from (f"lane {n!r} is open and has no job" for lanes in opened.values() for n in lanes if n not in heads)
    tenants = {tenant for tenant in opened if tenant}
    if tenants != {*picture.set(queue, "turns")}:
        yield f"turns of {queue!r}: {picture.set(queue, 'turns')}, but lanes are open for {tenants}"


def _wrong_slots(picture: Picture) -> Iterator[str]:
    held = {(k, i) for i, job in picture.jobs.items() if _state(job) is State.LEASED for k in _words(job, b"li")}
    found = {(key, job_id) for key, ids in picture.by_kind[b"slots"].items() for job_id in ids}
    if held != found:
        yield f"slots are taken by {found}, but held are {held}"
    yield from (
        f"limit {key!r} has shut lanes that nobody looks at again"
        for key in picture.by_kind[b"shut"]
        if key not in (picture.single.get(b"blocked") or {})
    )


def _wrong_keys(picture: Picture) -> Iterator[str]:
    for digest, value in picture.by_kind[b"u"].items():
        job, is_timed = picture.jobs.get(value[:16]), len(value) > 16
        mine = job is not None and job.get(b"uq", b"")[1:] == digest
        if not is_timed and (job is None or not mine or _state(job) in FINAL):
            yield f"unique key {digest.hex()} is held by {value[:16].hex()}, which is {job}"
        if is_timed and digest not in (picture.single.get(b"uniques") or {}):
            yield f"unique key {digest.hex()} is held for a time, and nobody will free it"


def _wrong_tags(picture: Picture) -> Iterator[str]:
    tagged = {(tag, i) for i, job in picture.jobs.items() if b"tg" in job for tag in job[b"tg"].split(SEPARATOR)}
    found = {(tag, job_id) for tag, ids in picture.by_kind[b"tag"].items() for job_id in ids}
    if tagged != found:
        yield f"tags are filed as {found}, but jobs have {tagged}"


def _wrong_bytes(picture: Picture) -> Iterator[str]:
    counted: Counter[bytes] = Counter()
    for job in picture.jobs.values():
        if b"b" in job.get(b"o", b""):
            counted[job[b"q"]] += len(job[b"p"])
    found = {queue: int(n) for queue, n in (picture.single.get(b"bytes") or {}).items() if int(n) != 0}
    if found != dict(counted):
        yield f"bytes are counted as {found}, but are {dict(counted)}"
