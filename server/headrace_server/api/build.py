"""Typed bodies -> jobs that the engine is asked to make; it must not know bytes on the wire beyond what jobs keep."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import blake2b
from operator import attrgetter
from typing import Final, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from headrace_server.api import shapes
from headrace_server.api.faults import rule_faults
from headrace_server.api.payloads import as_json_object
from headrace_server.api.problems import Fault
from headrace_server.domain import limits
from headrace_server.domain.ids import group_of_queue
from headrace_server.domain.jobs import Body, Format, IdempotencyKey, NewJob, OnDead, Unique
from headrace_server.domain.requests import Patch
from headrace_server.domain.retry import RetryPolicy

T = TypeVar("T")
DEFAULT_QUEUE: Final = "default"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_LAST_MS: Final = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z: what lies behind it cannot be written back
# What a job may ask for that takes the store about as long as the whole rest of writing it.
DEAR: Final = ("limits", "fairness_key", "ordering_key", "tags", "unique")
# All that a job may ask for beside these: read in one call and compared in another, as one by one they would cost more
# than all the rest of making a job.
_LITTLE: Final = {"task", "queue", "payload", "payload_raw", "payload_type", "priority", "idempotency_key"}
_OPTIONS: Final = [name for name in shapes.JobFields.__struct_fields__ if name not in _LITTLE]
_OPTIONS_OF: Final = attrgetter(*_OPTIONS)
_NO_OPTION: Final = (UNSET,) * len(_OPTIONS)
_PAIRS: Final = (*shapes.JOB_PAIRS, shapes.PAYLOAD_PAIR)
_RIVALS: Final = {pair.first: pair.second for pair in _PAIRS} | {pair.second: pair.first for pair in _PAIRS}
_NULL: Final = {Format.JSON: Body(b"null"), Format.MSGPACK: Body(b"\xc0", Format.MSGPACK)}


def unix_ms(instant: datetime) -> int:
    """Return milliseconds since 1970; an earlier instant is 1970, as both are simply past, one after 9999 its end."""
    return min(max(0, (instant - _EPOCH) // _MS), _LAST_MS)


def new_job(fields: shapes.JobFields, job_id: bytes, format: Format, trace: bytes | None) -> NewJob:
    """Return the job of one checked job document; its payload's bytes stay as they came."""
    assert fields.task is not UNSET
    queue = queue_of(fields)
    body = payload(fields, format)
    if _asks_for_little(fields):
        priority = or_none(fields.priority)
        return NewJob(id=job_id, task=fields.task, queue=queue, payload=body, priority=priority, trace=trace)
    return NewJob(
        id=job_id,
        task=fields.task,
        queue=queue,
        payload=body,
        priority=or_none(fields.priority),
        delay_ms=or_none(fields.delay_ms),
        run_at_ms=ms_or_none(fields.run_at),
        expires_in_ms=or_none(fields.expires_in_ms),
        expires_at_ms=ms_or_none(fields.expires_at),
        lease_ms=or_none(fields.lease_ms),
        retention_ms=or_none(fields.retention_ms),
        max_crashes=or_none(fields.max_crashes),
        max_runtime_ms=or_none(fields.max_runtime_ms),
        result_ttl_ms=or_none(fields.result_ttl_ms),
        retry=None if fields.retry is UNSET else policy(fields.retry),
        tags=or_none(fields.tags) or None,
        fairness_key=or_none(fields.fairness_key),
        weight=1 if fields.weight is UNSET else fields.weight,
        ordering_key=or_none(fields.ordering_key),
        on_dead=OnDead.NEXT if fields.on_dead is UNSET else fields.on_dead,
        limits=() if fields.limits is UNSET else tuple(fields.limits),
        unique=None if fields.unique is UNSET else _unique(fields.unique, fields.task, queue, body),
        meta=None if fields.meta is UNSET else as_json_object(bytes(fields.meta), format),
        trace=trace,
    )


def payload(fields: shapes.JobFields, format: Format) -> Body:
    """Return the payload, null where there is none."""
    if fields.payload_raw is not UNSET and fields.payload_type is not UNSET:
        return Body(fields.payload_raw, media=fields.payload_type)
    return _NULL[format] if fields.payload is UNSET else Body(bytes(fields.payload), format)


def _asks_for_little(fields: shapes.JobFields) -> bool:
    """Tell whether a job has no option but its priority: most have none, and a batch has a thousand of them."""
    return bool(_OPTIONS_OF(fields) == _NO_OPTION)


