"""The bodies of requests as types: fields, bounds, what is required; `openapi.yaml` is tested against them.

They are decoded straight from the request's bytes; fields that exclude each other stand in EXCLUSIVE. This module must
not know where a body comes from nor what is done with it.
"""

from datetime import datetime
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from headrace_server.domain import limits
from headrace_server.domain.retry import Backoff

# `(?!\n)`: in Python `$` also matches before a last newline
Name: TypeAlias = Annotated[str, Meta(pattern=rf"^{limits.NAME_PATTERN}$(?!\n)", extra={"is": "name"})]
WORKER_PATTERN: Final = rf"^[A-Za-z0-9_.:@\-]{{1,{limits.MAX_NAME_CHARS}}}$(?!\n)"
WorkerId: TypeAlias = Annotated[str, Meta(pattern=WORKER_PATTERN, extra={"is": "worker"})]
Token: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$(?!\n)", extra={"is": "token"})]
Key: TypeAlias = Annotated[str, Meta(pattern=rf"^[\x21-\x7e]{{1,{limits.MAX_KEY_CHARS}}}$(?!\n)", extra={"is": "key"})]
Reason: TypeAlias = Annotated[str, Meta(max_length=limits.MAX_REASON_CHARS)]
Instant: TypeAlias = Annotated[datetime, Meta(tz=True)]
DelayMs: TypeAlias = Annotated[int, Meta(ge=0, le=limits.MAX_DELAY_MS)]
LeaseMs: TypeAlias = Annotated[int, Meta(ge=limits.MIN_LEASE_MS, le=limits.MAX_LEASE_MS)]

# Values that are kept as bytes; `payloads.py` checks them by this word.
Value: TypeAlias = Annotated[Raw, Meta(extra={"raw": "payload"})]
Object: TypeAlias = Annotated[Raw, Meta(extra={"raw": "object"})]
Item: TypeAlias = Annotated[
    Raw, Meta(extra={"raw": "item"})
]  # decoded by itself: one bad item never rejects the others


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    """A body or a part of one."""


class Retry(_Body):
    """When a failed job is tried again."""

    max_attempts: Annotated[int, Meta(ge=1, le=limits.MAX_ATTEMPTS)] | UnsetType = UNSET
    backoff: Backoff | UnsetType = UNSET
    initial_ms: DelayMs | UnsetType = UNSET
    factor: Annotated[float, Meta(ge=1, le=10)] | UnsetType = UNSET
    max_ms: DelayMs | UnsetType = UNSET
    jitter: bool | UnsetType = UNSET


class JobDefaults(_Body):
    """What a batch may say once for all its jobs."""

    task: Name | UnsetType = UNSET
    payload: Value | UnsetType = UNSET
    queue: Name | UnsetType = UNSET
    priority: Annotated[int, Meta(ge=0, le=limits.MAX_PRIORITY)] | UnsetType = UNSET
    delay_ms: DelayMs | UnsetType = UNSET
    run_at: Instant | UnsetType = UNSET
    expires_in_ms: Annotated[int, Meta(ge=1, le=limits.MAX_DELAY_MS)] | UnsetType = UNSET
    expires_at: Instant | UnsetType = UNSET
    lease_ms: LeaseMs | UnsetType = UNSET
    retention_ms: Annotated[int, Meta(ge=limits.MIN_RETENTION_MS, le=limits.MAX_RETENTION_MS)] | UnsetType = UNSET
    max_crashes: Annotated[int, Meta(ge=1, le=limits.MAX_CRASHES)] | UnsetType = UNSET
    meta: Object | UnsetType = UNSET
    retry: Retry | UnsetType = UNSET


class JobFields(JobDefaults):
    """A job of a batch: `task` may come from the defaults."""

    idempotency_key: Key | UnsetType = UNSET


class JobInput(JobFields, kw_only=True):
    """The body of POST /v1/jobs."""

    task: Name


