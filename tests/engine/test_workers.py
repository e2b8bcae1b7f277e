"""Which workers there are, and whether one of them would take a job."""

import pytest
from headrace_server.domain import limits
from headrace_server.domain.finding import CursorInvalid, ReasonCode
from headrace_server.domain.fleet import Directive, WorkerFilter, WorkerInfo, WorkerState

from tests.engine.stage import Stage
from tests.engine.test_fleet import INFO, TIMEOUT_MS, beat, ids

pytestmark = pytest.mark.anyio


async def test_workers_are_found_by_what_they_serve(stage: Stage) -> None:
    await beat(stage, "both", info=INFO)
    await beat(stage, "mail", info=WorkerInfo(facts=b"{}", queues=("mail",), tasks=("read",)))
    await beat(stage, "none", info=WorkerInfo(facts=b"{}", queues=(), tasks=()))
    await beat(stage, "mum")
    assert await ids(stage) == ["both", "mail", "mum", "none"]
    assert await ids(stage, queue="mail") == ["both", "mail"]
    assert await ids(stage, queue="mai") == []
    assert await ids(stage, queue="pdf", task="send") == ["both"]
    assert await ids(stage, task="read") == ["mail"]
    await beat(stage, "half", info=WorkerInfo(facts=b"{}", queues=("mail",)))
    assert await ids(stage, task="read") == ["mail"]
    assert await ids(stage, task="read", takes_jobs=True) == ["half", "mail"]
    stage.later(TIMEOUT_MS)
    await beat(stage, "mail")
    assert await ids(stage, state=WorkerState.UP) == ["mail"]
    assert await ids(stage, state=WorkerState.LOST) == ["both", "half", "mum", "none"]


async def test_workers_are_listed_by_their_ids_page_by_page(stage: Stage) -> None:
    names = sorted(f"w{n}" for n in range(limits.SCRIPT_JOBS + 5))
    for name in reversed(names):
        await beat(stage, name)
    found: list[str] = []
    cursor = None
    while not found or cursor is not None:
        page = await stage.engine.workers(WorkerFilter(state=WorkerState.UP), cursor=cursor, limit=40)
        found += [worker.id for worker in page.workers]
        cursor = page.cursor
        assert len(page.workers) == 40 or cursor is None
    assert found == names


async def test_a_cursor_belongs_to_its_filter(stage: Stage) -> None:
    for name in ("a", "b"):
        await beat(stage, name)
    page = await stage.engine.workers(WorkerFilter(), cursor=None, limit=1)
    with pytest.raises(CursorInvalid):
        await stage.engine.workers(WorkerFilter(queue="q"), cursor=page.cursor, limit=1)


async def test_explain_says_when_no_worker_would_take_the_job(stage: Stage) -> None:
    job_id = await stage.put_one("mail")  # of the task t

    async def codes() -> list[ReasonCode]:
        explained = await stage.engine.explain(job_id)
        assert explained is not None
        return [reason.code for reason in explained.reasons]

    assert ReasonCode.NO_WORKER not in await codes()  # nobody registers here at all: nothing is known
    await beat(stage, "other", info=INFO)
    assert await codes() == [ReasonCode.NO_WORKER, ReasonCode.NO_POLLER]
    fitting = WorkerInfo(facts=b"{}", queues=("mail",), tasks=("t", "u"))
    await beat(stage, "fits", info=fitting)
    assert await codes() == [ReasonCode.NO_POLLER]
    await stage.engine.direct("fits", Directive.QUIET)
    assert ReasonCode.NO_WORKER in await codes()
    await stage.engine.direct("fits", Directive.RUN)
    await beat(stage, "fits", info=WorkerInfo(facts=b"{}", queues=("mail",), tasks=("t",), takes_jobs=False))
    assert ReasonCode.NO_WORKER in await codes()
    await beat(stage, "fits", info=fitting)
    assert ReasonCode.NO_WORKER not in await codes()
    stage.later(TIMEOUT_MS)
    assert ReasonCode.NO_WORKER in await codes()  # both are lost


async def test_who_asks_and_is_not_known_may_know_the_task(stage: Stage) -> None:
    """A worker in another language need not register: where one asks, only what is known of others tells against it."""
    await beat(stage, "other", info=INFO)
    await stage.put_one("jpg")
    job_id = await stage.put_one("jpg")
    await stage.lease("jpg")
    explained = await stage.engine.explain(job_id)
    assert explained is not None
    assert [reason.code for reason in explained.reasons] == [ReasonCode.NEXT]
    await beat(stage, "other", info=WorkerInfo(facts=b"{}", queues=("jpg",), tasks=("resize",)))
    explained = await stage.engine.explain(job_id)
    assert explained is not None
    assert [reason.code for reason in explained.reasons] == [ReasonCode.NO_WORKER]


async def test_no_worker_comes_before_what_matters_less(stage: Stage) -> None:
    await beat(stage, "other", info=INFO)
    await stage.put_one("mail")
    second = await stage.put_one("mail")
    await stage.is_dry("mail.none")
    explained = await stage.engine.explain(second)
    assert explained is not None
    assert [reason.code for reason in explained.reasons][:2] == [ReasonCode.NO_WORKER, ReasonCode.BEHIND]
