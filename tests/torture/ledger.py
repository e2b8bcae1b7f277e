"""The history sorted by job: what was asked for it, granted, settled, steered and seen; it must not judge."""

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from tests.torture.history import Event

COUNTS = ("ok", "late")  # verdicts that changed the job


@dataclass
class Order:
    """What producers asked and were told about one job."""

    uid: int
    sha: str
    max_crashes: int
    wishes: dict[str, Any] = field(default_factory=dict)
    asks: int = 0
    outcomes: list[str] = field(default_factory=list)  # `absorbed`: another job had its unique key
    ids: set[str] = field(default_factory=set)
    holders: set[str] = field(default_factory=set)  # ids of the jobs that were said to have its unique key

    @property
    def is_acknowledged(self) -> bool:
        return "done" in self.outcomes

    @property
    def never_happened(self) -> bool:
        """Every ask was answered, and each answer said that nothing was done."""
        return len(self.outcomes) == self.asks and set(self.outcomes) <= {"not_done", "refused", "absorbed"}


@dataclass(frozen=True)
class Grant:
    """One lease, as its worker was told."""

    job_id: str
    uid: int | None
    sha: str | None
    intact: bool
    not_before_ms: int | None
    token: str
    fence: int
    attempt: int
    delivery: int
    deadline_ms: int
    at_ms: int  # the store's clock; of a replayed lease that of the replay
    t: int  # when its worker had it
    key: str | None
    lease_ms: int
    schedule: str | None = None  # that it is a run of

    @property
    def granted_ms(self) -> int:
        """The very moment by the store's clock, of a replayed lease too: nobody extends before he knows of it."""
        return self.deadline_ms - self.lease_ms


@dataclass(frozen=True)
class Ask:
    """One request to settle or extend."""

    op: str
    t: int
    retry_in_ms: int | None
    delay_ms: int | None


@dataclass(frozen=True)
class Settled:
    """One answer to a settle or an extend."""

    op: str
    token: str
    outcome: str
    status: str | None  # the verdict, or the problem's code; None: not known
    state: str | None
    attempt: int | None
    at_ms: int | None  # the store's clock, not before the verdict; absent from problems
    is_exact: bool  # it was the only item, so `at_ms` is the very moment
    run_at_ms: int | None
    deadline_ms: int | None
    told_to_end: bool
    t: int


@dataclass
class Steer:
    """One request of an operator and its answer."""

    verb: str  # cancel, retry, delete; pause, resume; backoff
    about: str  # a job's id; a queue; a limit
    options: dict[str, Any]
    asked_t: int
    told_t: int | None = None  # None: the run ended first
    outcome: str = "maybe"
    status: int = 0
    code: str | None = None
    doc: dict[str, Any] = field(default_factory=dict)  # what was said of the job, the queue or the limit

    @property
    def may_have_happened(self) -> bool:
        return self.outcome in ("done", "maybe")


@dataclass
class Life:
    """Everything about one job id."""

    id: str
    grants: list[Grant] = field(default_factory=list)  # by fence
    asks: dict[str, list[Ask]] = field(default_factory=lambda: defaultdict(list))  # by token
    settled: list[Settled] = field(default_factory=list)
    steers: list[Steer] = field(default_factory=list)
    end: dict[str, Any] | None = None  # the job as it was read after the drain; None: never read, or 404
    was_read: bool = False

    def steered(self, *verbs: str) -> list[Steer]:
        """Return what operators did to it, or may have done."""
        return [steer for steer in self.steers if steer.verb in verbs and steer.may_have_happened]

    @property
    def runs(self) -> list[list[Grant]]:
        """Return its leases by run, as far as counters tell that a redrive reset."""
        runs: list[list[Grant]] = [self.grants[:1]]
        for before, after in pairwise(self.grants):
            if after.delivery <= before.delivery or after.attempt < before.attempt:
                runs.append([])
            runs[-1].append(after)
        return runs


@dataclass(frozen=True)
class BeatJob:
    """A job of a schedule, as it was read after the drain."""

    id: str
    slot_ms: int
    state: str
    enqueued_ms: int
    finished_ms: int | None


@dataclass(frozen=True)
class Beat:
    """A schedule, as it was read when it had been paused; its jobs, when they had ended."""

    name: str
    every_ms: int
    first_ms: int
    last_ms: int | None  # None: no slot was fired
    fired: int
    missed: int
    catch_up: str
    overlap: str
    jobs: list[BeatJob]

    @property
    def grid(self) -> list[int]:
        """Return its slots, up to the last one that was fired."""
        return [] if self.last_ms is None else list(range(self.first_ms, self.last_ms + 1, self.every_ms))


@dataclass
class Ledger:
    """A whole run."""

    orders: dict[int, Order] = field(default_factory=dict)
    lives: dict[str, Life] = field(default_factory=dict)
    uid_of: dict[str, int] = field(default_factory=dict)  # acknowledged ids
    strange: list[Event] = field(default_factory=list)  # answers that no fault explains: 500s, unexpected 4xx
    misused: list[Event] = field(default_factory=list)
    gave_up: list[Event] = field(default_factory=list)  # processes that ended without a blow
    steers: dict[int, Steer] = field(default_factory=dict)
    schedules: set[str] = field(default_factory=set)  # that somebody put
    beats: list[Beat] = field(default_factory=list)  # what they made
    beat_troubles: list[tuple[str, str]] = field(default_factory=list)  # name of a schedule, what is the matter
    findings: list[str] = field(default_factory=list)  # of the check of the indexes, after the drain
    clock: list[tuple[int, int, int]] = field(default_factory=list)  # asked, told, and the store's time in between
    asked: dict[tuple[str, int], int] = field(default_factory=dict)  # by caller and call
    counted: dict[str, int] | None = None  # by the metrics, over all queues, after the drain
    counts: dict[str, int] | None = None  # by state over all queues, after the drain
    drained: bool = False

    def order_of(self, life: Life) -> Order | None:
        """Return what was asked for about a job, known from its leases or from its acknowledgement."""
        uid = next((grant.uid for grant in life.grants if grant.uid is not None), self.uid_of.get(life.id))
        return None if uid is None else self.orders.get(uid)

    def life(self, job_id: str) -> Life:
        return self.lives.setdefault(job_id, Life(job_id))
