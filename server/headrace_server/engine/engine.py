"""The engine: every verb over all shards; the one way to jobs for API, loops and other protocols.

It must not know HTTP, settings or who calls it. Ids and tokens are 16 bytes here, times integer milliseconds of the
store's clock.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Final

from headrace_server.domain.defaults import Defaults
from headrace_server.domain.errors import StoreFault
from headrace_server.domain.ids import IdMaker, shard_of_id, shard_of_queue
from headrace_server.domain.jobs import Job, QueueStats
from headrace_server.domain.requests import (
    CancelAsk,
    Cancelled,
    Deleted,
    Grant,
    LeaseAsk,
    Patch,
    Patched,
    Redrive,
    Redriven,
)
from headrace_server.engine.acts import Acts
from headrace_server.engine.batcher import Batcher
from headrace_server.engine.chance import Chance
from headrace_server.engine.checking import Checking
from headrace_server.engine.clockwork import Clockwork
from headrace_server.engine.directives import Directives
from headrace_server.engine.enqueuing import Enqueuing
from headrace_server.engine.explaining import Explaining
from headrace_server.engine.finding import Finding
from headrace_server.engine.fleet import weight_of
from headrace_server.engine.limiting import Limiting
from headrace_server.engine.link import Link, Waits
from headrace_server.engine.looks import Looks
from headrace_server.engine.metering import Metering
from headrace_server.engine.parking import Parking
from headrace_server.engine.polls import Polls
from headrace_server.engine.relaying import Relaying
from headrace_server.engine.scripts import VERBS, Script, load_scripts
from headrace_server.engine.settling import Settling
from headrace_server.engine.shard import Meta, Shard
from headrace_server.engine.waiting import Waiting
from headrace_server.engine.wakeups import Wakeups
from headrace_server.telemetry.meters import Layout, Meters

STORE_FORMAT: Final = 1
# Loaded at the start: a call that waits for it is overtaken, a list by its end, settles by the lease behind them.
_ORDERED: Final = ("enqueue", "ack", "nack", "release", "snooze", "lease")


class StoreMismatch(Exception):
    """The store holds data that this server may not touch; the text says why and what to do."""


class Engine(Enqueuing, Settling, Waiting, Finding, Explaining, Limiting, Relaying, Metering, Checking, Clockwork):
    """Queues and jobs over one store; `start` first, `close` last. `jitter` returns random numbers in 0..1.

    The work with single jobs is here; what is asked about many, and about queues, stands in the parts it is made of.
    """

    def __init__(
        self,
        url: str,
        *,
        shards: int = 1,
        namespace: str = "hr",
        defaults: Defaults | None = None,
        waits: Waits | None = None,
        timeout_ms: int = 5_000,
        connect_timeout_ms: int = 1_000,
        scripts: dict[str, Script] | None = None,
        test_clock: bool = False,
        jitter: Callable[[], float] = random.random,
        meters: Meters | None = None,
    ) -> None:
        self._defaults = defaults = defaults or Defaults()
        self.meters = meters = meters or Meters(Layout((), VERBS, ()))
        times = {"timeout_ms": timeout_ms, "connect_timeout_ms": connect_timeout_ms}
        self._link = Link(url, waits=waits or Waits(), meters=meters, **times)
        self._prefixes = [f"{namespace}:{{{n}}}:".encode() for n in range(shards)]
        self._scripts = scripts = scripts or load_scripts(defaults, test_clock=test_clock)
        self._shards = [Shard(self._link, scripts, defaults, prefix + b"meta", jitter) for prefix in self._prefixes]
        self._ids = IdMaker()
        self._chance = Chance()
        self._parking = Parking()
        self._watching = Parking()
        self._listening = Parking()
        self._readings = Batcher(self._read_all, lambda _: (1, 0))
        channels = [prefix + b"wake" for prefix in self._prefixes]
        self._directives = Directives()
        self._schedules_changed = asyncio.Event()
        self._hooking = Parking()
        self._hooks = ("", [])
        self._beats = Batcher(self._send_beats, weight_of)
        self._wakeups = Wakeups(
            url,
            channels,
            queues=self._parking,
            jobs=self._watching,
            events=self._listening,
            directives=self._directives,
            schedules=self._schedules_changed,
            webhooks=self._hooking,
            read=self.read_directives,
        )
        looks = Looks(self._shards, self._split, self._giveback_later)
        self._polls = Polls(looks, self._parking, self._directives, keeps_order=self._link.keeps_order)
        self._background: set[asyncio.Task[None]] = set()
        self.has_test_clock = test_clock
        self._turning = asyncio.Lock()

    async def start(self) -> None:
        """Check or make the meta of every shard, and listen for wake-ups.

        Raises StoreMismatch for data of another shape, StoreFault when the store is not there.
        """
        for number, shard in enumerate(self._shards):
            found = await shard.init(
                shard=number, shards=self.shards, store_format=STORE_FORMAT, test_clock=self.has_test_clock
            )
            _check_meta(found, shards=self.shards, test_clock=self.has_test_clock)
        self._directives.begin()
        self._directives.know(await self.read_directives())
        await self._link.prepare(self._scripts.values(), [self._scripts[verb] for verb in _ORDERED])
        await self._wakeups.start()

    async def close(self) -> None:
        """Finish the calls that run, then close every connection."""
        self.drain()
        await self._wakeups.close()
        await self._polls.join()
        await self._beats.join()
        await asyncio.gather(*self._background, return_exceptions=True)
        await asyncio.gather(*(shard.join() for shard in self._shards))
        await self._link.close()

    def drain(self) -> None:
        """Answer every parked poll, job wait and reader of events at once, now and from now on."""
        self._polls.draining = True
        for parking in (self._parking, self._watching, self._listening):
            parking.wake_all()

    async def lease(self, ask: LeaseAsk) -> Grant:
        """Take jobs if there are any now. Raises StoreFault."""
        return await self._polls.poll(ask, 0)

    async def poll(self, ask: LeaseAsk, wait_ms: int) -> Grant:
        """Take jobs, waiting up to `wait_ms` for the first one; an empty grant at time-out or drain.

        When the awaiting task is cancelled, whatever is being granted is given back. Raises StoreFault.
        """
        return await self._polls.poll(ask, wait_ms)

    async def giveback(self, ask: LeaseAsk, grant: Grant) -> None:
        """Return the leases of a grant whose client was seen gone before the last byte; best effort, never raises.

        Leases that cannot be given back run out by themselves.
        """
        for number, jobs in groupby(sorted(grant.jobs, key=lambda job: job.id[6:8]), lambda job: shard_of_id(job.id)):
            part = Grant(jobs=list(jobs), now_ms=grant.now_ms)
            with contextlib.suppress(StoreFault):
                await self._shards[number].giveback(ask, part)

    async def cancel(self, asks: Sequence[CancelAsk]) -> list[Cancelled]:
        """End jobs, or ask their holders to. Raises StoreFault."""
        return await asyncio.gather(*(self._acts(ask.job_id).cancel.submit(ask) for ask in asks))

    async def redrive(self, asks: Sequence[Redrive]) -> list[Redriven]:
        """Open another run of dead jobs. Raises StoreFault."""
        return await asyncio.gather(*(self._acts(ask.job_id).redrive.submit(ask) for ask in asks))

    async def patch(self, asks: Sequence[Patch]) -> list[Patched]:
        """Give jobs that nobody holds other options. Raises StoreFault."""
        return await asyncio.gather(*(self._acts(ask.job_id).patch.submit(ask) for ask in asks))

    async def delete(self, ids: Sequence[bytes]) -> list[Deleted]:
        """Remove the records of jobs that have ended. Raises StoreFault."""
        return await asyncio.gather(*(self._acts(job_id).delete.submit(job_id) for job_id in ids))

    async def get(self, ids: Sequence[bytes]) -> list[Job | None]:
        """Return jobs as they are now; None for an unknown id. Raises StoreFault."""
        return await asyncio.gather(*(self._get(job_id) for job_id in ids))

    async def stats(self, queues: Sequence[str]) -> list[QueueStats]:
        """Return how full queues are; zeros for one that never had a job. Raises StoreFault."""
        return await asyncio.gather(*(self._home_of(queue).stats.submit(queue) for queue in queues))

    async def tick(self, shard: int) -> int:
        """Work off what is due on a shard in one bounded script; return how much it did. Raises StoreFault."""
        return await self._shards[shard].tick()

    async def until_due(self, shard: int, at_most_s: float) -> None:
        """Return when something is due on a shard as far as this process knows, or after `at_most_s` seconds."""
        await self._shards[shard].due.wait(at_most_s)

    async def now_ms(self) -> int:
        """Return the store's clock. Raises StoreFault when the store cannot be used."""
        return await self._shards[0].clock.submit(None)

    def _acts(self, job_id: bytes) -> Acts:
        return (self._shard_of(job_id) or self._shards[0]).acts

    async def _get(self, job_id: bytes) -> Job | None:
        shard = self._shard_of(job_id)
        return None if shard is None else await shard.get.submit(job_id)

    def _split(self, queues: Sequence[str]) -> list[tuple[int, list[str]]]:
        """Return (shard, queues) in the order of the queues; a shard comes again when another lies between."""
        if self.shards == 1:
            return [(0, list(queues))]
        runs = groupby(queues, lambda queue: shard_of_queue(queue, self.shards))
        return [(shard, list(run)) for shard, run in runs]

    def _giveback_later(self, ask: LeaseAsk, grant: Grant) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(self.giveback(ask, grant))
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task


def _check_meta(found: Meta, *, shards: int, test_clock: bool) -> None:
    if found.shards != shards:
        raise StoreMismatch(
            f"this store was set up with {found.shards} shards and the setting says {shards}: "
            f"set HEADRACE_SHARDS={found.shards}, or use another namespace or store"
        )
    if found.min_reader > STORE_FORMAT:
        raise StoreMismatch(
            f"the data has format {found.store_format} and needs a server that reads format {found.min_reader}; "
            f"this one reads {STORE_FORMAT}: upgrade the server"
        )
    if found.test_clock and not test_clock:
        raise StoreMismatch(
            "this store was set up with --test-clock, and its time may be ahead of everybody's: "
            "start with --test-clock, or use another namespace, folder or store"
        )
    if test_clock and not found.test_clock:
        raise StoreMismatch(
            "this store holds data of servers without --test-clock: a clock that is set forward would end their jobs. "
            "Use another --data-dir, --namespace or store, one that is empty"
        )
