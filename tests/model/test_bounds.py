"""More than one script may touch: the engine cuts, and nobody can tell from the answers."""

from collections.abc import Iterator

import pytest
from headrace_server.domain.defaults import Defaults
from headrace_server.domain.finding import JobFilter
from headrace_server.domain.ids import IdMaker
from headrace_server.domain.jobs import Body, NewJob
from headrace_server.domain.lifecycle import State
from headrace_server.domain.limits import LANES_TOUCHED, SCRIPT_JOBS, TICK_JOBS, TICK_STEPS
from headrace_server.domain.operations import Action, OperationAsk
from headrace_server.domain.queues import LimitSettings
from headrace_server.domain.requests import Ack, EnqueueGroup, Grant, LeaseAsk, Nack

from tests.model.compare import plain_enqueued, plain_grant, plain_job, plain_operation, same
from tests.model.oracle import Oracle
from tests.model.real import RealStage
from tests.support.stores import StoreProcess

START_MS = 1_800_000_000_000
MANY = 4 * SCRIPT_JOBS + 50  # five scripts, five steps of a tick
ERROR = b'{"type":"Error","message":"it failed"}'

assert MANY > 4 * TICK_JOBS


class Both:
    """The engine and the oracle, asked the same."""

    def __init__(self, real: RealStage) -> None:
        self.real = real
        self.oracle = Oracle(Defaults())
        self.ids: list[bytes] = []
        self._maker = IdMaker()
        self.at(0)

    def at(self, ms: int) -> None:
        self.real.clock_ms = self.oracle.clock_ms = START_MS + ms

    def enqueue(self, count: int, *, queue: str = "q", bytes_each: int = 1, **wishes: object) -> None:
        payload = Body(b"1" * bytes_each)
        ids = [self._maker.make(START_MS, 0, 0) for _ in range(count)]
        groups = [EnqueueGroup([NewJob(id=i, task="t", queue=queue, payload=payload, **wishes)]) for i in ids]  # type: ignore[arg-type]
        real, oracle = self.real.enqueue_each(groups), [self.oracle.enqueue(group) for group in groups]
        same(list(map(plain_enqueued, real, groups)), list(map(plain_enqueued, oracle, groups)))
        self.ids += ids

    def lease(self, jobs: int, *, worker: str = "w", key: bytes | None = None) -> Grant:
        ask = LeaseAsk(queues=["q"], max_jobs=jobs, max_bytes=2**40, worker=worker, key=key)
        real = self.real.lease(ask)
        same(plain_grant(real), plain_grant(self.oracle.lease(ask, [job.token for job in real.jobs])))
        return real

    def tick(self) -> None:
        self.real.tick()
        self.oracle.tick()
        self.compare()

    def compare(self) -> None:
        same([plain_job(j) for j in self.real.get(self.ids)], [plain_job(j) for j in self.oracle.get(self.ids)])
        same(self.real.stats(["q"]), self.oracle.stats(["q"]))
        same(self.real.pictures()[0].ready("q"), [record.new.id for record in self.oracle.ready("q")])
        self.real.check()


@pytest.fixture
def both(volatile_store: StoreProcess) -> Iterator[Both]:
    with volatile_store.client() as client:
        client.flushall("SYNC")
        real = RealStage(volatile_store.url, client)
        yield Both(real)
        real.close()


def test_many_jobs_are_leased_in_order_and_leased_again_by_their_key(both: Both) -> None:
    both.enqueue(MANY, priority=7)
    both.enqueue(MANY, priority=9)
    key = b"k" * 16
    assert len(both.lease(MANY + 7, key=key).jobs) == MANY + 7
    assert both.lease(MANY + 7, key=key).replayed
    assert len(both.lease(2 * MANY).jobs) == MANY - 7
    both.compare()


def test_the_records_of_large_leases_are_swept_in_several_ticks(both: Both) -> None:
    both.enqueue(3 * SCRIPT_JOBS)
    for worker in ("a", "b", "c"):
        jobs = both.lease(SCRIPT_JOBS, worker=worker, key=b"k" * 16).jobs
        acks = [Ack(job_id=job.id, token=job.token) for job in jobs]
        same(both.real.settle(acks), both.oracle.settle(acks))
    both.at(30_000)
    both.real.tick_once()
    assert len(both.real.pictures()[0].replays) == 2
    both.tick()
    assert not both.real.pictures()[0].replays


