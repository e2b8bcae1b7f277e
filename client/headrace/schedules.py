"""The nouns of schedules: what is to come by itself, and what became of it; it must not know HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from headrace.models import NewJob
from headrace.timings import crontab, every, solar
from headrace.words import RunOutcome, ScheduleState

Change: TypeAlias = Literal["created", "changed", "unchanged", "deleted", "foreign", "refused"]

__all__ = [
    "Schedule",
    "ScheduleChange",
    "SchedulePage",
    "SchedulePreview",
    "ScheduleRecord",
    "ScheduleRun",
    "ScheduleTrigger",
    "crontab",
    "every",
    "solar",
]


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """What is to come by itself, and when: by `cron`, `every_ms` or `at`; None: as the server has it."""

    job: NewJob  # of each slot; without delay_ms, run_at, expires_at and idempotency_key
    cron: str | None = None  # five fields, six (seconds first), or a macro as @daily
    timezone: str | None = None  # of `cron`, by its IANA name; None: UTC
    every_ms: int | None = None  # on a grid from `starts_at` (else from 1970) on
    at: datetime | None = None  # once
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    overlap: str | None = None  # allow, skip, buffer_one or cancel_previous; None: allow
    catch_up: str | None = None  # none, last or all; None: last
    max_catch_up: int | None = None  # slots, for `all`; None: 100
    jitter_ms: int | None = None  # each job is due up to this much after its slot
    paused: bool | None = None  # None: as it is
    owner: str | None = None
    description: str | None = None


@dataclass(frozen=True, kw_only=True)
class ScheduleRun:
    """What became of one slot."""

    slot: datetime
    fired_at: datetime
    manual: bool = False  # triggered by somebody, off the grid
    outcome: RunOutcome
    started_at: datetime | None = None
    ended_at: datetime | None = None
    duration_ms: int | None = None
    job_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class ScheduleRecord:
    """A schedule as the server knows it."""

    name: str
    state: ScheduleState
    explanation: str = ""  # the timing in words
    job: Mapping[str, Any]  # as it was asked for
    cron: str | None = None
    timezone: str | None = None
    every_ms: int | None = None
    at: datetime | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    overlap: str = "allow"
    catch_up: str = "last"
    max_catch_up: int = 100
    jitter_ms: int = 0
    owner: str | None = None
    description: str | None = None
    next_at: datetime | None = None  # None: there is no slot any more
    last_at: datetime | None = None  # the newest slot that was fired
    buffered_at: datetime | None = None  # the slot that waits for the end of the job before
    fired: int = 0  # jobs that it has made
    missed: int = 0  # slots that nobody made up for
    created_at: datetime | None = None
    updated_at: datetime | None = None
    runs: tuple[ScheduleRun, ...] = ()  # newest first; in a list the newest alone
    server_time: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class SchedulePage:
    """Some schedules, by name; a page of one owner may be empty and yet have a `next_after`."""

    schedules: tuple[ScheduleRecord, ...]
    next_after: str | None = None  # ask again with after=this; None: the end


@dataclass(frozen=True, kw_only=True)
class ScheduleTrigger:
    """What a trigger did."""

    outcome: RunOutcome
    job_id: str | None = None
    server_time: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class SchedulePreview:
    """The slots to come, and the timing in words."""

    explanation: str
    slots: tuple[datetime, ...]
    server_time: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class ScheduleChange:
    """What `apply_schedules` did with one schedule, or would do."""

    name: str
    change: Change
    fields: tuple[str, ...] = ()  # in which it was not as wanted
    why: str | None = None  # foreign: who looks after it; refused: what the server said
    next_at: datetime | None = None  # its next slot; None: there is none, or it is gone
