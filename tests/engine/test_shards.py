"""Several shards: keys and ids name theirs, queues of a group stay together, a request may span several."""

import pytest
from headrace_server.domain.ids import shard_of_id
from headrace_server.domain.jobs import IdempotencyKey
from headrace_server.domain.lifecycle import State
from headrace_server.domain.requests import Ack, CancelAsk, Enqueued, EnqueueGroup, LeaseAsk, Placed
from headrace_server.engine import Engine, Section, StoreMismatch

from tests.engine.conftest import EngineMaker, enqueue, new_job
from tests.support.stores import StoreProcess

pytestmark = pytest.mark.anyio

SHARDS = 8
QUEUES = ["a", "b", "c", "d", "e", "mail.high", "mail.low"]


@pytest.fixture
async def sharded(store_url: str, make_engine: EngineMaker) -> Engine:
    return await make_engine(store_url, shards=SHARDS)


async def test_a_job_is_found_on_the_shard_its_id_names(sharded: Engine) -> None:
    ids = {queue: await enqueue(sharded, queue) for queue in QUEUES}
    assert shard_of_id(ids["mail.high"]) == shard_of_id(ids["mail.low"])
    assert len({shard_of_id(job_id) for job_id in ids.values()}) > 2
    jobs = await sharded.get(list(ids.values()))
    assert [job.queue if job else None for job in jobs] == QUEUES


async def test_every_key_of_a_shard_has_its_hash_tag(valkey: StoreProcess, make_engine: EngineMaker) -> None:
    engine = await make_engine(valkey.url, shards=2, namespace="other")
    for queue in QUEUES:
        await enqueue(engine, queue, delay_ms=5)
    keys = valkey.call("KEYS", "*")
    assert {key.split(b":")[0] + key.split(b":")[1] for key in keys} == {b"other{0}", b"other{1}"}


async def test_queues_are_asked_in_their_order_whatever_their_shards(sharded: Engine) -> None:
    for queue in QUEUES:
        await enqueue(sharded, queue)
        await enqueue(sharded, queue)
    order = ["d", "mail.low", "a", "b", "mail.high"]
    grant = await sharded.lease(LeaseAsk(queues=order, max_jobs=7))
    assert [job.facts.queue for job in grant.jobs] == ["d", "d", "mail.low", "mail.low", "a", "a", "b"]
    statuses = await sharded.settle([Ack(job_id=job.id, token=job.token) for job in grant.jobs])
    assert {answer.status for answer in statuses} == {"ok"}  # type: ignore[union-attr]


async def test_g9_a_repeated_request_over_several_shards_takes_no_new_job(sharded: Engine) -> None:
    await enqueue(sharded, "b")
    ask = LeaseAsk(queues=QUEUES, max_jobs=10, worker="w", key=b"k" * 16)
    first = await sharded.lease(ask)
    for queue in QUEUES:  # also on shards that gave nothing at first
        await enqueue(sharded, queue)
    again = await sharded.lease(ask)
    assert again.replayed
    assert [job.token for job in again.jobs] == [job.token for job in first.jobs]


async def test_bytes_are_counted_over_all_shards(sharded: Engine) -> None:
    for queue in ("a", "b", "c"):
        await enqueue(sharded, queue)
    grant = await sharded.lease(LeaseAsk(queues=["a", "b", "c"], max_jobs=10, max_bytes=2))
    assert len(grant.jobs) <= 3
    assert sum(len(job.payload.data) for job in grant.jobs) <= 2


async def test_a_grant_over_several_shards_is_given_back_whole(sharded: Engine) -> None:
    for queue in QUEUES:
        await enqueue(sharded, queue)
    ask = LeaseAsk(queues=QUEUES, max_jobs=10)
    await sharded.giveback(ask, await sharded.lease(ask))
    counts = [stats.counts[State.READY] for stats in await sharded.stats(QUEUES)]
    assert counts == [1] * len(QUEUES)


async def test_names_of_queues_come_in_order_page_by_page(sharded: Engine) -> None:
    for queue in QUEUES:
        await enqueue(sharded, queue)
    first = await sharded.queues(after=None, limit=4)
    rest = await sharded.queues(after=first.next_after, limit=4)
    assert first.queues + rest.queues == sorted(QUEUES)
    assert rest.next_after is None


