"""Workers as such: kept while they are heard of, told what to do, found, forgotten; it costs polls nothing."""

import asyncio
from typing import Any

import pytest
import redis
from headrace_server.domain import limits
from headrace_server.domain.defaults import Defaults
from headrace_server.domain.fleet import (
    Beat,
    Directive,
    Dismissed,
    WorkerFilter,
    WorkerInfo,
    WorkerState,
)
from headrace_server.engine.scripts import load_scripts

from tests.engine.conftest import EngineMaker
from tests.engine.proxy import StoreProxy
from tests.engine.stage import CALL, Stage, StageMaker
from tests.support.stores import StoreProcess

pytestmark = pytest.mark.anyio

TIMEOUT_MS = Defaults().worker_timeout_ms
INFO = WorkerInfo(facts=b'{"host":"h"}', queues=("mail", "pdf"), tasks=("send",), process="1")


async def beat(stage: Stage, worker: str = "w1", **more: Any) -> Directive:
    """Let a worker say that it lives; return what it is told."""
    directive, now_ms = await stage.engine.heartbeat(Beat(worker=worker, **{"leases": [], **more}))
    assert now_ms == stage.now_ms
    return directive


async def ids(stage: Stage, **wanted: Any) -> list[str]:
    """Return the ids of the workers of a filter."""
    page = await stage.engine.workers(WorkerFilter(**wanted), cursor=None, limit=100)
    assert page.cursor is None
    return [worker.id for worker in page.workers]


async def states(stage: Stage) -> dict[str, WorkerState]:
    page = await stage.engine.workers(WorkerFilter(), cursor=None, limit=100)
    return {worker.id: worker.state for worker in page.workers}


async def test_a_record_says_what_the_worker_said_last(stage: Stage) -> None:
    held = [bytes([n]) * 16 for n in range(limits.WORKER_JOBS_KEPT + 5)]
    assert await beat(stage, info=INFO, leases=held) is Directive.RUN
    born_ms = stage.now_ms
    stage.later(5_000)
    await beat(stage, leases=held[:2])
    record = await stage.engine.worker("w1")
    assert record is not None
    assert (record.id, record.state, record.directive) == ("w1", WorkerState.UP, Directive.RUN)
    assert (record.registered_at_ms, record.last_seen_at_ms) == (born_ms, stage.now_ms)
    assert record.lost_at_ms == stage.now_ms + TIMEOUT_MS
    assert (record.leased, record.job_ids, record.info) == (2, held[:2], INFO)


async def test_a_record_names_the_first_jobs_and_counts_all(stage: Stage) -> None:
    held = [bytes([n]) * 16 for n in range(limits.WORKER_JOBS_KEPT + 5)]
    await beat(stage, leases=held)
    record = await stage.engine.worker("w1")
    assert record is not None
    assert (record.leased, record.job_ids) == (len(held), held[: limits.WORKER_JOBS_KEPT])
    assert record.info is None


async def test_a_worker_of_many_names_or_none_comes_back_as_it_is(stage: Stage) -> None:
    for worker, names in (("none", ()), ("many", tuple(f"t{n}" for n in range(500)))):
        said = WorkerInfo(facts=b"{}", queues=None, tasks=names, takes_jobs=False)
        await beat(stage, worker, info=said)
        record = await stage.engine.worker(worker)
        assert record is not None
        assert record.info == said


async def test_a_silent_worker_is_lost_and_comes_back_with_a_heartbeat(stage: Stage) -> None:
    await beat(stage)
    stage.later(TIMEOUT_MS - 1)
    assert await states(stage) == {"w1": WorkerState.UP}
    stage.later(1)
    assert await states(stage) == {"w1": WorkerState.LOST}
    await beat(stage)
    assert await states(stage) == {"w1": WorkerState.UP}


async def test_a_worker_that_says_when_it_comes_next_may_miss_that_once(stage: Stage) -> None:
    await beat(stage, next_ms=1_000)
    stage.later(2 * 1_000 + limits.WORKER_SPARE_MS - 1)
    assert await states(stage) == {"w1": WorkerState.UP}
    stage.later(1)
    assert await states(stage) == {"w1": WorkerState.LOST}


async def test_a_worker_that_says_goodbye_leaves_nothing(stage: Stage) -> None:
    await beat(stage, info=INFO)
    await stage.engine.direct("w1", Directive.STOP)
    assert await beat(stage, is_final=True) is Directive.STOP
    assert await stage.engine.worker("w1") is None
    assert stage.keys("fleet:*") == set()
    assert await beat(stage, info=INFO) is Directive.RUN  # the next of this name begins anew


async def test_a_lost_worker_is_forgotten_after_a_day(stage: Stage) -> None:
    await beat(stage, "old")
    await stage.engine.direct("old", Directive.QUIET)
    stage.later(1_000)
    await beat(stage, "young")
    stage.later(TIMEOUT_MS + limits.WORKER_KEPT_MS - 1_001)
    await stage.tick()
    assert await ids(stage) == ["old", "young"]
    stage.later(1)
    await stage.tick()
    assert await ids(stage) == ["young"]
    stage.later(1_000)
    await stage.tick()
    assert stage.keys("fleet:*") == set()


