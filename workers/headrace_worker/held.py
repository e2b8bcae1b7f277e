"""The leases this worker holds, by where their jobs are; it must not know how they got here or where they go."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from headrace import Leased

from headrace_worker import bounds
from headrace_worker.frames import Order

_KEYS = itertools.count(1)


@dataclass(eq=False, slots=True, kw_only=True)
class HeldJob:
    """One lease."""

    job: Leased
    received: float  # `clock.now()` when the reply was here
    lease_s: float  # its length when it was given
    deadline: float  # `clock.now()` until which it surely lasts
    started: float | None = None  # when the executor got it
    lost: bool = False  # the server said so
    key: int = field(default_factory=lambda: next(_KEYS))

    @property
    def beat_at(self) -> float:
        """When its next heartbeat is due: after a third of the lease."""
        return self.deadline - self.lease_s * (1 - 1 / bounds.HEARTBEATS_PER_LEASE)

    def order(self) -> Order:
        """Return the job as the executor takes it."""
        job = self.job
        facts = {
            "job_id": job.id,
            "task": job.task,
            "queue": job.queue,
            "attempt": job.attempt,
            "max_attempts": job.max_attempts,
            "delivery": job.delivery,
            "fence": job.fence,
            "payload": job.payload,
            "enqueued_at": job.enqueued_at,
            "meta": job.meta,
            "trace": job.trace,
            "deadline": self.deadline,
        }
        return Order(self.key, facts)


class Board:
    """All held jobs, each in one place: waiting for a slot, running, or waiting to be settled."""

    def __init__(self) -> None:
        self.waiting: dict[int, HeldJob] = {}  # first in line first
        self.running: dict[int, HeldJob] = {}
        self.settling: dict[int, HeldJob] = {}

    def __iter__(self) -> Iterator[HeldJob]:
        return itertools.chain(self.waiting.values(), self.running.values(), self.settling.values())

    def __len__(self) -> int:
        return len(self.waiting) + len(self.running) + len(self.settling)

    def start(self, count: int, now: float) -> list[HeldJob]:
        """Move up to `count` jobs from the head of the line to running."""
        chosen = list(itertools.islice(self.waiting.values(), count))
        for held in chosen:
            del self.waiting[held.key]
            held.started = now
            self.running[held.key] = held
        return chosen

    def unstart(self, keys: Iterable[int]) -> None:
        """Move jobs that have not started back to the head of the line."""
        back = {key: held for key in keys if (held := self.running.pop(key, None)) is not None}
        self.waiting = back | self.waiting

    def settle(self, held: HeldJob) -> None:
        """Move a job to where it waits for the server."""
        self.waiting.pop(held.key, None)
        self.running.pop(held.key, None)
        self.settling[held.key] = held

    def forget(self, key: int) -> None:
        """Drop a job: the server knows how it ended, or does not want to."""
        self.waiting.pop(key, None)
        self.running.pop(key, None)
        self.settling.pop(key, None)
