"""Domain values -> documents; it must not know requests nor headers. Instants are RFC 3339, UTC, milliseconds."""

import contextlib
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, Raw, UnsetType

from headrace_server.api import media
from headrace_server.api.payloads import Unwritable, transcode
from headrace_server.api.replies import (
    JobDocument,
    ReceiptDocument,
    ScheduleSlotDocument,
    SummaryDocument,
)
from headrace_server.domain.ids import format_id
from headrace_server.domain.jobs import Body, Format, Job, OnDead, Receipt, ScheduleSlot
from headrace_server.domain.lifecycle import FINAL, State

D = TypeVar("D", bound=SummaryDocument)


@lru_cache(maxsize=4096)  # the jobs of one reply mostly share a few instants, as one script made or leased them
def instant(unix_ms: int) -> str:
    """Return 2026-01-02T03:04:05.678Z."""
    return f"{_second(unix_ms // 1000)}.{unix_ms % 1000:03}Z"


@lru_cache(maxsize=1024)  # replies that follow each other mostly share a second
def _second(unix_seconds: int) -> str:
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def maybe_instant(unix_ms: int | None) -> str | UnsetType:
    """Return an instant, or nothing."""
    return UNSET if unix_ms is None else instant(unix_ms)


def given(value: Any) -> Any:
    """Return a value, or nothing for None."""
    return UNSET if value is None else value


def job(job: Job, format: Format, *, replayed: bool = False, replaced: bool = False) -> JobDocument:
    """Return a job as its reader sees it."""
    document = _new(JobDocument, job)
    _put_wishes(document, job)
    if job.error is not None:
        document.error = json_value(job.error, format)
    if replayed:
        document.deduplicated = True
    if replaced:
        document.replaced = True
    if job.meta is not None:
        document.meta = json_value(job.meta, format)
    if job.trace is not None:
        document.trace = json_value(job.trace, format)
    if job.progress is not None:
        document.progress = json_value(job.progress, format)
    if job.checkpoint is not None:
        document.checkpoint = json_value(job.checkpoint, format)
    _put_payload(document, job.payload, format)
    if job.result is not None and job.state is State.SUCCEEDED:
        _put_result(document, job.result, format)
    return document


def receipt(job: Job | Receipt, *, replayed: bool = False, replaced: bool = False) -> ReceiptDocument:
    """Return what a producer is told of its job that wants no more than to know that it is there."""
    document = ReceiptDocument(format_id(job.id), job.state)
    if replayed:
        document.deduplicated = True
    if replaced:
        document.replaced = True
    return document


def summary(job: Job) -> SummaryDocument:
    """Return a job as a list shows it."""
    return _summarized(SummaryDocument, job)


def abridged(job: Job) -> JobDocument:
    """Return a job as a list shows it, where others stand beside it in full."""
    document = _summarized(JobDocument, job)
    document.abridged = True
    return document


def _summarized(kind: type[D], job: Job) -> D:
    document = _new(kind, job)
    _put_wishes(document, job)
    if job.error is not None:
        error = msgspec.json.decode(job.error)
        document.error = {name: error.get(name, "") for name in ("type", "message")}
    return document


def _new(kind: type[D], job: Job) -> D:
    """Return a document with what every job has, and where it is; of most jobs that is nowhere yet."""
    document = kind(
        id=format_id(job.id),
        task=job.task,
        queue=job.queue,
        state=job.state,
        priority=job.priority,
        attempt=job.attempt,
        max_attempts=job.max_attempts,
        delivery=job.delivery,
        crashes=job.crashes,
        max_crashes=job.max_crashes,
        enqueued_at=instant(job.enqueued_at_ms),
    )
    if job.run_at_ms is not None:
        document.run_at = instant(job.run_at_ms)
    if job.expires_at_ms is not None:
        document.expires_at = instant(job.expires_at_ms)
    if job.delivery or job.state in FINAL:
        _put_past(document, job)
    return document


def _put_past(document: SummaryDocument, job: Job) -> None:
    """Add what a job has that was leased, or has ended."""
    document.deadline = maybe_instant(job.deadline_ms)
    document.worker = given(job.worker)
    document.started_at = maybe_instant(job.started_at_ms)
    document.finished_at = maybe_instant(job.finished_at_ms)
    document.reason = given(job.reason)
    document.fence = given(job.fence)


def _put_wishes(document: SummaryDocument, job: Job) -> None:
    """Add what most jobs do not have."""
    if job.run > 1:
        document.run = job.run
    if job.cancel_requested:
        document.cancel_requested = True
    if job.max_runtime_ms is not None:
        document.max_runtime_ms = job.max_runtime_ms
    if job.tags:
        document.tags = job.tags
    if job.fairness_key is not None:
        document.fairness_key = job.fairness_key
        document.weight = job.weight if job.weight != 1 else UNSET
    if job.ordering_key is not None:
        document.ordering_key = job.ordering_key
        document.on_dead = job.on_dead.value if job.on_dead is OnDead.HOLD else UNSET
    if job.limits:
        document.limits = job.limits
    if job.schedule is not None:
        document.schedule = slot(job.schedule)


def slot(made_for: ScheduleSlot) -> ScheduleSlotDocument:
    """Return which slot of which schedule a job was made for."""
    return ScheduleSlotDocument(made_for.name, instant(made_for.slot_ms))


def json_value(data: bytes | None, format: Format) -> Any:
    """Return a stored JSON value ready to be encoded; both formats can hold it, the door saw to that."""
    if data is None:
        return UNSET
    return Raw(data) if format is Format.JSON else msgspec.json.decode(data)


def error(data: bytes | None) -> Any:
    """Return a job's last error for a problem document, which is always JSON."""
    return None if data is None else Raw(data)


def _put_payload(document: JobDocument, body: Body, format: Format) -> None:
    try:
        if body.media is None:
            document.payload = Raw(_as(body, format))
            return
    except Unwritable:
        pass
    document.payload_raw = body.data
    document.payload_type = media_of(body).decode()


def _put_result(document: JobDocument, body: Body, format: Format) -> None:
    try:
        if body.media is None:
            document.result = Raw(_as(body, format))
            return
    except Unwritable:
        pass
    document.result_raw = body.data
    document.result_type = media_of(body).decode()


def payload_value(body: Body, format: Format) -> Raw | None:
    """Return a payload as a value of a format, ready to be encoded; None for bytes of another kind."""
    with contextlib.suppress(Unwritable):
        return Raw(_as(body, format)) if body.media is None else None
    return None


def media_of(body: Body) -> bytes:
    """Return the media type of a payload's or result's bytes."""
    return media.MEDIA[body.format] if body.media is None else body.media.encode("latin-1")


def _as(body: Body, format: Format) -> bytes:
    return body.data if body.format is format else transcode(body.data, body.format)
