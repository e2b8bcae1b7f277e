"""Single jobs that are enqueued at the same time are sent as one group, and nobody can tell."""

import asyncio
from typing import Any

import msgspec
import pytest
from headrace_server.domain.alike import Alike
from headrace_server.domain.jobs import Body, Format, IdempotencyKey, Job, NewJob, OnDead, Receipt, Unique
from headrace_server.domain.lifecycle import State
from headrace_server.domain.queues import QueueSettings
from headrace_server.domain.requests import Enqueued, EnqueueGroup, EnqueueStatus, LeaseAsk
from headrace_server.domain.retry import RetryPolicy
from headrace_server.engine import Engine, gathering

from tests.engine.conftest import EngineMaker, enqueue, new_job
from tests.engine.proxy import StoreProxy
from tests.engine.stage import Stage
from tests.engine.test_lost_replies import CALL

pytestmark = pytest.mark.anyio

HOUR_MS = 3_600_000
OPTIONS: list[dict[str, Any]] = [
    {},
    {"priority": 200, "max_crashes": 2, "max_runtime_ms": 9_000, "lease_ms": 7_000},
    {"delay_ms": HOUR_MS},
    {"run_at_ms": 5},  # long ago
    {"meta": b'{"a":1}', "trace": b'{"traceparent":"00-1"}'},
    {"payload": Body(b"\x01", Format.MSGPACK)},
    {"payload": Body(b"\xff", media="image/png")},
    {"expires_in_ms": HOUR_MS},
    {"retry": RetryPolicy(max_attempts=2)},
    {"fairness_key": "f", "weight": 2},
    {"ordering_key": "o", "on_dead": OnDead.HOLD},
    {"tags": {"a": "b"}},
    {"limits": ("l",)},
]


async def put_at_once(engine: Engine, jobs: list[NewJob], *, brief: bool = False) -> list[Enqueued]:
    """Enqueue each job by a call of its own, in one turn of the event loop: they go in one script."""
    return await asyncio.gather(*(engine.enqueue(EnqueueGroup([job], brief=brief)) for job in jobs))


def groups_of(*jobs: NewJob, **how: Any) -> list[EnqueueGroup]:
    return [EnqueueGroup([job], **how) for job in jobs]


def sent(groups: list[EnqueueGroup]) -> list[list[bytes]]:
    """Return the ids of the jobs of each group that would be sent."""
    return [[job.id for job in gathering.as_one(run).jobs] for run in gathering.runs(groups)]


async def test_those_that_differ_in_id_and_payload_are_one_group(engine: Engine) -> None:
    one, two, three = (new_job(engine, payload=Body(b"%d" % n)) for n in range(3))
    (run,) = gathering.runs(groups_of(one, two, three, brief=True))
    group = gathering.as_one(run)
    assert (type(group.jobs), group.each, group.brief, group.key) == (Alike, True, True, None)
    assert list(group.jobs) == [one, two, three]


@pytest.mark.parametrize("options", [*OPTIONS[1:], {"queue": "r"}, {"task": "other"}], ids=str)
async def test_another_one_between_them_goes_by_itself_and_keeps_its_place(
    engine: Engine, options: dict[str, Any]
) -> None:
    jobs = [new_job(engine) for _ in range(5)]
    jobs[2] = msgspec.structs.replace(jobs[2], **options)
    assert sent(groups_of(*jobs)) == [[job.id for job in some] for some in (jobs[:2], jobs[2:3], jobs[3:])]


async def test_no_other_kind_of_call_is_gathered(engine: Engine) -> None:
    def twins() -> list[NewJob]:
        return [new_job(engine), new_job(engine)]

    keys = [IdempotencyKey(bytes([n]) * 16, b"f" * 16) for n in range(2)]
    keyed = [EnqueueGroup([job], key) for job, key in zip(twins(), keys, strict=True)]
    unique = groups_of(*(new_job(engine, unique=Unique(digest=b"u" * 16)) for _ in range(2)))
    brief_and_whole = [*groups_of(new_job(engine)), *groups_of(new_job(engine), brief=True)]
    for groups in (keyed, unique, brief_and_whole, groups_of(*twins(), each=True), [EnqueueGroup(twins())] * 2):
        assert [len(run) for run in gathering.runs(groups)] == [1, 1]
        assert [gathering.as_one(run) for run in gathering.runs(groups)] == groups


