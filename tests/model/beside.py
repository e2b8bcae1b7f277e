"""The ground of the state machine: real scripts in a real store beside the oracle, compared after each step."""

import hashlib
from collections.abc import Callable, Sequence
from itertools import count

from headrace_server.domain.defaults import Defaults
from headrace_server.domain.ids import IdMaker, shard_of_id, shard_of_queue
from headrace_server.domain.jobs import IdempotencyKey
from headrace_server.domain.lifecycle import State
from headrace_server.domain.requests import CancelAsk, EnqueueGroup, Grant, LeaseAsk, Settle
from hypothesis.stateful import RuleBasedStateMachine, invariant

from tests.model import chances
from tests.model.compare import Revs, counted, net_changes, plain_grant, plain_job, same
from tests.model.inspection import faults
from tests.model.oracle import Oracle
from tests.model.queues import FOR_EVER
from tests.model.real import RealStage
from tests.model.world import Change

START_MS = 1_800_000_000_000
STRANGERS = [IdMaker().make(START_MS - 1, shard, 0) for shard in range(2)]  # ids that no job has
KEYS = tuple(bytes([n]) * 16 for n in range(3))


class Beside(RuleBasedStateMachine):
    """After each step: the same answer, jobs, counts, keys and events, and a store without faults."""

    def __init__(self, open_stage: Callable[[int], RealStage], shards: int = 1) -> None:
        super().__init__()
        self.shards = shards
        self.real = open_stage(shards)
        self.oracle = Oracle(Defaults(), shards)
        self.ids: list[bytes] = []
        self.tokens: list[tuple[bytes, bytes]] = []
        self.grants: list[tuple[LeaseAsk, Grant]] = []
        self.groups: list[EnqueueGroup] = []
        self.revs = [Revs() for _ in range(shards)]
        self._maker = IdMaker()
        self._keys = count(1)
        self._events: list[Change] = []  # of the engine, that were not compared yet
        self._set_clock(START_MS)

    def teardown(self) -> None:
        try:
            self._compare_counters()
        finally:
            self.real.close()

    # -- after each step ------------------------------------------------------------------------------

    @invariant()
    def same_jobs(self) -> None:
        real = self.real.get(self.ids)
        same([plain_job(job) for job in real], [plain_job(job) for job in self.oracle.get(self.ids)])
        for shard in range(self.shards):
            self.revs[shard].look([job for job in real if job is not None and shard_of_id(job.id) == shard])

    @invariant()
    def same_counts(self) -> None:
        same(self.real.stats(chances.QUEUES), self.oracle.stats(chances.QUEUES))

    @invariant()
    def same_events(self) -> None:
        same(net_changes(self._read_events()), net_changes(self.oracle.new_events()))
        self._events = []

    @invariant()
    def same_order_and_keys_and_a_store_without_faults(self) -> None:
        pictures = self.real.pictures()
        same([fault for picture in pictures for fault in faults(picture)], [])
        now = self.oracle.now_ms()
        holders = {key: job_id for picture in pictures for key, job_id in picture.holders(now).items()}
        same(holders, self.oracle.uniques.held(now))
        for queue in chances.QUEUES:
            picture = pictures[shard_of_queue(queue, self.shards)]
            same(picture.ready(queue), [record.new.id for record in self.oracle.ready(queue)])
            same(picture.turns(queue), self.oracle.known(queue).turns())

    # -- helpers --------------------------------------------------------------------------------------

    def _compare_counters(self) -> None:
        forgotten = self.oracle.tallies.forgotten
        same(counted(self.real.metrics(), forgotten), counted(self.oracle.metrics(), forgotten))

    def _set_clock(self, ms: int) -> None:
        self.real.clock_ms = self.oracle.clock_ms = ms
        self._read_events()  # the log is written for a minute after somebody asked

    def _read_events(self) -> list[Change]:
        self._events += self.real.new_events()
        return self._events

    def _tick(self) -> None:
        self.real.tick()
        self.oracle.tick()

    def _touch(self) -> None:
        """Let a script run on each shard that writes: it notes clock and process of the store."""
        asks = [CancelAsk(job_id=stranger) for stranger in STRANGERS]
        same(self.real.cancel(asks), self.oracle.cancel(asks))

    def _group(self, wishes: list[dict[str, object]], queue: str, key: bytes | None, body: bytes) -> EnqueueGroup:
        shard = shard_of_queue(queue, self.shards)
        ids = [self._maker.make(START_MS, shard, 0) for _ in wishes]
        self.ids += ids
        now = self.oracle.now_ms()
        jobs = [chances.new_job(i, queue, wish, now) for i, wish in zip(ids, wishes, strict=True)]
        # the engine's callers digest (queue, key): a key belongs to one queue
        return EnqueueGroup(jobs, IdempotencyKey(_digest(queue, key), body) if key else None)

    def _lease(self, ask: LeaseAsk) -> None:
        if self.real.has_shut_lanes():
            self.real.open_lanes()
            self.oracle.open_lanes()
        real = self.real.lease(ask)
        oracle = self.oracle.lease(ask, [job.token for job in real.jobs])
        same(plain_grant(real), plain_grant(oracle))
        self.grants.append((ask, real))
        if not real.replayed:
            self.tokens += [(job.id, job.token) for job in real.jobs]

    def _settle(self, items: Sequence[Settle], *, one_call: bool) -> None:
        if one_call:
            same(self.real.settle(items), self.oracle.settle(items))
            return
        for item in items:
            same(self.real.settle([item]), self.oracle.settle([item]))

    def _live(self) -> list[tuple[bytes, bytes]]:
        """Return (job id, token) of what is held, or was until its lease ran out and nobody took it since."""
        return [(i, t) for i, t in self.tokens if i in self.oracle.jobs and self.oracle.jobs[i].token == t]

    def _is_live(self, job_id: bytes, token: bytes) -> bool:
        return job_id in self.oracle.jobs and self.oracle.jobs[job_id].is_live(token)


def edges(oracle: Oracle) -> list[int]:
    """Return the instants at which something becomes due, or may happen again."""
    at: list[int | None] = [*oracle.limits.held_until_ms.values(), *oracle.uniques.ends()]
    at += [queue.paused_until_ms for queue in oracle.queues.values() if queue.paused_until_ms < FOR_EVER]
    at += [-(-full_at_us // 1_000) for bucket in oracle.buckets() for full_at_us in bucket.full_at_us.values()]
    for record in oracle.jobs.values():
        at += [record.deadline_ms, record.expires_at_ms, record.prune_at_ms, record.result_until_ms]
        if record.state in (State.SCHEDULED, State.RETRYING):
            at.append(record.due_ms)
    return [ms for ms in at if ms is not None]


def _digest(queue: str, key: bytes) -> bytes:
    return hashlib.blake2b(queue.encode() + key, digest_size=16).digest()
