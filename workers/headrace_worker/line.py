"""The way to the server: the requests a worker makes; it must not know when they are made, nor repeat them.

Bodies are msgpack. Only results that msgpack cannot write go in JSON, by a client of their own. Of settles the server
tells only what is not as asked.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from headrace import AsyncClient, Completed, Completion, Grant, Heartbeat, Held, Limit, Patience, Rate, WorkerInfo
from headrace.schedules import ScheduleChange, ScheduleRecord

from headrace_worker import bounds

_ONE_TRY = Patience(total_s=0)  # each loop has a patience of its own, and knows what to repeat


class Line:
    """One worker's clients; `renew` throws their connections away."""

    def __init__(self, worker_id: str, url: str | None, *, lease_ms: int | None = None) -> None:
        self._worker_id = worker_id
        self._url = url
        self._lease_ms = lease_ms
        self._main = self._client()
        self._json: AsyncClient | None = None

    @property
    def url(self) -> str:
        """The server's address."""
        return self._main.url

    async def lease(
        self, queues: Sequence[str], *, max_jobs: int, wait_ms: int, key: str, complete: Sequence[Completion] = ()
    ) -> Grant:
        """Lease under a key; the same key again, after a lost reply, brings the same leases."""
        return await self._main.lease(
            queues,
            max_jobs=max_jobs,
            wait_ms=wait_ms,
            lease_ms=self._lease_ms,
            worker=self._worker_id,
            complete=complete,
            idempotency_key=key,
            minimal=True,
        )

    async def complete(self, completions: Sequence[Completion], *, by_json: bool = False) -> Completed:
        """Settle some jobs."""
        if not by_json:
            return await self._main.complete(completions, minimal=True)
        if self._json is None:
            self._json = AsyncClient(self._url, format="json", retry=_ONE_TRY, timeout=bounds.REQUEST_S)
        return await self._json.complete(completions, minimal=True)

    async def heartbeat(
        self,
        leases: Sequence[Held],
        *,
        info: WorkerInfo | None = None,
        next_ms: int | None = None,
        final: bool = False,
    ) -> Heartbeat:
        """Extend some leases; say what the worker does, when it will be heard of again, or goodbye."""
        return await self._main.heartbeat(self._worker_id, leases, info=info, next_ms=next_ms, final=final)

    async def limit(self, name: str) -> Limit:
        """Read the settings of a limit."""
        return await self._main.limit(name)

    async def set_limit(self, name: str, *, concurrency: int | None, rate: Rate) -> None:
        """Set them."""
        await self._main.set_limit(name, concurrency=concurrency, rate=rate)

    async def schedule(self, name: str) -> ScheduleRecord:
        """Read a schedule."""
        return await self._main.schedule(name)

    async def apply_schedules(
        self, wanted: Mapping[str, Mapping[str, Any]], owner: str | None
    ) -> tuple[ScheduleChange, ...]:
        """Let the owner's schedules be as wanted; of its many requests each may be repeated for a moment."""
        patience = Patience(total_s=bounds.REQUEST_S)
        async with AsyncClient(self._url, format="json", retry=patience, timeout=bounds.REQUEST_S) as client:
            return await client.apply_schedules(wanted, owner=owner)

    async def renew(self) -> None:
        """Go on with new connections."""
        old, self._main = self._main, self._client()
        await old.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._main.close()
        if self._json is not None:
            await self._json.close()

    def _client(self) -> AsyncClient:
        return AsyncClient(self._url, format="msgpack", retry=_ONE_TRY, timeout=bounds.REQUEST_S)
