"""An engine whose store's clock stands still until the test moves it, and short words for what most tests do."""

from collections.abc import Awaitable, Callable
from typing import Any

import redis
from headrace_server.domain.defaults import Defaults
from headrace_server.domain.jobs import Body, Job, Leased, NewJob
from headrace_server.domain.requests import (
    CancelAsk,
    Cancelled,
    CancelMode,
    Enqueued,
    EnqueueGroup,
    LeaseAsk,
    Settle,
    Settled,
)
from headrace_server.engine import Engine
from headrace_server.engine.scripts import load_scripts

from tests.engine.proxy import call_of

SCRIPTS = load_scripts(Defaults(), virtual_clock=True)
CALL = {verb: call_of(script) for verb, script in SCRIPTS.items()}
CLOCK_KEY = "hr:{0}:clock"


class Stage:
    """One engine on a store; `at` sets the clock in unix ms, `tick` does all that is due then."""

    def __init__(self, engine: Engine, client: "redis.Redis") -> None:
        self.engine = engine
        self._client = client
        self.at(1_000_000)

    def at(self, now_ms: int) -> None:
        """Move the store's clock to an instant."""
        self.now_ms = now_ms
        self._client.set(CLOCK_KEY, now_ms)

    def later(self, ms: int) -> None:
        """Move the store's clock on."""
        self.at(self.now_ms + ms)

    async def tick(self) -> None:
        """Do everything that is due."""
        while await self.engine.tick(0):
            pass

    async def put(self, *jobs: NewJob) -> Enqueued:
        """Enqueue jobs as one group."""
        return await self.engine.enqueue(EnqueueGroup(list(jobs)))

    async def put_one(self, queue: str = "q", **options: Any) -> bytes:
        """Enqueue one job and return the id that it has now."""
        (job_id,) = (await self.put(self.new(queue, **options))).ids
        return job_id

    def new(self, queue: str = "q", **options: Any) -> NewJob:
        """Return a job of task `t` with payload `1`."""
        options.setdefault("payload", Body(b"1"))
        return NewJob(id=self.engine.new_id(queue), task="t", queue=queue, **options)

    async def job(self, job_id: bytes) -> Job:
        """Return a job that is there."""
        (job,) = await self.engine.get([job_id])
        assert job is not None
        return job

    async def lease(self, *queues: str, **options: Any) -> Leased:
        """Lease the one next job."""
        (leased,) = (await self.engine.lease(LeaseAsk(queues=list(queues) or ["q"], **options))).jobs
        return leased

    async def is_dry(self, *queues: str) -> bool:
        """Return whether queues give nothing."""
        return not (await self.engine.lease(LeaseAsk(queues=list(queues) or ["q"]))).jobs

    async def settle(self, item: Settle) -> Settled:
        """Settle one job."""
        (answer,) = await self.engine.settle([item])
        assert isinstance(answer, Settled)
        return answer

    async def cancel(self, job_id: bytes, reason: str = "why", mode: CancelMode = CancelMode.SOFT) -> Cancelled:
        """Cancel one job."""
        (answer,) = await self.engine.cancel([CancelAsk(job_id=job_id, reason=reason, mode=mode)])
        return answer

    def field(self, job_id: bytes, name: str) -> bytes | None:
        """Return a field of a job's hash, for what no answer tells."""
        return self._client.hget(b"hr:{0}:j:" + job_id, name)  # type: ignore[return-value]

    def keys(self, pattern: str = "*") -> set[str]:
        """Return the names of the store's keys, without those of the stage itself."""
        names = {key.decode("latin-1") for key in self._client.keys(f"hr:{{0}}:{pattern}")}
        return names - {CLOCK_KEY}


StageMaker = Callable[..., Awaitable[Stage]]
