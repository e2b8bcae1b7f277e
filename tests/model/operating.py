"""What operators may do to single jobs of the oracle: cancel, redrive, patch, delete."""

from collections.abc import Sequence

import msgspec
from headrace_server.domain.ids import group_of_queue
from headrace_server.domain.jobs import UniqueUntil
from headrace_server.domain.lifecycle import FINAL, HELD_BY_NOBODY, State
from headrace_server.domain.requests import (
    CancelAsk,
    Cancelled,
    CancelMode,
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

from tests.model.records import Record
from tests.model.settling import end, put_back
from tests.model.world import World


class Operating:
    """The verbs cancel, redrive, patch and delete, over one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    # -- cancel ---------------------------------------------------------------------------------------

    def cancel(self, asks: Sequence[CancelAsk]) -> list[Cancelled]:
        """End what nobody holds, and ask the holders of the rest."""
        return [self._cancel(ask) for ask in asks]

    def _cancel(self, ask: CancelAsk) -> Cancelled:
        now = self._world.begin()
        record = self._world.jobs.get(ask.job_id)
        if record is None:
            return Cancelled(job_id=ask.job_id, status=CancelStatus.NOT_FOUND, now_ms=now)
        hard = ask.mode is CancelMode.HARD
        if record.state in HELD_BY_NOBODY or (record.state is State.LEASED and hard):
            asked_before = record.cancel_reason
            end(self._world, record, State.CANCELLED, reason=ask.reason if asked_before is None else asked_before)
        elif record.state is State.LEASED and record.cancel_reason is None:
            record.cancel_reason = ask.reason
            self._world.touch(record)
        status = {
            State.CANCELLED: CancelStatus.CANCELLED,
            State.LEASED: CancelStatus.REQUESTED,
        }.get(record.state, CancelStatus.FINAL)
        return Cancelled(job_id=ask.job_id, status=status, now_ms=now, state=record.state)

    # -- redrive --------------------------------------------------------------------------------------

    def redrive(self, asks: Sequence[Redrive]) -> list[Redriven]:
        """Open another run of each dead job."""
        return [self._redrive(ask) for ask in asks]

    def _redrive(self, ask: Redrive) -> Redriven:
        now = self._world.begin()
        record = self._world.jobs.get(ask.job_id)
        if record is None:
            return Redriven(job_id=ask.job_id, status=RedriveStatus.NOT_FOUND, now_ms=now)
        queue = record.new.queue if ask.queue is None else ask.queue
        conflict = self._conflict(record, now)
        if record.state is not State.DEAD:
            status = RedriveStatus.NOT_DEAD
        elif group_of_queue(queue) != group_of_queue(record.new.queue):
            status = RedriveStatus.OTHER_GROUP
        elif self._world.known(queue).draining:
            status = RedriveStatus.DRAINING
        elif conflict is not None:
            status = RedriveStatus.CONFLICT
        else:
            status = RedriveStatus.READY
            self._open_run(record, queue, now)
        conflict = conflict if status is RedriveStatus.CONFLICT else None
        return Redriven(job_id=ask.job_id, status=status, now_ms=now, state=record.state, conflict=conflict)

    def _conflict(self, record: Record, now: int) -> bytes | None:
        """Return another job that has the key which this one would have to take again."""
        unique = record.new.unique
        if unique is None or unique.until is UniqueUntil.TTL:
            return None
        holder = self._world.uniques.holder(unique.digest, now)
        return None if holder == record.new.id else holder

    def _open_run(self, record: Record, queue: str, now: int) -> None:
        world, unique = self._world, record.new.unique
        keeps_place = record.lane is not None and world.lane_holder(record.lane) is record
        world.relocate(record, queue)
        if unique is not None and unique.until is not UniqueUntil.TTL:
            world.uniques.take(unique, record.new.id, now)
        record.attempt, record.delivery, record.crashes = 1, 0, 0
        record.run, record.run_opened_ms = record.run + 1, now
        record.reason = record.progress = record.finished_at_ms = record.prune_at_ms = None
        if record.expires_at_ms is not None and record.expires_at_ms <= now:
            record.expires_at_ms = None
        self._make_ready(record, keeps_place=keeps_place)

    # -- patch ----------------------------------------------------------------------------------------

    def patch(self, asks: Sequence[Patch]) -> list[Patched]:
        """Give jobs that nobody holds other options."""
        return [self._patch(ask) for ask in asks]

    def _patch(self, ask: Patch) -> Patched:
        now = self._world.begin()
        record = self._world.jobs.get(ask.job_id)
        if record is None:
            return Patched(job_id=ask.job_id, status=PatchStatus.NOT_FOUND, now_ms=now)
        queue = record.new.queue if ask.queue is None else ask.queue
        if record.state is State.LEASED:
            status = PatchStatus.LEASED
        elif record.state in FINAL:
            status = PatchStatus.FINAL
        elif group_of_queue(queue) != group_of_queue(record.new.queue):
            status = PatchStatus.OTHER_GROUP
        elif queue != record.new.queue and self._world.known(queue).draining:
            status = PatchStatus.DRAINING
        else:
            status = PatchStatus.PATCHED
            self._change(record, ask, queue, now)
        return Patched(job_id=ask.job_id, status=status, now_ms=now, state=record.state)

    def _change(self, record: Record, ask: Patch, queue: str, now: int) -> None:
        world, was = self._world, record.state
        world.relocate(record, queue)
        if ask.priority is not None:
            record.new = msgspec.structs.replace(record.new, priority=ask.priority)
        run_at = ask.run_at_ms if ask.delay_ms is None else now + ask.delay_ms
        if run_at is not None and run_at > now:
            record.due_ms = run_at
            world.move(record, State.SCHEDULED if was is State.READY else was)
        elif run_at is not None:
            record.wanted_ms = record.wanted_ms if was is State.READY else now
            self._make_ready(record, keeps_place=was is State.RETRYING and record.lane is not None)
        elif was is State.READY and (ask.priority is not None or ask.queue is not None):
            self._make_ready(record, keeps_place=False)
        else:
            world.move(record, was)

    def _make_ready(self, record: Record, *, keeps_place: bool) -> None:
        if keeps_place:
            put_back(self._world, record)
        else:
            self._world.line_up(record)
            self._world.move(record, State.READY)

    # -- delete ---------------------------------------------------------------------------------------

    def delete(self, ids: Sequence[bytes]) -> list[Deleted]:
        """Remove the records of jobs that have ended."""
        return [self._delete(job_id) for job_id in ids]

    def _delete(self, job_id: bytes) -> Deleted:
        now = self._world.begin()
        record = self._world.jobs.get(job_id)
        if record is None:
            return Deleted(job_id=job_id, status=DeleteStatus.NOT_FOUND, now_ms=now)
        if record.state not in FINAL:
            return Deleted(job_id=job_id, status=DeleteStatus.NOT_FINAL, now_ms=now, state=record.state)
        self._world.remove(record)
        return Deleted(job_id=job_id, status=DeleteStatus.DELETED, now_ms=now)
