"""What shares a call, within which bounds, and who hears of a fault."""

import asyncio
from collections.abc import Sequence

import pytest
from headrace_server.domain import limits
from headrace_server.domain.errors import Code, NotDone
from headrace_server.engine.batcher import Batcher
from headrace_server.engine.looks import Kept
from headrace_server.engine.sluice import Sluice

from tests.support.waiting import eventually_async

pytestmark = pytest.mark.anyio


class Store:
    """Answers a batch with its items, when it is let."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def run(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        await self.gate.wait()
        return [item * 10 for item in items]


def batcher(store: Store, *, size: int = 1, sluice: Sluice | None = None) -> Batcher[int, int]:
    return Batcher(store.run, lambda _: (1, size), sluice=sluice)


async def test_what_comes_in_one_turn_of_the_loop_is_one_batch() -> None:
    store = Store()
    batch = batcher(store)
    assert await asyncio.gather(*(batch.submit(n) for n in range(50))) == [n * 10 for n in range(50)]
    assert store.batches == [list(range(50))]


async def test_one_item_waits_for_nothing() -> None:
    store = Store()
    assert await batcher(store).submit(7) == 70


async def test_a_batch_holds_no_more_jobs_than_a_script_may_touch() -> None:
    store = Store()
    batch = batcher(store)
    await asyncio.gather(*(batch.submit(n) for n in range(limits.SCRIPT_JOBS * 2 + 1)))
    assert [len(b) for b in store.batches] == [limits.SCRIPT_JOBS, limits.SCRIPT_JOBS, 1]


async def test_a_batch_holds_no_more_bytes_than_a_script_may_carry() -> None:
    store = Store()
    batch = batcher(store, size=limits.SCRIPT_BYTES // 2)
    await asyncio.gather(*(batch.submit(n) for n in range(5)))
    assert [len(b) for b in store.batches] == [2, 2, 1]


async def test_an_item_larger_than_that_goes_alone() -> None:
    store = Store()
    batch = batcher(store, size=limits.SCRIPT_BYTES * 3)
    await asyncio.gather(*(batch.submit(n) for n in range(2)))
    assert store.batches == [[0], [1]]


@pytest.mark.parametrize("in_flight", [1, limits.SURGES_IN_FLIGHT])
async def test_under_load_few_calls_are_in_flight_and_full(in_flight: int) -> None:
    store = Store()
    store.gate.clear()
    batch = batcher(store, sluice=Sluice(in_flight=in_flight))
    futures = []
    for n in range(10):
        futures.append(batch.submit(n))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert store.batches == [[n] for n in range(in_flight)]
    store.gate.set()
    await asyncio.gather(*futures)
    assert store.batches[in_flight:] == [list(range(in_flight, 10))]


async def test_too_many_waiting_items_are_refused_before_anything_happens() -> None:
    store = Store()
    store.gate.clear()
    batch = batcher(store)
    futures = [batch.submit(n) for n in range(limits.BATCH_QUEUE_ITEMS)]
    with pytest.raises(NotDone) as caught:
        await batch.submit(-1)
    assert caught.value.code is Code.OVERLOADED
    store.gate.set()
    await asyncio.gather(*futures)
    await batch.join()
    assert -1 not in {item for b in store.batches for item in b}


async def test_a_fault_reaches_everybody_in_the_batch_and_nobody_else() -> None:
    async def run(items: Sequence[int]) -> list[int]:
        if 0 in items:
            raise NotDone(Code.STORE_FULL, "full", retry_after_ms=5)
        return list(items)

    batch: Batcher[int, int] = Batcher(run, lambda _: (1, 1))
    faults = await asyncio.gather(batch.submit(0), batch.submit(1), return_exceptions=True)
    assert [(type(f), f.code, f.retry_after_ms) for f in faults if isinstance(f, NotDone)] == [
        (NotDone, Code.STORE_FULL, 5)
    ] * 2
    assert faults[0] is not faults[1]
    assert await batch.submit(2) == 2


async def test_who_goes_away_does_not_stop_the_call_of_the_others() -> None:
    store = Store()
    store.gate.clear()
    batch = batcher(store)
    gone, stays = batch.submit(1), batch.submit(2)
    await asyncio.sleep(0)
    gone.cancel()
    store.gate.set()
    assert await stays == 20
    await batch.join()
    assert store.batches == [[1, 2]]


async def test_batches_begin_in_the_order_in_which_their_items_came() -> None:
    """Surges are of different sizes, and come back at once."""
    store = Store()
    store.gate.clear()
    alone: Batcher[int, int] = Batcher(
        store.run, lambda _: (limits.SCRIPT_JOBS, 0), sluice=Sluice(in_flight=2, batches=3)
    )
    futures = [alone.submit(n) for n in range(4)]
    while len(store.batches) < 4:
        await asyncio.sleep(0)
    futures += [alone.submit(n) for n in range(4, 20)]
    store.gate.set()
    await asyncio.gather(*futures)
    assert store.batches == [[n] for n in range(20)]


async def test_what_shares_a_sluice_goes_together_in_the_order_of_the_batchers() -> None:
    store = Store()
    sluice = Sluice()
    first, last = batcher(store, sluice=sluice), batcher(store, sluice=sluice)
    assert await asyncio.gather(last.submit(2), first.submit(1)) == [20, 10]
    assert store.batches == [[1], [2]]


async def test_the_items_of_one_caller_are_answered_together() -> None:
    store = Store()
    batch = batcher(store)
    other = batch.submit(-1)
    bundles = batch.submit_all(range(limits.SCRIPT_JOBS + 1))
    assert [len(bundle.items) for bundle in bundles] == [limits.SCRIPT_JOBS, 1]
    answers = [answer for bundle in bundles for answer in await bundle.answers]
    assert answers == [n * 10 for n in range(limits.SCRIPT_JOBS + 1)]
    assert await other == -10
    assert batch.submit_all([]) == []


async def test_who_cannot_be_cancelled_hears_that_the_call_was() -> None:
    store = Store()
    store.gate.clear()
    batch = batcher(store)
    answer = batch.submit(1, Kept())
    await eventually_async(lambda: _has_begun(store), what="the call runs")
    assert not answer.cancel()
    (call,) = batch._sluice._tasks
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answer


async def _has_begun(store: Store) -> bool:
    return bool(store.batches)
