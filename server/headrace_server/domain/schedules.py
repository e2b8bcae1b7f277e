"""The nouns of schedules, and which of their slots are fired when; pure: instants are unix milliseconds."""

from enum import StrEnum
from hashlib import blake2b
from typing import Final

import msgspec

from headrace_server.domain.jobs import NewJob
from headrace_server.domain.limits import MINUTE_MS, SCHEDULE_LOOK_BACK, SCHEDULE_SCRIPT_SLOTS
from headrace_server.domain.timing import Every, Timing, instants, next_ms

ON_TIME_MS: Final = MINUTE_MS  # a slot that is later was missed: `catch_up` says what becomes of it


class Overlap(StrEnum):
    """What a slot does while the job of the slot before has not ended."""

    ALLOW = "allow"
    SKIP = "skip"
    BUFFER_ONE = "buffer_one"  # its job comes once the other has ended; of several such slots the first
    CANCEL_PREVIOUS = "cancel_previous"


class CatchUp(StrEnum):
    """What becomes of slots that passed while no server was there to fire them."""

    NONE = "none"
    LAST = "last"
    ALL = "all"


class ScheduleState(StrEnum):
    """Whether a schedule fires."""

    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"  # it has no slot any more


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """When something is to happen."""

    timing: Timing
    starts_at_ms: int | None = None
    ends_at_ms: int | None = None


class Schedule(Plan, frozen=True, kw_only=True):
    """What somebody wants to happen, and when."""

    job: NewJob  # without an id
    asked: bytes  # the job as it was asked for, but for payload and meta: a JSON object, for those who look
    overlap: Overlap = Overlap.ALLOW
    catch_up: CatchUp = CatchUp.LAST
    max_catch_up: int = 100  # slots, with `all`
    jitter_ms: int = 0
    owner: str | None = None
    description: str | None = None


class RunOutcome(StrEnum):
    """What became of a slot."""

    ENQUEUED = "enqueued"  # its job has not ended
    SUCCEEDED = "succeeded"
    DEAD = "dead"
    CANCELLED = "cancelled"
    DELETED = "deleted"  # its job was, before it ended
    SKIPPED = "skipped"  # the job before had not ended
    DEDUPLICATED = "deduplicated"  # another job has the unique key; `job_id` names it
    REFUSED = "refused"  # by the queue: it drains, or is full; or by the unique key


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a schedule's history."""

    slot_ms: int
    fired_at_ms: int
    is_manual: bool  # triggered by somebody, outside of the grid
    outcome: RunOutcome
    started_at_ms: int | None = None
    ended_at_ms: int | None = None
    job_id: bytes | None = None


class ScheduleView(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule as it is now."""

    name: str
    schedule: Schedule
    state: ScheduleState
    generation: int
    next_ms: int | None
    last_ms: int | None  # the newest slot that was fired
    buffered_ms: int | None  # the slot that waits for the end of the job before
    last_id: bytes | None
    fired: int
    missed: int
    created_at_ms: int
    updated_at_ms: int
    runs: tuple[Run, ...]  # newest first
    now_ms: int


class SchedulePage(msgspec.Struct, frozen=True):
    """Some schedules, by name."""

    schedules: list[ScheduleView]
    next_after: str | None


class Due(msgspec.Struct, frozen=True):
    """What is to be done about the slots that have passed."""

    slots: list[int]  # to be fired now, in this order
    missed: int
    next_ms: int | None


def first_ms(schedule: Plan, after_ms: int) -> int | None:
    """Return the first slot after an instant; None when there is none any more."""
    if schedule.starts_at_ms is not None:
        after_ms = max(after_ms, schedule.starts_at_ms - 1)
    found = next_ms(schedule.timing, after_ms)
    if found is None or (schedule.ends_at_ms is not None and found > schedule.ends_at_ms):
        return None
    return found


def next_slots(schedule: Plan, after_ms: int, most: int) -> list[int]:
    """Return the first slots after an instant."""
    found: list[int] = []
    at_ms = first_ms(schedule, after_ms)
    while len(found) < most and at_ms is not None:
        found.append(at_ms)
        at_ms = first_ms(schedule, at_ms)
    return found


def due(schedule: Schedule, slot_ms: int, now_ms: int) -> Due:
    """Return what is to be done now, when `slot_ms` is the first slot that was not fired; it must have passed."""
    until_ms = now_ms if schedule.ends_at_ms is None else min(now_ms, schedule.ends_at_ms)
    count, newest = _passed(schedule.timing, slot_ms, until_ms)
    most = schedule.max_catch_up if schedule.catch_up is CatchUp.ALL else 1
    is_late = newest[-1] < now_ms - ON_TIME_MS
    kept = [] if is_late and schedule.catch_up is CatchUp.NONE else newest[-most:]
    slots, rest = kept[:SCHEDULE_SCRIPT_SLOTS], kept[SCHEDULE_SCRIPT_SLOTS:]
    return Due(slots, count - len(kept), rest[0] if rest else first_ms(schedule, until_ms))


def jitter_ms(schedule: Schedule, name: str, slot_ms: int) -> int:
    """Return how much later than its slot a job is due: by chance, and the same on every server."""
    if schedule.jitter_ms == 0:
        return 0
    digest = blake2b(f"{name} {slot_ms}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % (schedule.jitter_ms + 1)


def slot_digest(name: str, generation: int, slot_ms: int) -> int:
    """Return 64 bits that make the id of a slot's job: whoever fires it, and however often, makes the same."""
    digest = blake2b(f"{name} {generation} {slot_ms}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def timing_digest(schedule: Schedule) -> bytes:
    """Return 16 bytes over what decides about the slots: while they stay, a schedule keeps its place."""
    decisive = (schedule.timing, schedule.starts_at_ms, schedule.ends_at_ms)
    return blake2b(msgspec.msgpack.encode(decisive), digest_size=16).digest()


def _passed(timing: Timing, first_ms: int, until_ms: int) -> tuple[int, list[int]]:
    """Return how many slots lie in a span, and the newest of them; of a cron's many the number is a lower bound."""
    if isinstance(timing, Every):
        count = (until_ms - first_ms) // timing.every_ms + 1
        last_ms = first_ms + (count - 1) * timing.every_ms
        kept = min(count, SCHEDULE_LOOK_BACK)
        return count, [last_ms - back * timing.every_ms for back in reversed(range(kept))]
    found = instants(timing, first_ms - 1, until_ms, SCHEDULE_LOOK_BACK + 1)
    if len(found) <= SCHEDULE_LOOK_BACK:
        return len(found), found
    return len(found), _newest(timing, found[0], until_ms)


def _newest(timing: Timing, first_ms: int, until_ms: int) -> list[int]:
    """Return some of the newest slots of a long span, without walking over all of it."""
    span_ms = MINUTE_MS
    while True:
        from_ms = max(first_ms, until_ms - span_ms)
        found = instants(timing, from_ms - 1, until_ms, SCHEDULE_LOOK_BACK)
        if found and (from_ms == first_ms or len(found) >= SCHEDULE_LOOK_BACK // 4):
            return found if len(found) < SCHEDULE_LOOK_BACK else _after(timing, found, until_ms)
        span_ms *= 4


def _after(timing: Timing, found: list[int], until_ms: int) -> list[int]:
    """Return the end of a walk that was cut: its last SCHEDULE_LOOK_BACK slots."""
    while more := instants(timing, found[-1], until_ms, SCHEDULE_LOOK_BACK):
        found = [*found, *more][-SCHEDULE_LOOK_BACK:]
    return found
