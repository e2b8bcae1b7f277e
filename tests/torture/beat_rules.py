"""The rules for what comes by itself: each reads the ledger and yields what breaks G19."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from tests.torture.fault import Fault
from tests.torture.ledger import Beat, Ledger

RULE = "G19"


def slots(ledger: Ledger) -> Iterator[Fault]:
    """Each slot has one job, on the grid and not before its time; those that were passed over are counted."""
    for beat in ledger.beats:
        grid, jobs = set(beat.grid), Counter(job.slot_ms for job in beat.jobs)
        for slot_ms, number in jobs.items():
            if number > 1:
                yield Fault(RULE, beat.name, f"slot {slot_ms} has {number} jobs")
            if slot_ms not in grid:
                yield Fault(RULE, beat.name, f"a job for {slot_ms}, which is no slot up to {beat.last_ms}")
        for job in beat.jobs:
            if job.enqueued_ms < job.slot_ms:
                yield Fault(RULE, beat.name, f"the job of slot {job.slot_ms} came at {job.enqueued_ms}")
        if beat.fired != len(beat.jobs):
            yield Fault(RULE, beat.name, f"it says that it made {beat.fired} jobs, and there are {len(beat.jobs)}")
        yield from _unfired(beat, len(grid - set(jobs)))


def _unfired(beat: Beat, unfired: int) -> Iterator[Fault]:
    """A slot without a job was missed by a schedule that passes over some, or skipped; else none is."""
    if beat.catch_up == "all" and beat.missed:
        yield Fault(RULE, beat.name, f"it makes up for all slots, and missed {beat.missed}")
    if beat.overlap == "allow" and unfired != beat.missed:
        yield Fault(RULE, beat.name, f"{unfired} slots have no job, and {beat.missed} are said to be missed")


def overlaps(ledger: Ledger) -> Iterator[Fault]:
    """A schedule that skips makes no job while the one before has not ended."""
    for beat in ledger.beats:
        jobs = sorted(beat.jobs, key=lambda job: job.slot_ms) if beat.overlap == "skip" else []
        for before, after in pairwise(jobs):
            if before.finished_ms is None or before.finished_ms > after.enqueued_ms:
                text = f"slot {after.slot_ms} got its job at {after.enqueued_ms}"
                yield Fault(RULE, beat.name, f"{text}, and the one before ended at {before.finished_ms}")


def lasts(ledger: Ledger) -> Iterator[Fault]:
    """The slot that was fired last is the newest that has a job, unless it was skipped; none is overdue for long."""
    for name, trouble in ledger.beat_troubles:
        yield Fault(RULE, name, trouble)
    for beat in ledger.beats:
        newest = max((job.slot_ms for job in beat.jobs), default=None)
        if beat.overlap == "allow" and newest != beat.last_ms:
            yield Fault(RULE, beat.name, f"{beat.last_ms} is said to be the last slot, and {newest} has a job")
