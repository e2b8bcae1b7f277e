"""The documents of schedules, as types; `openapi.yaml` has the same fields. Optional ones are left out, never null."""

from typing import Any

import msgspec
from msgspec import UNSET

from headrace_server.api.replies import Absent


class RunDocument(msgspec.Struct, kw_only=True):
    """What became of one slot."""

    slot: str
    fired_at: str
    manual: bool
    outcome: str
    started_at: str | Absent = UNSET
    ended_at: str | Absent = UNSET
    duration_ms: int | Absent = UNSET
    job_id: str | Absent = UNSET


class ScheduleDocument(msgspec.Struct, kw_only=True):
    """A schedule as it is now."""

    name: str
    state: str
    cron: str | Absent = UNSET
    timezone: str | Absent = UNSET
    every_ms: int | Absent = UNSET
    at: str | Absent = UNSET
    explanation: str
    job: dict[str, Any]
    overlap: str
    catch_up: str
    max_catch_up: int
    jitter_ms: int
    starts_at: str | Absent = UNSET
    ends_at: str | Absent = UNSET
    owner: str | Absent = UNSET
    description: str | Absent = UNSET
    next_at: str | Absent = UNSET
    last_at: str | Absent = UNSET
    buffered_at: str | Absent = UNSET
    fired: int
    missed: int
    created_at: str
    updated_at: str
    runs: list[RunDocument]
    server_time: str


class SchedulesDocument(msgspec.Struct, kw_only=True):
    """A page of schedules, each with its newest run."""

    schedules: list[ScheduleDocument]
    next_after: str | Absent = UNSET


class TriggerDocument(msgspec.Struct, kw_only=True):
    """What a trigger did."""

    outcome: str
    job_id: str | Absent = UNSET
    server_time: str


class PreviewDocument(msgspec.Struct, kw_only=True):
    """The slots to come."""

    explanation: str
    slots: list[str]
    server_time: str
