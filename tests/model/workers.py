"""Random stories, one after the other: what producers and workers do, and what time does to it.

Rules are biased towards what breaks queues: edges of deadlines, stolen leases, repeated and swapped tokens, storms of
failures, a store that comes back as another process.
"""

from itertools import pairwise

import msgspec
from headrace_server.domain.alike import Alike
from headrace_server.domain.jobs import Body
from headrace_server.domain.requests import EnqueueGroup, EnqueueStatus, Extend, LeaseAsk, Nack
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from tests.model import chances
from tests.model.beside import KEYS, STRANGERS, Beside, edges
from tests.model.compare import plain_enqueued, same

BODIES = (b"x" * 16, b"y" * 16)
DRAWS = (0.0, 0.5, 1.0)
PLAIN: dict[str, object] = {"payload": Body(b"1")}


class Workers(Beside):
    """Rules about time, producers and workers."""

    # -- time -----------------------------------------------------------------------------------------

    @rule(data=st.data(), off=st.sampled_from([-1, 0, 1]), then=st.sampled_from(["tick", "lease", "nothing"]))
    def jump_to_an_edge(self, data: st.DataObject, off: int, then: str) -> None:
        """Go to where something becomes due, a millisecond before, or after."""
        now = self.oracle.now_ms()
        ahead = sorted({at for at in edges(self.oracle) if at + off >= now})
        if ahead:
            self._set_clock(data.draw(st.sampled_from(ahead[:3])) + off)
        if then == "tick":
            self.tick()
        elif then == "lease":
            self.lease_anything(2, chances.WORKERS[1])

    @rule(ms=chances.spans)
    def wait(self, ms: int) -> None:
        self._set_clock(self.oracle.now_ms() + ms)

    @rule()
    def tick(self) -> None:
        self._tick()

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
        self._enqueue(self._group(wishes, queue, key, body))

    @rule(
        wishes=st.lists(st.one_of(chances.wishes, chances.rivals), min_size=2, max_size=5),
        queue=chances.queues,
        key=st.sampled_from([None, *KEYS]),
        body=st.sampled_from(BODIES),
        brief=st.booleans(),
    )
    def enqueue_list(
        self, wishes: list[dict[str, object]], queue: str, key: bytes | None, body: bytes, *, brief: bool
    ) -> None:
        """Jobs of one call that stand for themselves, under one key."""
        self._enqueue(msgspec.structs.replace(self._group(wishes, queue, key, body), each=True, brief=brief))

    @rule(
        wish=st.one_of(st.just(PLAIN), chances.wishes, chances.rivals),
        payloads=st.lists(st.sampled_from([b"1", b'"a"', b"[2]", b"null"]), min_size=1, max_size=5),
        queue=chances.queues,
        key=st.sampled_from([None, *KEYS]),
        body=st.sampled_from(BODIES),
        each=st.booleans(),
        brief=st.booleans(),
    )
    def enqueue_alike(
        self,
        wish: dict[str, object],
        payloads: list[bytes],
        queue: str,
        key: bytes | None,
        body: bytes,
        *,
        each: bool,
        brief: bool,
    ) -> None:
        """Jobs of one call that differ in nothing but id and payload."""
        group = self._group([wish] * len(payloads), queue, key, body)
        jobs = Alike(group.jobs[0], b"".join(job.id for job in group.jobs), payloads)
        self._enqueue(msgspec.structs.replace(group, jobs=jobs, each=each, brief=brief))

    def _enqueue(self, group: EnqueueGroup) -> None:
        real, oracle = self.real.enqueue(group), self.oracle.enqueue(group)
        same(plain_enqueued(real, group), plain_enqueued(oracle, group))
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
        same(list(map(plain_enqueued, real, groups)), list(map(plain_enqueued, oracle, groups)))

    @rule(wishes=st.lists(chances.rivals, min_size=3, max_size=5), queue=chances.queues, jobs=st.integers(0, 3))
    def compete(self, wishes: list[dict[str, object]], queue: str, jobs: int) -> None:
        """Jobs that are in each other's way, and some of them leased."""
        self.enqueue_each([(wish, queue) for wish in wishes], None)
        if jobs:
            self._lease(LeaseAsk(queues=[queue], max_jobs=jobs, worker=chances.WORKERS[0]))

    @rule(data=st.data())
    def repeat_an_enqueue(self, data: st.DataObject) -> None:
        """The same call once more: its answer was lost between server and store."""
        alive = [group for group in self.groups if all(job.id in self.oracle.jobs for job in group.jobs)]
        if alive:
            group = data.draw(st.sampled_from(alive[-5:]))
            real, oracle = plain_enqueued(self.real.enqueue(group), group), self.oracle.enqueue(group)
            same((real.status, real.ids, real.placed), (oracle.status, oracle.ids, oracle.placed))
            same((real.now_ms, real.refusals), (oracle.now_ms, oracle.refusals))

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

    def _is_replayable(self, ask: LeaseAsk) -> bool:
        record = self.oracle.replays.find(ask.worker, ask.key) if ask.key else None
        return record is not None and any(self._is_live(job_id, token) for job_id, token in record.leases)

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

    def _swapped(self) -> list[tuple[bytes, bytes]]:
        last = self.tokens[-4:]
        return [(a[0], b[1]) for a, b in pairwise(last)]
