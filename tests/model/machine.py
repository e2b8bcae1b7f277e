"""The state machine: the real scripts in a real store beside the oracle, one random story after the other.

Rules are biased towards what breaks queues: edges of deadlines, stolen leases, repeated and swapped tokens, storms of
failures, a store that comes back as another process.
"""

import hashlib
from collections.abc import Callable, Sequence
from itertools import count, pairwise

from headrace_server.domain.defaults import Defaults
from headrace_server.domain.ids import IdMaker, shard_of_id, shard_of_queue
from headrace_server.domain.jobs import IdempotencyKey
from headrace_server.domain.lifecycle import State
from headrace_server.domain.requests import EnqueueGroup, EnqueueStatus, Extend, Grant, LeaseAsk, Nack, Settle
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.model import chances
from tests.model.compare import Revs, plain_enqueued, plain_grant, plain_job, same
from tests.model.inspection import faults
from tests.model.oracle import Oracle
from tests.model.real import RealStage
from tests.model.records import Record

START_MS = 1_800_000_000_000
STRANGERS = [IdMaker().make(START_MS - 1, shard, 0) for shard in range(2)]  # ids that no job has
KEYS = tuple(bytes([n]) * 16 for n in range(3))
BODIES = (b"x" * 16, b"y" * 16)
DRAWS = (0.0, 0.5, 1.0)


