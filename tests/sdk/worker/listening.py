"""A listener that writes down what the hands report, for tests of the hands alone."""

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from headrace_worker.frames import Order
from headrace_worker.hands import Ended, Said
from headrace_worker.news import Topic
from headrace_worker.outcome import Outcome
from headrace_worker.pool import Pool


class Notes:
    """What was heard, in order of its coming."""

    def __init__(self) -> None:
        self.outcomes: dict[int, Outcome] = {}
        self.news: dict[int, list[tuple[Topic, Any]]] = {}
        self.unstarted: list[int] = []
        self.deaths: dict[int, Outcome] = {}  # of the jobs whose process is gone
        self.overdue: list[int] = []
        self.changes = 0
        self._news = asyncio.Event()

    def said(self, said: Sequence[Said]) -> None:
        for key, topic, data in said:
            assert key not in self.outcomes, "what a job says is told before its end"
            self.news.setdefault(key, []).append((topic, json.loads(data)))
        self._news.set()

    def done(self, ended: Sequence[Ended]) -> None:
        for key, took_ms, outcome in ended:
            assert took_ms >= 0
            assert key not in self.outcomes, "an outcome is told once"
            self.outcomes[key] = outcome
        self._news.set()

    def parted(self, unstarted: Iterable[int], ended: Iterable[tuple[int, Outcome]]) -> None:
        self.unstarted += unstarted
        for key, outcome in ended:
            assert key not in self.outcomes, "an outcome is told once"
            self.deaths[key] = outcome
        self._news.set()

    def overran(self, keys: Sequence[int]) -> None:
        self.overdue += keys
        self._news.set()

    def changed(self) -> None:
        self.changes += 1
        self._news.set()

    async def until(self, fact: Callable[[], Any], timeout_s: float = 20.0) -> None:
        """Return when `fact` holds; it is asked at every piece of news, and every 20 ms for facts from elsewhere."""
        async with asyncio.timeout(timeout_s):
            while not fact():
                self._news.clear()
                try:
                    await asyncio.wait_for(self._news.wait(), 0.02)
                except TimeoutError:
                    continue

    async def outcome(self, key: int) -> Outcome:
        await self.until(lambda: key in self.outcomes)
        return self.outcomes[key]


def order(key: int, task: str, payload: Any = None) -> Order:
    facts = {
        "id": f"job-{key}",
        "task": task,
        "queue": "q",
        "attempt": 1,
        "max_attempts": 3,
        "delivery": 1,
        "fence": 9,
    }
    return Order(key, {**facts, "payload": payload})


def with_limit(key: int, task: str, payload: Any, **limits: float) -> Order:
    made = order(key, task, payload)
    return Order(key, {**made.facts, "meta": {"headrace": limits}})


async def block(pool: Pool, notes: Notes, folder: Path, *keys: int, go: str = "go") -> dict[int, int]:
    """Start blocked jobs one by one; return the process that each runs in."""
    there = {}
    for key in keys:
        started = folder / f"started-{key}"
        pool.run([order(key, "neighbour", [str(started), str(folder / go)])])
        await notes.until(started.exists)
        there[key] = int(started.read_text())
    return there
