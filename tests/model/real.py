"""The real engine over a real store under a virtual clock, driven step by step without `await`; for tests only."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar

import redis
from headrace_server.domain.defaults import Defaults
from headrace_server.domain.errors import StoreFault
from headrace_server.domain.jobs import Job, QueueStats
from headrace_server.domain.requests import Cancelled, Enqueued, EnqueueGroup, Grant, LeaseAsk, Settle, Settled
from headrace_server.engine import Engine, load_scripts

from tests.model.inspection import Picture, faults, take_picture

T = TypeVar("T")

NAMESPACE = "model"
PREFIX = b"model:{0}:"
MOST_TICKS = 1_000


class RealStage:
    """One shard. The clock stands still unless the test moves it; a StoreFault in an answer is raised."""

    def __init__(
        self,
        url: str,
        client: "redis.Redis",
        *,
        overrides: Mapping[str, str] | None = None,
        defaults: Defaults | None = None,
    ) -> None:
        """Start an engine on an empty store; `overrides` replaces Lua files by name."""
        self._client = client
        self._clock_ms = 0
        self.jitter = 1.0
        self.clock_ms = 0
        scripts = load_scripts(defaults or Defaults(), virtual_clock=True, overrides=overrides)
        self._loop = asyncio.new_event_loop()
        self.engine = self._run(self._started(url, scripts, defaults or Defaults()))

    async def _started(self, url: str, scripts: Any, defaults: Defaults) -> Engine:
        engine = Engine(url, namespace=NAMESPACE, scripts=scripts, defaults=defaults, jitter=lambda: self.jitter)
        await engine.start()
        return engine

    def close(self) -> None:
        """Stop the engine and its event loop."""
        self._run(self.engine.close())
        self._loop.close()

    @property
    def clock_ms(self) -> int:
        return self._clock_ms

    @clock_ms.setter
    def clock_ms(self, value: int) -> None:
        self._clock_ms = value
        self._client.set(PREFIX + b"clock", value)

    def failover(self) -> None:
        """Let the shard look like the copy that another process of the store took over."""
        self._client.hset(PREFIX.decode() + "meta", "run_id", "of the process before")

    def enqueue(self, group: EnqueueGroup) -> Enqueued:
        return self._run(self.engine.enqueue(group))

    def lease(self, ask: LeaseAsk) -> Grant:
        return self._run(self.engine.lease(ask))

    def giveback(self, ask: LeaseAsk, grant: Grant) -> None:
        self._run(self.engine.giveback(ask, grant))

    def settle(self, items: Sequence[Settle]) -> list[Settled]:
        answers = []
        for answer in self._run(self.engine.settle(items)):
            if isinstance(answer, StoreFault):
                raise answer
            answers.append(answer)
        return answers

    def cancel(self, ids: Sequence[bytes], reason: str) -> list[Cancelled]:
        return self._run(self.engine.cancel(ids, reason))

    def get(self, ids: Sequence[bytes]) -> list[Job | None]:
        return self._run(self.engine.get(ids))

    def stats(self, queues: Sequence[str]) -> list[QueueStats]:
        return self._run(self.engine.stats(queues))

    def tick(self) -> None:
        """Tick until nothing is due."""
        for _ in range(MOST_TICKS):
            self._run(self.engine.tick(0))
            if not self._client.zcount(PREFIX + b"agenda", "-inf", self._run(self.engine.now_ms())):
                return
        raise AssertionError("the agenda does not come to an end")

    def picture(self) -> Picture:
        """Return what the store holds."""
        return take_picture(self._client, PREFIX)

    def check(self) -> None:
        """Hold the store to the rules of its layout."""
        found = faults(self.picture())
        assert not found, "\n".join(found)

    def _run(self, call: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(call)
