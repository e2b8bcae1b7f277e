"""Soft limits: raised in the task, once, and never in what comes after it."""

import asyncio
import threading
import time

import pytest
from headrace import SoftTimeLimitExceeded
from headrace_worker.soft import Alarms, Interruptible

from tests.support.waiting import eventually

MOMENT_S = 0.05
LONG_S = 20.0


def spin(seconds: float) -> None:
    """Run Python code for some time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


class TestThreads:
    def test_a_body_that_takes_longer_is_interrupted(self) -> None:
        began = time.monotonic()
        with pytest.raises(SoftTimeLimitExceeded), Alarms().limit(MOMENT_S):
            spin(LONG_S)
        assert time.monotonic() - began < LONG_S / 2

    def test_a_body_that_ends_in_time_is_not(self) -> None:
        alarms = Alarms()
        with alarms.limit(MOMENT_S):
            pass
        spin(3 * MOMENT_S)

    def test_no_limit_is_no_limit(self) -> None:
        with Alarms().limit(None):
            spin(MOMENT_S)

    def test_it_strikes_once_and_the_body_may_go_on(self) -> None:
        seen = 0
        with Alarms().limit(MOMENT_S):
            for _ in range(4):
                try:
                    spin(2 * MOMENT_S)
                except SoftTimeLimitExceeded:
                    seen += 1
        assert seen == 1

    def test_a_body_that_ends_in_the_very_moment_is_over_once_and_nothing_strikes_later(self) -> None:
        """The race between the end and the alarm, many times: it strikes in the body, or not at all."""
        alarms = Alarms()
        for turn in range(300):
            try:
                with alarms.limit(0.002):
                    spin(0.0019 + turn % 10 * 0.00004)
            except SoftTimeLimitExceeded:
                continue
        spin(MOMENT_S)
        assert not alarms._armed, "nothing is kept of what is over"

    def test_each_thread_has_its_own(self) -> None:
        alarms, seen = Alarms(), []

        def body(name: str, limit_s: float) -> None:
            try:
                with alarms.limit(limit_s):
                    spin(4 * MOMENT_S)
                seen.append((name, "in time"))
            except SoftTimeLimitExceeded:
                seen.append((name, "interrupted"))

        threads = [
            threading.Thread(target=body, args=("long", LONG_S)),
            threading.Thread(target=body, args=("short", MOMENT_S)),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(seen) == [("long", "in time"), ("short", "interrupted")]

    def test_a_call_into_c_is_interrupted_when_it_returns(self) -> None:
        def body() -> None:
            time.sleep(4 * MOMENT_S)
            spin(LONG_S)

        with pytest.raises(SoftTimeLimitExceeded), Alarms().limit(MOMENT_S):
            body()

    def test_a_thread_that_waits_for_a_lock_gets_it_afterwards(self) -> None:
        lock, alarms = threading.Lock(), Alarms()
        lock.acquire()
        caught = threading.Event()

        def body() -> None:
            try:
                with alarms.limit(MOMENT_S):
                    lock.acquire()
                    lock.release()
                    spin(MOMENT_S)
            except SoftTimeLimitExceeded:
                caught.set()

        thread = threading.Thread(target=body)
        thread.start()
        eventually(lambda: not alarms._armed, what="the alarm has gone off")
        assert not caught.is_set()
        lock.release()
        thread.join()
        assert caught.is_set()


async def interrupted_sleep() -> str:
    try:
        await asyncio.sleep(LONG_S)
    except SoftTimeLimitExceeded:
        return "tidied up"
    return "slept"


@pytest.mark.anyio
class TestCoroutines:
    async def test_it_is_raised_at_an_await_and_can_be_caught_there(self) -> None:
        assert await Interruptible(interrupted_sleep(), MOMENT_S) == "tidied up"
        task = asyncio.current_task()
        assert task is not None
        assert not task.cancelling(), "nobody cancelled anything"
        await asyncio.sleep(0)

    async def test_uncaught_it_comes_out(self) -> None:
        with pytest.raises(SoftTimeLimitExceeded):
            await Interruptible(asyncio.sleep(LONG_S), MOMENT_S)

    async def test_a_coroutine_in_time_returns_its_value_and_raises_its_errors(self) -> None:
        async def fails() -> None:
            await asyncio.sleep(0)
            raise KeyError("x")

        assert await Interruptible(asyncio.sleep(0, "value"), LONG_S) == "value"
        with pytest.raises(KeyError):
            await Interruptible(fails(), LONG_S)

    async def test_what_the_coroutine_waits_for_is_cancelled(self) -> None:
        inner = asyncio.create_task(asyncio.sleep(LONG_S))

        async def waits() -> None:
            await asyncio.gather(inner)

        with pytest.raises(SoftTimeLimitExceeded):
            await Interruptible(waits(), MOMENT_S)
        assert inner.cancelled()

    async def test_a_real_cancellation_stays_one(self) -> None:
        async def body() -> None:
            await Interruptible(asyncio.sleep(LONG_S), LONG_S)

        task = asyncio.create_task(body())
        await asyncio.sleep(MOMENT_S)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async def test_a_timeout_of_the_coroutine_itself_stays_one(self) -> None:
        async def body() -> str:
            try:
                async with asyncio.timeout(MOMENT_S):
                    await asyncio.sleep(LONG_S)
            except TimeoutError:
                return "timed out"
            return "slept"

        assert await Interruptible(body(), LONG_S) == "timed out"

    async def test_it_strikes_once(self) -> None:
        async def body() -> int:
            seen = 0
            for _ in range(4):
                try:
                    await asyncio.sleep(2 * MOMENT_S)
                except SoftTimeLimitExceeded:
                    seen += 1
            return seen

        assert await Interruptible(body(), MOMENT_S) == 1
