"""The verbs of those who look for jobs: lists, attempts, explanations, and the log of events."""

from typing import Final, Unpack

from headrace._exchange import Exchange
from headrace._read import read
from headrace._steps import Pause, Steps, Stream, give, pages
from headrace._wire import Call, document_of, path
from headrace._write import filter_params
from headrace.errors import NotDone, OutcomeUnknown
from headrace.finding import Attempt, Event, EventPage, Explanation, JobFilter, JobPage
from headrace.models import JobSummary

_FOLLOW_WAIT_S: Final = 20  # one parked page; below the 60 s that proxies allow
_EARLY_PAUSE_S: Final = 0.25  # after an empty page that came back early (a draining server): do not spin
_OUTAGE_PAUSE_S: Final = 1.0  # on top of the client's own patience


class Find(Exchange):
    """The verbs of those who look."""

    def list_jobs(
        self, *, limit: int | None = None, cursor: str | None = None, **which: Unpack[JobFilter]
    ) -> Steps[JobPage]:
        """Return one page of the jobs that a filter means, in no promised order; `iter_jobs` reads all pages.

        The filter is given by name: `queue="mail", state="dead", tag=("tenant", "7")`; see `JobFilter`. A page looks at
        a bounded number of jobs, so it may be short or empty and yet have a `cursor`: ask again with it and the same
        filter. `limit` (1..200): jobs of a page. Raises InvalidCursor.
        """
        params = {**filter_params(which), "limit": limit, "cursor": cursor}
        request = self._dialect.request("GET", "/v1/jobs", params=params)
        call = Call(request=request, read=lambda r: read(JobPage, document_of(r)), repeatable=True)
        return (yield from self._call(call))

    def iter_jobs(self, *, limit: int | None = None, **which: Unpack[JobFilter]) -> Stream[JobSummary]:
        """Iterate over all jobs that a filter means, page by page (`limit` jobs each), as `list_jobs` finds them.

        A job that changes meanwhile may be missed, or come twice.
        """
        return pages(
            lambda cursor: self.list_jobs(limit=limit, cursor=cursor, **which), lambda page: (page.jobs, page.cursor)
        )

    def attempts(self, job_id: str) -> Steps[tuple[Attempt, ...]]:
        """Return how the attempts of a job ended, oldest first; the newest 20 are kept. Raises NotFound."""
        request = self._dialect.request("GET", path("jobs", job_id, "attempts"))
        call = Call(
            request=request,
            read=lambda r: tuple(read(Attempt, item) for item in document_of(r)["attempts"]),
            repeatable=True,
        )
        return (yield from self._call(call))

    def explain(self, job_id: str) -> Steps[Explanation]:
        """Return why a job is not running, or what it does, and what to do about it. Raises NotFound."""
        request = self._dialect.request("GET", path("jobs", job_id, "explain"))
        call = Call(request=request, read=lambda r: read(Explanation, document_of(r)), repeatable=True)
        return (yield from self._call(call))

    def events(
        self, *, after: str | None = None, queue: str | None = None, limit: int | None = None, wait_s: int = 0
    ) -> Steps[EventPage]:
        """Return the state changes after a cursor, in order (over several shards: of each shard).

        Without `after` the log begins now: take the `cursor` of the page and ask on with it. `wait_s` (0..30): how long
        to wait for the first one. The log is bounded; where it does not reach back, an event says `is_gap`.
        Raises InvalidCursor.
        """
        params = {"after": after, "queue": queue, "limit": limit, "wait": wait_s or None}
        request = self._dialect.request("GET", "/v1/events", params=params)
        call = Call(request=request, read=lambda r: read(EventPage, document_of(r)), repeatable=True, wait_s=wait_s)
        return (yield from self._call(call))

    def follow_events(self, *, after: str | None = None, queue: str | None = None) -> Stream[Event]:
        """Iterate over state changes as they happen, for ever: from `after` on, or from now.

        Once it has begun it outlives outages: it comes back with its cursor and misses nothing that the log still has;
        where it has not, an event says `is_gap`. Raises InvalidCursor, and what the first request raises.
        """
        cursor = after
        if cursor is None:  # without waiting: a lost reply must not lose events
            cursor = (yield from self.events(queue=queue)).cursor
        while True:
            asked_at = self._clock()
            try:
                page = yield from self.events(after=cursor, queue=queue, wait_s=_FOLLOW_WAIT_S)
            except (NotDone, OutcomeUnknown):
                yield Pause(_OUTAGE_PAUSE_S)
                continue
            yield from give(page.events)
            early = not page.events and page.cursor == cursor and self._clock() - asked_at < _FOLLOW_WAIT_S / 2
            cursor = page.cursor
            if early:
                yield Pause(_EARLY_PAUSE_S)
