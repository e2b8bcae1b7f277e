"""Lists of jobs: every job once, in its order, page by page, whatever its neighbours have in common."""

from collections.abc import Sequence

import pytest
from headrace_server.domain.finding import CursorInvalid, JobFilter, JobPage
from headrace_server.domain.jobs import Job
from headrace_server.domain.lifecycle import State
from headrace_server.domain.limits import MAX_SCANNED_JOBS
from headrace_server.domain.requests import Ack, EnqueueGroup, LeaseAsk, Nack
from headrace_server.engine import Engine

from tests.engine.conftest import EngineMaker, enqueue, new_job
from tests.engine.stage import Stage
from tests.support.stores import StoreProcess

pytestmark = pytest.mark.anyio


async def pages(engine: Engine, wanted: JobFilter, limit: int = 50) -> list[JobPage]:
    """Return all pages of a filter."""
    found = [await engine.list_jobs(wanted, cursor=None, limit=limit)]
    while found[-1].cursor is not None:
        assert len(found) < 100
        found.append(await engine.list_jobs(wanted, cursor=found[-1].cursor, limit=limit))
    return found


async def listed(engine: Engine, wanted: JobFilter, limit: int = 50) -> list[Job]:
    """Return all jobs of a filter."""
    return [job for page in await pages(engine, wanted, limit) for job in page.jobs]


def ids(jobs: Sequence[Job]) -> list[bytes]:
    return [job.id for job in jobs]


async def test_ready_jobs_come_in_the_order_of_their_leases_in_lanes_or_not(stage: Stage) -> None:
    jobs = []
    for number in range(30):
        lane = [{}, {"limits": ("a",)}, {"ordering_key": "o"}, {"fairness_key": "t"}][number % 4]
        jobs.append(await stage.put_one(priority=100 - number % 3, **lane))
    expected = sorted(jobs, key=lambda job_id: jobs.index(job_id) % 3)
    for limit in (1, 7, 50):
        found = await listed(stage.engine, JobFilter(queue="q", states=(State.READY,)), limit)
        assert ids(found) == expected


async def test_jobs_of_one_instant_are_listed_once_each(stage: Stage) -> None:
    """All in one place by their scores: only their ids tell them apart."""
    jobs = [stage.new(run_at_ms=5_000_000) for _ in range(200)]
    for start in range(0, 200, 50):
        await stage.put(*jobs[start : start + 50])
    found = await listed(stage.engine, JobFilter(states=(State.SCHEDULED,)), 7)
    assert ids(found) == sorted(job.id for job in jobs)


async def test_a_page_goes_on_where_the_last_one_ended_though_jobs_come_and_go(stage: Stage) -> None:
    jobs = [await stage.put_one(run_at_ms=5_000_000 + number) for number in range(20)]
    wanted = JobFilter(queue="q", states=(State.SCHEDULED,))
    first = await stage.engine.list_jobs(wanted, cursor=None, limit=10)
    for gone in (jobs[9], jobs[3], jobs[12]):  # the one the cursor stands on, one before and one behind it
        await stage.cancel(gone)
    early = await stage.put_one(run_at_ms=4_000_000)
    rest = await stage.engine.list_jobs(wanted, cursor=first.cursor, limit=50)
    assert ids(rest.jobs) == [job for job in jobs[10:] if job != jobs[12]]
    assert early not in ids(rest.jobs)


async def test_no_more_than_a_thousand_jobs_are_looked_at_for_one_page(stage: Stage) -> None:
    for _ in range(6):
        await stage.put(*(stage.new(run_at_ms=5_000_000) for _ in range(200)))
    rare = await stage.put_one(run_at_ms=6_000_000, tags={"rare": "1"})
    await stage.engine.now_ms()
    wanted = JobFilter(queue="q", enqueued_after_ms=stage.now_ms, task="other")
    found = await pages(stage.engine, wanted)
    assert [(len(page.jobs), page.scanned <= MAX_SCANNED_JOBS + 1) for page in found] == [(0, True), (0, True)]
    (page,) = await pages(stage.engine, JobFilter(tag=("rare", "1")))
    assert (ids(page.jobs), page.scanned) == ([rare], 2)