class EngineBesideOracle(RuleBasedStateMachine):
    """After each step: the same answer, the same jobs, the same counts, and a store without faults."""

    def __init__(self, open_stage: Callable[[int], RealStage], shards: int = 1) -> None:
        super().__init__()
        self.shards = shards
        self.real = open_stage(shards)
        self.oracle = Oracle(Defaults())
        self.ids: list[bytes] = []
        self.tokens: list[tuple[bytes, bytes]] = []
        self.grants: list[tuple[LeaseAsk, Grant]] = []
        self.groups: list[EnqueueGroup] = []
        self.revs = [Revs() for _ in range(shards)]
        self._maker = IdMaker()
        self._keys = count(1)
        self._set_clock(START_MS)

    def teardown(self) -> None:
        self.real.close()

    # -- time -----------------------------------------------------------------------------------------

    @rule(data=st.data(), off=st.sampled_from([-1, 0, 1]), then=st.sampled_from(["tick", "lease", "nothing"]))
    def jump_to_an_edge(self, data: st.DataObject, off: int, then: str) -> None:
        """Go to where something becomes due, a millisecond before, or after."""
        now = self.oracle.now_ms()
        edges = sorted({at for record in self.oracle.jobs.values() for at in _edges(record) if at + off >= now})
        if edges:
            self._set_clock(data.draw(st.sampled_from(edges[:3])) + off)
        if then == "tick":
            self.tick()
        elif then == "lease":
            self.lease_anything(2, chances.WORKERS[1])

    @rule(ms=chances.spans)
    def wait(self, ms: int) -> None:
        self._set_clock(self.oracle.now_ms() + ms)

    @rule()
    def tick(self) -> None:
        self.real.tick()
        self.oracle.tick()

    @rule(what=st.sampled_from(["clock", "store", "chance"]), ms=chances.spans, draw=st.sampled_from(DRAWS))
    def disturb(self, what: str, ms: int, draw: float) -> None:
        """Set the clock back, let the store come back as another process, or let jitter draw another number."""
        self._touch()
        if what == "clock":
            self._set_clock(self.oracle.clock_ms - ms)
        elif what == "store":
            self.real.failover()
            self.oracle.failover()
            self._touch()
        else:
            self.real.jitter = self.oracle.jitter = draw

    # -- produce --------------------------------------------------------------------------------------

    @initialize(
        wishes=st.lists(chances.wishes, min_size=3, max_size=6), queue=chances.queues, draw=st.sampled_from(DRAWS)
    )
    def begin(self, wishes: list[dict[str, object]], queue: str, draw: float) -> None:
        self.real.jitter = self.oracle.jitter = draw
        self.enqueue(wishes, queue, None, BODIES[0])
        self.lease_anything(5, "w1")

    @rule(
        wishes=st.lists(chances.wishes, min_size=1, max_size=4),
        queue=chances.queues,
        key=st.sampled_from([None, None, *KEYS]),
        body=st.sampled_from(BODIES),
    )
    def enqueue(self, wishes: list[dict[str, object]], queue: str, key: bytes | None, body: bytes) -> None:
        group = self._group(wishes, queue, key, body)
        real, oracle = self.real.enqueue(group), self.oracle.enqueue(group)
        same(plain_enqueued(real), plain_enqueued(oracle))
        if oracle.status is EnqueueStatus.CREATED:
            self.groups.append(group)

    @rule(
        wishes=st.lists(st.tuples(chances.wishes, chances.queues), min_size=1, max_size=4),
        key=st.sampled_from([None, *KEYS]),
    )
    def enqueue_each(self, wishes: list[tuple[dict[str, object], str]], key: bytes | None) -> None:
        """Requests that stand for themselves, several of them perhaps with the same key."""
        groups = [self._group([wish], queue, key, BODIES[0]) for wish, queue in wishes]
        real, oracle = self.real.enqueue_each(groups), [self.oracle.enqueue(group) for group in groups]
        same([plain_enqueued(answer) for answer in real], [plain_enqueued(answer) for answer in oracle])

    @rule(data=st.data())
    def repeat_an_enqueue(self, data: st.DataObject) -> None:
        """The same call once more: its answer was lost between server and store."""
        alive = [g for g in self.groups if all(job.id in self.oracle.jobs for job in g.jobs)]
        if alive:
            group = data.draw(st.sampled_from(alive[-5:]))
            real, oracle = self.real.enqueue(group), self.oracle.enqueue(group)
            same((real.status, real.ids, real.now_ms), (oracle.status, oracle.ids, oracle.now_ms))

    def _group(self, wishes: list[dict[str, object]], queue: str, key: bytes | None, body: bytes) -> EnqueueGroup:
        shard = shard_of_queue(queue, self.shards)
        ids = [self._maker.make(START_MS, shard, 0) for _ in wishes]
        self.ids += ids
        now = self.oracle.now_ms()
        jobs = [chances.new_job(i, queue, wish, now) for i, wish in zip(ids, wishes, strict=True)]
        # the engine's callers digest (queue, key): a key belongs to one queue
        return EnqueueGroup(jobs, IdempotencyKey(_digest(queue, key), body) if key else None)

    # -- lease ----------------------------------------------------------------------------------------

    @rule(
        queues=st.lists(chances.queues, min_size=1, max_size=3, unique=True),
        jobs=st.integers(1, 5),
        size=st.sampled_from([4_000_000, 4_000_000, 50, 100]),
        lease_ms=st.sampled_from([None, None, 1_000, 30_000]),
        worker=chances.workers,
        keyed=st.booleans(),
    )
    def lease(self, queues: list[str], jobs: int, size: int, lease_ms: int | None, worker: str, keyed: bool) -> None:
        key = next(self._keys).to_bytes(16, "big") if keyed else None
        self._lease(LeaseAsk(queues=queues, max_jobs=jobs, max_bytes=size, lease_ms=lease_ms, worker=worker, key=key))

    @rule(jobs=st.integers(1, 5), worker=chances.workers)
    def lease_anything(self, jobs: int, worker: str) -> None:
        self._lease(LeaseAsk(queues=list(chances.QUEUES), max_jobs=jobs, worker=worker))

    @rule(worker=chances.workers)
    def steal(self, worker: str) -> None:
        """Let every lease run out, and another worker take the jobs."""
        deadlines = [record.deadline_ms for record in self.oracle.jobs.values() if record.deadline_ms is not None]
        if deadlines:
            self._set_clock(max(self.oracle.now_ms(), *deadlines))
        self.tick()
        self.lease_anything(5, worker)

    @rule(data=st.data())
    def repeat_a_lease(self, data: st.DataObject) -> None:
        """The same worker and key once more, while a lease of theirs is live."""
        asks = [ask for ask, _ in self.grants if self._is_replayable(ask)]
        if asks:
            self._lease(data.draw(st.sampled_from(asks)))

    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        if self.grants:
            ask, grant = data.draw(st.sampled_from(self.grants[-5:]))
            self.real.giveback(ask, grant)
            self.oracle.giveback(ask, grant)

    def _lease(self, ask: LeaseAsk) -> None:
        real = self.real.lease(ask)
        oracle = self.oracle.lease(ask, [job.token for job in real.jobs])
        same(plain_grant(real), plain_grant(oracle))
        self.grants.append((ask, real))
        if not real.replayed:
            self.tokens += [(job.id, job.token) for job in real.jobs]

    def _is_replayable(self, ask: LeaseAsk) -> bool:
        record = self.oracle.replays.find(ask.worker, ask.key) if ask.key else None
        return record is not None and any(self._is_live(job_id, token) for job_id, token in record.leases)

    def _live(self) -> list[tuple[bytes, bytes]]:
        """Return (job id, token) of what is held, or was until its lease ran out and nobody took it since."""
        return [(i, t) for i, t in self.tokens if i in self.oracle.jobs and self.oracle.jobs[i].token == t]

    def _is_live(self, job_id: bytes, token: bytes) -> bool:
        return job_id in self.oracle.jobs and self.oracle.jobs[job_id].is_live(token)

    # -- settle ---------------------------------------------------------------------------------------

    @rule(data=st.data(), wishes=st.lists(chances.wishes, min_size=1, max_size=3), one_call=st.booleans())
    def settle_what_is_held(self, data: st.DataObject, wishes: list[dict[str, object]], one_call: bool) -> None:
        if not self._live():
            self.enqueue(wishes, chances.QUEUES[0], None, BODIES[0])
            self.lease_anything(3, chances.WORKERS[0])
        live = self._live()
        if live:
            pick = st.sampled_from(live).flatmap(lambda pair: chances.settles(*pair))
            self._settle(data.draw(st.lists(pick, min_size=1, max_size=4)), one_call=one_call)

    @rule(data=st.data(), one_call=st.booleans())
    def settle_anything(self, data: st.DataObject, one_call: bool) -> None:
        """Items of any verb under live, old, swapped and forged tokens, and the same job more than once."""
        made_up = [(self.ids[0], chances.FORGED), (STRANGERS[0], self.ids[0])]
        pairs = [self._live(), self.tokens[-6:], self.tokens[-12:], self._swapped(), made_up]
        pick = st.one_of([st.sampled_from(p) for p in pairs if p]).flatmap(lambda pair: chances.settles(*pair))
        self._settle(data.draw(st.lists(pick, min_size=1, max_size=5)), one_call=one_call)

    @rule(data=st.data(), times=st.integers(2, 3))
    def settle_again_and_again(self, data: st.DataObject, times: int) -> None:
        live = self._live()
        if live:
            item = data.draw(st.sampled_from(live).flatmap(lambda pair: chances.settles(*pair)))
            self._settle([item] * times, one_call=True)

    @rule(ms=st.one_of(st.none(), chances.spans))
    def nack_storm(self, ms: int | None) -> None:
        """Everything that is held fails at once."""
        error = b'{"type":"Storm","message":"all at once"}'
        items = [Nack(job_id=i, token=token, error=error, retry_in_ms=ms) for i, token in self._live()]
        self._settle(items, one_call=True)

    @rule(ms=st.sampled_from([None, 1_000, 60_000]))
    def extend_all(self, ms: int | None) -> None:
        """A heartbeat, also for what was lost."""
        items = [Extend(job_id=job_id, token=token, lease_ms=ms) for job_id, token in self.tokens[-8:]]
        self._settle(items, one_call=True)

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        ids = data.draw(st.lists(st.sampled_from([*self.ids[-8:], *STRANGERS]), min_size=1, max_size=3))
        same(self.real.cancel(ids, "because"), self.oracle.cancel(ids, "because"))

    def _settle(self, items: Sequence[Settle], *, one_call: bool) -> None:
        if one_call:
            same(self.real.settle(items), self.oracle.settle(items))
            return
        for item in items:
            same(self.real.settle([item]), self.oracle.settle([item]))

    def _swapped(self) -> list[tuple[bytes, bytes]]:
        last = self.tokens[-4:]
        return [(a[0], b[1]) for a, b in pairwise(last)]

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
    def same_order_and_a_store_without_faults(self) -> None:
        pictures = self.real.pictures()
        same([fault for picture in pictures for fault in faults(picture)], [])
        for queue in chances.QUEUES:
            picture = pictures[shard_of_queue(queue, self.shards)]
            same(picture.ready(queue), [record.new.id for record in self.oracle.ready(queue)])

    # -- helpers --------------------------------------------------------------------------------------

    def _set_clock(self, ms: int) -> None:
        self.real.clock_ms = self.oracle.clock_ms = ms

    def _touch(self) -> None:
        """Let a script run on each shard that writes: it notes clock and process of the store."""
        same(self.real.cancel(STRANGERS, ""), self.oracle.cancel(STRANGERS, ""))


def _digest(queue: str, key: bytes) -> bytes:
    return hashlib.blake2b(queue.encode() + key, digest_size=16).digest()


def _edges(record: Record) -> list[int]:
    at = [record.deadline_ms]
    if record.state in (State.SCHEDULED, State.RETRYING):
        at.append(record.due_ms)
    at += [record.expires_at_ms, record.prune_at_ms]
    return [ms for ms in at if ms is not None]
