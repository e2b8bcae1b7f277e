"""Whoever loses patience with the start or the end of children leaves no process and no open file behind."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import psutil
import pytest
from headrace_worker.crew import PoolSettings
from headrace_worker.pool import Pool

from tests.sdk.worker.listening import Notes, block
from tests.support.waiting import eventually

pytestmark = pytest.mark.anyio


@pytest.fixture
def pool() -> Pool:
    return Pool(PoolSettings(app="tests.sdk.worker.trouble:app", processes=3, threads=2))


async def break_off(work: Coroutine[Any, Any, None], when: Callable[[], Awaitable[object]]) -> None:
    task = asyncio.create_task(work)
    await when()
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()


@pytest.mark.parametrize("turns_of_the_loop", [0, 1, 3, 30])
async def test_a_start_that_is_broken_off(pool: Pool, notes: Notes, turns_of_the_loop: int) -> None:
    me = psutil.Process()
    children, files = {child.pid for child in me.children()}, me.num_fds()

    async def a_moment_later() -> None:
        for _ in range(turns_of_the_loop):
            await asyncio.sleep(0.001)

    await break_off(pool.start(notes), a_moment_later)
    await pool.end()
    await asyncio.to_thread(eventually, lambda: {child.pid for child in me.children()} <= children)
    await asyncio.to_thread(eventually, lambda: me.num_fds() <= files)


async def test_an_end_that_is_broken_off(pool: Pool, notes: Notes, tmp_path: Any) -> None:
    me = psutil.Process()
    files = me.num_fds()
    await pool.start(notes)
    await block(pool, notes, tmp_path, 1, 2, 3)
    pids = {child.pid for child in pool.children}

    async def all_are_told() -> None:
        await asyncio.sleep(0.01)  # well within the moment that running jobs get

    await break_off(pool.end(), all_are_told)
    await asyncio.to_thread(eventually, lambda: not pids & {child.pid for child in me.children()})
    await asyncio.to_thread(eventually, lambda: me.num_fds() <= files)
