"""Whose clock counts, and what fences do when a store comes back: real stores whose clock the test moves."""

import shutil
import time
from pathlib import Path

import pytest
from headrace_server.domain.jobs import Leased
from headrace_server.domain.lifecycle import State
from headrace_server.domain.limits import DAY_MS, HOUR_MS, MINUTE_MS
from headrace_server.domain.requests import Ack, LeaseAsk, Release, Settled, SettleStatus
from headrace_server.engine import Engine

from tests.engine.conftest import EngineMaker, StoreMaker, enqueue
from tests.support.shims import Clock
from tests.support.stores import StoreProcess
from tests.support.waiting import eventually_async

pytestmark = pytest.mark.anyio

MARGIN_US = 50_000_000  # of the 60 s by which a new run of the store leaps ahead
SNAPSHOT_MS = 100  # the store reads its clock once in a while: the next scripts may still see the time before a change


async def lease_one(engine: Engine) -> Leased:
    (job,) = (await engine.lease(LeaseAsk(queues=["q"], lease_ms=MINUTE_MS))).jobs
    return job


async def settle_one(engine: Engine, item: Ack | Release) -> Settled:
    (answer,) = await engine.settle([item])
    assert isinstance(answer, Settled)
    return answer


async def test_g8_fences_grow_over_a_restart_of_the_store(make_store: StoreMaker, make_engine: EngineMaker) -> None:
    store = make_store()
    engine = await make_engine(store.url)
    await enqueue(engine)
    first = await lease_one(engine)
    await settle_one(engine, Release(job_id=first.id, token=first.token))
    store.kill9()
    store.start()
    second = await lease_one(await make_engine(store.url))
    assert second.facts.fence > first.facts.fence + MARGIN_US


async def test_g8_fences_grow_over_a_restored_backup_with_a_slow_clock(
    make_store: StoreMaker, make_engine: EngineMaker, tmp_path: Path
) -> None:
    """The backup knows nothing of the lease, and the machine it is restored on is 30 s behind."""
    store, clock = make_store(started=False), Clock(tmp_path / "clock")
    store.start(env=clock.env)
    engine = await make_engine(store.url)
    await enqueue(engine)
    backup = shutil.copytree(store.folder, tmp_path / "backup", ignore=shutil.ignore_patterns("*.log"))
    lost = await lease_one(engine)
    store.kill9()
    shutil.rmtree(store.folder)
    shutil.copytree(backup, store.folder)
    clock.shift_ms(-30_000)
    store.start(env=clock.env)
    again = await lease_one(await make_engine(store.url))
    assert again.id == lost.id
    assert again.facts.fence > lost.facts.fence


@pytest.fixture
def moved_store(make_store: StoreMaker, tmp_path: Path) -> tuple[StoreProcess, Clock]:
    """A store and its clock."""
    store, clock = make_store(started=False), Clock(tmp_path / "clock")
    return store.start(env=clock.env), clock


async def test_g17_a_store_whose_clock_is_set_back_stands_still(
    moved_store: tuple[StoreProcess, Clock], make_engine: EngineMaker
) -> None:
    store, clock = moved_store
    engine = await make_engine(store.url)
    held = await enqueue(engine)
    delayed = await enqueue(engine, delay_ms=MINUTE_MS)
    leased = await lease_one(engine)
    before_ms = await engine.now_ms()
    clock.shift_ms(-HOUR_MS)
    assert before_ms - MINUTE_MS < await engine.now_ms() < before_ms + SNAPSHOT_MS
    await engine.tick(0)
    states = [job.state for job in await engine.get([held, delayed]) if job]
    assert states == [State.LEASED, State.SCHEDULED]
    answer = await settle_one(engine, Ack(job_id=leased.id, token=leased.token))
    assert answer.status is SettleStatus.OK
    assert answer.now_ms < before_ms + SNAPSHOT_MS


async def test_g17_a_leap_of_the_stores_clock_makes_due_what_is_due(
    moved_store: tuple[StoreProcess, Clock], make_engine: EngineMaker
) -> None:
    store, clock = moved_store
    engine = await make_engine(store.url)
    delayed = await enqueue(engine, delay_ms=HOUR_MS)
    clock.shift_ms(HOUR_MS + MINUTE_MS)
    await eventually_async(lambda: engine.tick(0), what="the tick promotes the job")
    (job,) = await engine.get([delayed])
    assert job is not None
    assert job.state is State.READY


@pytest.mark.parametrize("off_ms", [-DAY_MS, DAY_MS], ids=["a_day_behind", "a_day_ahead"])
async def test_g17_the_servers_clock_changes_nothing(
    valkey: StoreProcess, make_engine: EngineMaker, monkeypatch: pytest.MonkeyPatch, off_ms: int
) -> None:
    real_ns = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real_ns() + off_ms * 1_000_000)
    engine = await make_engine(valkey.url)
    seconds, _ = valkey.call("TIME")
    store_ms = seconds * 1000
    ids = [await enqueue(engine, priority=200), await enqueue(engine, delay_ms=HOUR_MS)]
    leased = await lease_one(engine)
    job, delayed = await engine.get(ids)
    assert job is not None
    assert delayed is not None
    assert leased.id == job.id
    for instant in (job.enqueued_at_ms, leased.facts.deadline_ms - MINUTE_MS, (delayed.run_at_ms or 0) - HOUR_MS):
        assert store_ms <= instant < store_ms + MINUTE_MS
