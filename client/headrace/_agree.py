"""Letting the server's schedules be those of some code: what is new, what differs, what is gone; it must not know HTTP.

Asked before it is told: what is there already as it should be costs one request for a hundred schedules, so each worker
may do this at its start.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from headrace._plan import Plan, plan_body
from headrace._read import Document, with_values
from headrace._steps import Steps
from headrace._write import written
from headrace.errors import NotFound, Refused
from headrace.schedules import Change, Schedule, ScheduleChange, ScheduleRecord
from headrace.words import ScheduleState

_TIMING: Final = ("cron", "timezone", "every_ms", "at", "starts_at", "ends_at")
_COMPARED: Final = tuple(f.name for f in fields(Schedule) if f.name not in ("job", "paused"))
_DEFAULTS: Final = {f.name: f.default for f in fields(ScheduleRecord) if f.name in _COMPARED}
_JOB_DEFAULTS: Final = {"queue": "default", "payload": None}  # the server's, which it says also where nobody did
_UNIQUE_DEFAULTS: Final = {"until": "finish", "on_conflict": "return"}  # likewise


class Agree(Plan):
    """The verb of those who keep their schedules with their code."""

    def apply_schedules(
        self,
        wanted: Mapping[str, Schedule | Document],
        *,
        owner: str | None = None,
        prune: bool | None = None,
        dry_run: bool = False,
    ) -> Steps[tuple[ScheduleChange, ...]]:
        """Let schedules be as wanted and remove what else `owner` has; return what was done (`dry_run`: would be).

        A schedule is given as such, or as the document that the API takes. `prune=False`: nothing is removed; without
        an owner nothing is anyway. One that another owner has is left alone (`foreign`), and one that the server
        refuses does not stop the others (`refused`). Called again, after an outage in the middle, it goes on.
        Raises ValueError for `prune=True` without an owner.
        """
        if prune and owner is None:
            raise ValueError("whose schedules are to be removed? Give an owner")
        documents = {name: self._document(each, owner) for name, each in wanted.items()}
        known = yield from self._known(documents, owner)
        changes: list[ScheduleChange] = []
        for name, document in documents.items():
            changes += [(yield from self._let_be(name, document, known.get(name), dry_run))]
        for name in sorted(known.keys() - documents.keys()) if prune is not False else ():
            changes += [(yield from self._remove(name, dry_run))]
        return tuple(changes)

    def _document(self, wanted: Schedule | Document, owner: str | None) -> Document:
        codec = self._dialect.codec
        document = plan_body(wanted, codec) if isinstance(wanted, Schedule) else wanted
        plain: Document = codec.decode(codec.encode(document))  # as the server says it: no tuples
        return plain if owner is None else {**plain, "owner": owner}

    def _known(self, wanted: Mapping[str, Document], owner: str | None) -> Steps[dict[str, ScheduleRecord]]:
        """Return what the owner has, and what others have under a wanted name."""
        known: dict[str, ScheduleRecord] = {}
        after: str | None = None
        while owner is not None:
            page = yield from self.schedules(owner=owner, after=after)
            known |= {record.name: record for record in page.schedules}
            after = page.next_after
            if after is None:
                break
        for name in wanted.keys() - known.keys():
            try:
                known[name] = yield from self.schedule(name)
            except NotFound:
                continue
        return known

    def _let_be(
        self, name: str, document: Document, record: ScheduleRecord | None, dry_run: bool
    ) -> Steps[ScheduleChange]:
        if record is not None and record.owner not in (None, document.get("owner")):
            return ScheduleChange(name=name, change="foreign", why=f"it is looked after by {record.owner}")
        differing = () if record is None else differences(document, record)
        if record is not None and not differing:
            return ScheduleChange(name=name, change="unchanged", next_at=record.next_at)
        change: Change = "created" if record is None else "changed"
        try:
            if dry_run:
                next_at = next(iter((yield from self._preview(_timing(document))).slots), None)
                return ScheduleChange(name=name, change=change, fields=differing, next_at=next_at)
            made = yield from self.put_schedule(name, document)
        except Refused as refusal:
            return ScheduleChange(name=name, change="refused", why=str(refusal))
        if record is not None and made.updated_at == record.updated_at:
            return ScheduleChange(name=name, change="unchanged", next_at=made.next_at)
        return ScheduleChange(name=name, change=change, fields=differing, next_at=made.next_at)

    def _remove(self, name: str, dry_run: bool) -> Steps[ScheduleChange]:
        try:
            if not dry_run:
                yield from self.delete_schedule(name)
        except NotFound:
            pass  # somebody else was quicker
        except Refused as refusal:
            return ScheduleChange(name=name, change="refused", why=str(refusal))
        return ScheduleChange(name=name, change="deleted")


def differences(wanted: Document, record: ScheduleRecord) -> tuple[str, ...]:
    """Return the fields in which a schedule is not as wanted."""
    told = written(record)
    defaults = {**_DEFAULTS, "timezone": "UTC"} if "cron" in wanted else _DEFAULTS
    found = [name for name in _COMPARED if wanted.get(name, defaults[name]) != told.get(name, defaults[name])]
    if wanted.get("paused", record.state is ScheduleState.PAUSED) != (record.state is ScheduleState.PAUSED):
        found.append("paused")
    if _job(wanted["job"]) != _job(record.job):
        found.append("job")
    return tuple(found)


def _timing(document: Document) -> Document:
    return {name: document[name] for name in _TIMING if name in document}


def _job(document: Document) -> dict[str, Any]:
    """Return a job as both sides would say it: its payload is a value, in whichever way it travelled."""
    plain = {**_JOB_DEFAULTS, **with_values(document, "payload")}
    if "unique" in plain:
        plain["unique"] = {**_UNIQUE_DEFAULTS, **plain["unique"]}
    return {name: value for name, value in plain.items() if name not in ("payload_raw", "payload_type")}
