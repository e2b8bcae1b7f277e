"""Unique jobs and answers that are lost: a call that comes again is answered as at first."""

import pytest
from headrace_server.domain.errors import StoreFault
from headrace_server.domain.jobs import Body, NewJob, OnConflict, Unique
from headrace_server.domain.lifecycle import State
from headrace_server.domain.requests import EnqueueStatus, LeaseAsk, Placed

from tests.engine.proxy import StoreProxy
from tests.engine.stage import CALL, Stage, StageMaker
from tests.support.stores import StoreProcess

pytestmark = pytest.mark.anyio

KEY = b"k" * 16


def unique(on_conflict: OnConflict = OnConflict.RETURN) -> Unique:
    return Unique(digest=KEY, on_conflict=on_conflict)


async def lossy(proxy: StoreProxy, valkey: StoreProcess, make_stage: StageMaker) -> Stage:
    """A stage whose store knows the scripts already: the next call is one request."""
    stage = await make_stage(proxy.url, clock_url=valkey.url)
    await stage.put(stage.new("other"))
    return stage


@pytest.mark.parametrize("on_conflict", [OnConflict.RETURN, OnConflict.REPLACE])
async def test_a_repeated_enqueue_says_again_what_it_met(
    proxy: StoreProxy, valkey: StoreProcess, make_stage: StageMaker, on_conflict: OnConflict
) -> None:
    """Also where the first job of the group is not a new one, so that nothing has its id."""
    stage = await lossy(proxy, valkey, make_stage)
    first = await stage.put_one(unique=unique(), delay_ms=1)
    group = [stage.new(unique=unique(on_conflict)), stage.new(payload=Body(b"new"))]
    proxy.lose_reply(CALL["enqueue"])
    answer = await stage.put(*group)
    assert proxy.lost == 1
    place = {OnConflict.RETURN: Placed.DEDUPLICATED, OnConflict.REPLACE: Placed.REPLACED}[on_conflict]
    assert (answer.status, answer.placed) == (EnqueueStatus.CREATED, [place, Placed.CREATED])
    assert answer.ids == [first, group[1].id]
    assert answer.jobs[1] is not None
    counts = (await stage.engine.stats(["q"]))[0].counts
    assert counts[State.READY] + counts[State.SCHEDULED] == 2


async def test_a_repeated_enqueue_that_met_a_job_does_not_become_one_when_that_has_ended(
    valkey: StoreProcess, make_stage: StageMaker
) -> None:
    """The answer is lost; before the call comes again, the job in the way ends."""
    stage = await make_stage(valkey.url)
    first = await stage.put_one(unique=unique())
    twin: NewJob = stage.new(unique=unique())
    assert (await stage.put(twin)).placed == [Placed.DEDUPLICATED]
    await stage.cancel(first)
    again = await stage.put(twin)  # the same call: its ids were made by the server
    assert (again.placed, again.ids) == ([Placed.DEDUPLICATED], [first])
    assert await stage.is_dry()


async def test_what_calls_were_answered_is_forgotten_soon(stage: Stage) -> None:
    await stage.put_one(unique=unique())
    await stage.put_one(unique=unique())
    assert stage.keys("echo:*")
    stage.later(120_000)
    await stage.tick()
    assert stage.keys("echo:*") == set()


async def test_an_enqueue_whose_answers_stay_lost_is_a_fault(
    proxy: StoreProxy, valkey: StoreProcess, make_stage: StageMaker
) -> None:
    stage = await lossy(proxy, valkey, make_stage)
    proxy.lose_reply(CALL["enqueue"], times=2)
    with pytest.raises(StoreFault):
        await stage.put(stage.new(unique=unique()))
    (job,) = (await stage.engine.lease(LeaseAsk(queues=["q"]))).jobs  # and had happened
    assert await stage.put_one(unique=unique()) == job.id
