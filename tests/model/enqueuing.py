"""How the oracle takes jobs in: what may refuse them, in which order, and what unique keys do to them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
from headrace_server.domain.jobs import IdempotencyKey, Job, NewJob, OnConflict, Receipt
from headrace_server.domain.lifecycle import State
from headrace_server.domain.requests import Enqueued, EnqueueGroup, EnqueueStatus, Placed

from tests.model.records import Record
from tests.model.views import as_job
from tests.model.world import World

NOBODY = bytes(16)  # under a key, for a job that was kept out


@dataclass
class Plan:
    """What would become of each job of a group, judged as a whole."""

    placed: list[Placed] = field(default_factory=list)
    ids: list[bytes] = field(default_factory=list)
    in_the_way: dict[int, bytes] = field(default_factory=dict)  # index -> the job that has its key

    def add(self, placed: Placed, job_id: bytes) -> None:
        self.placed.append(placed)
        self.ids.append(job_id)


class Enqueuing:
    """The verb `enqueue`, over one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._answers: dict[tuple[bytes, ...], Plan] = {}  # by the ids of the call

    def enqueue(self, group: EnqueueGroup) -> Enqueued:
        """Write the jobs of one group, or say why none is written; or each of them for itself."""
        answer = self._enqueue_each(group) if group.each else self._enqueue_whole(group)
        if group.brief:
            receipts = [job and Receipt(job.id, job.state) for job in answer.jobs]
            answer = msgspec.structs.replace(answer, jobs=receipts)
        return answer

    def _enqueue_each(self, group: EnqueueGroup) -> Enqueued:
        """Write each job as if it came alone; under the key lie the ids of those that were written."""
        now = self._world.now_ms()
        known = self._world.keys.find(group.key, now)
        if known is not None and group.key is not None and known.fingerprint != group.key.fingerprint:
            return Enqueued(status=EnqueueStatus.KEY_MISMATCH, now_ms=self._world.begin())
        answer = Enqueued(status=EnqueueStatus.CREATED, now_ms=self._world.begin())
        kept = [*(known.ids if known else ()), *[NOBODY] * len(group.jobs)][: len(group.jobs)]
        before = list(kept)
        for index, new in enumerate(group.jobs):
            if kept[index] != NOBODY and (new.id,) not in self._answers:
                _note(answer, None, kept[index], Placed.REPLAYED)
                continue
            alone = self._enqueue_whole(EnqueueGroup([new]))
            if alone.status is EnqueueStatus.CREATED:
                _note(answer, alone.jobs[0], alone.ids[0], alone.placed[0])
                kept[index] = alone.ids[0]
            else:
                _note(answer, None, alone.conflicts[0] if alone.conflicts else b"", Placed.REFUSED)
                answer.refusals[index] = alone
        if kept != before:
            self._world.keys.add(group.key, kept, now)
        return answer

    def _enqueue_whole(self, group: EnqueueGroup) -> Enqueued:
        world = self._world
        now = world.begin()
        call = tuple(new.id for new in group.jobs)
        if call not in self._answers:  # else: this very call once more, after its answer was lost
            plan = self._plan(group.jobs, now)
            refusal = self._recall(group.key, now) or self._refuse(group.jobs, plan, now)
            if refusal is not None:
                return refusal
            for new, placed, job_id in zip(group.jobs, plan.placed, plan.ids, strict=True):
                self._write(new, placed, job_id, now)
            world.keys.add(group.key, plan.ids, now)
            self._answers[call] = plan
        plan = self._answers[call]
        return Enqueued(
            status=EnqueueStatus.CREATED,
            now_ms=now,
            jobs=[
                as_job(world, world.jobs[job_id]) if placed is Placed.CREATED and job_id in world.jobs else None
                for placed, job_id in zip(plan.placed, plan.ids, strict=True)
            ],
            ids=plan.ids,
            placed=plan.placed,
        )

    # -- what may refuse it ---------------------------------------------------------------------------

    def _recall(self, key: IdempotencyKey | None, now: int) -> Enqueued | None:
        known = self._world.keys.find(key, now)
        if known is None or key is None:
            return None
        if known.fingerprint != key.fingerprint:
            return Enqueued(status=EnqueueStatus.KEY_MISMATCH, now_ms=now)
        return Enqueued(status=EnqueueStatus.REPLAYED, now_ms=now, ids=list(known.ids))

    def _refuse(self, jobs: Sequence[NewJob], plan: Plan, now: int) -> Enqueued | None:
        known = self._world.known
        past = [i for i, new in enumerate(jobs) if (_expiry(new, now) or now + 1) <= now]
        draining = [i for i, new in enumerate(jobs) if known(new.queue).draining]
        full = self._full(jobs, plan)
        for status, refused in (
            (EnqueueStatus.EXPIRED, past),
            (EnqueueStatus.DRAINING, draining),
            (EnqueueStatus.CONFLICT, list(plan.in_the_way)),
            (EnqueueStatus.FULL, full),
        ):
            if refused:
                conflicts = list(plan.in_the_way.values()) if status is EnqueueStatus.CONFLICT else []
                return Enqueued(status=status, now_ms=now, refused=refused, conflicts=conflicts)
        return None

    def _full(self, jobs: Sequence[NewJob], plan: Plan) -> list[int]:
        """Return the indexes of the jobs that would be created in queues which have no room for all of them."""
        if plan.in_the_way:
            return []
        created = [(i, new) for i, new in enumerate(jobs) if plan.placed[i] is Placed.CREATED]
        return [i for i, new in created if self._lacks_room(new.queue, [j for _, j in created if j.queue == new.queue])]

    def _lacks_room(self, name: str, jobs: list[NewJob]) -> bool:
        world, settings = self._world, self._world.known(name).settings
        depth = len(world.open_jobs(name)) + len(jobs)
        size = world.tracked_bytes(name) + sum(len(new.payload.data) for new in jobs)
        too_deep = settings.max_depth is not None and depth > settings.max_depth
        return too_deep or (settings.max_bytes is not None and size > settings.max_bytes)

    # -- unique keys ----------------------------------------------------------------------------------

    def _plan(self, jobs: Sequence[NewJob], now: int) -> Plan:
        plan, of_this_group = Plan(), dict[bytes, bytes]()
        for index, new in enumerate(jobs):
            unique = new.unique
            earlier = of_this_group.get(unique.digest) if unique else None
            holder = earlier or (self._world.uniques.holder(unique.digest, now) if unique else None)
            if unique is None or holder is None:
                plan.add(Placed.CREATED, new.id)
            elif unique.on_conflict is OnConflict.RETURN:
                plan.add(Placed.DEDUPLICATED, holder)
            elif unique.on_conflict is OnConflict.REPLACE and earlier is None and self._is_untouched(holder):
                plan.add(Placed.REPLACED, holder)
            else:
                plan.in_the_way[index] = holder
            if unique is not None and holder is None:
                of_this_group[unique.digest] = new.id
        return plan

    def _is_untouched(self, job_id: bytes) -> bool:
        """Nobody has started it in this run."""
        record = self._world.jobs.get(job_id)
        return record is not None and record.state in (State.SCHEDULED, State.READY) and record.delivery == 0

    # -- writing --------------------------------------------------------------------------------------

    def _write(self, new: NewJob, placed: Placed, job_id: bytes, now: int) -> None:
        world = self._world
        if placed is not Placed.CREATED:
            world.tallies.of_queues[new.queue, placed.value] += 1
        if placed is Placed.DEDUPLICATED:
            return
        if placed is Placed.CREATED:
            record = Record(new, State.READY, now, _expiry(new, now), run_opened_ms=now)
        else:
            record = self._renewed(world.jobs[job_id], new, now)
        record.counts_bytes = world.known(new.queue).settings.max_bytes is not None
        if new.unique is not None:
            world.uniques.take(new.unique, job_id, now)
        run_at = now + (new.delay_ms or 0) if new.run_at_ms is None else new.run_at_ms
        state = State.SCHEDULED if run_at > now else State.READY
        if state is State.READY:
            world.line_up(record)
        else:
            record.due_ms = run_at
        if placed is Placed.CREATED:
            world.add(record, state)
        else:
            world.move(record, state)

    def _renewed(self, record: Record, new: NewJob, now: int) -> Record:
        """Let a job that nobody started become the new one, under its old name."""
        record.new = msgspec.structs.replace(new, id=record.new.id)
        record.expires_at_ms, record.due_ms, record.wanted_ms = _expiry(new, now), None, None
        record.reason = None
        return record


def _note(answer: Enqueued, job: Job | Receipt | None, job_id: bytes, placed: Placed) -> None:
    answer.jobs.append(job)
    answer.ids.append(job_id)
    answer.placed.append(placed)


def _expiry(new: NewJob, now: int) -> int | None:
    return new.expires_at_ms if new.expires_in_ms is None else now + new.expires_in_ms
