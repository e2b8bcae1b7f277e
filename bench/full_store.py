"""A store with very many waiting jobs, and calls of every verb on it; it must not know who measures them."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

from common import PAYLOAD
from headrace_server.domain.finding import JobFilter
from headrace_server.domain.jobs import Leased, NewJob, Unique
from headrace_server.domain.lifecycle import State
from headrace_server.domain.limits import MAX_ATOMIC_JOBS
from headrace_server.domain.requests import (
    Ack,
    CancelAsk,
    EnqueueGroup,
    Extend,
    LeaseAsk,
    Nack,
    Patch,
    Redrive,
    Release,
    Settle,
    Snooze,
)
from headrace_server.engine import Engine

BATCH = 200  # jobs of one script
SEED = 11
TENANTS = 500
LANED = "lanes"  # a queue whose jobs use limits, fairness and ordering
ERROR = b'{"type":"ValueError","message":"no such customer"}'


class FullStore:
    """An engine whose store is full; `prepare` makes what a call needs, and only `call` is to be measured."""

    def __init__(self, engine: Engine, *, queues: int) -> None:
        self._engine = engine
        self._queues = [f"queue{n:05}" for n in range(queues)]
        self._leased: list[Leased] = []
        self._fresh: list[bytes] = []  # ids of jobs made for the next call
        self._ids: list[bytes] = []  # some of all jobs
        self._made = 0
        self.dice = random.Random(SEED)
        self._calls: dict[str, tuple[Callable[[int], Awaitable[None]], Callable[[int], Awaitable[int]]]] = {
            "enqueue": (_nothing, self._enqueue),
            "enqueue +options": (_nothing, self._enqueue_wishes),
            "lease": (_nothing, self._lease),
            "lease +options": (self._fill_lanes, self._lease_lanes),
            **{kind.__name__.lower(): (self._hold, self._settle(kind, o)) for kind, o in SETTLES.items()},
            "tick (promote)": (self._make_due, self._tick),
            "tick (reap)": (self._let_run_out, self._tick),
            "tick (prune)": (self._end_now, self._tick),
            "cancel": (self._make_fresh, self._cancel),
            "patch": (self._make_fresh, self._patch),
            "redrive": (self._make_dead, self._redrive),
            "delete": (self._make_dead, self._delete),
            "get": (_nothing, self._get),
            "stats": (_nothing, self._stats),
            "queues": (_nothing, self._page),
            "list": (_nothing, self._list),
            "attempts": (_nothing, self._attempts),
            "explain": (_nothing, self._explain),
        }
        self.verbs = list(self._calls)

    def go_on_with(self, engine: Engine) -> None:
        """Use another engine on the same data."""
        self._engine = engine

    async def fill(self, jobs: int) -> None:
        """Enqueue default jobs, as many in each queue."""
        for start in range(0, jobs, BATCH):
            batch = [self._new(self._queues[n % len(self._queues)]) for n in range(start, min(start + BATCH, jobs))]
            self._ids.append(batch[0].id)
            await self._engine.enqueue(EnqueueGroup(batch))

    async def prepare(self, verb: str, size: int) -> None:
        """Make what a call of `size` jobs needs."""
        await self._calls[verb][0](size)

    async def call(self, verb: str, size: int) -> int:
        """Call once; return how many jobs it touched."""
        return await self._calls[verb][1](size)

    def _new(self, queue: str, **wishes: Any) -> NewJob:
        self._made += 1
        return NewJob(id=self._engine.new_id(queue), task="mail.send", queue=queue, payload=PAYLOAD, **wishes)

    def _any_queue(self) -> str:
        return self.dice.choice(self._queues)

    async def _put(self, jobs: list[NewJob]) -> list[bytes]:
        await self._engine.enqueue(EnqueueGroup(jobs))
        return [job.id for job in jobs]

    async def _enqueue(self, size: int) -> int:
        size = min(size, MAX_ATOMIC_JOBS)
        return len(await self._put([self._new(self._any_queue()) for _ in range(size)]))

    async def _enqueue_wishes(self, size: int) -> int:
        size = min(size, MAX_ATOMIC_JOBS // 2)  # the API counts each of them two
        return len(await self._put([self._new(self._any_queue(), **self._wishes()) for _ in range(size)]))

    def _wishes(self) -> dict[str, Any]:
        tenant = self.dice.randrange(TENANTS)
        return {
            "limits": (f"api:tenant-{tenant}", "db:main"),
            "fairness_key": f"tenant-{tenant}",
            "ordering_key": f"account-{self.dice.randrange(100 * TENANTS)}",
            "tags": {"customer": f"c{tenant}", "kind": "invoice"},
            "unique": Unique(digest=(1 << 120 | self._made).to_bytes(16)),
        }

    async def _lease(self, size: int) -> int:
        # few queues, as a worker has them: the store notes who asks for which, and once in a while only
        queues = self.dice.sample(self._queues, min(1 + size // 50, len(self._queues)))
        return await self._take(LeaseAsk(queues=queues, max_jobs=size))

    async def _take(self, ask: LeaseAsk) -> int:
        jobs = (await self._engine.lease(ask)).jobs
        self._leased += jobs
        return len(jobs)

    async def _fill_lanes(self, size: int) -> None:
        ready = (await self._engine.stats([LANED]))[0].counts[State.READY]
        while ready < 20 * size:
            ready += len(await self._put([self._new(LANED, **self._wishes()) for _ in range(BATCH)]))

    async def _lease_lanes(self, size: int) -> int:
        return await self._take(LeaseAsk(queues=[LANED], max_jobs=size))

    async def _hold(self, size: int) -> None:
        # jobs that are settled together come from everywhere
        while len(self._leased) < size:
            queues = self.dice.sample(self._queues, min(size, len(self._queues)))
            await asyncio.gather(*(self._take(LeaseAsk(queues=[queue], max_jobs=1)) for queue in queues))
        self.dice.shuffle(self._leased)

    def _settle(self, kind: type[Settle], options: dict[str, Any]) -> Callable[[int], Awaitable[int]]:
        async def settle(size: int) -> int:
            held, self._leased = self._leased[:size], self._leased[size:]
            if kind is Extend:
                self._leased += held
            return len(await self._engine.settle([kind(job_id=j.id, token=j.token, **options) for j in held]))

        return settle

    async def _make_due(self, size: int) -> None:
        await self._put([self._new(self._any_queue(), delay_ms=1) for _ in range(size)])
        await asyncio.sleep(0.002)

    async def _let_run_out(self, size: int) -> None:
        queues = self.dice.sample(self._queues, min(64, len(self._queues)))
        await self._engine.lease(LeaseAsk(queues=queues, max_jobs=size, lease_ms=1))
        await asyncio.sleep(0.002)

    async def _end_now(self, size: int) -> None:
        await self._put([self._new("ends", retention_ms=1) for _ in range(size)])
        jobs = (await self._engine.lease(LeaseAsk(queues=["ends"], max_jobs=size))).jobs
        await self._engine.settle([Ack(job_id=job.id, token=job.token) for job in jobs])
        await asyncio.sleep(0.002)

    async def _tick(self, size: int) -> int:
        return await self._engine.tick(0)

    async def _make_fresh(self, size: int) -> None:
        self._fresh = await self._put([self._new(self._any_queue()) for _ in range(size)])

    async def _make_dead(self, size: int) -> None:
        await self._hold(size)
        held, self._leased = self._leased[:size], self._leased[size:]
        await self._engine.settle([Nack(job_id=j.id, token=j.token, error=ERROR, retryable=False) for j in held])
        self._fresh = [job.id for job in held]

    async def _cancel(self, size: int) -> int:
        return len(await self._engine.cancel([CancelAsk(job_id=job_id) for job_id in self._fresh]))

    async def _patch(self, size: int) -> int:
        return len(await self._engine.patch([Patch(job_id=job_id, priority=200) for job_id in self._fresh]))

    async def _redrive(self, size: int) -> int:
        return len(await self._engine.redrive([Redrive(job_id=job_id) for job_id in self._fresh]))

    async def _delete(self, size: int) -> int:
        return len(await self._engine.delete(self._fresh))

    async def _get(self, size: int) -> int:
        return len(await self._engine.get(self.dice.choices(self._ids, k=size)))

    async def _stats(self, size: int) -> int:
        return len(await self._engine.stats(self.dice.sample(self._queues, min(size, len(self._queues)))))

    async def _page(self, size: int) -> int:
        return len((await self._engine.queues(after=self._any_queue(), limit=size)).queues)

    async def _list(self, size: int) -> int:
        # looks at as many jobs as it may and finds none: the dearest page
        page = await self._engine.list_jobs(JobFilter(task="no.such.task"), cursor=None, limit=size)
        return page.scanned

    async def _attempts(self, size: int) -> int:
        await self._engine.attempts(self.dice.choice(self._ids))
        return 1

    async def _explain(self, size: int) -> int:
        await self._engine.explain(self.dice.choice(self._ids))
        return 1


SETTLES: dict[type[Settle], dict[str, Any]] = {
    Ack: {},
    Nack: {"error": ERROR, "retry_in_ms": 0},
    Release: {"reason": "a restart"},
    Snooze: {"delay_ms": 1},
    Extend: {},
}


async def _nothing(size: int) -> None:
    """Prepare nothing: the store is full."""
