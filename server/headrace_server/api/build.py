"""Typed bodies -> what the engine is asked; it must not know bytes on the wire beyond the values that jobs keep."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, Final, TypeVar

import msgspec
from msgspec import UNSET, Raw, UnsetType

from headrace_server.api import shapes
from headrace_server.api.faults import Reading
from headrace_server.api.payloads import as_json_object
from headrace_server.api.problems import Fault
from headrace_server.api.verdicts import Invalid
from headrace_server.domain import limits
from headrace_server.domain.ids import parse_id
from headrace_server.domain.jobs import Body, Format, IdempotencyKey, NewJob
from headrace_server.domain.requests import Ack, Extend, Nack, Release, Settle, Snooze
from headrace_server.domain.retry import RetryPolicy

T = TypeVar("T")
DEFAULT_QUEUE: Final = "default"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_LAST_MS: Final = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z: what lies behind it cannot be written back
_NULL: Final = {Format.JSON: Body(b"null"), Format.MSGPACK: Body(b"\xc0", Format.MSGPACK)}


def unix_ms(instant: datetime) -> int:
    """Return milliseconds since 1970; an earlier instant is 1970, as both are simply past, one after 9999 its end."""
    return min(max(0, (instant - _EPOCH) // _MS), _LAST_MS)


def new_job(fields: shapes.JobFields, job_id: bytes, format: Format, trace: bytes | None) -> NewJob:
    """Return the job of one checked job document; its payload's bytes stay as they came."""
    assert fields.task is not UNSET
    return NewJob(
        id=job_id,
        task=fields.task,
        queue=queue_of(fields),
        payload=_NULL[format] if fields.payload is UNSET else Body(bytes(fields.payload), format),
        priority=_or_none(fields.priority),
        delay_ms=_or_none(fields.delay_ms),
        run_at_ms=_ms_or_none(fields.run_at),
        expires_in_ms=_or_none(fields.expires_in_ms),
        expires_at_ms=_ms_or_none(fields.expires_at),
        lease_ms=_or_none(fields.lease_ms),
        retention_ms=_or_none(fields.retention_ms),
        max_crashes=_or_none(fields.max_crashes),
        retry=None if fields.retry is UNSET else _policy(fields.retry),
        meta=None if fields.meta is UNSET else as_json_object(bytes(fields.meta), format),
        trace=trace,
    )


def queue_of(fields: shapes.JobDefaults) -> str:
    """Return the queue that a job goes to."""
    return DEFAULT_QUEUE if fields.queue is UNSET else fields.queue


def with_defaults(fields: shapes.JobFields, defaults: shapes.JobDefaults) -> shapes.JobFields:
    """Return a job of a batch with the batch's defaults below its own fields.

    Whole fields, never parts of them; of two fields that exclude each other (a delay or an instant), a job's own one
    takes the place of both.
    """
    own = {name: value for name in fields.__struct_fields__ if (value := getattr(fields, name)) is not UNSET}
    below = {name: value for name in defaults.__struct_fields__ if (value := getattr(defaults, name)) is not UNSET}
    for pair in shapes.JOB_PAIRS:
        if pair.first in own or pair.second in own:
            below.pop(pair.first, None)
            below.pop(pair.second, None)
    return shapes.JobFields(**(below | own))


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


def ack(job_id: bytes, given: shapes.AckInput, format: Format) -> Ack:
    """Return an ack; a result of null is a result, none at all is none."""
    result = None if given.result is UNSET else Body(bytes(given.result), format)
    return Ack(job_id=job_id, token=bytes.fromhex(given.token), result=result)


def nack(job_id: bytes, given: shapes.NackInput, format: Format) -> Nack:
    """Return a nack, its error as JSON with texts cut to what a job keeps."""
    error: dict[str, Any] = {
        "type": given.error.type[: limits.MAX_ERROR_TYPE_CHARS],
        "message": given.error.message[: limits.MAX_ERROR_MESSAGE_CHARS],
    }
    if given.error.stack is not UNSET:
        error["stack"] = given.error.stack[-limits.MAX_ERROR_STACK_CHARS :]  # the end names the cause
    if given.error.details is not UNSET:
        error["details"] = Raw(as_json_object(bytes(given.error.details), format))
    return Nack(
        job_id=job_id,
        token=bytes.fromhex(given.token),
        error=msgspec.json.encode(error),
        retryable=given.retryable,
        retry_in_ms=_or_none(given.retry_in_ms),
    )


def release(job_id: bytes, given: shapes.ReleaseInput, _format: Format) -> Release:
    """Return a release."""
    return Release(job_id=job_id, token=bytes.fromhex(given.token), reason=given.reason)


def snooze(job_id: bytes, given: shapes.SnoozeInput, _format: Format) -> Snooze:
    """Return a snooze."""
    return Snooze(job_id=job_id, token=bytes.fromhex(given.token), delay_ms=given.delay_ms)


def extend(job_id: bytes, given: shapes.ExtendInput, _format: Format) -> Extend:
    """Return an extend."""
    return Extend(job_id=job_id, token=bytes.fromhex(given.token), lease_ms=_or_none(given.lease_ms))


def completions(items: Sequence[Any], reading: Reading, pointer: str) -> list[Settle | Invalid]:
    """Return the settles of a list of typed items, those with a malformed id as Invalid."""
    return [_completion(item, reading, f"{pointer}/{index}") for index, item in enumerate(items)]


def _completion(item: shapes.CompletionItem | Invalid, reading: Reading, pointer: str) -> Settle | Invalid:
    if isinstance(item, Invalid):
        return item
    job_id = parse_id(item.job_id)
    if job_id is None:
        return no_such_id(item.job_id, pointer)
    match item:
        case shapes.AckItem():
            return ack(job_id, item, reading.format)
        case shapes.NackItem():
            return nack(job_id, item, reading.format)
        case shapes.ReleaseItem():
            return release(job_id, item, reading.format)
        case shapes.SnoozeItem():
            return snooze(job_id, item, reading.format)


def extends(items: Sequence[shapes.HeartbeatItem | Invalid], pointer: str) -> list[Settle | Invalid]:
    """Return the extends of a heartbeat."""
    return [_extend(item, f"{pointer}/{index}") for index, item in enumerate(items)]


def _extend(item: shapes.HeartbeatItem | Invalid, pointer: str) -> Settle | Invalid:
    if isinstance(item, Invalid):
        return item
    job_id = parse_id(item.job_id)
    if job_id is None:
        return no_such_id(item.job_id, pointer)
    return Extend(job_id=job_id, token=bytes.fromhex(item.token), lease_ms=_or_none(item.extend_ms))


def no_such_id(text: str, pointer: str) -> Invalid:
    """Return the refusal of an item whose job_id cannot be one."""
    return Invalid([Fault(f"{pointer}/job_id", "is not the id of a job: ids are what the server gave out")], text)


def _policy(given: shapes.Retry) -> RetryPolicy:
    return RetryPolicy(**{name: _or_none(getattr(given, name)) for name in given.__struct_fields__})


def _or_none(value: T | UnsetType) -> T | None:
    return None if value is UNSET else value


def _ms_or_none(value: datetime | UnsetType) -> int | None:
    return None if value is UNSET else unix_ms(value)


def _digest(parts: Sequence[str | bytes]) -> bytes:
    """Return 16 bytes over the parts; each is prefixed by its length, so that no two lists give the same stream."""
    digest = blake2b(digest_size=16)
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.digest()
