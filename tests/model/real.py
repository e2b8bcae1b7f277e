"""The real engine over a real store under a virtual clock, driven step by step without `await`; for tests only."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import redis
from headrace_server.domain.checks import Disagreement
from headrace_server.domain.defaults import Defaults
from headrace_server.domain.errors import StoreFault
from headrace_server.domain.finding import Attempt, JobFilter
from headrace_server.domain.jobs import Job, QueueStats
from headrace_server.domain.metrics import JobMetrics
from headrace_server.domain.operations import OperationAsk, OperationView
from headrace_server.domain.queues import LimitSettings, LimitView, QueueSettings, QueueView
from headrace_server.domain.requests import (
    CancelAsk,
    Cancelled,
    Deleted,
    Enqueued,
    EnqueueGroup,
    Grant,
    LeaseAsk,
    Patch,
    Patched,
    Redrive,
    Redriven,
    Settle,
    Settled,
)
from headrace_server.engine import Engine, load_scripts
from headrace_server.engine.scripts import Script

from tests.model.explaining import Told, told
from tests.model.inspection import faults
from tests.model.picture import Picture, take_picture
from tests.model.world import Change

T = TypeVar("T")

MOST_TICKS = 1_000
PAGE_JOBS, PAGE_EVENTS = 3, 8  # few, so that there are several pages
SOON_MS = 20  # lanes that a limit let go of are opened one by one
PATIENCE_MS = 60_000  # a busy machine is no fault of the rules


class RealStage:
    """The clock stands still unless the test moves it; a StoreFault in an answer is raised."""

    def __init__(
        self,
        url: str,
        client: "redis.Redis",
        *,
        namespace: str = "model",
        shards: int = 1,
        overrides: Mapping[str, str] | None = None,
    ) -> None:
        """Start an engine on an empty store; `overrides` replaces Lua files by name."""
        self._client = client
        self._prefixes = [f"{namespace}:{{{shard}}}:".encode() for shard in range(shards)]
        self._clock_ms = 0
        self.clock_ms = 0
        self.jitter = 1.0
        self._cursor: str | None = None  # in the log of events
        self._loop = asyncio.new_event_loop()
        scripts = _scripts(tuple((overrides or {}).items()))
        self.engine = self._run(self._start(url, shards, namespace, scripts))

    async def _start(self, url: str, shards: int, namespace: str, scripts: dict[str, Script]) -> Engine:
        options = {"timeout_ms": PATIENCE_MS, "connect_timeout_ms": PATIENCE_MS}
        engine = Engine(url, shards=shards, namespace=namespace, scripts=scripts, jitter=lambda: self.jitter, **options)
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
        self._client.mset({prefix + b"clock": value for prefix in self._prefixes})

    def failover(self) -> None:
        """Let the store look like the copy that another process took over."""
        for prefix in self._prefixes:
            self._client.hset(prefix.decode() + "meta", "run_id", "of the process before")

    def enqueue(self, group: EnqueueGroup) -> Enqueued:
        return self._run(self.engine.enqueue(group))

    def enqueue_each(self, groups: Sequence[EnqueueGroup]) -> list[Enqueued]:
        return _raise_faults(self._run(self.engine.enqueue_each(groups)))

    def lease(self, ask: LeaseAsk) -> Grant:
        return self._run(self.engine.lease(ask))

    def giveback(self, ask: LeaseAsk, grant: Grant) -> None:
        self._run(self.engine.giveback(ask, grant))

    def settle(self, items: Sequence[Settle]) -> list[Settled]:
        return _raise_faults(self._run(self.engine.settle(items)))

    def cancel(self, asks: Sequence[CancelAsk]) -> list[Cancelled]:
        return self._run(self.engine.cancel(asks))

    def redrive(self, asks: Sequence[Redrive]) -> list[Redriven]:
        return self._run(self.engine.redrive(asks))

    def patch(self, asks: Sequence[Patch]) -> list[Patched]:
        return self._run(self.engine.patch(asks))

    def delete(self, ids: Sequence[bytes]) -> list[Deleted]:
        return self._run(self.engine.delete(ids))

    def get(self, ids: Sequence[bytes]) -> list[Job | None]:
        return self._run(self.engine.get(ids))

    def attempts(self, job_id: bytes) -> list[Attempt] | None:
        return self._run(self.engine.attempts(job_id))

    def explain(self, job_id: bytes) -> set[Told] | None:
        explanation = self._run(self.engine.explain(job_id))
        return None if explanation is None else told(explanation.reasons)

    def stats(self, queues: Sequence[str]) -> list[QueueStats]:
        return self._run(self.engine.stats(queues))

    def metrics(self) -> JobMetrics:
        return self._run(self.engine.metrics())

    def find(self, wanted: JobFilter) -> set[bytes]:
        """Return the ids on all pages; a job on two of them is a fault."""
        found: list[bytes] = []
        cursor = None
        while True:
            page = self._run(self.engine.list_jobs(wanted, cursor=cursor, limit=PAGE_JOBS))
            found += [job.id for job in page.jobs]
            cursor = page.cursor
            if cursor is None:
                assert len(set(found)) == len(found), "a job is on two pages"
                return set(found)

    def queue(self, name: str) -> QueueView:
        return self._run(self.engine.queue(name))

    def configure(self, name: str, settings: QueueSettings) -> QueueView:
        return self._run(self.engine.configure(name, settings))

    def pause(self, name: str, for_ms: int | None) -> QueueView:
        return self._run(self.engine.pause(name, for_ms))

    def resume(self, name: str) -> QueueView:
        return self._run(self.engine.resume(name))

    def drain(self, name: str) -> QueueView:
        return self._run(self.engine.drain_queue(name))

    def forget(self, name: str) -> QueueView | None:
        return self._run(self.engine.forget(name))

    def limit(self, name: str) -> LimitView:
        return self._run(self.engine.limit(name))

    def set_limit(self, name: str, settings: LimitSettings) -> LimitView:
        return self._run(self.engine.set_limit(name, settings))

    def unset_limit(self, name: str) -> LimitView:
        return self._run(self.engine.unset_limit(name))

    def back_off(self, name: str, for_ms: int) -> LimitView:
        return self._run(self.engine.back_off(name, for_ms))

    def operate(self, ask: OperationAsk) -> OperationView:
        return self._run(self.engine.operate(ask))

    def operation(self, operation_id: bytes) -> OperationView | None:
        return self._run(self.engine.operation(operation_id))

    def stop_operation(self, operation_id: bytes) -> OperationView | None:
        return self._run(self.engine.stop_operation(operation_id))

    def new_events(self) -> list[Change]:
        """Return what happened since this was asked last; from then on the log is written for a minute."""
        changes: list[Change] = []
        while True:
            page = self._run(self.engine.events(self._cursor, limit=PAGE_EVENTS, wait_ms=0))
            assert not any(event.gap for event in page.events), "events are missing"
            changes += [Change(e.job_id, e.was, e.state, e.at_ms) for e in page.events]
            self._cursor = page.cursor
            if len(page.events) < PAGE_EVENTS:
                return changes

    def tick(self) -> None:
        """Tick each shard, and again until nothing is due."""
        for shard, prefix in enumerate(self._prefixes):
            for _ in range(MOST_TICKS):
                self._run(self.engine.tick(shard))
                if not self._client.zcount(prefix + b"agenda", "-inf", self._clock_of(prefix)):
                    break
            else:
                raise AssertionError("the agenda does not come to an end")

    def open_lanes(self) -> None:
        """Let lanes that limits hold back have their turn now; the store waits some milliseconds with that."""
        for prefix in self._prefixes:
            soon = self._client.zrangebyscore(prefix + b"agenda", "-inf", self._clock_of(prefix) + SOON_MS)
            waiting = [member for member in soon if member.startswith(b"open:")]
            if waiting:
                self._client.zadd((prefix + b"agenda").decode(), dict.fromkeys(waiting, 0), lt=True)
        self.tick()

    def has_shut_lanes(self) -> bool:
        """Return whether lanes were found blocked."""
        return any(self._client.zcard(prefix.decode() + "blocked") for prefix in self._prefixes)

    def tick_once(self) -> None:
        """Run one script of the first shard's tick."""
        self._run(self.engine.tick(0))

    def _clock_of(self, prefix: bytes) -> int:
        return max(self._clock_ms, int(self._client.hget((prefix + b"meta").decode(), "now") or 0))

    def pictures(self) -> list[Picture]:
        """Return what each shard holds."""
        return [take_picture(self._client, prefix) for prefix in self._prefixes]

    def findings(self) -> list[Disagreement]:
        """Return what the engine's own check finds, without mending it."""
        found: list[Disagreement] = []
        for shard in range(len(self._prefixes)):
            page = self._run(self.engine.check(shard, None, repair=False))
            found += page.found
            while page.cursor is not None:
                page = self._run(self.engine.check(shard, page.cursor, repair=False))
                found += page.found
        return found

    def check(self) -> None:
        """Hold the store to the rules of its layout."""
        found = [fault for picture in self.pictures() for fault in faults(picture)]
        assert not found, "\n".join(found)

    def _run(self, call: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(call)


@lru_cache(maxsize=4)
def _scripts(overrides: tuple[tuple[str, str], ...]) -> dict[str, Script]:
    return load_scripts(Defaults(), virtual_clock=True, overrides=dict(overrides))


def _raise_faults(answers: Sequence[T | StoreFault]) -> list[T]:
    for answer in answers:
        if isinstance(answer, StoreFault):
            raise answer
    return [answer for answer in answers if not isinstance(answer, StoreFault)]
