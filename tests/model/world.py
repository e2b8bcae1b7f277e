"""Everything the oracle knows, and the two ways a job changes: it moves, or it goes; it must not know why.

What follows from the jobs (slots, lanes that are busy, depth, bytes) is counted from them each time, never kept.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import msgspec
from headrace_server.domain.defaults import Defaults
from headrace_server.domain.ids import shard_of_queue
from headrace_server.domain.jobs import UniqueUntil
from headrace_server.domain.lifecycle import FINAL, State
from headrace_server.domain.limits import MAX_PRIORITY

from tests.model.memories import Keys, Replays
from tests.model.queues import Bucket, Limits, Queue
from tests.model.records import Record
from tests.model.resolving import Rules
from tests.model.tallies import Tallies
from tests.model.uniques import Uniques

FAILOVER_FENCE_US = 60_000_000  # what a new run id of the store adds to the fence base


@dataclass(frozen=True)
class Change:
    """One event: a job came, moved or went."""

    job_id: bytes
    was: State | None
    state: State | None
    at_ms: int


class World:
    """The store of the oracle."""

    def __init__(self, defaults: Defaults, shards: int = 1) -> None:
        self.defaults = defaults
        self.shards = shards
        self.clock_ms = 0
        self.jitter = 1.0  # what the next backoffs draw, 0..1
        self.jobs: dict[bytes, Record] = {}
        self.queues: dict[str, Queue] = {}
        self.limits = Limits()
        self.uniques = Uniques()
        self.keys = Keys()
        self.replays = Replays()
        self.history: list[Change] = []
        self.tallies = Tallies()
        self.fence_base_us = 0
        self._busy: dict[tuple[str, str, str], Record] = {}  # the lane's job that was leased last, until it is out
        self._last_ms = 0
        self._changes = count(1)
        self._places = count(1)  # the first-in-first-out order

    # -- time -----------------------------------------------------------------------------------------

    def now_ms(self) -> int:
        """Return the clock, or the last instant something was done if the clock was set back since."""
        return max(self.clock_ms, self._last_ms)

    def begin(self) -> int:
        """Start something that may change jobs; return the time."""
        self._last_ms = self.now_ms()
        return self._last_ms

    def failover(self) -> None:
        """Come back under another run id."""
        self.fence_base_us += FAILOVER_FENCE_US

    # -- what there is --------------------------------------------------------------------------------

    def known(self, name: str) -> Queue:
        """Return a queue; each name stands for one."""
        return self.queues.setdefault(name, Queue())

    def rules(self, record: Record) -> Rules:
        """Return the options in force for a job."""
        return Rules(record.new, self.known(record.new.queue).settings, self.defaults)

    def of(self, queue: str) -> Iterator[Record]:
        """Yield the jobs of a queue."""
        return (r for r in self.jobs.values() if r.new.queue == queue)

    def ready(self, queue: str) -> list[Record]:
        """Return the ready jobs of a queue, the best place first."""
        return sorted((r for r in self.of(queue) if r.state is State.READY), key=lambda r: r.place)

    def open_jobs(self, queue: str) -> list[Record]:
        """Return the jobs of a queue that have not ended: its depth."""
        return [r for r in self.of(queue) if r.state not in FINAL]

    def tracked_bytes(self, queue: str) -> int:
        """Return the payload bytes that count against the bound of a queue."""
        return sum(r.size for r in self.open_jobs(queue) if r.counts_bytes)

    def slots(self, key: str, queue: str) -> int:
        """Return how many jobs with a limit key are held, on the shard of a queue."""
        shard = self.shard(queue)
        held = (r for r in self.jobs.values() if r.state is State.LEASED and self.shard(r.new.queue) == shard)
        return sum(key in r.new.limits for r in held)

    def shard(self, queue: str) -> int:
        return shard_of_queue(queue, self.shards)

    def buckets(self) -> list[Bucket]:
        """Return the buckets of all queues and keys."""
        return [*(queue.bucket for queue in self.queues.values()), *self.limits.buckets.values()]

    def lane_holder(self, lane: tuple[str, str, str] | None) -> Record | None:
        """Return the job that keeps an ordering lane busy."""
        return None if lane is None else self._busy.get(lane)

    # -- what changes ---------------------------------------------------------------------------------

    def add(self, record: Record, state: State) -> None:
        """Let a job begin."""
        self.jobs[record.new.id] = record
        self.move(record, state, is_new=True)

    def move(self, record: Record, state: State, *, is_new: bool = False) -> None:
        """Bring a job to a state; what depends on the state follows."""
        was, record.state = None if is_new else record.state, state
        self._pass_on(record, was)
        self._take_turns(record)
        if state is State.LEASED:
            self.uniques.free(record.new.unique, record.new.id, UniqueUntil.START)
        elif state in FINAL:
            self.uniques.free(record.new.unique, record.new.id, UniqueUntil.START, UniqueUntil.FINISH)
            record.counts_bytes = False
        if state in (State.SCHEDULED, State.RETRYING):
            record.wanted_ms = record.due_ms
        self.tallies.moved(record, was)
        self._note(record, was)

    def _take_turns(self, record: Record) -> None:
        """A queue that has had a job with a fairness key counts turns, also those of jobs without one."""
        if record.new.fairness_key is not None:
            self.known(record.new.queue).has_tenants = True

    def _pass_on(self, record: Record, was: State | None) -> None:
        """A lane is busy from the lease of one of its jobs until that job is neither held nor waits for a retry."""
        lane = record.lane
        if lane is not None and record.state is State.LEASED:
            self._busy[lane] = record
        elif lane is not None and record.state is State.RETRYING and was is State.READY:
            self._busy.setdefault(lane, record)  # after a late nack it was back in line already
        elif self.lane_holder(lane) is record and not record.keeps_busy:
            self._leave_lane(record)

    def _leave_lane(self, record: Record) -> None:
        if record.lane is not None and self._busy.get(record.lane) is record:
            del self._busy[record.lane]

    def touch(self, record: Record) -> None:
        """Change a job that stays in its state."""
        self._note(record, record.state)

    def relocate(self, record: Record, queue: str) -> None:
        """Bring a job to another queue of its group; it must line up or move next."""
        if queue != record.new.queue:
            self._leave_lane(record)
            record.counts_bytes = False
            record.new = msgspec.structs.replace(record.new, queue=queue)
            self._take_turns(record)

    def remove(self, record: Record) -> None:
        """Let the record of a job go."""
        self._leave_lane(record)
        self.uniques.free(record.new.unique, record.new.id, UniqueUntil.START, UniqueUntil.FINISH)
        del self.jobs[record.new.id]
        self.tallies.queue(record, "removed")
        self.history.append(Change(record.new.id, record.state, None, self._last_ms))

    def line_up(self, record: Record) -> None:
        """Give a job a new place among the ready ones."""
        record.due_ms = None
        record.place = (MAX_PRIORITY - self.rules(record).priority, next(self._places))

    def last_change(self) -> int:
        """Return the number of the last change of any job."""
        return max((r.touched for r in self.jobs.values()), default=0)

    def _note(self, record: Record, was: State | None) -> None:
        record.touched = next(self._changes)
        if was is not record.state:
            self.history.append(Change(record.new.id, was, record.state, self._last_ms))
