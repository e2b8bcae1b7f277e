"""One entry of `app.conf.beat_schedule` or `@app.periodic_task`: read, checked, made a schedule of the server's.

It must not know apps. A word that means nothing is an error: it would be silently without effect.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypedDict, cast

from headrace.durations import Seconds, milliseconds
from headrace.elsewhere import check_call_options
from headrace.models import NewJob
from headrace.naming import checked_name
from headrace.options import CALL_NAMES, TASK_NAMES, CallOptions
from headrace.schedules import Schedule
from headrace.signatures import Signature
from headrace.tasks import BaseTask
from headrace.timings import timing_fields


class How(TypedDict, total=False):
    """What an entry may ask for beside its task and its timing; docs/guide/schedules.md has each."""

    overlap: str | None  # while the job before has not ended: allow, skip, buffer_one or cancel_previous
    catch_up: str | None  # after a time without servers: none, last or all
    max_catch_up: int | None  # slots, for `all`
    jitter: Seconds | None  # each job is due up to this much after its slot
    starts_at: datetime | None  # aware; the grid of an interval begins here
    ends_at: datetime | None  # aware
    paused: bool | None  # None: as an operator has it
    description: str | None


class PeriodicOptions(CallOptions, How, total=False):
    """What `app.add_periodic_task` takes beside task and timing."""


HOW: Final = frozenset(How.__annotations__)
_CELERYS: Final = frozenset({"task", "schedule", "args", "kwargs", "options"})
_INSTEAD: Final[Mapping[str, str]] = {
    "relative": "the grid of an interval begins in 1970, or at starts_at",
    "enabled": "write paused",
    "crontab": "write schedule: crontab(...)",
    "cron": "write schedule: '0 9 * * 1-5'",
    "every": "write schedule: every(...)",
    "queue": "it is one of the options: options={'queue': ...}",
    "expires": "it is one of the options: options={'expires': ...}",
    "timezone": "crontab(..., timezone=...), or app.conf.timezone for all",
}
_NOT_OF_SLOTS: Final[Mapping[str, str]] = {
    "countdown": "its slot says when a job is due; jitter puts it off by chance",
    "eta": "its slot says when a job is due",
    "idempotency_key": "each slot gets one job anyway",
}
_OTHERS: Final = re.compile(r"[^A-Za-z0-9_.\-]+")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A periodic task as the code asks for it."""

    task: str  # its name
    timing: Mapping[str, Any]  # in the terms of Schedule
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    options: CallOptions = field(default_factory=CallOptions)
    how: How = field(default_factory=How)

    def schedule(self, job: NewJob, timezone: str | None) -> Schedule:
        """Return it as the server takes it, with the job of its call; `timezone`: of a crontab that names none."""
        how: dict[str, Any] = {name: value for name, value in self.how.items() if name != "jitter"}
        fields = dict(self.timing)
        if "cron" in fields:
            fields["timezone"] = fields.get("timezone") or timezone
        return Schedule(job=job, jitter_ms=milliseconds(self.how.get("jitter")), **fields, **how)


def read_entries(given: Mapping[str, Any]) -> dict[str, Entry]:
    """Return the entries of a `beat_schedule`, by the names that their schedules have.

    Raises TypeError or ValueError, with the entry's name, for one that cannot be.
    """
    entries: dict[str, Entry] = {}
    for name, words in given.items():
        try:
            add(entries, schedule_name(str(name)), read_entry(words))
        except (TypeError, ValueError) as error:
            raise type(error)(f"beat_schedule[{name!r}]: {error}") from None
    return entries


def read_entry(words: Any) -> Entry:
    """Return an entry of a `beat_schedule`: task, schedule, args, kwargs, options as in Celery, and those of `How`."""
    if not isinstance(words, Mapping):
        raise TypeError(f"an entry is a dict with 'task' and 'schedule', not {words!r}")
    for word in words.keys() - _CELERYS - HOW - {"relative"}:
        raise TypeError(_unknown(str(word)))
    if words.get("relative"):
        raise TypeError(f"relative: {_INSTEAD['relative']}")
    for word in ("task", "schedule"):
        if word not in words:
            raise TypeError(f"an entry has a {word!r}")
    how = {word: words[word] for word in HOW & words.keys()}
    return entry(
        words["schedule"],
        words["task"],
        words.get("args"),
        words.get("kwargs"),
        {**(words.get("options") or {}), **how},
    )


def entry(
    timing: Any,
    call: "str | BaseTask[Any, Any] | Signature[Any]",
    args: Sequence[Any] | None,
    kwargs: Mapping[str, Any] | None,
    options: Mapping[str, Any],
) -> Entry:
    """Return an entry for a task, its name, or a call of it; `options`: of its jobs, and those of `How`."""
    if isinstance(call, Signature):
        whole = {**call.options, **options}
        return entry(timing, call.task, (*(args or ()), *call.args), {**call.kwargs, **(kwargs or {})}, whole)
    how = {name: value for name, value in options.items() if name in HOW}
    of_job = {name: value for name, value in options.items() if name not in HOW}
    _check_options(of_job)
    return Entry(
        task=checked_name(call.name if isinstance(call, BaseTask) else call),
        timing=timing_fields(timing, None),
        args=tuple(args or ()),
        kwargs=dict(kwargs or {}),
        options=cast("CallOptions", of_job),
        how=cast("How", how),
    )


def add(entries: dict[str, Entry], name: str, new: Entry) -> None:
    """Add an entry. Raises ValueError for a name that another one has."""
    if entries.setdefault(name, new) != new:
        raise ValueError(f"there is a schedule {name!r} already; give one of them another name")


def schedule_name(text: str) -> str:
    """Return the name that a schedule has on the server: what names cannot have becomes `-`.

    Raises ValueError for one that has nothing else, or is too long.
    """
    return checked_name(_OTHERS.sub("-", text.strip()).strip("-"), of="schedule")


def _check_options(options: Mapping[str, Any]) -> None:
    for name, why in _NOT_OF_SLOTS.items():
        if options.get(name) is not None:
            raise TypeError(f"{name} is no option of a schedule's job: {why}")
    check_call_options(options, CALL_NAMES, TASK_NAMES)
    if isinstance(options.get("expires"), datetime):
        raise TypeError("expires of a schedule's job is a time after its slot: seconds, or a timedelta")


def _unknown(word: str) -> str:
    if word in _INSTEAD:
        return f"an entry has no {word!r}; {_INSTEAD[word]}"
    near = difflib.get_close_matches(word, _CELERYS | HOW, n=1)
    return f"an entry has no {word!r}" + (f"; did you mean {near[0]!r}?" if near else "")
