"""What is said about webhooks: who is told of what, and how."""

from typing import Annotated, Final, TypeAlias

from msgspec import UNSET, Meta, UnsetType

from headrace_server.api.shapes.fields import Body, Name
from headrace_server.api.shapes.jobs import Retry
from headrace_server.api.shapes.rules import Distinct, Table
from headrace_server.domain import limits
from headrace_server.domain.webhooks import EventType

# `(?!\n)`: in Python `$` also matches before a last newline
WEBHOOK_PATTERN: Final = rf"^[A-Za-z0-9_.\-]{{1,{limits.MAX_WEBHOOK_NAME_CHARS}}}$(?!\n)"
MAX_SECRET_CHARS: Final = 100

Names: TypeAlias = Annotated[list[Name], Meta(min_length=1, max_length=limits.MAX_WEBHOOK_FILTER)]
EventTypes: TypeAlias = Annotated[list[EventType], Meta(min_length=1, max_length=len(EventType))]
Secret: TypeAlias = Annotated[str, Meta(max_length=MAX_SECRET_CHARS)]


class WebhookInput(Body, kw_only=True):
    """The body of PUT /v1/webhooks/{name}."""

    url: Annotated[str, Meta(min_length=1, max_length=limits.MAX_URL_CHARS)]
    events: EventTypes | UnsetType = UNSET
    queues: Names | UnsetType = UNSET
    tasks: Names | UnsetType = UNSET
    timeout_ms: Annotated[int, Meta(ge=limits.MIN_WEBHOOK_TIMEOUT_MS, le=limits.MAX_WEBHOOK_TIMEOUT_MS)] = 10_000
    concurrency: Annotated[int, Meta(ge=1, le=limits.MAX_WEBHOOK_CONCURRENCY)] = 5
    max_waiting: Annotated[int, Meta(ge=1, le=limits.MAX_WEBHOOK_WAITING)] = 10_000
    retry: Retry | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=limits.MAX_DESCRIPTION_CHARS)] | UnsetType = UNSET
    paused: bool | UnsetType = UNSET
    secret: Secret | UnsetType = UNSET


class RotateInput(Body):
    """The body of POST /v1/webhooks/{name}/rotate; may be left out."""

    secret: Secret | UnsetType = UNSET


class WebhooksQuery(Body):
    """The query of GET /v1/webhooks."""

    after: Annotated[str, Meta(max_length=limits.MAX_NAME_CHARS)] | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=limits.MAX_WEBHOOKS)] = 50


RULES: Final[Table] = {WebhookInput: (Distinct("events"), Distinct("queues"), Distinct("tasks"))}