class BatchInput(_Body):
    """The body of POST /v1/jobs/batch."""

    jobs: Annotated[list[Item], Meta(min_length=1, max_length=limits.MAX_BATCH_ITEMS)]
    defaults: JobDefaults | UnsetType = UNSET
    atomic: bool = True


class WorkerInput(_Body):
    """Who asks for jobs."""

    id: WorkerId


class LeaseInput(_Body):
    """The body of POST /v1/leases."""

    queues: Annotated[list[Name], Meta(min_length=1, max_length=limits.MAX_LEASE_QUEUES)]
    max: Annotated[int, Meta(ge=1, le=limits.MAX_LEASE_JOBS)] = 1
    max_bytes: Annotated[int, Meta(ge=1, le=limits.MAX_LEASE_REPLY_BYTES)] = limits.MAX_LEASE_REPLY_BYTES
    wait_ms: Annotated[int, Meta(ge=0, le=limits.MAX_WAIT_MS)] = 0
    lease_ms: LeaseMs | UnsetType = UNSET
    worker: WorkerInput | UnsetType = UNSET
    complete: Annotated[list[Item], Meta(max_length=limits.MAX_BATCH_ITEMS)] = []


class ErrorInput(_Body):
    """Why an attempt failed; longer texts than the server keeps are cut, never refused: a nack must arrive."""

    type: str
    message: str
    stack: str | UnsetType = UNSET
    details: Object | UnsetType = UNSET


class AckInput(_Body):
    """The body of POST /v1/jobs/{id}/ack."""

    token: Token
    result: Value | UnsetType = UNSET


class NackInput(_Body):
    """The body of POST /v1/jobs/{id}/nack."""

    token: Token
    error: ErrorInput
    retryable: bool = True
    retry_in_ms: DelayMs | UnsetType = UNSET


class ReleaseInput(_Body):
    """The body of POST /v1/jobs/{id}/release."""

    token: Token
    reason: Reason = ""


class SnoozeInput(_Body):
    """The body of POST /v1/jobs/{id}/snooze."""

    token: Token
    delay_ms: DelayMs


class ExtendInput(_Body):
    """The body of POST /v1/jobs/{id}/extend."""

    token: Token
    lease_ms: LeaseMs | UnsetType = UNSET


class CancelInput(_Body):
    """The body of POST /v1/jobs/{id}/cancel; may be left out."""

    reason: Reason = ""


class AckItem(AckInput, tag_field="op", tag="ack", kw_only=True):
    """An ack among others."""

    job_id: str


class NackItem(NackInput, tag_field="op", tag="nack", kw_only=True):
    """A nack among others."""

    job_id: str


class ReleaseItem(ReleaseInput, tag_field="op", tag="release", kw_only=True):
    """A release among others."""

    job_id: str


class SnoozeItem(SnoozeInput, tag_field="op", tag="snooze", kw_only=True):
    """A snooze among others."""

    job_id: str


CompletionItem: TypeAlias = AckItem | NackItem | ReleaseItem | SnoozeItem


class CompletionsInput(_Body):
    """The body of POST /v1/completions."""

    items: Annotated[list[Item], Meta(min_length=1, max_length=limits.MAX_BATCH_ITEMS)]


class HeartbeatItem(_Body):
    """One lease to be kept."""

    job_id: str
    token: Token
    extend_ms: LeaseMs | UnsetType = UNSET


class HeartbeatInput(_Body):
    """The body of POST /v1/workers/{id}/heartbeat."""

    leases: Annotated[list[Item], Meta(max_length=limits.MAX_BATCH_ITEMS)] = []


class Pair(msgspec.Struct, frozen=True):
    """Two fields of which at most one may be given."""

    first: str
    second: str


JOB_PAIRS: Final = (Pair("delay_ms", "run_at"), Pair("expires_in_ms", "expires_at"))
EXCLUSIVE: Final[dict[type, tuple[Pair, ...]]] = dict.fromkeys((JobDefaults, JobFields, JobInput), JOB_PAIRS)
