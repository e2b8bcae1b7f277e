"""The documents of webhooks, as types; `openapi.yaml` has the same fields. Optional ones are left out, never null."""

import msgspec
from msgspec import UNSET

from headrace_server.api.replies import Absent
from headrace_server.api.reports import RetryDocument


class WebhookDocument(msgspec.Struct, kw_only=True):
    """A webhook as it is now."""

    name: str
    state: str
    paused_reason: str | Absent = UNSET
    url: str
    events: list[str]
    queues: list[str] | Absent = UNSET
    tasks: list[str] | Absent = UNSET
    timeout_ms: int
    concurrency: int
    max_waiting: int
    retry: RetryDocument
    description: str | Absent = UNSET
    secret: str | Absent = UNSET
    old_secret_until: str | Absent = UNSET
    queue: str
    counts: dict[str, int]
    missed: int
    created_at: str
    updated_at: str
    server_time: str


class WebhooksDocument(msgspec.Struct, kw_only=True):
    """A page of webhooks."""

    webhooks: list[WebhookDocument]
    next_after: str | Absent = UNSET


class PingDocument(msgspec.Struct, kw_only=True):
    """The message that was sent for a try."""

    job_id: str
    queue: str