async def test_another_number_of_shards_is_refused(store_url: str, make_engine: EngineMaker) -> None:
    await make_engine(store_url, shards=2)
    with pytest.raises(StoreMismatch, match="HEADRACE_SHARDS=2"):
        await make_engine(store_url, shards=3)


async def test_data_of_a_newer_format_are_refused(valkey: StoreProcess, make_engine: EngineMaker) -> None:
    await make_engine(valkey.url)
    valkey.call("HSET", "hr:{0}:meta", "format", "7", "min_reader", "7")
    with pytest.raises(StoreMismatch, match="upgrade the server"):
        await make_engine(valkey.url)


async def test_an_id_of_a_shard_that_is_not_ours_is_unknown(sharded: Engine) -> None:
    foreign = bytearray(sharded.new_id("a"))
    foreign[6:8] = (0x7000 | 4_000).to_bytes(2, "big")
    assert await sharded.get([bytes(foreign)]) == [None]
    (answer,) = await sharded.cancel([CancelAsk(job_id=bytes(foreign), reason="x")])
    assert answer.status == "not_found"


async def test_more_jobs_than_a_script_takes_come_in_one_grant(sharded: Engine) -> None:
    ids = [await enqueue(sharded, "a") for _ in range(450)]
    grant = await sharded.lease(LeaseAsk(queues=["a"], max_jobs=1_000, worker="w", key=b"k" * 16))
    assert [job.id for job in grant.jobs] == ids
    again = await sharded.lease(LeaseAsk(queues=["a"], max_jobs=1_000, worker="w", key=b"k" * 16))
    assert again.replayed
    assert [job.token for job in again.jobs] == [job.token for job in grant.jobs]


async def test_g18_order_holds_inside_a_request_larger_than_a_script(sharded: Engine) -> None:
    jobs = [new_job(sharded, "a") for _ in range(700)]
    await sharded.enqueue_each([EnqueueGroup([job]) for job in jobs])
    grant = await sharded.lease(LeaseAsk(queues=["a"], max_jobs=1_000))
    assert [job.id for job in grant.jobs] == [job.id for job in jobs]


async def test_ids_that_are_made_at_once_name_their_shards_and_keep_their_order(sharded: Engine) -> None:
    ids = sharded.new_ids(QUEUES * 50)
    assert len(set(ids)) == len(ids)
    for number, queue in enumerate(QUEUES):
        of_queue = ids[number :: len(QUEUES)]
        assert {shard_of_id(job_id) for job_id in of_queue} == {shard_of_id(sharded.new_id(queue))}
        assert sorted(of_queue) == of_queue


async def test_g3_a_list_over_several_shards_is_written_once_under_its_key(sharded: Engine) -> None:
    key, queues = IdempotencyKey(b"d" * 16, b"f" * 16), [QUEUES[n % len(QUEUES)] for n in range(350)]
    first = await sharded.enqueue_list([new_job(sharded, queue) for queue in queues], key)
    again = await sharded.enqueue_list([new_job(sharded, queue) for queue in queues], key)
    assert _ids(first) == _ids(again)
    assert {placed for section in again for placed in section.answer.placed} == {Placed.REPLAYED}  # type: ignore[union-attr]
    stats = await sharded.stats(QUEUES)
    assert sum(each.counts[State.READY] for each in stats) == len(queues)


async def test_jobs_of_a_list_that_share_a_shard_stay_in_their_order(sharded: Engine) -> None:
    jobs = [new_job(sharded, "a") for _ in range(350)]
    sections = await sharded.enqueue_list(jobs, brief=True)
    assert [len(section.indexes) for section in sections] == [100, 100, 100, 50]
    leased = (await sharded.lease(LeaseAsk(queues=["a"], max_jobs=350))).jobs
    assert [job.id for job in leased] == [job.id for job in jobs]


def _ids(sections: list[Section]) -> dict[int, bytes]:
    """Return the ids of jobs by their places in the list."""
    found: dict[int, bytes] = {}
    for section in sections:
        assert isinstance(section.answer, Enqueued)
        found.update(zip(section.indexes, section.answer.ids, strict=True))
    return found