def test_large_jobs_are_leased_in_several_scripts(both: Both) -> None:
    both.enqueue(30, bytes_each=100_000)
    assert len(both.lease(30).jobs) == 30


def test_a_job_behind_many_expired_ones_is_found(both: Both) -> None:
    both.enqueue(MANY, expires_in_ms=1_000)
    both.enqueue(1)
    both.at(1_000)
    assert [job.id for job in both.lease(1).jobs] == both.ids[-1:]
    both.compare()


def test_many_jobs_become_ready_in_the_order_of_due_time_and_id(both: Both) -> None:
    both.enqueue(MANY, delay_ms=2_000)
    both.enqueue(MANY, delay_ms=1_000)
    both.enqueue(9)
    fails = [Nack(job_id=j.id, token=j.token, error=ERROR, retry_in_ms=1_500) for j in both.lease(9).jobs]
    same(both.real.settle(fails), both.oracle.settle(fails))
    both.at(2_000)
    both.tick()
    assert len(both.lease(2 * MANY).jobs) == 2 * MANY


def test_many_leases_run_out_and_go_back_to_their_places(both: Both) -> None:
    both.enqueue(MANY)
    both.lease(MANY)
    both.enqueue(1, priority=50)
    both.at(30_000)
    both.tick()
    assert len(both.lease(MANY).jobs) == MANY


def test_many_jobs_expire(both: Both) -> None:
    both.enqueue(MANY, expires_in_ms=1_000)
    both.enqueue(MANY, expires_in_ms=1_000, delay_ms=5_000)
    both.at(1_000)
    both.tick()
    assert both.real.stats(["q"])[0].counts[State.CANCELLED] == 2 * MANY


def test_many_records_are_pruned(both: Both) -> None:
    both.enqueue(MANY, retention_ms=60_000)
    acks = [Ack(job_id=job.id, token=job.token) for job in both.lease(MANY).jobs]
    same(both.real.settle(acks), both.oracle.settle(acks))
    both.at(60_000)
    both.tick()
    assert both.real.get(both.ids) == [None] * MANY


def test_many_queues_are_due_at_once(both: Both) -> None:
    for number in range(3 * TICK_STEPS):
        both.enqueue(1, queue=f"q{number}", delay_ms=1_000)
    both.at(1_000)
    both.tick()
    assert {job.state for job in both.real.get(both.ids) if job} == {State.READY}


def test_many_settles_of_one_call_are_answered_in_order(both: Both) -> None:
    both.enqueue(MANY)
    acks = [Ack(job_id=job.id, token=job.token) for job in both.lease(MANY).jobs]
    same(both.real.settle([*acks, *acks[:3]]), both.oracle.settle([*acks, *acks[:3]]))
    both.compare()


def test_a_job_behind_many_blocked_lanes_is_found_and_they_open_all(both: Both) -> None:
    for number in range(3 * LANES_TOUCHED):
        both.enqueue(1, limits=(f"api:{number:03}",))
    both.enqueue(1)
    same(both.real.back_off("api", 60_000), both.oracle.back_off("api", 60_000))
    assert [job.id for job in both.lease(1).jobs] == both.ids[-1:]
    both.compare()
    both.at(60_000)
    both.tick()
    assert [job.id for job in both.lease(MANY).jobs] == both.ids


def test_many_lanes_of_one_limit_go_on_one_after_the_other(both: Both) -> None:
    for stage in (both.real, both.oracle):
        stage.set_limit("api", LimitSettings(concurrency=1))
    for number in range(2 * LANES_TOUCHED):
        both.enqueue(1, limits=("api",), fairness_key=f"tenant-{number:03}")
    for job_id in both.ids[:5]:
        (job,) = both.lease(2).jobs
        assert job.id == job_id
        acks = [Ack(job_id=job.id, token=job.token)]
        same(both.real.settle(acks), both.oracle.settle(acks))
        both.real.open_lanes()
    both.compare()


def test_an_operation_means_many_jobs(both: Both) -> None:
    both.enqueue(MANY, tags={"of": "many"})
    both.enqueue(MANY, delay_ms=1_000)
    ask = OperationAsk(action=Action.CANCEL, filter=JobFilter(queue="q"))
    real, oracle = both.real.operate(ask), both.oracle.operate(ask)
    both.tick()
    same(plain_operation(both.real.operation(real.id)), plain_operation(both.oracle.operation(oracle.id)))
    assert len(both.real.find(JobFilter(tag=("of", "many")))) == MANY
