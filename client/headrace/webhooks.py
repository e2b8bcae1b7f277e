"""The nouns of webhooks: who is told of what happens to jobs; it must not know HTTP."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from headrace.models import RetryPolicy
from headrace.words import State, WebhookEvent, WebhookPauseReason, WebhookState


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """Who is to be told of what, and how; None: as the server has it."""

    url: str  # https://, to a public address or one that the server's operator allows
    events: Sequence[WebhookEvent | str] | None = None  # None: job.succeeded, job.dead, job.cancelled
    queues: Sequence[str] | None = None  # None: of all
    tasks: Sequence[str] | None = None  # None: of all
    timeout_ms: int | None = None  # for one attempt; None: 10 s
    concurrency: int | None = None  # attempts at a time; None: 5
    max_waiting: int | None = None  # deliveries that have not ended; None: 10,000
    retry: RetryPolicy | None = None  # None: 12 attempts, over a day or more
    description: str | None = None
    paused: bool | None = None  # None: as it is
    secret: str | None = field(default=None, repr=False)  # None: as it is, or one that the server makes up


@dataclass(frozen=True, kw_only=True)
class WebhookRecord:
    """A webhook as the server knows it."""

    name: str
    state: WebhookState
    paused_reason: WebhookPauseReason | None = None
    url: str = ""
    events: tuple[WebhookEvent, ...] = ()
    queues: tuple[str, ...] = ()  # empty: of all
    tasks: tuple[str, ...] = ()  # empty: of all
    timeout_ms: int = 0
    concurrency: int = 0
    max_waiting: int = 0
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    description: str | None = None
    secret: str | None = field(default=None, repr=False)  # only of the call that had it made up: keep it
    old_secret_until: datetime | None = None  # so long the one before signs, too
    queue: str = ""  # of its deliveries
    counts: Mapping[State, int] = field(default_factory=dict)  # of its deliveries
    missed: int = 0  # events that it was not told of, and not yet told that
    created_at: datetime | None = None
    updated_at: datetime | None = None
    server_time: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class WebhookPage:
    """Some webhooks, by name."""

    webhooks: tuple[WebhookRecord, ...]
    next_after: str | None = None  # ask again with after=this; None: the end


@dataclass(frozen=True, kw_only=True)
class WebhookPing:
    """A message that was sent for a try: wait for its job to see what the receiver said."""

    job_id: str
    queue: str
