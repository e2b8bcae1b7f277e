"""Delivers what webhooks are to be told: leases deliveries as any worker does, sends them, and settles them.

It must not know how a message gets to its receiver. What is tried again, when, and how often is the queue's business.
"""

import asyncio
import contextlib
import logging
import random
from typing import Final

import msgspec

from headrace_server.domain.errors import StoreFault
from headrace_server.domain.ids import format_id
from headrace_server.domain.jobs import Body, Leased
from headrace_server.domain.limits import HOUR_MS, SECOND_MS
from headrace_server.domain.requests import Ack, Grant, LeaseAsk, Nack, Release, Settle, Settled
from headrace_server.domain.webhooks import (
    Parcel,
    PauseReason,
    Receipt,
    Send,
    WebhookView,
    name_of,
    signatures,
)
from headrace_server.engine import Engine
from headrace_server.telemetry import note_loop

MOST: Final = 100  # deliveries of one lease
POLL_MS: Final = 10 * SECOND_MS
IDLE_S: Final = 5.0
BREATH_S: Final = 0.05  # after a poll that brought nothing: a server that drains answers them at once
GRACE_S: Final = 1.0  # for attempts that run when the server stops
SETTLE_AFTER_S: Final = (0.2, 1.0, 0.0)  # the pauses between attempts to settle; then the lease runs out
MARGIN_MS: Final = SECOND_MS  # of a lease, to settle in
MAX_RETRY_AFTER_MS: Final = HOUR_MS
GONE: Final = 410  # Standard Webhooks: the receiver wants no more
BUSY: Final = (429, 503)  # its Retry-After counts
HOPELESS: Final = frozenset({"address_refused"})  # until somebody changes a setting

_log = logging.getLogger(__name__)


class Deliveries:
    """The deliveries of one server; `worker` is who leases them, `agent` what receivers see as User-Agent."""

    def __init__(self, engine: Engine, send: Send, *, worker: str, agent: str) -> None:
        self._engine = engine
        self._send = send
        self._worker = worker
        self._agent = agent
        self._changes = engine.listen_to_webhooks()
        self._known: dict[str, WebhookView] = {}  # by queue
        self._running: set[asyncio.Task[None]] = set()

    async def step(self) -> int:
        """Lease deliveries, waiting for the first one, and begin to send them; return how many."""
        self._changes.arm()
        self._known = {view.queue: view for view in (await self._engine.webhooks()).views}
        queues = [queue for queue, view in self._known.items() if view.paused is None]
        if not queues:
            await self._changes.wait(IDLE_S * random.uniform(0.8, 1.0))
            return 0
        random.shuffle(queues)  # a lease serves them in this order: none is always the last
        grant = await self._unless_changed(LeaseAsk(queues=queues, max_jobs=MOST, worker=self._worker))
        if grant is None:
            return 1
        for job in grant.jobs:
            task = asyncio.create_task(self._deliver(self._known[job.facts.queue], job, grant.now_ms))
            self._running.add(task)
            task.add_done_callback(self._ended)
        return len(grant.jobs)

    async def pause(self) -> None:
        """Return soon: the step itself waits."""
        await asyncio.sleep(BREATH_S)

    async def close(self) -> None:
        """Let running attempts end within GRACE_S; others give their deliveries back."""
        if self._running:
            await asyncio.wait(self._running, timeout=GRACE_S)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        fault = None if task.cancelled() else task.exception()
        if fault is not None:  # the lease runs out, and another attempt is made
            note_loop(fault, "deliveries")
            _log.error("fault of the server", exc_info=fault)

    async def _unless_changed(self, ask: LeaseAsk) -> Grant | None:
        """Return what a poll brings; None when a webhook has changed, for there may be other queues to ask for."""
        poll = asyncio.create_task(self._engine.poll(ask, POLL_MS))
        change = asyncio.create_task(self._changes.wait(POLL_MS / SECOND_MS + 1))
        try:
            await asyncio.wait((poll, change), return_when=asyncio.FIRST_COMPLETED)
            return poll.result() if poll.done() else None
        finally:
            change.cancel()
            poll.cancel()  # gives back what it may be granted in this moment
            await asyncio.gather(poll, change, return_exceptions=True)

    async def _deliver(self, view: WebhookView, job: Leased, now_ms: int) -> None:
        try:
            receipt = await self._send(self._parcel(view, job, now_ms))
        except asyncio.CancelledError:
            await self._settle(Release(job_id=job.id, token=job.token, reason="the server stops"))
            raise
        self._engine.meters.delivered(receipt.outcome)
        if receipt.status == GONE:
            await self._stop_telling(view)
        settled = await self._settle(self._verdict(view, job, receipt))
        self._tell(view, job, receipt, settled)

    def _parcel(self, view: WebhookView, job: Leased, now_ms: int) -> Parcel:
        message_id, timestamp_s = format_id(job.id), now_ms // SECOND_MS
        headers = {
            "Content-Type": "application/json",
            "User-Agent": self._agent,
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp_s),
            "webhook-signature": signatures(view.secrets(now_ms), message_id, timestamp_s, job.payload.data),
        }
        left_ms = max(1, job.facts.deadline_ms - now_ms - MARGIN_MS)  # the timeout may have been raised after the lease
        timeout_ms = min(view.webhook.timeout_ms, left_ms)
        return Parcel(url=view.webhook.url, headers=headers, body=job.payload.data, timeout_ms=timeout_ms)

    def _verdict(self, view: WebhookView, job: Leased, receipt: Receipt) -> Settle:
        if not receipt.error:
            told = {"status": receipt.status, "took_ms": receipt.took_ms}
            return Ack(job_id=job.id, token=job.token, result=Body(msgspec.json.encode(told)))
        error = msgspec.json.encode({"type": receipt.error, "message": receipt.detail})
        is_hopeless = receipt.status == GONE or receipt.error in HOPELESS or view.queue not in self._known
        retry_in_ms = min(receipt.retry_after_ms or 0, MAX_RETRY_AFTER_MS) if receipt.status in BUSY else 0
        return Nack(
            job_id=job.id,
            token=job.token,
            error=error,
            error_type=receipt.error,
            retryable=not is_hopeless,
            retry_in_ms=retry_in_ms or None,
        )

    async def _settle(self, item: Settle) -> Settled | None:
        """Return what the store says; None when it says nothing: once the lease is over, the delivery is made again."""
        for pause_s in SETTLE_AFTER_S:
            [settled] = await self._engine.settle([item])
            if isinstance(settled, Settled):
                return settled
            await asyncio.sleep(pause_s)
        return None

    async def _stop_telling(self, view: WebhookView) -> None:
        with contextlib.suppress(StoreFault):  # the next delivery will be answered the same
            await self._engine.pause_webhook(view.name, PauseReason.GONE, generation=view.generation)
            _log.warning("the receiver of a webhook is gone (410): it is paused", extra={"webhook": view.name})

    def _tell(self, view: WebhookView, job: Leased, receipt: Receipt, settled: Settled | None) -> None:
        facts = {
            "webhook": name_of(view.queue),
            "job_id": format_id(job.id),
            "attempt": job.facts.attempt,
            "status": receipt.status,
            "took_ms": receipt.took_ms,
        }
        if not receipt.error:
            _log.debug("delivered", extra=facts)
            return
        state = None if settled is None or settled.state is None else settled.state.value
        _log.warning("not delivered", extra={**facts, "error": receipt.error, "detail": receipt.detail, "state": state})
