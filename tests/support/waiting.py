"""Waiting for a fact instead of sleeping for luck."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

POLL_S = 0.02


def eventually(predicate: Callable[[], T], timeout_s: float = 10.0, what: str = "") -> T:
    """Return the first truthy value of `predicate`; AssertionError with the last value after `timeout_s` seconds.

    An AssertionError of the predicate itself counts as "not yet", so that it may hold plain asserts.
    """
    end = time.monotonic() + timeout_s
    while True:
        value, fault = _ask(predicate)
        if fault is None and value:
            return value
        if time.monotonic() >= end:
            raise AssertionError(_told(predicate, what, timeout_s, value)) from fault
        time.sleep(POLL_S)


async def eventually_async(predicate: Callable[[], Awaitable[T]], timeout_s: float = 10.0, what: str = "") -> T:
    """Return the first truthy value that the coroutine function `predicate` gives; else as `eventually`."""
    end = time.monotonic() + timeout_s
    while True:
        value: T | None = None
        fault: AssertionError | None = None
        try:
            value = await predicate()
        except AssertionError as error:
            fault = error
        if fault is None and value:
            return value
        if time.monotonic() >= end:
            raise AssertionError(_told(predicate, what, timeout_s, value)) from fault
        await asyncio.sleep(POLL_S)


def _ask(predicate: Callable[[], T]) -> tuple[T | None, AssertionError | None]:
    try:
        return predicate(), None
    except AssertionError as error:
        return None, error


def _told(predicate: Callable[..., object], what: str, timeout_s: float, value: object) -> str:
    name = what or getattr(predicate, "__name__", repr(predicate))
    return f"not within {timeout_s:g} s: {name}; last value {value!r}"