@pytest.mark.parametrize("brief", [False, True])
@pytest.mark.parametrize("events", [False, True])
@pytest.mark.parametrize(
    "settings", [QueueSettings(), QueueSettings(priority=7, max_runtime_ms=9_000, max_depth=99)], ids=str
)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
async def test_together_they_become_what_each_becomes_alone(
    stage: Stage, options: dict[str, Any], settings: QueueSettings, events: bool, brief: bool
) -> None:
    engine = stage.engine
    if events:
        await engine.keep_events()
    await engine.configure("q", settings)
    alone = [(await put_at_once(engine, [stage.new(**options)], brief=brief))[0] for _ in range(3)]
    together = await put_at_once(engine, [stage.new(**options) for _ in range(3)], brief=brief)
    first, *_ = alone
    assert [_without_own(found) for found in together] == [_without_own(first)] * 3
    ids = [job_id for found in (*alone, *together) for job_id in found.ids]
    jobs = [await stage.job(job_id) for job_id in ids]
    assert len({job.id for job in jobs}) == 6
    assert [job.rev for job in jobs] == sorted({job.rev for job in jobs})  # in the order in which they were called
    assert len({_nameless(job) for job in jobs}) == 1
    for found, job in zip((*alone, *together), jobs, strict=True):
        (said,) = found.jobs
        assert said == (Receipt(job.id, job.state) if brief else job)


def _without_own(found: Enqueued) -> Enqueued:
    jobs = [job if job is None else msgspec.structs.replace(job, id=b"") for job in found.jobs]
    plain = [msgspec.structs.replace(job, rev=0) if isinstance(job, Job) else job for job in jobs]
    return msgspec.structs.replace(found, ids=[b""] * len(found.ids), jobs=plain)


def _nameless(job: Job) -> str:
    return repr(msgspec.structs.replace(job, id=b"", rev=0))


async def test_each_has_its_own_payload_and_they_are_leased_in_order(engine: Engine) -> None:
    payloads = [b"%d" % n for n in range(50)]
    await put_at_once(engine, [new_job(engine, payload=Body(payload)) for payload in payloads])
    leased = (await engine.lease(LeaseAsk(queues=["q"], max_jobs=50))).jobs
    assert [job.payload.data for job in leased] == payloads


@pytest.mark.parametrize("brief", [False, True])
async def test_a_queue_with_room_for_some_takes_the_first_ones(engine: Engine, brief: bool) -> None:
    await engine.configure("q", QueueSettings(max_depth=2))
    jobs = [new_job(engine) for _ in range(4)]
    answers = await put_at_once(engine, jobs, brief=brief)
    made, full = EnqueueStatus.CREATED, EnqueueStatus.FULL
    assert [answer.status for answer in answers] == [made, made, full, full]
    assert [answer.ids for answer in answers[:2]] == [[job.id] for job in jobs[:2]]
    assert [(answer.refused, answer.refusals) for answer in answers[2:]] == [([0], {})] * 2
    assert (await engine.stats(["q"]))[0].counts[State.READY] == 2


async def test_a_queue_that_takes_no_jobs_says_so_to_each(engine: Engine) -> None:
    await engine.drain_queue("q")
    answers = await put_at_once(engine, [new_job(engine) for _ in range(3)])
    assert [(answer.status, answer.refused) for answer in answers] == [(EnqueueStatus.DRAINING, [0])] * 3


@pytest.mark.parametrize("brief", [False, True])
async def test_a_lost_answer_is_asked_for_again_and_each_hears_of_its_own_job(
    proxy: StoreProxy, make_engine: EngineMaker, brief: bool
) -> None:
    engine = await make_engine(proxy.url)
    await enqueue(engine)  # the store knows the script now
    proxy.lose_reply(CALL["enqueue"])
    jobs = [new_job(engine, payload=Body(b"%d" % n)) for n in range(3)]
    answers = await put_at_once(engine, jobs, brief=brief)
    assert proxy.lost == 1
    assert [answer.ids for answer in answers] == [[job.id] for job in jobs]
    assert (await engine.stats(["q"]))[0].counts[State.READY] == 4
    for answer, job in zip(answers, jobs, strict=True):
        assert brief or answer.jobs == await engine.get([job.id])
