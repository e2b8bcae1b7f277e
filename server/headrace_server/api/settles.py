"""What workers say about their leases -> what the engine is asked; it must not know how a verdict is written."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import UNSET, Raw, UnsetType

from headrace_server.api import shapes
from headrace_server.api.build import or_none
from headrace_server.api.payloads import as_json, as_json_object
from headrace_server.api.problems import Fault
from headrace_server.api.verdicts import Invalid
from headrace_server.domain import limits
from headrace_server.domain.ids import parse_id
from headrace_server.domain.jobs import Body, Format
from headrace_server.domain.requests import Ack, Extend, Nack, Release, Settle, Snooze

Item: TypeAlias = shapes.CompletionItem | shapes.HeartbeatItem


def ack(job_id: bytes, token: bytes, given: shapes.AckInput, format: Format) -> Ack:
    """Return an ack; a result of null is a result, none at all is none."""
    return Ack(
        job_id=job_id,
        token=token,
        result=_result(given, format),
        result_ttl_ms=None if given.result_ttl_ms is UNSET else given.result_ttl_ms,
    )


def nack(job_id: bytes, token: bytes, given: shapes.NackInput, format: Format) -> Nack:
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
        token=token,
        error=msgspec.json.encode(error),
        error_type=error["type"],
        retryable=given.retryable,
        retry_in_ms=or_none(given.retry_in_ms),
        discard=given.discard,
    )


def release(job_id: bytes, token: bytes, given: shapes.ReleaseInput, _format: Format) -> Release:
    """Return a release."""
    return Release(job_id=job_id, token=token, reason=given.reason)


def snooze(job_id: bytes, token: bytes, given: shapes.SnoozeInput, format: Format) -> Snooze:
    """Return a snooze."""
    return Snooze(
        job_id=job_id,
        token=token,
        delay_ms=given.delay_ms,
        reason=given.reason,
        checkpoint=_checkpoint(given.checkpoint, format),
    )


def extend(job_id: bytes, token: bytes, given: shapes.ExtendInput, format: Format) -> Extend:
    """Return an extend."""
    return Extend(
        job_id=job_id,
        token=token,
        lease_ms=or_none(given.lease_ms),
        progress=_progress(given.progress, format),
        checkpoint=_checkpoint(given.checkpoint, format),
    )


def beat(job_id: bytes, token: bytes, given: shapes.HeartbeatItem, format: Format) -> Extend:
    """Return the extend of a heartbeat, which has another name for its time."""
    return Extend(
        job_id=job_id,
        token=token,
        lease_ms=or_none(given.extend_ms),
        progress=_progress(given.progress, format),
        checkpoint=_checkpoint(given.checkpoint, format),
    )


BY_ITEM: Final[dict[type, Callable[[bytes, bytes, Any, Format], Settle]]] = {
    shapes.AckItem: ack,
    shapes.ListedAck: ack,
    shapes.NackItem: nack,
    shapes.ListedNack: nack,
    shapes.ReleaseItem: release,
    shapes.ListedRelease: release,
    shapes.SnoozeItem: snooze,
    shapes.ListedSnooze: snooze,
    shapes.HeartbeatItem: beat,
}


def each(items: Sequence[Item | Invalid], format: Format, pointer: str) -> list[Settle | Invalid]:
    """Return what each item of a list at `pointer` asks for, or its refusal."""
    return [_one(item, format, f"{pointer}/{index}") for index, item in enumerate(items)]


def _one(item: Item | Invalid, format: Format, pointer: str) -> Settle | Invalid:
    if isinstance(item, Invalid):
        return item
    job_id = parse_id(item.job_id)
    if job_id is None:
        fault = Fault(f"{pointer}/job_id", "is not the id of a job: ids are what the server gave out")
        return Invalid([fault], item.job_id)
    return BY_ITEM[type(item)](job_id, bytes.fromhex(item.token), item, format)


def _result(given: shapes.AckInput, format: Format) -> Body | None:
    if given.result is not UNSET:
        return Body(bytes(given.result), format)
    if given.result_raw is not UNSET and given.result_type is not UNSET:
        return Body(given.result_raw, media=given.result_type)
    return None


def _progress(value: Raw | UnsetType, format: Format) -> bytes | None:
    return None if value is UNSET else as_json(bytes(value), format, limits.MAX_PROGRESS_BYTES)


def _checkpoint(value: Raw | UnsetType, format: Format) -> bytes | None:
    return None if value is UNSET else as_json(bytes(value), format, limits.MAX_CHECKPOINT_BYTES)
