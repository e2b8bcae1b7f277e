"""Jobs that are handed out -> documents; it must not know how they were leased.

A reply holds some hundred jobs that differ in little but their ids, tokens and payloads. What neighbours share is made
into values of a document once for all of them, and payloads of the other format are rewritten in one go.
"""

import contextlib
from collections.abc import Sequence
from typing import TypeAlias

from msgspec import UNSET, Raw, UnsetType

from headrace_server.api import render
from headrace_server.api.payloads import Unwritable, to_msgpack
from headrace_server.api.replies import LeasedAlikeDocument, LeasedDocument
from headrace_server.domain.ids import format_ids
from headrace_server.domain.jobs import Body, Format, Leased, LeaseFacts

_Told: TypeAlias = tuple[str, str, int, int, int, int, str, int, str, int | UnsetType]


def documents(
    jobs: Sequence[Leased], format: Format, *, minimal: bool
) -> Sequence[LeasedDocument | LeasedAlikeDocument]:
    """Return jobs as their worker gets them, in order; `minimal`: without what a job shares with the one before it."""
    found: list[LeasedDocument | LeasedAlikeDocument] = []
    facts: LeaseFacts | None = None  # of the job before
    told: _Told
    ids = format_ids([job.id for job in jobs])
    for job, job_id, value in zip(jobs, ids, _values([job.payload for job in jobs], format), strict=True):
        document: LeasedDocument | LeasedAlikeDocument
        if minimal and job.facts is facts:
            document = LeasedAlikeDocument(job_id, job.token.hex(), value)
        else:
            if job.facts is not facts:
                facts, told = job.facts, _told(job.facts)
            document = LeasedDocument(job_id, job.token.hex(), *told, value)
        if value is UNSET:
            document.payload_raw = job.payload.data
            document.payload_type = render.media_of(job.payload).decode()
        if not (job.meta is job.trace is job.checkpoint is None and job.schedule is None):
            _put_more(document, job, format)
        found.append(document)
    return found


def _told(facts: LeaseFacts) -> _Told:
    """Return the values of a document's fields from `task` to `max_runtime_ms`."""
    return (
        facts.task,
        facts.queue,
        facts.priority,
        facts.attempt,
        facts.delivery,
        facts.max_attempts,
        render.instant(facts.enqueued_at_ms),
        facts.fence,
        render.instant(facts.deadline_ms),
        render.given(facts.max_runtime_ms),
    )


def _put_more(document: LeasedDocument | LeasedAlikeDocument, job: Leased, format: Format) -> None:
    """Add what most jobs have nothing of."""
    if job.meta is not None:
        document.meta = render.json_value(job.meta, format)
    if job.trace is not None:
        document.trace = render.json_value(job.trace, format)
    if job.checkpoint is not None:
        document.checkpoint = render.json_value(job.checkpoint, format)
    if job.schedule is not None:
        document.schedule = render.slot(job.schedule)


def _values(bodies: Sequence[Body], format: Format) -> list[Raw | UnsetType]:
    """Return payloads as values of a format; UNSET for bytes of another kind, and for a value that it cannot hold."""
    texts = [body.data for body in bodies if body.format is Format.JSON and body.media is None]
    if format is Format.MSGPACK and len(texts) == len(bodies):
        with contextlib.suppress(Unwritable):  # then each by itself
            return [Raw(value) for value in to_msgpack(texts)]
    return [render.given(render.payload_value(body, format)) for body in bodies]
