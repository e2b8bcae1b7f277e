"""Domain values -> documents; it must not know requests nor headers. Instants are RFC 3339, UTC, milliseconds."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from headrace_server.api import media
from headrace_server.api.payloads import Unwritable, transcode
from headrace_server.api.problems import as_documents
from headrace_server.api.replies import JobDocument, LeasedDocument, QueueDocument, SettledDocument
from headrace_server.api.verdicts import Invalid, in_places
from headrace_server.domain.errors import StoreFault
from headrace_server.domain.ids import format_id
from headrace_server.domain.jobs import Body, Format, Job, Leased, QueueStats
from headrace_server.domain.lifecycle import State
from headrace_server.domain.requests import Settle, Settled


def instant(unix_ms: int) -> str:
    """Return 2026-01-02T03:04:05.678Z."""
    seconds, ms = divmod(unix_ms, 1000)
    return f"{_second(seconds)}.{ms:03d}Z"


@lru_cache(maxsize=4096)  # the jobs of one reply mostly share a few seconds
def _second(unix_seconds: int) -> str:
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _instant(unix_ms: int | None) -> str | UnsetType:
    return UNSET if unix_ms is None else instant(unix_ms)


def _given(value: Any) -> Any:
    return UNSET if value is None else value


def job(job: Job, format: Format, *, replayed: bool = False) -> JobDocument:
    """Return a job as its reader sees it."""
    document = JobDocument(
        id=format_id(job.id),
        task=job.task,
        queue=job.queue,
        state=job.state.value,
        priority=job.priority,
        attempt=job.attempt,
        max_attempts=job.max_attempts,
        delivery=job.delivery,
        crashes=job.crashes,
        enqueued_at=instant(job.enqueued_at_ms),
        run_at=_instant(job.run_at_ms),
        expires_at=_instant(job.expires_at_ms),
        deadline=_instant(job.deadline_ms),
        worker=_given(job.worker),
        started_at=_instant(job.started_at_ms),
        finished_at=_instant(job.finished_at_ms),
        reason=_given(job.reason),
        fence=_given(job.fence),
        meta=json_value(job.meta, format),
        trace=json_value(job.trace, format),
        error=json_value(job.error, format),
        deduplicated=True if replayed else UNSET,
    )
    _put_payload(document, job.payload, format)
    if job.state is State.SUCCEEDED and job.result is not None:
        _put_result(document, job.result, format)
    return document


def leased(job: Leased, format: Format) -> LeasedDocument:
    """Return a job as its worker gets it."""
    document = LeasedDocument(
        id=format_id(job.id),
        task=job.task,
        queue=job.queue,
        priority=job.priority,
        attempt=job.attempt,
        delivery=job.delivery,
        max_attempts=job.max_attempts,
        enqueued_at=instant(job.enqueued_at_ms),
        fence=job.fence,
        token=job.token.hex(),
        deadline=instant(job.deadline_ms),
        meta=json_value(job.meta, format),
        trace=json_value(job.trace, format),
    )
    _put_payload(document, job.payload, format)
    return document


def settled_items(items: Sequence[Settle | Invalid], outcomes: Sequence[Settled | StoreFault]) -> list[SettledDocument]:
    """Return the outcomes of a list, in the order of its items; those without faults are in `outcomes`."""
    pairs: Iterator[tuple[Settle | Invalid, Settled | StoreFault | Invalid]] = in_places(items, outcomes)
    return [_settled_item(item, outcome) for item, outcome in pairs]


def _settled_item(item: Settle | Invalid, outcome: Settled | StoreFault | Invalid) -> SettledDocument:
    if isinstance(item, Invalid):
        return SettledDocument(job_id=item.job_id, status="invalid", errors=as_documents(item.faults))
    if isinstance(outcome, StoreFault):
        return SettledDocument(job_id=format_id(item.job_id), status=outcome.outcome, code=outcome.code.value)
    assert isinstance(outcome, Settled)
    return settled(outcome)


def settled(outcome: Settled) -> SettledDocument:
    """Return the outcome of one settle or extend."""
    return SettledDocument(
        job_id=format_id(outcome.job_id),
        status=outcome.status.value,
        state=UNSET if outcome.state is None else outcome.state.value,
        attempt=_given(outcome.attempt),
        run_at=_instant(outcome.run_at_ms),
        deadline=_instant(outcome.deadline_ms),
    )


def queue(stats: QueueStats) -> QueueDocument:
    """Return how full a queue is; every state has a count."""
    return QueueDocument(
        queue=stats.queue,
        counts={state.value: stats.counts.get(state, 0) for state in State},
        backlog=stats.backlog,
        oldest_ready_age_ms=_given(stats.oldest_ready_age_ms),
    )


def json_value(data: bytes | None, format: Format) -> Any:
    """Return a stored JSON object ready to be encoded; both formats can hold it, the door saw to that."""
    if data is None:
        return UNSET
    return Raw(data) if format is Format.JSON else msgspec.json.decode(data)


def error(data: bytes | None) -> Any:
    """Return a job's last error for a problem document, which is always JSON."""
    return None if data is None else Raw(data)


def _put_payload(document: JobDocument | LeasedDocument, body: Body, format: Format) -> None:
    try:
        document.payload = Raw(_as(body, format))
    except Unwritable:
        document.payload_raw = body.data
        document.payload_type = media.MEDIA[body.format].decode()


def _put_result(document: JobDocument, body: Body, format: Format) -> None:
    try:
        document.result = Raw(_as(body, format))
    except Unwritable:
        document.result_raw = body.data
        document.result_type = media.MEDIA[body.format].decode()


def _as(body: Body, format: Format) -> bytes:
    return body.data if body.format is format else transcode(body.data, body.format)
