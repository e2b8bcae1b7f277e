"""What is said about schedules <-> what the engine keeps of them; it must not know requests."""

from typing import Any

import msgspec
from msgspec import UNSET

from headrace_server.api import shapes
from headrace_server.api.build import ms_or_none, new_job, or_none
from headrace_server.api.problems import Fault, invalid
from headrace_server.api.render import given, instant, json_value, maybe_instant, media_of, payload_value
from headrace_server.api.schedule_documents import PreviewDocument, RunDocument, ScheduleDocument
from headrace_server.domain.ids import format_id
from headrace_server.domain.jobs import Format
from headrace_server.domain.schedules import Plan, Run, Schedule, ScheduleView, first_ms, next_slots
from headrace_server.domain.timing import BadTiming, Cron, Every, Once, Timing, check, explain

_NOT_TEXT = ("payload", "payload_raw", "payload_type", "meta")


def schedule(asked: shapes.ScheduleInput, format: Format) -> Schedule:
    """Return what is to be kept. Raises Problem for a timing that names no instant."""
    fields = {name: value for name in asked.job.__struct_fields__ if (value := getattr(asked.job, name)) is not UNSET}
    text = msgspec.structs.replace(asked.job, **dict.fromkeys(_NOT_TEXT, UNSET))
    return Schedule(
        timing=timing(asked),
        job=new_job(shapes.JobFields(**fields), b"", format, None),
        asked=msgspec.json.encode(text),
        overlap=asked.overlap,
        catch_up=asked.catch_up,
        max_catch_up=asked.max_catch_up,
        jitter_ms=asked.jitter_ms,
        starts_at_ms=ms_or_none(asked.starts_at),
        ends_at_ms=ms_or_none(asked.ends_at),
        owner=or_none(asked.owner),
        description=or_none(asked.description),
    )


def timing(asked: shapes.TimingInput) -> Timing:
    """Return when slots come. Raises Problem."""
    field, found = _timing(asked)
    try:
        check(found)
    except BadTiming as fault:
        pointer = "/timezone" if fault.is_zone else f"/{field}"
        raise invalid([Fault(pointer, str(fault))]) from None
    return found


def _timing(asked: shapes.TimingInput) -> tuple[str, Timing]:
    if asked.cron is not UNSET:
        return "cron", Cron(asked.cron, or_none(asked.timezone) or "UTC")
    if asked.every_ms is not UNSET:
        return "every_ms", Every(asked.every_ms, ms_or_none(asked.starts_at) or 0)
    return "at", Once(ms_or_none(asked.at) or 0)


def plan(asked: shapes.TimingInput) -> Plan:
    """Return when slots come, alone. Raises Problem."""
    return Plan(timing=timing(asked), starts_at_ms=ms_or_none(asked.starts_at), ends_at_ms=ms_or_none(asked.ends_at))


def preview(when: Plan, now_ms: int, n: int) -> PreviewDocument:
    """Return the next slots, and the timing in words."""
    slots = next_slots(when, now_ms, n)
    return PreviewDocument(
        explanation=explain(when.timing), slots=[instant(slot) for slot in slots], server_time=instant(now_ms)
    )


def document(view: ScheduleView, format: Format) -> ScheduleDocument:
    """Return a schedule as its reader sees it."""
    kept = view.schedule
    shown = ScheduleDocument(
        name=view.name,
        state=view.state.value,
        explanation=explain(kept.timing),
        job=_job(kept, format),
        overlap=kept.overlap.value,
        catch_up=kept.catch_up.value,
        max_catch_up=kept.max_catch_up,
        jitter_ms=kept.jitter_ms,
        starts_at=maybe_instant(kept.starts_at_ms),
        ends_at=maybe_instant(kept.ends_at_ms),
        owner=given(kept.owner),
        description=given(kept.description),
        next_at=maybe_instant(_next_ms(view)),
        last_at=maybe_instant(view.last_ms),
        buffered_at=maybe_instant(view.buffered_ms),
        fired=view.fired,
        missed=view.missed,
        created_at=instant(view.created_at_ms),
        updated_at=instant(view.updated_at_ms),
        runs=[_run(run) for run in view.runs],
        server_time=instant(view.now_ms),
    )
    match kept.timing:
        case Cron(expression, timezone):
            shown.cron, shown.timezone = expression, timezone
        case Every(every_ms):
            shown.every_ms = every_ms
        case Once(at_ms):
            shown.at = instant(at_ms)
    return shown


def _next_ms(view: ScheduleView) -> int | None:
    """Return the next slot; of a paused schedule the one that would be next if it were resumed now."""
    if view.next_ms is None or view.next_ms > view.now_ms:
        return view.next_ms
    return first_ms(view.schedule, view.now_ms) if view.state == "paused" else view.next_ms


def _job(kept: Schedule, format: Format) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.json.decode(kept.asked)
    shown.setdefault("queue", kept.job.queue)
    value = payload_value(kept.job.payload, format)
    if value is None:
        shown["payload_raw"], shown["payload_type"] = kept.job.payload.data, media_of(kept.job.payload).decode()
    else:
        shown["payload"] = value
    if kept.job.meta is not None:
        shown["meta"] = json_value(kept.job.meta, format)
    return shown


def _run(run: Run) -> RunDocument:
    begun = None not in (run.started_at_ms, run.ended_at_ms)
    return RunDocument(
        slot=instant(run.slot_ms),
        fired_at=instant(run.fired_at_ms),
        manual=run.is_manual,
        outcome=run.outcome.value,
        started_at=maybe_instant(run.started_at_ms),
        ended_at=maybe_instant(run.ended_at_ms),
        duration_ms=(run.ended_at_ms or 0) - (run.started_at_ms or 0) if begun else UNSET,
        job_id=UNSET if run.job_id is None else format_id(run.job_id),
    )
