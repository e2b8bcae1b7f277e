"""Webhooks: their records, and one delivery of somebody's own; all of it lies on the shard of their queues."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

import msgspec

from headrace_server.domain import limits
from headrace_server.domain.errors import StoreFault
from headrace_server.domain.finding import JobFilter
from headrace_server.domain.ids import shard_of_queue
from headrace_server.domain.jobs import Body, NewJob
from headrace_server.domain.operations import Action, OperationAsk
from headrace_server.domain.queues import QueueSettings, QueueView
from headrace_server.domain.requests import Enqueued, EnqueueGroup
from headrace_server.domain.retry import RetryPolicy
from headrace_server.domain.webhooks import QUEUE_PREFIX, Notice, PauseReason, Webhook, WebhookView, queue_of, secret_of
from headrace_server.engine.listening import Listening
from headrace_server.engine.operating import Operating
from headrace_server.engine.parking import Parking, Ticket
from headrace_server.engine.routing import partly
from headrace_server.engine.steering import Steering

TASK: Final = "webhook"
_KEY_BYTES: Final = 32
_LEASE_SPARE_MS: Final = 3 * limits.SECOND_MS  # for an attempt that used all its time to be settled
_specs: Final = msgspec.msgpack.Decoder(Webhook)


class TooManyWebhooks(Exception):
    """One more would be beyond MAX_WEBHOOKS."""


class PutOutcome(StrEnum):
    """What a put did."""

    MADE = "made"
    CHANGED = "done"
    SAME = "same"


class Put(msgspec.Struct, frozen=True):
    """A webhook that was put."""

    outcome: PutOutcome
    view: WebhookView
    is_new_secret: bool  # this call made it up: nobody has seen it yet


class Hooks(msgspec.Struct, frozen=True, kw_only=True):
    """All webhooks at one moment."""

    version: str  # grows with each change of any of them
    views: list[WebhookView]  # by name
    revs: dict[int, str]  # of each shard: how far its log was turned into deliveries
    now_ms: int


class Webhooking(Listening, Steering, Operating):
    """The calls about webhooks."""

    _hooking: Parking
    _hooks: tuple[str, list[WebhookView]]  # by version: what was read last

    async def put_webhook(self, name: str, webhook: Webhook, *, secret: str | None, paused: bool | None) -> Put:
        """Let a webhook be as given; `secret` None: one is made up for a new one; `paused` None: as it was.

        It is told of what happens from now on. Raises TooManyWebhooks, StoreFault.
        """
        revs = [await self._read_part(number, None, 0, keep_ms=limits.WEBHOOK_LOG_MS) for number in range(self.shards)]
        made_up = secret_of(secrets.token_bytes(_KEY_BYTES))
        pauses = "" if paused is None else "1" if paused else "0"
        known = [secret or made_up, "1" if secret else "", pauses, limits.MAX_WEBHOOKS, limits.OLD_SECRET_MS]
        words = [msgspec.msgpack.encode(webhook), *known, *(part.last_rev for part in revs)]
        outcome, view = await self._webhook(name, "set", *words)
        if view is None or outcome == "full":
            raise TooManyWebhooks
        try:
            await self._steer(view)
        except StoreFault as error:
            raise partly(error, 1) from error
        return Put(PutOutcome(outcome), view, view.secret == made_up)

    async def webhook(self, name: str) -> WebhookView | None:
        """Return a webhook; None for an unknown one. Raises StoreFault."""
        return next((view for view in (await self.webhooks()).views if view.name == name), None)

    async def webhooks(self) -> Hooks:
        """Return all webhooks in alphabetical order. Raises StoreFault."""
        known, views = self._hooks
        now_ms, (flat, *answers) = await self._home_of(QUEUE_PREFIX).ask("webhooks", [known])
        state = {name.decode(): value.decode() for name, value in zip(flat[::2], flat[1::2], strict=True)}
        version = state.get("version", "0")
        if version != known:
            views = [_view(answer, now_ms) for answer in answers if answer[1]]
            self._hooks = (version, views)
        return Hooks(
            version=version,
            views=[_with_missed(view, state, now_ms) for view in views],
            revs={int(name[4:]): rev for name, rev in state.items() if name.startswith("rev:")},
            now_ms=now_ms,
        )

    async def delete_webhook(self, name: str) -> bool:
        """Remove a webhook and the deliveries that wait; return whether there was one. Raises StoreFault.

        Dead letters stay for as long as they are kept.
        """
        outcome, _ = await self._webhook(name, "drop")
        if outcome == "not_found":
            return False
        try:
            if await self.forget(queue_of(name)) is not None:
                await self.operate(OperationAsk(action=Action.PURGE, filter=JobFilter(queue=queue_of(name))))
            if not (await self.webhooks()).views:  # nobody need write the logs for them any more
                for number in range(self.shards):
                    await self._read_part(number, None, 0, at_most=True)
        except StoreFault as error:
            raise partly(error, 1) from error
        return True

    async def pause_webhook(
        self, name: str, why: PauseReason = PauseReason.ASKED, *, generation: int | None = None
    ) -> WebhookView | None:
        """Tell a webhook nothing; None for an unknown one. Raises StoreFault.

        With a `generation` only if it is still of that one: what follows from an answer is about the URL that gave it.
        """
        _, view = await self._webhook(name, "pause", "" if generation is None else generation, why.value)
        return view

    async def resume_webhook(self, name: str) -> WebhookView | None:
        """Tell a webhook of what happens again; None for an unknown one. Raises StoreFault."""
        return (await self._webhook(name, "resume"))[1]

    async def rotate_webhook(self, name: str, secret: str | None) -> WebhookView | None:
        """Let another secret sign, and the old one for another day; None for an unknown webhook. Raises StoreFault."""
        fresh = secret or secret_of(secrets.token_bytes(_KEY_BYTES))
        return (await self._webhook(name, "rotate", fresh, limits.OLD_SECRET_MS))[1]

    async def ping_webhook(self, view: WebhookView) -> Enqueued:
        """Send one message for a try, once. Raises StoreFault."""
        body = message(Notice.PING, view.now_ms, {"webhook": view.name})
        job_id = self.new_id(view.queue)
        once = RetryPolicy(max_attempts=1)
        ping = NewJob(id=job_id, task=TASK, queue=view.queue, payload=Body(body), retry=once, max_crashes=1)
        return await self._home_of(view.queue).enqueue.submit(EnqueueGroup([ping]))

    def listen_to_webhooks(self) -> Ticket:
        """Return what is woken when a webhook has changed; it stays for as long as the engine."""
        return self._hooking.enter([])

    async def _webhook(self, name: str, what: str, *words: bytes | str | int) -> tuple[str, WebhookView | None]:
        now_ms, (outcome, answer) = await self._home_of(QUEUE_PREFIX).ask("webhook", [name, what, *words])
        return outcome.decode(), _view(answer, now_ms) if answer[1] else None

    async def _steer(self, view: WebhookView) -> QueueView:
        """Let the queue of a webhook be as that says; what it does not speak of stays as somebody has set it."""
        spec, queue = view.webhook, await self.queue(view.queue)
        settings: QueueSettings = msgspec.structs.replace(
            queue.settings,
            lease_ms=spec.timeout_ms + _LEASE_SPARE_MS,
            retry=spec.retry,
            concurrency=spec.concurrency,
            max_depth=spec.max_waiting,
        )
        return queue if settings == queue.settings else await self.configure(view.queue, settings)


def message(kind: str, at_ms: int, data: dict[str, Any]) -> bytes:
    """Return the body of a message, as Standard Webhooks has it."""
    seconds, ms = divmod(at_ms, limits.SECOND_MS)
    timestamp = f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{ms:03d}Z"
    return msgspec.json.encode({"type": kind, "timestamp": timestamp, "data": data})


def home_of_webhooks(shards: int) -> int:
    """Return the shard that all their queues lie on, being of one group."""
    return shard_of_queue(QUEUE_PREFIX, shards)


def _with_missed(view: WebhookView, state: dict[str, str], now_ms: int) -> WebhookView:
    missed = int(state.get(f"missed:{view.name}", "0"))
    changed: WebhookView = msgspec.structs.replace(view, missed=missed, now_ms=now_ms)
    return changed


def _view(answer: Sequence[Any], now_ms: int) -> WebhookView:
    name, flat = answer
    fields: dict[bytes, bytes] = dict(zip(flat[::2], flat[1::2], strict=True))
    old = fields.get(b"old_secret")
    return WebhookView(
        name=name.decode(),
        webhook=_specs.decode(fields[b"spec"]),
        generation=int(fields[b"gen"]),
        paused=PauseReason(fields[b"why"].decode()) if b"paused" in fields else None,
        secret=fields[b"secret"].decode(),
        old_secret=None if old is None else old.decode(),
        old_until_ms=None if old is None else int(fields[b"old_until"]),
        missed=0,
        created_at_ms=int(fields[b"created"]),
        updated_at_ms=int(fields[b"updated"]),
        now_ms=now_ms,
    )
