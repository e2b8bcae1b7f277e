"""Schedules: their records, and firing what is due; a schedule lies on the shard of its job's queue."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final, TypeAlias

import msgspec

from headrace_server.domain import limits
from headrace_server.domain.errors import StoreFault
from headrace_server.domain.ids import shard_of_queue, slot_id
from headrace_server.domain.jobs import NewJob, ScheduleSlot
from headrace_server.domain.schedules import (
    Run,
    RunOutcome,
    Schedule,
    SchedulePage,
    ScheduleState,
    ScheduleView,
    due,
    first_ms,
    jitter_ms,
    slot_digest,
    timing_digest,
)
from headrace_server.domain.timing import BadTiming
from headrace_server.engine import encode
from headrace_server.engine.routing import Routing, partly

AGAIN_S: Final = 1.0  # when something is due and could not be fired
_CHANGES: Final = 10  # how often a resume is tried while others change the same schedule


class TooManySchedules(Exception):
    """One more would be beyond MAX_SCHEDULES."""


class Fired(msgspec.Struct, frozen=True):
    """What a look at the schedules did, and when the next slot comes."""

    done: int
    next_in_s: float | None


class Triggered(msgspec.Struct, frozen=True):
    """What a trigger did."""

    outcome: RunOutcome
    job_id: bytes | None
    now_ms: int


class _Kind(StrEnum):
    GRID = "g"
    WAITS = "b"
    MANUAL = "m"


_Place: TypeAlias = tuple[int, ScheduleView]  # the shard, and what lies there
_log = logging.getLogger(__name__)
_specs: Final = msgspec.msgpack.Decoder(Schedule)


class Scheduling(Routing):
    """The calls about schedules."""

    _schedules_changed: asyncio.Event

    async def put_schedule(self, name: str, schedule: Schedule, paused: bool | None) -> ScheduleView:
        """Let a schedule be as given; `paused` None: as it was. What is already so stays untouched.

        One that goes to a queue of another shard is removed where it was, and begins anew there. Raises
        TooManySchedules, StoreFault.
        """
        home = shard_of_queue(schedule.job.queue, self.shards)
        done = 0
        for number, shard in enumerate(self._shards):
            if number != home:
                await shard.ask("schedule", [name, "drop"])
                done += 1
        try:
            next_ms = first_ms(schedule, await self._shards[home].clock.submit(None))
            words: encode.Args = [msgspec.msgpack.encode(schedule), timing_digest(schedule), _word(next_ms)]
            pauses = "" if paused is None else "1" if paused else "0"
            args: encode.Args = [name, "set", *words, pauses, limits.MAX_SCHEDULES]
            now_ms, (outcome, view) = await self._shards[home].ask("schedule", args)
        except StoreFault as error:
            raise partly(error, done) from error
        if outcome == b"full":
            raise TooManySchedules
        return _view(view, now_ms)

    async def schedule(self, name: str) -> ScheduleView | None:
        """Return a schedule; None for an unknown one. Raises StoreFault."""
        found = await self._find(name)
        return found[1] if found else None

    async def schedules(self, after: str | None, limit: int) -> SchedulePage:
        """Return schedules in alphabetical order from behind `after`, each with its newest run. Raises StoreFault."""
        asks = (shard.ask("schedules", ["page", limit + 1, after or ""]) for shard in self._shards)
        found: dict[str, ScheduleView] = {}
        known = ""  # behind this name a shard whose reply was full may have others
        for now_ms, (_, is_cut, *views) in await asyncio.gather(*asks):
            read = [_view(view, now_ms) for view in views]
            found |= {view.name: view for view in read}
            if is_cut:
                known = min(known or read[-1].name, read[-1].name)
        names = sorted(found)
        page = [name for name in names[:limit] if not known or name <= known]
        has_more = bool(known) or len(names) > limit
        return SchedulePage([found[name] for name in page], page[-1] if has_more else None)

    async def delete_schedule(self, name: str) -> bool:
        """Remove a schedule; jobs that it has made stay. Return whether there was one. Raises StoreFault."""
        outcomes = [await shard.ask("schedule", [name, "drop"]) for shard in self._shards]
        return any(answer[0] == b"done" for _, answer in outcomes)

    async def pause_schedule(self, name: str) -> ScheduleView | None:
        """Let a schedule fire nothing; None for an unknown one. Raises StoreFault."""
        found = await self._find(name)
        if found is None:
            return None
        now_ms, (outcome, view) = await self._shards[found[0]].ask("schedule", [name, "pause"])
        return None if outcome == b"not_found" else _view(view, now_ms)

    async def resume_schedule(self, name: str) -> ScheduleView | None:
        """Let a paused schedule fire again, from its next slot on; None for an unknown one. Raises StoreFault."""
        for _ in range(_CHANGES):
            found = await self._find(name)
            if found is None:
                return None
            number, view = found
            next_ms = first_ms(view.schedule, view.now_ms)
            now_ms, (outcome, after) = await self._shards[number].ask(
                "schedule", [name, "resume", view.generation, _word(next_ms)]
            )
            if outcome in (b"done", b"same"):
                return _view(after, now_ms)
        return None

    async def trigger_schedule(self, name: str) -> Triggered | None:
        """Fire a schedule now, off its grid and whatever its overlap; None for an unknown one. Raises StoreFault."""
        for _ in range(_CHANGES):
            found = await self._find(name)
            if found is None:
                return None
            number, view = found
            job = msgspec.structs.replace(
                view.schedule.job, id=self._make_id(number), schedule=ScheduleSlot(name, view.now_ms)
            )
            head: encode.Args = [name, view.generation, "-", "-", "", 0, view.schedule.overlap.value, 1]
            args = [*head, view.now_ms, _Kind.MANUAL.value, *encode.new_job(job)]
            now_ms, (fired, *outcomes) = await self._shards[number].ask("fire", args)
            if fired == b"fired":
                outcome = "enqueued" if outcomes[0] == b"again" else outcomes[0].decode()
                return Triggered(RunOutcome(outcome), outcomes[1] or None, now_ms)
        return None

    async def fire_due(self) -> Fired:
        """Fire what is due, a bounded part of it; return how much was done. Raises StoreFault."""
        self._schedules_changed.clear()
        looks = await asyncio.gather(*(self._fire_on(number) for number in range(self.shards)))
        waits = [look.next_in_s for look in looks if look.next_in_s is not None]
        return Fired(sum(look.done for look in looks), min(waits, default=None))

    async def until_schedules_change(self, at_most_s: float) -> None:
        """Return when somebody has said something about schedules since the last look, or after `at_most_s`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(at_most_s):
                await self._schedules_changed.wait()

    async def _fire_on(self, number: int) -> Fired:
        now_ms, (head, _, *views) = await self._shards[number].ask("schedules", ["due", limits.SCHEDULE_PAGE])
        done = sum(await asyncio.gather(*(self._fire_one(number, view, now_ms) for view in views)))
        next_in_s = (float(head) - now_ms) / 1000 if head else None
        if done < len(views):
            next_in_s = AGAIN_S if next_in_s is None else min(next_in_s, AGAIN_S)
        return Fired(done, next_in_s)

    async def _fire_one(self, number: int, answer: Sequence[Any], now_ms: int) -> int:
        """Fire what is due of a schedule, unless somebody else did or changed it; return 1 for whatever has moved on.

        One that this server does not understand is left to those that do: a newer one wrote it.
        """
        try:
            args = _firing(_view(answer, now_ms), number)
        except (msgspec.MsgspecError, BadTiming) as fault:
            _log.warning("a schedule cannot be read", extra={"schedule": answer[0].decode(), "detail": str(fault)})
            return 0
        await self._shards[number].ask("fire", args)
        return 1

    async def _find(self, name: str) -> _Place | None:
        """Return a schedule and where it is; of several, left by moves that met each other, the newest."""
        asks = (shard.ask("schedules", ["one", name]) for shard in self._shards)
        found = [
            (number, _view(view, now_ms))
            for number, (now_ms, (_, _, *views)) in enumerate(await asyncio.gather(*asks))
            for view in views
        ]
        return max(found, key=lambda place: place[1].updated_at_ms, default=None)


