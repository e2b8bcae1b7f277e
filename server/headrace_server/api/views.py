"""What operators look at -> documents: queues, limits, operations, attempts, events; it must not know requests."""

from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from headrace_server.api.render import given, instant, json_value, maybe_instant
from headrace_server.api.replies import StatsDocument
from headrace_server.api.reports import (
    AttemptDocument,
    AttemptsDocument,
    EventDocument,
    EventsDocument,
    FilterDocument,
    LimitDocument,
    OperationDocument,
    QueueDocument,
    QueueSettingsDocument,
    QueueSummaryDocument,
    RateDocument,
    RetryDocument,
    TagDocument,
)
from headrace_server.domain.events import Event, EventPage
from headrace_server.domain.finding import Attempt, JobFilter
from headrace_server.domain.ids import format_id
from headrace_server.domain.jobs import Format, QueueStats
from headrace_server.domain.lifecycle import State
from headrace_server.domain.operations import OperationView
from headrace_server.domain.queues import LimitView, QueueSettings, QueueView, Rate
from headrace_server.domain.retry import RetryPolicy

D = TypeVar("D", bound=msgspec.Struct)
GONE = "gone"


def stats(stats: QueueStats) -> StatsDocument:
    """Return how full a queue is; every state has a count."""
    return StatsDocument(**_stats(stats))


def queue_summary(stats: QueueStats) -> QueueSummaryDocument:
    """Return a queue as a list shows it."""
    return QueueSummaryDocument(**_stats(stats), paused=stats.paused, draining=stats.draining)


def queue(view: QueueView) -> QueueDocument:
    """Return a queue with its settings."""
    return QueueDocument(
        **_stats(view.stats),
        paused=view.paused,
        paused_until=maybe_instant(view.paused_until_ms),
        draining=view.draining,
        settings=_settings(view.settings),
    )


def limit(view: LimitView) -> LimitDocument:
    """Return a limit as it is now."""
    document = LimitDocument(
        name=view.name,
        leased=view.leased,
        held_until=maybe_instant(view.held_until_ms),
        server_time=instant(view.now_ms),
    )
    if view.settings is not None:
        document.concurrency = given(view.settings.concurrency)
        document.rate = _rate(view.settings.rate)
    return document


def operation(view: OperationView) -> OperationDocument:
    """Return a bulk operation as it is now."""
    return OperationDocument(
        id=format_id(view.id),
        action=view.ask.action.value,
        filter=_filter(view.ask.filter),
        dry_run=view.ask.dry_run,
        rate_per_s=given(view.ask.rate_per_s),
        target_queue=given(view.ask.target_queue),
        state=view.state.value,
        scanned=view.scanned,
        matched=view.matched,
        done=view.done,
        skipped=view.skipped,
        sample=[format_id(job_id) for job_id in view.sample],
        created_at=instant(view.created_at_ms),
        finished_at=maybe_instant(view.finished_at_ms),
        server_time=instant(view.now_ms),
    )


def attempts(job_id: bytes, found: list[Attempt], format: Format) -> AttemptsDocument:
    """Return the attempts of a job."""
    return AttemptsDocument(
        job_id=format_id(job_id),
        attempts=[
            AttemptDocument(
                attempt=each.attempt,
                delivery=each.delivery,
                outcome=each.outcome.value,
                worker=given(each.worker),
                started_at=maybe_instant(each.started_at_ms),
                ended_at=maybe_instant(each.ended_at_ms),
                error=json_value(each.error, format),
            )
            for each in found
        ],
    )


def events(page: EventPage) -> EventsDocument:
    """Return a page of events."""
    return EventsDocument(
        events=[event(each) for each in page.events], cursor=page.cursor, server_time=instant(page.now_ms)
    )


def event(event: Event) -> EventDocument:
    """Return one event; a gap has nothing but its place."""
    if event.gap:
        return EventDocument(type="gap", cursor=event.cursor)
    return EventDocument(
        type="state",
        cursor=event.cursor,
        job_id=format_id(event.job_id),
        queue=event.queue,
        task=event.task,
        was=UNSET if event.was is None else event.was.value,
        state=GONE if event.state is None else event.state.value,
        attempt=event.attempt,
        worker=given(event.worker),
        reason=given(event.reason),
        rev=event.rev,
        at=instant(event.at_ms),
    )


def _stats(stats: QueueStats) -> dict[str, Any]:
    return {
        "queue": stats.queue,
        "counts": {state.value: stats.counts.get(state, 0) for state in State},
        "backlog": stats.backlog,
        "oldest_ready_age_ms": given(stats.oldest_ready_age_ms),
    }


def _settings(settings: QueueSettings) -> QueueSettingsDocument:
    document = _copied(settings, QueueSettingsDocument(), "retry", "rate")
    if settings.retry is not None and settings.retry != RetryPolicy():
        document.retry = _copied(settings.retry, RetryDocument())
    document.rate = _rate(settings.rate)
    return document


def _rate(rate: Rate | None) -> RateDocument | UnsetType:
    return UNSET if rate is None else RateDocument(count=rate.count, per_ms=rate.per_ms, burst=rate.burst)


def _filter(which: JobFilter) -> FilterDocument:
    return FilterDocument(
        queue=given(which.queue),
        state=[state.value for state in which.states] or UNSET,
        task=given(which.task),
        error_type=given(which.error_type),
        tag=UNSET if which.tag is None else TagDocument(name=which.tag[0], value=which.tag[1]),
        enqueued_after=maybe_instant(which.enqueued_after_ms),
        enqueued_before=maybe_instant(which.enqueued_before_ms),
        finished_after=maybe_instant(which.finished_after_ms),
        finished_before=maybe_instant(which.finished_before_ms),
    )


def _copied(source: msgspec.Struct, document: D, *but: str) -> D:
    """Return the document with the fields of the same name that the source has."""
    for name in document.__struct_fields__:
        if name not in but:
            setattr(document, name, given(getattr(source, name)))
    return document