async def test_a_worker_that_lives_on_is_not_forgotten(stage: Stage) -> None:
    """What was planned at its first heartbeat finds it alive, and is planned again for its end."""
    await beat(stage)
    stage.later(TIMEOUT_MS + limits.WORKER_KEPT_MS)
    await beat(stage)
    await stage.tick()
    assert await states(stage) == {"w1": WorkerState.UP}
    stage.later(TIMEOUT_MS + limits.WORKER_KEPT_MS)
    await stage.tick()
    assert await ids(stage) == []


async def test_only_a_lost_worker_can_be_removed(stage: Stage) -> None:
    assert await stage.engine.dismiss("w1") is Dismissed.UNKNOWN
    await beat(stage)
    assert await stage.engine.dismiss("w1") is Dismissed.UP
    stage.later(TIMEOUT_MS)
    assert await stage.engine.dismiss("w1") is Dismissed.DELETED
    assert await stage.engine.dismiss("w1") is Dismissed.UNKNOWN


async def test_a_directive_is_told_until_it_is_taken_back(stage: Stage) -> None:
    assert await stage.engine.direct("w1", Directive.QUIET) is None
    await beat(stage)
    for directive in (Directive.QUIET, Directive.STOP, Directive.RUN):
        record = await stage.engine.direct("w1", directive)
        assert record is not None
        assert record.directive is directive
        assert await beat(stage) is directive


@pytest.mark.parametrize(
    ("process", "told"), [("1", Directive.STOP), ("", Directive.STOP), ("2", Directive.RUN)], ids=["same", "mum", "new"]
)
async def test_a_new_process_of_the_same_name_is_not_told_what_the_old_one_was(
    stage: Stage, process: str, told: Directive
) -> None:
    """A worker that was killed before it said goodbye is started again under its name, and must not stop at once."""
    await beat(stage, info=INFO)
    await stage.engine.direct("w1", Directive.STOP)
    stage.later(7)
    assert await beat(stage) is Directive.STOP  # it says nothing of itself
    again = WorkerInfo(facts=b"{}", process=process)
    assert await beat(stage, info=again) is told
    record = await stage.engine.worker("w1")
    assert record is not None
    assert (record.directive, record.registered_at_ms == stage.now_ms) == (told, told is Directive.RUN)


async def test_one_more_worker_takes_the_place_of_the_one_that_was_lost_first(
    store_url: str, make_stage: StageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_WORKERS", 2)
    stage = await make_stage(store_url, scripts=load_scripts(Defaults(), virtual_clock=True))
    for worker in ("a", "b", "c"):
        assert await beat(stage, worker) is Directive.RUN
    assert await ids(stage) == ["a", "b"]  # nobody is lost: the third is served all the same
    stage.later(TIMEOUT_MS - 1)
    await beat(stage, "a")
    stage.later(1)
    await beat(stage, "c")
    assert await ids(stage) == ["a", "c"]


async def test_a_removal_whose_answer_was_lost_is_answered_as_it_was(
    valkey: StoreProcess, proxy: StoreProxy, make_stage: StageMaker
) -> None:
    stage = await make_stage(proxy.url, clock_url=valkey.url)
    await stage.engine.dismiss("w1")  # the store knows the script now
    await beat(stage)
    stage.later(TIMEOUT_MS)
    proxy.lose_reply(CALL["dismiss"])
    assert await stage.engine.dismiss("w1") is Dismissed.DELETED
    assert proxy.lost == 1


async def test_heartbeats_of_one_moment_share_a_script(stage: Stage, store: StoreProcess) -> None:
    """A fleet that starts at once costs a few calls; each heartbeat is answered for itself."""
    await beat(stage, "w7")
    await stage.engine.direct("w7", Directive.STOP)
    before = scripts_run(store)
    names = [f"w{n}" for n in range(150)]
    beats = [Beat(worker=name, leases=[], info=INFO, is_final=name == "w3") for name in names]
    answers = await asyncio.gather(*map(stage.engine.heartbeat, beats))
    assert [told for told, _ in answers] == [Directive.STOP if name == "w7" else Directive.RUN for name in names]
    assert scripts_run(store) - before <= 5
    page = await stage.engine.workers(WorkerFilter(), cursor=None, limit=200)
    assert [worker.id for worker in page.workers] == sorted(set(names) - {"w3"})


def scripts_run(store: StoreProcess) -> int:
    """Return how many functions the store has run."""
    with redis.Redis.from_url(store.url) as client:
        stats: dict[str, Any] = client.info("commandstats")
    return sum(stats.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("fcall", "fcall_ro", "evalsha", "eval"))


async def test_the_registry_lies_on_the_first_shard_alone(store_url: str, make_engine: EngineMaker) -> None:
    engine = await make_engine(store_url, shards=3)
    for n in range(9):
        await engine.heartbeat(Beat(worker=f"w{n}", leases=[]))
    assert len((await engine.workers(WorkerFilter(), cursor=None, limit=100)).workers) == 9
    with redis.Redis.from_url(store_url) as client:
        assert {key.split(b":")[1] for key in client.keys("*:fleet:*")} == {b"{0}"}
