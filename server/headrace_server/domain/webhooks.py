"""The nouns of webhooks: who is told of what, and how a message is signed; pure: instants are unix milliseconds.

Messages follow Standard Webhooks (https://www.standardwebhooks.com): three headers, and an HMAC over id, timestamp and
body for each secret that counts.
"""

import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable, Iterable
from enum import StrEnum
from hashlib import blake2b, sha256
from typing import Final, TypeAlias

import msgspec

from headrace_server.domain.events import Event
from headrace_server.domain.retry import RetryPolicy

RESERVED: Final = "headrace."  # queues whose names begin so are the server's own
QUEUE_PREFIX: Final = f"{RESERVED}webhooks."
SECRET_PREFIX: Final = "whsec_"
MIN_SECRET_BYTES: Final = 24
MAX_SECRET_BYTES: Final = 64


class EventType(StrEnum):
    """What a webhook may be told of: a job has come into this state, or its record is gone."""

    SCHEDULED = "job.scheduled"
    READY = "job.ready"
    LEASED = "job.leased"
    RETRYING = "job.retrying"
    SUCCEEDED = "job.succeeded"
    DEAD = "job.dead"
    CANCELLED = "job.cancelled"
    GONE = "job.gone"


class Notice(StrEnum):
    """What every webhook is told, whatever it asked for."""

    PING = "webhook.ping"  # somebody tries it out
    GAP = "webhook.gap"  # it was not told of some events: whoever follows jobs reads them anew


class WebhookState(StrEnum):
    """Whether a webhook is told anything."""

    ACTIVE = "active"
    PAUSED = "paused"


class PauseReason(StrEnum):
    """Why a webhook is told nothing."""

    ASKED = "asked"
    GONE = "gone"  # its receiver answered 410


ENDS: Final = (EventType.SUCCEEDED, EventType.DEAD, EventType.CANCELLED)


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants to be told of, and how."""

    url: str
    events: tuple[EventType, ...] = ENDS
    queues: tuple[str, ...] = ()  # empty: all
    tasks: tuple[str, ...] = ()  # empty: all
    timeout_ms: int  # for one attempt, from the look-up of the name to the end of the answer
    concurrency: int  # attempts at a time
    max_waiting: int  # deliveries that have not ended; more are not made, and told as a gap
    retry: RetryPolicy
    description: str | None = None


class WebhookView(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook as it is now; its secrets are for those who sign, and for nobody else."""

    name: str
    webhook: Webhook
    generation: int
    paused: PauseReason | None
    secret: str
    old_secret: str | None  # signs beside the new one
    old_until_ms: int | None
    missed: int  # events that it was not told of, and not yet told that
    created_at_ms: int
    updated_at_ms: int
    now_ms: int

    def __repr__(self) -> str:
        return f"WebhookView({self.name!r})"  # wherever it may be written: never with its secrets

    @property
    def state(self) -> WebhookState:
        """Whether it is told anything."""
        return WebhookState.ACTIVE if self.paused is None else WebhookState.PAUSED

    @property
    def queue(self) -> str:
        """The queue of its deliveries."""
        return queue_of(self.name)

    def secrets(self, now_ms: int) -> list[str]:
        """Return the secrets that sign a message now, the newest first."""
        signs_on = self.old_secret is not None and (self.old_until_ms or 0) > now_ms
        return [self.secret, *([self.old_secret] if self.old_secret and signs_on else [])]

    def wants(self, event: Event) -> bool:
        """Return whether it is to be told of an event."""
        spec = self.webhook
        return (
            type_of(event) in spec.events
            and event.at_ms >= self.created_at_ms
            and (not spec.queues or event.queue in spec.queues)
            and (not spec.tasks or event.task in spec.tasks)
        )


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to deliver a message."""

    url: str
    headers: dict[str, str]
    body: bytes
    timeout_ms: int


class Outcome(StrEnum):
    """What came of an attempt, for those who count."""

    TAKEN = "taken"
    REFUSED = "refused"  # answered, but not by a 2xx
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"  # no name, no connection, no TLS, no HTTP
    FORBIDDEN = "forbidden"  # an address that the server does not send to


_OUTCOMES: Final = {"": Outcome.TAKEN, "timeout": Outcome.TIMEOUT, "address_refused": Outcome.FORBIDDEN}


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an attempt."""

    status: int | None = None  # of the answer; None: there was none
    error: str = ""  # the kind of failure, for people and for `non_retryable`; empty: it was taken
    detail: str = ""  # never holds the address's path or query, nor what was answered
    retry_after_ms: int | None = None
    took_ms: int = 0

    @property
    def outcome(self) -> Outcome:
        """What is counted."""
        return _OUTCOMES.get(self.error, Outcome.UNREACHABLE if self.status is None else Outcome.REFUSED)


Send: TypeAlias = Callable[[Parcel], Awaitable[Receipt]]


def queue_of(name: str) -> str:
    """Return the queue of a webhook's deliveries."""
    return QUEUE_PREFIX + name


def name_of(queue: str) -> str:
    """Return the webhook whose deliveries lie in a queue."""
    return queue.removeprefix(QUEUE_PREFIX)


def type_of(event: Event) -> EventType:
    """Return the type under which an event is told."""
    return EventType.GONE if event.state is None else EventType(f"job.{event.state}")


def is_own(queue: str) -> bool:
    """Return whether jobs of a queue are deliveries: nobody is told of those, or there would be no end of them."""
    return queue.startswith(QUEUE_PREFIX)


def message_digest(*parts: str | bytes | int) -> int:
    """Return 64 bits that make the id of a delivery: whoever makes it, and however often, makes the same."""
    data = b"\0".join(part if isinstance(part, bytes) else str(part).encode() for part in parts)
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big")


def secret_of(key: bytes) -> str:
    """Return a key as people copy it."""
    return SECRET_PREFIX + base64.b64encode(key).decode()


def key_of(secret: str) -> bytes | None:
    """Return the key of a secret; None for a text that is none."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if secret == secret_of(key) and MIN_SECRET_BYTES <= len(key) <= MAX_SECRET_BYTES else None


def signatures(secrets: Iterable[str], message_id: str, timestamp_s: int, body: bytes) -> str:
    """Return the header `webhook-signature`: one signature for each secret, between spaces."""
    signed = b".".join((message_id.encode(), str(timestamp_s).encode(), body))
    keys = [key for secret in secrets if (key := key_of(secret)) is not None]
    found = [base64.b64encode(hmac.new(key, signed, sha256).digest()).decode() for key in keys]
    return " ".join(f"v1,{signature}" for signature in found)