def _firing(view: ScheduleView, shard: int) -> encode.Args:
    """Return the arguments of `fire` for what is due of a schedule now."""
    schedule = view.schedule
    slots: list[int] = []
    missed, next_ms = 0, view.next_ms
    if view.next_ms is not None and view.next_ms <= view.now_ms:
        found = due(schedule, view.next_ms, view.now_ms)
        slots, missed, next_ms = found.slots, found.missed, found.next_ms
    jobs = [(slot, _Kind.GRID) for slot in slots]
    if view.buffered_ms is not None:
        jobs.insert(0, (view.buffered_ms, _Kind.WAITS))
    args: encode.Args = [view.name, view.generation, _word(view.next_ms), _word(view.buffered_ms), _word(next_ms)]
    args += [missed, schedule.overlap.value, len(jobs)]
    for slot, kind in jobs:
        args += [slot, kind.value, *encode.new_job(_job(view, slot, shard))]
    return args


def _job(view: ScheduleView, slot_ms: int, shard: int) -> NewJob:
    """Return the job of a slot: every server makes the same."""
    job_id = slot_id(slot_ms, shard, slot_digest(view.name, view.generation, slot_ms))
    later_ms = jitter_ms(view.schedule, view.name, slot_ms)
    run_at_ms = slot_ms + later_ms if later_ms else None
    slot = ScheduleSlot(view.name, slot_ms)
    return msgspec.structs.replace(view.schedule.job, id=job_id, schedule=slot, run_at_ms=run_at_ms)


def _word(number: int | None) -> int | str:
    return "" if number is None else number


def _view(answer: Sequence[Any], now_ms: int) -> ScheduleView:
    name, flat, runs = answer
    fields: dict[bytes, bytes] = dict(zip(flat[::2], flat[1::2], strict=True))
    get = fields.get
    next_ms = _number(get(b"next"))
    state = ScheduleState.ENDED if next_ms is None else ScheduleState.ACTIVE
    return ScheduleView(
        name=name.decode(),
        schedule=_specs.decode(fields[b"spec"]),
        state=ScheduleState.PAUSED if get(b"paused") else state,
        generation=int(fields[b"gen"]),
        next_ms=next_ms,
        last_ms=_number(get(b"last")),
        buffered_ms=_number(get(b"buffered")),
        last_id=get(b"last_id"),
        fired=int(get(b"fired") or 0),
        missed=int(get(b"missed") or 0),
        created_at_ms=int(fields[b"created"]),
        updated_at_ms=int(fields[b"updated"]),
        runs=tuple(_run(line) for line in runs),
        now_ms=now_ms,
    )


def _run(line: bytes) -> Run:
    slot, fired, kind, outcome, started, ended, job_id = line.split(b" ", 6)
    return Run(
        slot_ms=int(slot),
        fired_at_ms=int(fired),
        is_manual=kind == b"m",
        outcome=RunOutcome(outcome.decode()),
        started_at_ms=_number(started),
        ended_at_ms=_number(ended),
        job_id=None if job_id == b"-" else job_id,
    )


def _number(word: bytes | None) -> int | None:
    return int(word) or None if word else None
