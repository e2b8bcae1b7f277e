"""Jobs that differ in nothing but id and payload are the same jobs, however they come."""

import random

import msgspec
import pytest
from headrace_server.domain import limits
from headrace_server.domain.alike import Alike
from headrace_server.domain.ids import IdMaker, format_id, format_joined
from headrace_server.domain.jobs import Body, Format, NewJob
from headrace_server.domain.requests import EnqueueGroup
from headrace_server.engine import weights

ONE = NewJob(id=b"", task="t", queue="q", payload=Body(b"", Format.MSGPACK), priority=7, meta=b"{}")


def alike(sizes: list[int], one: NewJob = ONE) -> Alike:
    ids = IdMaker().make_many(1, 0, [random.getrandbits(64) for _ in sizes])
    return Alike(one, ids, [b"x" * size for size in sizes])


def test_ids_made_together_are_those_made_one_by_one() -> None:
    draws = [random.getrandbits(64) for _ in range(50)]
    one, many = IdMaker(), IdMaker()
    for ms in (5, 5, 4, 6):
        assert many.make_many(ms, 3, draws) == b"".join(one.make(ms, 3, bits) for bits in draws)


def test_ids_written_together_are_those_written_one_by_one() -> None:
    ids = alike([1] * 20).ids
    assert format_joined(ids) == [format_id(ids[at : at + 16]) for at in range(0, len(ids), 16)]
    assert format_joined(b"") == []


def test_each_job_can_be_looked_at() -> None:
    jobs = alike([1, 2, 3])
    assert [job.payload for job in jobs] == [Body(b"x" * size, Format.MSGPACK) for size in (1, 2, 3)]
    assert b"".join(job.id for job in jobs) == jobs.ids
    assert {msgspec.structs.replace(job, id=b"", payload=ONE.payload) for job in jobs} == {ONE}
    assert [*jobs[1:]] == [*jobs][1:]
    assert jobs[-1] == jobs[2]
    with pytest.raises(IndexError):
        jobs[3]


@pytest.mark.parametrize("rich", [False, True])
@pytest.mark.parametrize("largest", [100, limits.SCRIPT_BYTES // 50, limits.SCRIPT_BYTES + 1])
def test_they_are_cut_where_other_jobs_are(largest: int, *, rich: bool) -> None:
    one = msgspec.structs.replace(ONE, limits=("api",) if rich else ())
    jobs = alike([random.Random(n).randint(1, largest) for n in range(330)], one)
    ours, theirs = (
        [[*part] for part in weights.sections(sequence, range(len(jobs)))] for sequence in (jobs, list(jobs))
    )
    assert ours == theirs
    assert [index for part in ours for index in part] == [*range(330)]
    assert weights.of_group(EnqueueGroup(jobs)) == weights.of_group(EnqueueGroup(list(jobs)))
