"""Whatever lets a waiting job go says so at once, so that no poll finds it only by looking again (G27)."""

from collections import Counter
from collections.abc import Iterator

import pytest
import redis
from headrace_server.domain.jobs import OnDead
from headrace_server.domain.queues import LimitSettings, QueueSettings, Rate
from headrace_server.domain.requests import Ack, CancelMode, Nack, Patch, Redrive, Release

from tests.engine.stage import Stage
from tests.support.stores import StoreProcess

pytestmark = pytest.mark.anyio

FOR_EVER_MS = 2**52


class Ear:
    """Hears which queues polls are woken for."""

    def __init__(self, client: "redis.Redis") -> None:
        self._pubsub = client.pubsub()
        self._pubsub.ssubscribe("hr:{0}:wake")
        assert self._next() is not None  # that it listens now

    def heard(self) -> set[str]:
        """Return the queues that were named since it was asked last: a script has published before it answers."""
        return set(self.polls())

    def polls(self) -> Counter[str]:
        """Return how many polls of which queues were woken since it was asked last."""
        polls: Counter[str] = Counter()
        while message := self._next():
            word, *rest = message["data"].decode().split(" ")
            if word == "queue":
                polls[rest[-1]] += int(rest[0])
        return polls

    def _next(self) -> dict[str, bytes] | None:
        return self._pubsub.get_message(timeout=0.05)


@pytest.fixture
def ear(store: StoreProcess, stage: Stage) -> Iterator[Ear]:
    """An ear at the stage's store, where somebody waits for jobs."""
    with store.client() as client:
        client.hset("hr:{0}:meta", "wait_until", FOR_EVER_MS)
        yield Ear(client)


async def ack(stage: Stage) -> None:
    job = await stage.lease()
    assert await stage.is_dry()
    await stage.settle(Ack(job_id=job.id, token=job.token))


async def bury(stage: Stage) -> bytes:
    job = await stage.lease()
    await stage.settle(Nack(job_id=job.id, token=job.token, error=b"{}", retryable=False))
    assert await stage.is_dry()
    return job.id


async def test_the_end_of_an_ordered_job_lets_the_next_one_go(stage: Stage, ear: Ear) -> None:
    for _ in range(2):
        await stage.put_one(ordering_key="o")
    ear.heard()
    await ack(stage)
    assert ear.heard() == {"q"}
    await stage.lease()


async def test_a_held_lane_goes_on_when_its_holder_is_gone(stage: Stage, ear: Ear) -> None:
    for _ in range(2):
        await stage.put_one(ordering_key="o", on_dead=OnDead.HOLD)
    dead = await bury(stage)
    ear.heard()
    await stage.engine.delete([dead])
    assert ear.heard() == {"q"}
    await stage.lease()


async def test_a_held_lane_goes_on_when_its_holder_is_redriven_elsewhere(stage: Stage, ear: Ear) -> None:
    for _ in range(2):
        await stage.put_one("q", ordering_key="o", on_dead=OnDead.HOLD)
    dead = await bury(stage)
    ear.heard()
    await stage.engine.redrive([Redrive(job_id=dead, queue="q.other")])
    assert ear.heard() == {"q", "q.other"}
    await stage.lease("q")


async def test_a_retry_that_leaves_its_queue_lets_the_next_one_go(stage: Stage, ear: Ear) -> None:
    for _ in range(2):
        await stage.put_one("q", ordering_key="o")
    job = await stage.lease("q")
    await stage.settle(Nack(job_id=job.id, token=job.token, error=b"{}", retry_in_ms=60_000))
    assert await stage.is_dry("q")
    ear.heard()
    await stage.engine.patch([Patch(job_id=job.id, queue="q.other")])
    assert "q" in ear.heard()
    await stage.lease("q")


async def test_who_stood_in_front_of_others_makes_way(stage: Stage, ear: Ear) -> None:
    """The head of an ordered lane waits for a limit; the next one needs none, and goes when the head is cancelled."""
    await stage.engine.set_limit("api", LimitSettings(concurrency=1))
    await stage.put_one("other", limits=("api",))
    await stage.lease("other")
    first = await stage.put_one(ordering_key="o", limits=("api",))
    second = await stage.put_one(ordering_key="o")
    assert await stage.is_dry()
    ear.heard()
    await stage.cancel(first)
    assert ear.heard() == {"q"}
    assert (await stage.lease()).id == second