async def test_each_filter_leaves_out_the_others(stage: Stage) -> None:
    stage.at(2_000_000)
    plain = await stage.put_one()
    other_queue = await stage.put_one("p")
    job = await stage.lease("q")
    assert job.id == plain
    await stage.settle(Nack(job_id=job.id, token=job.token, error=b"{}", error_type="Boom", retryable=False))
    stage.later(1_000)
    await stage.lease("p")
    tagged = await stage.put_one(tags={"user": "7", "plan": "pro"})
    moved = await stage.put_one(tags={"user": "7"}, delay_ms=5)
    await stage.put(stage.new(payload=stage.new().payload))
    engine = stage.engine
    assert ids(await listed(engine, JobFilter(queue="p"))) == [other_queue]
    assert ids(await listed(engine, JobFilter(states=(State.DEAD, State.LEASED)))) == [other_queue, plain]
    assert ids(await listed(engine, JobFilter(error_type="Boom"))) == [plain]
    assert ids(await listed(engine, JobFilter(error_type="Boo"))) == []
    assert set(ids(await listed(engine, JobFilter(tag=("user", "7"))))) == {tagged, moved}
    assert ids(await listed(engine, JobFilter(tag=("user", "7"), states=(State.READY,)))) == [tagged]
    assert ids(await listed(engine, JobFilter(tag=("user", "7"), queue="p"))) == []
    assert set(ids(await listed(engine, JobFilter(enqueued_before_ms=2_001_000)))) == {plain, other_queue}
    assert {plain, other_queue}.isdisjoint(ids(await listed(engine, JobFilter(enqueued_after_ms=2_001_000))))
    assert ids(await listed(engine, JobFilter(finished_after_ms=2_000_000, finished_before_ms=2_000_001))) == [plain]
    assert ids(await listed(engine, JobFilter(finished_after_ms=2_000_001))) == []
    assert len(await listed(engine, JobFilter(task="t"))) == 5
    assert await listed(engine, JobFilter(task="u")) == []


async def test_a_job_leaves_its_tags_with_its_record(stage: Stage) -> None:
    job_id = await stage.put_one(tags={"a": "b"})
    await stage.cancel(job_id)
    await stage.engine.delete([job_id])
    assert await listed(stage.engine, JobFilter(tag=("a", "b"))) == []
    assert stage.keys("tag:*") == set()


async def test_what_a_list_shows_is_what_the_job_says_without_its_bodies(stage: Stage) -> None:
    job_id = await stage.put_one(
        tags={"a": "b"}, limits=("x", "y"), fairness_key="f", weight=3, ordering_key="o", priority=7, meta=b"{}"
    )
    lease = await stage.lease()
    error = b'{"type":"E","message":"m"}'
    await stage.settle(Nack(job_id=job_id, token=lease.token, error=error, error_type="E", retry_in_ms=10))
    (shown,) = await listed(stage.engine, JobFilter(queue="q"))
    whole = await stage.job(job_id)
    assert (shown.payload.data, shown.meta) == (b"", None)
    for name in (
        "queue",
        "state",
        "rev",
        "priority",
        "attempt",
        "tags",
        "limits",
        "fairness_key",
        "weight",
        "run_at_ms",
    ):
        assert getattr(shown, name) == getattr(whole, name)
    assert (shown.ordering_key, shown.error, shown.worker, shown.delivery) == ("o", error, whole.worker, 1)


async def test_all_shards_are_listed_one_after_the_other(valkey: StoreProcess, make_engine: EngineMaker) -> None:
    engine = await make_engine(valkey.url, shards=4)
    jobs = {await enqueue(engine, f"q{number}", delay_ms=60_000) for number in range(40)}
    found = await listed(engine, JobFilter(), 7)
    assert (len(found), set(ids(found))) == (40, jobs)
    assert len(await listed(engine, JobFilter(queue="q3"))) == 1


async def test_an_empty_page_may_have_a_cursor(stage: Stage) -> None:
    """Thousands of empty queues are gone through in steps, too."""
    for start in range(0, 1_200, 100):
        await stage.engine.enqueue_each(
            [EnqueueGroup([new_job(stage.engine, f"q{number}")]) for number in range(start, start + 100)]
        )
    while grant := (await stage.engine.lease(LeaseAsk(queues=[f"q{n}" for n in range(64)], max_jobs=64))).jobs:
        await stage.engine.settle([Ack(job_id=job.id, token=job.token) for job in grant])
    found = await pages(stage.engine, JobFilter(states=(State.DEAD,)))
    assert [len(page.jobs) for page in found] == [0, 0]


@pytest.mark.parametrize("cursor", ["", "x", "AAAAAAAA", "not base64!", "é", "A" * 300])
async def test_a_cursor_that_is_not_ours_is_refused(stage: Stage, cursor: str) -> None:
    with pytest.raises(CursorInvalid):
        await stage.engine.list_jobs(JobFilter(), cursor=cursor, limit=1)


async def test_a_cursor_belongs_to_its_filter(stage: Stage) -> None:
    for _ in range(3):
        await stage.put_one()
    page = await stage.engine.list_jobs(JobFilter(queue="q"), cursor=None, limit=1)
    with pytest.raises(CursorInvalid):
        await stage.engine.list_jobs(JobFilter(queue="q", task="t"), cursor=page.cursor, limit=1)