def _unique(given: shapes.Unique, task: str, queue: str, payload: Body) -> Unique:
    """Return what keeps other jobs of its group out: the group is in the digest, so that queues of others are free."""
    parts: list[str | bytes] = ["unique", group_of_queue(queue)]
    if given.key is not UNSET:
        parts += ["key", given.key]
    else:
        values: dict[shapes.UniqueBy, list[str | bytes]] = {
            shapes.UniqueBy.QUEUE: [queue],
            shapes.UniqueBy.TASK: [task],
            shapes.UniqueBy.PAYLOAD: [payload.media or payload.format.value, payload.data],
        }
        assert given.by is not UNSET
        parts += ["by", *(part for by in shapes.UniqueBy if by in given.by for part in (by.value, *values[by]))]
    return Unique(digest=_digest(parts), until=given.until, ttl_ms=or_none(given.ttl_ms), on_conflict=given.on_conflict)


def queue_of(fields: shapes.JobDefaults) -> str:
    """Return the queue that a job goes to."""
    return DEFAULT_QUEUE if fields.queue is UNSET else fields.queue


class Below:
    """What a batch says once for all its jobs, to be laid below the fields of each.

    Whole fields, never parts of them; of two fields that exclude each other (a delay or an instant, a payload as a
    value or as bytes), a job's own one takes the place of both.
    """

    def __init__(self, defaults: shapes.JobDefaults | UnsetType) -> None:
        """Take the defaults, each with the field that would exclude it: once for a thousand jobs."""
        names = () if defaults is UNSET else defaults.__struct_fields__
        given = [(name, getattr(defaults, name)) for name in names]
        self._fields = [(name, value, _RIVALS.get(name, name)) for name, value in given if value is not UNSET]

    def lay(self, fields: shapes.JobFields) -> None:
        """Fill in what a job does not say itself."""
        for name, value, rival in self._fields:
            if getattr(fields, name) is UNSET and getattr(fields, rival) is UNSET:
                setattr(fields, name, value)


def weight(fields: shapes.JobFields) -> int:
    """Return what a job counts in an atomic batch."""
    return 2 if any(getattr(fields, name) for name in DEAR) else 1


def lacks(fields: shapes.JobFields, pointer: str = "") -> list[Fault]:
    """Return what is missing of a job, below whose fields the defaults are laid by now."""
    faults = [] if isinstance(fields.task, str) else [Fault(f"{pointer}/task", "is missing, here and in the defaults")]
    for rule in shapes.WHOLE_JOB:
        if getattr(fields, rule.trigger) is not UNSET:
            faults += rule_faults(rule, partial(getattr, fields), pointer)
    return faults


def key(scope: str, *parts: str | bytes, fingerprint: Sequence[bytes] = ()) -> IdempotencyKey:
    """Return what makes a request repeatable: `parts` say which request it claims to be, `fingerprint` what it is."""
    return IdempotencyKey(_digest([scope, *parts]), _digest(fingerprint))


def job_fingerprint(fields: shapes.JobFields, format: Format) -> list[bytes]:
    """Return the fingerprint of one job document: the same alone and inside a batch, in any order of its fields."""
    given = {name: part for name in shapes.JobFields.__struct_fields__ if (part := getattr(fields, name)) is not UNSET}
    return [
        format.value.encode(),
        msgspec.json.encode(given) if format is Format.JSON else msgspec.msgpack.encode(given),
    ]


def trace(headers: dict[bytes, bytes]) -> bytes | None:
    """Return the W3C trace headers as a JSON object, or None; what is too long is dropped, as that standard has it."""
    if b"traceparent" not in headers and b"baggage" not in headers:
        return None
    names = (b"traceparent", b"tracestate", b"baggage")
    found = {name.decode(): headers[name].decode("latin-1") for name in names if name in headers}
    encoded = msgspec.json.encode(found)
    return encoded if len(encoded) <= limits.MAX_TRACE_BYTES else None


def patch(job_id: bytes, given: shapes.PatchInput) -> Patch:
    """Return what shall be different about a job."""
    return Patch(
        job_id=job_id,
        priority=or_none(given.priority),
        run_at_ms=ms_or_none(given.run_at),
        delay_ms=or_none(given.delay_ms),
        queue=or_none(given.queue),
    )


def policy(given: shapes.Retry) -> RetryPolicy:
    """Return when a failed job is tried again."""
    wishes = {name: or_none(getattr(given, name)) for name in given.__struct_fields__}
    if given.non_retryable is not UNSET:
        wishes["non_retryable"] = tuple(given.non_retryable)
    return RetryPolicy(**wishes)


def or_none(value: T | UnsetType) -> T | None:
    """Return a field's value, None when it was not given."""
    return None if value is UNSET else value


def ms_or_none(value: datetime | UnsetType) -> int | None:
    """Return a field's instant in milliseconds, None when it was not given."""
    return None if value is UNSET else unix_ms(value)


def _digest(parts: Sequence[str | bytes]) -> bytes:
    """Return 16 bytes over the parts; each is prefixed by its length, so that no two lists give the same stream."""
    digest = blake2b(digest_size=16)
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.digest()
