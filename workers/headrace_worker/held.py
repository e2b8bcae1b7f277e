"""The leases this worker holds, by where their jobs are; it must not know how they got here or where they go."""

import itertools
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from headrace import Held, Leased

from headrace_worker import bounds
from headrace_worker.frames import Order
from headrace_worker.news import News, Unsent, values

_KEYS = itertools.count(1)


@dataclass(eq=False, slots=True, kw_only=True)
class HeldJob:
    """One lease."""

    job: Leased
    received: float  # `clock.now()` when the reply was here
    lease_s: float  # its length when it was given
    deadline: float  # `clock.now()` until which it surely lasts
    started: float | None = None  # when it was seen to run
    took_ms: float | None = None  # its run, in its slot
    beaten: float = 0.0  # when the last heartbeat that was answered left
    lost: bool = False  # the server said so
    asked_to_end: bool = False  # somebody wants the job to end, and its task was told
    news: News = field(default_factory=News)  # what its task said and the server does not know
    key: int = field(default_factory=_KEYS.__next__)

    @property
    def beat_at(self) -> float:
        """When its next heartbeat is due: after a third of the lease; at once, if its task said something.

        A job with a `max_runtime_ms` has a last deadline that no heartbeat moves: it is looked at then, and again.
        """
        if self.news:
            return self.beaten
        third = self.lease_s / bounds.HEARTBEATS_PER_LEASE
        due = max(self.deadline - self.lease_s + third, self.beaten + third)
        return min(due, max(self.deadline, self.beaten + bounds.OVERDUE_S))

    def beat(self, said: Unsent) -> Held:
        """Return the job as a heartbeat names it, with what its task said."""
        return Held(job_id=self.job.id, token=self.job.token, **values(said))

    def order(self) -> Order:
        """Return the job as the executor takes it."""
        job = self.job
        facts: dict[str, Any] = {
            "id": job.id,
            "task": job.task,
            "queue": job.queue,
            "attempt": job.attempt,
            "max_attempts": job.max_attempts,
            "delivery": job.delivery,
            "fence": job.fence,
            "payload": job.payload,
            "lease_end": self.deadline,
        }
        if job.enqueued_at is not None:
            facts["enqueued_at"] = job.enqueued_at.timestamp()  # of all objects this one took longest in a pickle
        if job.meta:
            facts["meta"] = job.meta
        if job.trace:
            facts["trace"] = job.trace
        if job.schedule is not None:
            facts["schedule"] = job.schedule
        if job.checkpoint is not None:
            facts["last_checkpoint"] = job.checkpoint
        return Order(self.key, facts)


class Board:
    """All held jobs, each in one place: in line here, handed to the executor, or waiting to be settled."""

    def __init__(self) -> None:
        self.waiting: dict[int, HeldJob] = {}  # first in line first
        self.handed: dict[int, HeldJob] = {}  # in the order of their handing over, in which they start
        self.settling: dict[int, HeldJob] = {}

    def __iter__(self) -> Iterator[HeldJob]:
        return itertools.chain(self.waiting.values(), self.handed.values(), self.settling.values())

    def __len__(self) -> int:
        return len(self.waiting) + len(self.handed) + len(self.settling)

    def hand_over(self, free: int, now: float) -> list[HeldJob]:
        """Move all waiting jobs to the executor; those that find a free slot start now."""
        moved = list(self.waiting.values())
        for place, held in enumerate(moved):
            held.started = now if place < free else None
        self.handed |= self.waiting
        self.waiting = {}
        return moved

    def note_started(self, unstarted: Collection[int], now: float) -> list[HeldJob]:
        """Take in that all but these have started; return these."""
        waiting = []
        for held in self.handed.values():
            if held.key in unstarted:
                held.started = None
                waiting.append(held)
            else:
                held.started = held.started or now
        return waiting

    def unhand(self, keys: Iterable[int]) -> list[HeldJob]:
        """Move jobs back to the head of the line; the executor may still know the old key, so each gets a new one."""
        back = [held for key in keys if (held := self.handed.pop(key, None)) is not None]
        for held in back:
            held.key, held.started = next(_KEYS), None
        self.waiting = {held.key: held for held in back} | self.waiting
        return back

    def settle(self, held: HeldJob) -> None:
        """Move a job to where it waits for the server."""
        self.waiting.pop(held.key, None)
        self.handed.pop(held.key, None)
        self.settling[held.key] = held

    def settled(self, held: HeldJob) -> None:
        """Drop a job that has waited for the server: it knows how it ended, or does not want to."""
        self.settling.pop(held.key, None)

    def forget(self, held: HeldJob) -> None:
        """Drop a job of which the server is told nothing."""
        self.waiting.pop(held.key, None)
        self.handed.pop(held.key, None)
