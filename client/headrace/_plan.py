"""The verbs about schedules: what is to come by itself, and when."""

from datetime import datetime

from headrace._codec import Codec
from headrace._exchange import Exchange
from headrace._read import Document, read, write_instant
from headrace._steps import Reply, Steps, Stream, pages
from headrace._wire import Call, document_of, path
from headrace._write import given, job_body, written
from headrace.schedules import Schedule, SchedulePage, SchedulePreview, ScheduleRecord, ScheduleTrigger


class Plan(Exchange):
    """The verbs of those who let things happen by themselves."""

    def put_schedule(self, name: str, schedule: Schedule | Document) -> Steps[ScheduleRecord]:
        """Make a schedule, or let it be as given from now on; the same again changes nothing.

        While its timing stays, it keeps its place: a slot that is overdue is fired all the same. A mapping is the
        document as the API takes it. Raises Invalid for a timing that names no instant, Conflict (too_many_schedules).
        """
        body = plan_body(schedule, self._dialect.codec) if isinstance(schedule, Schedule) else schedule
        return (yield from self._schedule("PUT", name, body=body))

    def schedule(self, name: str) -> Steps[ScheduleRecord]:
        """Return a schedule with its newest 20 runs. Raises NotFound."""
        return (yield from self._schedule("GET", name))

    def schedules(
        self, *, after: str | None = None, owner: str | None = None, limit: int | None = None
    ) -> Steps[SchedulePage]:
        """Return one page of schedules in order of their names, each with its newest run.

        With `owner` a page may be short or empty and yet have a `next_after`; `iter_schedules` reads all pages.
        """
        params = {"after": after, "owner": owner, "limit": limit}
        request = self._dialect.request("GET", "/v1/schedules", params=params)
        call = Call(request=request, read=lambda r: read(SchedulePage, document_of(r)), repeatable=True)
        return (yield from self._call(call))

    def iter_schedules(self, *, owner: str | None = None) -> Stream[ScheduleRecord]:
        """Iterate over all schedules, or those of an owner, page by page."""
        return pages(
            lambda after: self.schedules(after=after, owner=owner), lambda page: (page.schedules, page.next_after)
        )

    def delete_schedule(self, name: str) -> Steps[None]:
        """Remove a schedule; the jobs that it has made stay. Raises NotFound.

        A lost reply is OutcomeUnknown and not repeated, for the second answer would be NotFound.
        """
        request = self._dialect.request("DELETE", path("schedules", name))
        return (yield from self._call(Call(request=request, read=_read_nothing, repeatable=False)))

    def pause_schedule(self, name: str) -> Steps[ScheduleRecord]:
        """Let a schedule fire nothing; slots that pass meanwhile are not made up for. Raises NotFound."""
        return (yield from self._schedule("POST", name, "pause"))

    def resume_schedule(self, name: str) -> Steps[ScheduleRecord]:
        """Let a paused schedule fire again, from its next slot on. Raises NotFound."""
        return (yield from self._schedule("POST", name, "resume"))

    def trigger_schedule(self, name: str) -> Steps[ScheduleTrigger]:
        """Fire a schedule now, off its grid and whatever its overlap; also a paused one. Raises NotFound.

        A lost reply is OutcomeUnknown and not repeated, for it would be another job.
        """
        request = self._dialect.request("POST", path("schedules", name, "trigger"))
        call = Call(request=request, read=lambda r: read(ScheduleTrigger, document_of(r)), repeatable=False)
        return (yield from self._call(call))

    def preview_schedule(self, name: str, *, n: int | None = None) -> Steps[SchedulePreview]:
        """Return the next `n` slots (1..100; 10 by default) of a schedule. Raises NotFound."""
        request = self._dialect.request("GET", path("schedules", name, "preview"), params={"n": n})
        return (yield from self._call(Call(request=request, read=_read_preview, repeatable=True)))

    def preview_timing(
        self,
        *,
        cron: str | None = None,
        timezone: str | None = None,
        every_ms: int | None = None,
        at: datetime | None = None,
        starts_at: datetime | None = None,
        ends_at: datetime | None = None,
        n: int | None = None,
    ) -> Steps[SchedulePreview]:
        """Return the next `n` slots (1..100; 10 by default) that a schedule would have; nothing is kept.

        The timing is described at `Schedule`. Raises Invalid.
        """
        instants = given(at=at, starts_at=starts_at, ends_at=ends_at)
        body = given(cron=cron, timezone=timezone, every_ms=every_ms, n=n)
        body = {**body, **{name: write_instant(name, instant) for name, instant in instants.items()}}
        return (yield from self._preview(body))

    def _preview(self, body: Document) -> Steps[SchedulePreview]:
        request = self._dialect.request("POST", "/v1/schedules/preview", body=body)
        return (yield from self._call(Call(request=request, read=_read_preview, repeatable=True)))

    def _schedule(self, method: str, name: str, *verb: str, body: Document | None = None) -> Steps[ScheduleRecord]:
        request = self._dialect.request(method, path("schedules", name, *verb), body=body)
        return (yield from self._call(Call(request=request, read=_read_record, repeatable=True)))


def plan_body(schedule: Schedule, codec: Codec) -> Document:
    """Return a schedule as a document."""
    return {**written(schedule), "job": job_body(schedule.job, codec)}


def _read_record(reply: Reply) -> ScheduleRecord:
    return read(ScheduleRecord, document_of(reply))


def _read_preview(reply: Reply) -> SchedulePreview:
    return read(SchedulePreview, document_of(reply))


def _read_nothing(_: Reply) -> None:
    return None
