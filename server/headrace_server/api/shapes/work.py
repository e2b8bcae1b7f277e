"""What workers say: leases wanted, settled and kept."""

from typing import Annotated, Final, TypeAlias

from msgspec import UNSET, Meta, UnsetType, field

from headrace_server.api.shapes.fields import (
    Binary,
    Body,
    Checkpoint,
    DelayMs,
    Item,
    LeaseMs,
    MediaType,
    Name,
    Object,
    Progress,
    Reason,
    ResultTtlMs,
    Token,
    Value,
    WorkerId,
)
from headrace_server.api.shapes.rules import Needs, Pair, Table
from headrace_server.domain import limits


class WorkerInput(Body):
    """Who asks for jobs."""

    id: WorkerId


class LeaseInput(Body):
    """The body of POST /v1/leases."""

    queues: Annotated[list[Name], Meta(min_length=1, max_length=limits.MAX_LEASE_QUEUES)]
    max: Annotated[int, Meta(ge=1, le=limits.MAX_LEASE_JOBS)] = 1
    max_bytes: Annotated[int, Meta(ge=1, le=limits.MAX_LEASE_REPLY_BYTES)] = limits.MAX_LEASE_REPLY_BYTES
    wait_ms: Annotated[int, Meta(ge=0, le=limits.MAX_WAIT_MS)] = 0
    lease_ms: LeaseMs | UnsetType = UNSET
    worker: WorkerInput | UnsetType = UNSET
    complete: Annotated[list[Item], Meta(max_length=limits.MAX_BATCH_ITEMS)] = field(default_factory=list)


class ErrorInput(Body):
    """Why an attempt failed; longer texts than the server keeps are cut, never refused: a nack must arrive."""

    type: str
    message: str
    stack: str | UnsetType = UNSET
    details: Object | UnsetType = UNSET


class ProofInput(Body):
    """What everything begins with that is said about a lease."""

    token: Token


class AckInput(ProofInput):
    """The body of POST /v1/jobs/{id}/ack."""

    result: Value | UnsetType = UNSET
    result_raw: Binary | UnsetType = UNSET
    result_type: MediaType | UnsetType = UNSET
    result_ttl_ms: ResultTtlMs | UnsetType = UNSET


class NackInput(ProofInput):
    """The body of POST /v1/jobs/{id}/nack."""

    error: ErrorInput
    retryable: bool = True
    retry_in_ms: DelayMs | UnsetType = UNSET
    discard: bool = False


class ReleaseInput(ProofInput):
    """The body of POST /v1/jobs/{id}/release."""

    reason: Reason = ""


class SnoozeInput(ProofInput):
    """The body of POST /v1/jobs/{id}/snooze."""

    delay_ms: DelayMs
    reason: Reason = ""
    checkpoint: Checkpoint | UnsetType = UNSET


class ExtendInput(ProofInput):
    """The body of POST /v1/jobs/{id}/extend."""

    lease_ms: LeaseMs | UnsetType = UNSET
    progress: Progress | UnsetType = UNSET
    checkpoint: Checkpoint | UnsetType = UNSET


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


# The same, for who looks at all tokens of a list at once: to match the pattern of one takes the decoder longer than all
# the rest of an item.


class ListedAck(AckItem, tag="ack", kw_only=True, gc=False):
    """An ack whose token may be any text."""

    token: str


class ListedNack(NackItem, tag="nack", kw_only=True, gc=False):
    """A nack whose token may be any text."""

    token: str


class ListedRelease(ReleaseItem, tag="release", kw_only=True, gc=False):
    """A release whose token may be any text."""

    token: str


class ListedSnooze(SnoozeItem, tag="snooze", kw_only=True, gc=False):
    """A snooze whose token may be any text."""

    token: str


ListedItem: TypeAlias = ListedAck | ListedNack | ListedRelease | ListedSnooze


class CompletionsInput(Body):
    """The body of POST /v1/completions."""

    items: Annotated[list[Item], Meta(min_length=1, max_length=limits.MAX_BATCH_ITEMS)]


class HeartbeatItem(Body):
    """One lease to be kept."""

    job_id: str
    token: Token
    extend_ms: LeaseMs | UnsetType = UNSET
    progress: Progress | UnsetType = UNSET
    checkpoint: Checkpoint | UnsetType = UNSET


_ACK: Final = (Pair("result", "result_raw"), Needs("result_raw", "result_type"), Needs("result_type", "result_raw"))
RULES: Final[Table] = {AckInput: _ACK, AckItem: _ACK, ListedAck: _ACK}
