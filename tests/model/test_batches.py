"""The same batch sent as one call and as single calls gives the same replies."""

import msgspec
import redis
from headrace_server.domain.ids import IdMaker
from headrace_server.domain.jobs import Leased
from headrace_server.domain.queues import LimitSettings
from headrace_server.domain.requests import EnqueueGroup, LeaseAsk, Settle
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.model import chances, orders
from tests.model.compare import plain_enqueued, plain_job, same
from tests.model.real import RealStage
from tests.support.stores import StoreProcess

START_MS = 1_800_000_000_000
NO_TOKEN = b"\0" * 16
ROUNDS = 3
MAKER = IdMaker()


class Pair:
    """Two engines with the same past: one gets each batch whole, the other item by item."""

    def __init__(self, url: str, client: "redis.Redis") -> None:
        client.flushall("SYNC")
        self.whole = RealStage(url, client, namespace="whole")
        self.single = RealStage(url, client, namespace="single")
        self.leases: list[tuple[Leased, Leased]] = []
        self.ids: list[bytes] = []
        self.set_clock(START_MS)
        for stage in (self.whole, self.single):
            stage.set_limit("api", LimitSettings(concurrency=2))

    def close(self) -> None:
        self.whole.close()
        self.single.close()

    def set_clock(self, ms: int) -> None:
        self.whole.clock_ms = self.single.clock_ms = ms

    def enqueue(self, groups: list[EnqueueGroup]) -> None:
        self.ids += [job.id for group in groups for job in group.jobs]
        whole, single = self.whole.enqueue_each(groups), [self.single.enqueue(group) for group in groups]
        same(list(map(plain_enqueued, whole, groups)), list(map(plain_enqueued, single, groups)))

    def lease(self, jobs: int) -> None:
        queues = list(chances.QUEUES)
        whole = self.whole.lease(LeaseAsk(queues=queues, max_jobs=jobs)).jobs
        asks = [LeaseAsk(queues=queues) for _ in range(jobs)]
        single = [job for ask in asks for job in self.single.lease(ask).jobs]
        same([_plain(job) for job in whole], [_plain(job) for job in single])
        self.leases += zip(whole, single, strict=True)

    def settle(self, items: list[tuple[Settle, Settle]]) -> None:
        whole = self.whole.settle([item for item, _ in items])
        same(whole, [answer for _, item in items for answer in self.single.settle([item])])

    def act(self, data: st.DataObject) -> None:
        """What operators do to several jobs in one call, or in many."""
        cancels = data.draw(st.lists(orders.cancels(self.ids), max_size=3))
        same(self.whole.cancel(cancels), [answer for ask in cancels for answer in self.single.cancel([ask])])
        redrives = data.draw(st.lists(orders.redrives(self.ids), max_size=3))
        same(self.whole.redrive(redrives), [answer for ask in redrives for answer in self.single.redrive([ask])])
        patches = data.draw(st.lists(orders.patches(self.ids, self.whole.clock_ms), max_size=3))
        same(self.whole.patch(patches), [answer for ask in patches for answer in self.single.patch([ask])])
        deleted = data.draw(st.lists(st.sampled_from(self.ids), max_size=3))
        same(self.whole.delete(deleted), [answer for job_id in deleted for answer in self.single.delete([job_id])])

    def compare(self) -> None:
        whole, single = self.whole.get(self.ids), self.single.get(self.ids)
        same([plain_job(job) for job in whole], [plain_job(job) for job in single])
        same(self.whole.stats(chances.QUEUES), self.single.stats(chances.QUEUES))


def _plain(job: Leased) -> Leased:
    return msgspec.structs.replace(job, token=NO_TOKEN)


def test_one_call_or_many(volatile_store: StoreProcess) -> None:
    with volatile_store.client() as client:

        @settings(
            max_examples=40,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(st.data())
        def play(data: st.DataObject) -> None:
            pair = Pair(volatile_store.url, client)
            try:
                for number in range(ROUNDS):
                    pair.set_clock(START_MS + number * data.draw(chances.spans))
                    _round(pair, data)
            finally:
                pair.close()

        play()


def _round(pair: Pair, data: st.DataObject) -> None:
    wish = st.one_of(chances.wishes, chances.rivals)
    wishes = data.draw(st.lists(st.tuples(wish, chances.queues), max_size=6))
    jobs = [chances.new_job(MAKER.make(START_MS, 0, 0), queue, wish, START_MS) for wish, queue in wishes]
    pair.enqueue([EnqueueGroup([job]) for job in jobs])
    pair.lease(data.draw(st.integers(1, 6)))
    if pair.leases:
        pick = st.sampled_from(pair.leases).flatmap(lambda two: chances.settles(two[0].id, two[0].token))
        tokens = {whole.token: single.token for whole, single in pair.leases}
        items = data.draw(st.lists(pick, max_size=6))
        pair.settle([(item, msgspec.structs.replace(item, token=tokens[item.token])) for item in items])
    if pair.ids:
        pair.act(data)
    pair.compare()
