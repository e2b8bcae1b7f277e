"""The nouns of those who look for jobs: filters, pages, attempts, explanations, events; it must not know HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from headrace.models import JobError, JobSummary
from headrace.words import AttemptOutcome, ReasonCode, State


class JobFilter(TypedDict, total=False):
    """Which jobs are meant; what is left out does not matter. Instants are aware; `after` is inclusive."""

    queue: str
    state: State | str | Sequence[State | str]  # one of these
    task: str
    error_type: str  # of the last failed attempt
    tag: tuple[str, str]  # name, value
    enqueued_after: datetime
    enqueued_before: datetime
    finished_after: datetime
    finished_before: datetime


@dataclass(frozen=True, kw_only=True)
class JobPage:
    """Some of the jobs; a page may be empty and yet have a cursor."""

    jobs: tuple[JobSummary, ...] = ()
    cursor: str | None = None  # ask again with it; None: the end
    scanned: int = 0  # jobs looked at
    server_time: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One delivery that was worked on."""

    attempt: int
    delivery: int
    outcome: AttemptOutcome
    worker: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None  # None: it runs
    error: JobError | None = None


@dataclass(frozen=True, kw_only=True)
class Reason:
    """One fact that keeps a job from starting, or says that nothing does."""

    code: ReasonCode
    detail: str = ""  # a sentence, with what to do about it
    key: str | None = None  # the limit or ordering key
    until: datetime | None = None  # when it ends by itself
    in_use: int | None = None
    limit: int | None = None
    position: int | None = None  # jobs that go before this one
    job_id: str | None = None  # the job in the way
    seen_at: datetime | None = None  # when somebody last asked for jobs of the queue


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Why a job is not running, or what it does."""

    job_id: str
    state: State
    summary: str = ""  # one sentence
    reasons: tuple[Reason, ...] = ()
    server_time: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Event:
    """One state change, or a gap: what was before it is not known any more, so read the jobs anew."""

    cursor: str  # read on after it
    type: str = "state"  # state or gap
    job_id: str = ""  # empty in a gap, as all below
    queue: str = ""
    task: str = ""
    was: State | None = None  # None: enqueued just now
    state: State | None = None  # `gone` when the record is removed
    attempt: int | None = None
    worker: str | None = None
    reason: str | None = None
    rev: int | None = None  # grows with every change of any job of a shard
    at: datetime | None = None

    @property
    def is_gap(self) -> bool:
        """Whether events are missing before this one."""
        return self.type == "gap"


@dataclass(frozen=True, kw_only=True)
class EventPage:
    """Some events, in order."""

    events: tuple[Event, ...] = ()
    cursor: str = ""  # ask again with after=this
    server_time: datetime | None = None
