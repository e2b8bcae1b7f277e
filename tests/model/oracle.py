"""The oracle: the engine's rules once more in plain, slow Python, with everything in dictionaries.

It is written from the design alone and must not know the scripts or the store: where the two differ, one of them is
wrong. Requests and answers are those of the engine; the test moves the clock (`clock_ms`) and chooses the tokens.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, count

from headrace_server.domain.defaults import Defaults
from headrace_server.domain.jobs import Job, NewJob, QueueStats
from headrace_server.domain.lifecycle import FINAL, HELD_BY_NOBODY, State
from headrace_server.domain.limits import MAX_PRIORITY
from headrace_server.domain.requests import (
    Ack,
    Cancelled,
    CancelStatus,
    Enqueued,
    EnqueueGroup,
    EnqueueStatus,
    Extend,
    Grant,
    LeaseAsk,
    Nack,
    Release,
    Settle,
    Settled,
    SettleStatus,
    Snooze,
)

from tests.model.memories import Keys, Replays
from tests.model.records import Record
from tests.model.settling import extend, finish, nack, put_back, remember, snooze, verdict

FAILOVER_FENCE_US = 60_000_000  # what a new run id of the store adds to the fence base
LEASE_EXPIRED = b'{"type":"LeaseExpired"}'


class Oracle:
    """One shard of the engine."""

    def __init__(self, defaults: Defaults) -> None:
        self.clock_ms = 0
        self.jitter = 1.0  # what the next nacks draw, 0..1
        self.defaults = defaults
        self.jobs: dict[bytes, Record] = {}
        self.keys = Keys()
        self.replays = Replays()
        self._last_ms = 0
        self._fence_base_us = 0
        self._moves = count(1)  # of jobs into ready: the first-in-first-out order
        self._own_tokens = (n.to_bytes(16, "big") for n in count(1))

    # -- the clock and the store's run ---------------------------------------------------------------

    def now_ms(self) -> int:
        """Return the clock, or the last instant something was done if the clock was set back since."""
        return max(self.clock_ms, self._last_ms)

    def failover(self) -> None:
        """The store comes back under another run id."""
        self._fence_base_us += FAILOVER_FENCE_US

    def _begin(self) -> int:
        self._last_ms = self.now_ms()
        return self._last_ms

    # -- enqueue --------------------------------------------------------------------------------------

    def enqueue(self, group: EnqueueGroup) -> Enqueued:
        """Write the jobs of one group, or say why none is written."""
        now = self._begin()
        ids = [new.id for new in group.jobs]
        if not any(job_id in self.jobs for job_id in ids):  # else: this very call, repeated after its answer was lost
            refusal = self._refuse(group, now)
            if refusal is not None:
                return refusal
            for new in group.jobs:
                self._add(new, now)
            self.keys.add(group.key, ids, now)
        return Enqueued(status=EnqueueStatus.CREATED, now_ms=now, jobs=[j for j in self.get(ids) if j], ids=ids)

    def _refuse(self, group: EnqueueGroup, now: int) -> Enqueued | None:
        known = self.keys.find(group.key, now)
        if known is not None and group.key is not None and known.fingerprint != group.key.fingerprint:
            return Enqueued(status=EnqueueStatus.KEY_MISMATCH, now_ms=now)
        if known is not None:
            return Enqueued(status=EnqueueStatus.REPLAYED, now_ms=now, ids=list(known.ids))
        expired = [i for i, new in enumerate(group.jobs) if _is_past(_expiry(new, now), now)]
        return Enqueued(status=EnqueueStatus.EXPIRED, now_ms=now, expired=expired) if expired else None

    def _add(self, new: NewJob, now: int) -> None:
        run_at = now + (new.delay_ms or 0) if new.run_at_ms is None else new.run_at_ms
        record = Record(new, State.READY, enqueued_at_ms=now, expires_at_ms=_expiry(new, now))
        self.jobs[new.id] = record
        if run_at > now:
            record.state, record.due_ms = State.SCHEDULED, run_at
        else:
            self._line_up(record)

    def _line_up(self, record: Record) -> None:
        record.state = State.READY
        record.place = (MAX_PRIORITY - record.priority(self.defaults), next(self._moves))

    # -- lease ----------------------------------------------------------------------------------------

    def lease(self, ask: LeaseAsk, tokens: Iterable[bytes] = ()) -> Grant:
        """Hand out jobs under the given tokens, in this order; under tokens of its own when they run out."""
        now = self._begin()
        replay = self.replays.find(ask.worker, ask.key)
        if replay is not None:
            replay.replays += 1
            live = [self.jobs[i] for i, token in replay.leases if i in self.jobs and self.jobs[i].is_live(token)]
            for record in live:
                record.asked_again = record.token
            return Grant(jobs=[r.as_leased(self.defaults) for r in live], now_ms=now, replayed=True)
        supply = chain(tokens, self._own_tokens)
        taken = [self._hand_out(record, ask, next(supply), now) for record in self._choose(ask, now)]
        if ask.worker is not None and ask.key is not None and taken:
            self.replays.add(ask.worker, ask.key, [(r.new.id, r.token) for r in taken if r.token])
        return Grant(jobs=[r.as_leased(self.defaults) for r in taken], now_ms=now)

    def _choose(self, ask: LeaseAsk, now: int) -> list[Record]:
        chosen: list[Record] = []
        size = 0
        for record in [r for queue in ask.queues for r in self.ready(queue)]:
            if len(chosen) == ask.max_jobs:
                break
            if _is_past(record.expires_at_ms, now):
                finish(record, State.CANCELLED, now, self.defaults, reason="expired")
                continue
            size += len(record.new.payload.data)
            if chosen and size > ask.max_bytes:
                break
            chosen.append(record)
        return chosen

    def _hand_out(self, record: Record, ask: LeaseAsk, token: bytes, now: int) -> Record:
        wishes = (ask.lease_ms, record.new.lease_ms, self.defaults.lease_ms)
        record.lease_ms = next(ms for ms in wishes if ms is not None)
        record.state, record.deadline_ms = State.LEASED, now + record.lease_ms
        record.delivery += 1
        record.fence = max((record.fence or 0) + 1, now * 1000 + self._fence_base_us)
        record.token, record.worker, record.started_at_ms, record.reason = token, ask.worker, now, None
        return record

    def ready(self, queue: str) -> list[Record]:
        """Return the ready jobs of a queue in the order in which they will be leased."""
        return sorted((r for r in self._of(queue) if r.state is State.READY), key=lambda r: r.place)

    def giveback(self, ask: LeaseAsk, grant: Grant) -> None:
        """Undo a grant that reached nobody."""
        self._begin()
        self.replays.forget_unless_replayed(ask.worker, ask.key)
        for leased in grant.jobs:
            record = self.jobs.get(leased.id)
            if record is not None and record.is_live(leased.token) and record.asked_again != leased.token:
                record.token = None  # nobody ever got it
                put_back(record)

    # -- settle and cancel ----------------------------------------------------------------------------

    def settle(self, items: Sequence[Settle]) -> list[Settled]:
        """Do the items one after the other."""
        return [self._settle(item) for item in items]

    def _settle(self, item: Settle) -> Settled:
        now = self._begin()
        record = self.jobs.get(item.job_id)
        status = verdict(record, item, now)
        if record is None:
            return Settled(job_id=item.job_id, status=status, now_ms=now)
        if status in (SettleStatus.OK, SettleStatus.LATE):
            self._take_effect(record, item, now)
        job = record.as_job(self.defaults)
        return Settled(
            job_id=job.id,
            status=status,
            now_ms=now,
            state=job.state,
            attempt=job.attempt,
            run_at_ms=job.run_at_ms,
            deadline_ms=job.deadline_ms,
        )

    def _take_effect(self, record: Record, item: Settle, now: int) -> None:
        match item:
            case Ack():
                finish(record, State.SUCCEEDED, now, self.defaults, verb="ack")
                record.result = item.result
            case Nack():
                nack(record, item, now, self.defaults, self.jitter)
            case Release():
                remember(record, "release")
                put_back(record)
                record.reason = item.reason or None
            case Snooze():
                snooze(record, item, now)
            case Extend():
                extend(record, item, now)

    def cancel(self, ids: Sequence[bytes], reason: str) -> list[Cancelled]:
        """Cancel what nobody holds."""
        return [self._cancel(job_id, reason) for job_id in ids]

    def _cancel(self, job_id: bytes, reason: str) -> Cancelled:
        now = self._begin()
        record = self.jobs.get(job_id)
        if record is None:
            return Cancelled(job_id=job_id, status=CancelStatus.NOT_FOUND, now_ms=now)
        if record.state in HELD_BY_NOBODY:
            finish(record, State.CANCELLED, now, self.defaults, reason=reason)
        status = {
            State.CANCELLED: CancelStatus.CANCELLED,
            State.LEASED: CancelStatus.LEASED,
        }.get(record.state, CancelStatus.FINAL)
        return Cancelled(job_id=job_id, status=status, now_ms=now, state=record.state)

    # -- reads ----------------------------------------------------------------------------------------

    def get(self, ids: Sequence[bytes]) -> list[Job | None]:
        """Return each job as it is, None where there is none."""
        return [self.jobs[i].as_job(self.defaults) if i in self.jobs else None for i in ids]

    def stats(self, queues: Sequence[str]) -> list[QueueStats]:
        """Count the jobs of each queue."""
        return [self._stats(queue) for queue in queues]

    def _stats(self, queue: str) -> QueueStats:
        now = self.now_ms()
        counts = {state: sum(r.state is state for r in self._of(queue)) for state in State}
        heads = {r.priority(self.defaults): r.enqueued_at_ms for r in reversed(self.ready(queue))}
        return QueueStats(
            queue=queue,
            counts=counts,
            backlog=counts[State.READY] + counts[State.LEASED],
            oldest_ready_age_ms=now - min(heads.values()) if heads else None,
            now_ms=now,
        )

    def _of(self, queue: str) -> Iterator[Record]:
        return (r for r in self.jobs.values() if r.new.queue == queue)

    def check(self) -> None:
        """Hold the oracle to its own words: a deadline belongs to a lease, a place to one ready job."""
        for record in self.jobs.values():
            assert (record.deadline_ms is not None) == (record.state is State.LEASED)
        places = [r.place for r in self.jobs.values() if r.state is State.READY]
        assert len(set(places)) == len(places)

    # -- what happens by itself -----------------------------------------------------------------------

    def tick(self) -> None:
        """Do everything that is due."""
        now = self._begin()
        for record in list(self.jobs.values()):
            if record.state is State.LEASED and _is_past(record.deadline_ms, now):
                self._reap(record, now)
        waiting = [r for r in self.jobs.values() if r.state in (State.SCHEDULED, State.RETRYING)]
        for record in sorted(waiting, key=lambda r: (r.due_ms or 0, r.new.id)):
            if _is_past(record.due_ms, now):
                self._line_up(record)
        for job_id, record in list(self.jobs.items()):
            if record.state in HELD_BY_NOBODY and _is_past(record.expires_at_ms, now):
                finish(record, State.CANCELLED, now, self.defaults, reason="expired")
            elif record.state in FINAL and _is_past(record.prune_at_ms, now):
                del self.jobs[job_id]
        self.replays.drop_dead(self.jobs)

    def _reap(self, record: Record, now: int) -> None:
        record.crashes += 1
        record.error = LEASE_EXPIRED
        limit = self.defaults.max_crashes if record.new.max_crashes is None else record.new.max_crashes
        if record.crashes >= limit:
            finish(record, State.DEAD, now, self.defaults, reason="max_crashes")
        else:
            put_back(record)


def _expiry(new: NewJob, now: int) -> int | None:
    return new.expires_at_ms if new.expires_in_ms is None else now + new.expires_in_ms


def _is_past(instant: int | None, now: int) -> bool:
    return instant is not None and instant <= now