@pytest.mark.parametrize("how", ["ack", "release", "nack", "cancel"])
async def test_a_freed_slot_of_a_limit_is_offered(stage: Stage, ear: Ear, how: str) -> None:
    await stage.engine.set_limit("api", LimitSettings(concurrency=1))
    for queue in ("q", "other"):
        await stage.put_one(queue, limits=("api",))
    job = await stage.lease("q")
    assert await stage.is_dry("other")
    ear.heard()
    if how == "ack":
        await stage.settle(Ack(job_id=job.id, token=job.token))
    elif how == "release":
        await stage.settle(Release(job_id=job.id, token=job.token))
    elif how == "nack":
        await stage.settle(Nack(job_id=job.id, token=job.token, error=b"{}", retry_in_ms=60_000))
    else:
        await stage.cancel(job.id, mode=CancelMode.HARD)
    assert "other" in ear.heard()


async def test_of_two_freed_slots_each_is_offered(stage: Stage, ear: Ear) -> None:
    """The first one opens the lane; whoever is woken by that wakes another for the second."""
    await stage.engine.set_limit("api", LimitSettings(concurrency=2))
    for _ in range(4):
        await stage.put_one(limits=("api",))
    held = [await stage.lease() for _ in range(2)]
    assert await stage.is_dry()
    ear.heard()
    for job in held:
        await stage.settle(Ack(job_id=job.id, token=job.token))
    assert ear.polls() == {"q": 1}
    await stage.lease()
    assert ear.polls() == {"q": 1}
    await stage.lease()
    assert ear.polls() == {}  # no slot is left to be offered


@pytest.mark.parametrize("how", ["raised", "removed", "no longer held"])
async def test_a_limit_that_lets_go_wakes_as_many_as_may_start(stage: Stage, ear: Ear, how: str) -> None:
    await stage.engine.set_limit("api", LimitSettings(concurrency=1 if how != "no longer held" else 4))
    for _ in range(4):
        await stage.put_one(limits=("api",))
    await stage.lease()
    if how == "no longer held":
        await stage.engine.back_off("api", 60_000)
    assert await stage.is_dry()
    await stage.tick()
    ear.heard()
    if how == "raised":
        await stage.engine.set_limit("api", LimitSettings(concurrency=4))
    elif how == "removed":
        await stage.engine.unset_limit("api")
    else:
        await stage.engine.back_off("api", 0)
    await stage.tick()
    assert ear.polls()["q"] >= 3


async def test_a_freed_slot_of_a_queue_is_offered(stage: Stage, ear: Ear) -> None:
    await stage.engine.configure("q", QueueSettings(concurrency=1))
    for _ in range(2):
        await stage.put_one()
    ear.heard()
    await ack(stage)
    assert ear.heard() == {"q"}
    await stage.lease()


@pytest.mark.parametrize("limited", [False, True])
async def test_the_next_token_of_a_rate_is_offered_when_it_comes(stage: Stage, ear: Ear, limited: bool) -> None:
    rate = Rate(count=1, per_ms=1_000, burst=1)
    if limited:
        await stage.engine.set_limit("api", LimitSettings(rate=rate))
    else:
        await stage.engine.configure("q", QueueSettings(rate=rate))
    for _ in range(2):
        await stage.put_one(limits=("api",) if limited else ())
    await stage.lease()
    assert await stage.is_dry()
    stage.later(999)
    await stage.tick()
    ear.heard()
    assert await stage.is_dry()
    stage.later(1)
    await stage.tick()
    assert ear.heard() == {"q"}
    await stage.lease()


async def test_a_token_that_comes_later_by_a_new_rate_is_offered_then(stage: Stage, ear: Ear) -> None:
    """The wake-up that was planned under the rate before comes to nothing, and is planned anew."""
    await stage.engine.configure("q", QueueSettings(rate=Rate(count=1, per_ms=1_000, burst=1)))
    for _ in range(3):
        await stage.put_one()
    await stage.lease()
    await stage.engine.configure("q", QueueSettings(rate=Rate(count=1, per_ms=3_000, burst=1)))
    await stage.lease()
    stage.later(1_000)
    await stage.tick()
    ear.heard()
    stage.later(2_000)
    await stage.tick()
    assert ear.heard() == {"q"}
    await stage.lease()
