"""The history sorted by job: what was asked for it, granted, settled and seen; it must not judge."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.torture.history import Event

COUNTS = ("ok", "late")  # verdicts that changed the job


@dataclass
class Order:
    """What producers asked and were told about one job."""

    uid: int
    sha: str
    max_crashes: int
    asks: int = 0
    outcomes: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)

    @property
    def is_acknowledged(self) -> bool:
        return "done" in self.outcomes

    @property
    def never_happened(self) -> bool:
        """Every ask was answered, and each answer said that nothing was done."""
        return len(self.outcomes) == self.asks and set(self.outcomes) <= {"not_done", "refused"}


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
    t: int


@dataclass
class Life:
    """Everything about one job id."""

    id: str
    grants: list[Grant] = field(default_factory=list)  # by fence
    asks: dict[str, list[Ask]] = field(default_factory=lambda: defaultdict(list))  # by token
    settled: list[Settled] = field(default_factory=list)
    end: dict[str, Any] | None = None  # the job as it was read after the drain; None: never read, or 404
    was_read: bool = False


@dataclass
class Ledger:
    """A whole run."""

    orders: dict[int, Order] = field(default_factory=dict)
    lives: dict[str, Life] = field(default_factory=dict)
    uid_of: dict[str, int] = field(default_factory=dict)  # acknowledged ids
    strange: list[Event] = field(default_factory=list)  # answers that no fault explains: 500s, unexpected 4xx
    misused: list[Event] = field(default_factory=list)
    gave_up: list[Event] = field(default_factory=list)  # processes that ended without a blow
    counts: dict[str, int] | None = None  # by state over all queues, after the drain
    drained: bool = False

    def order_of(self, life: Life) -> Order | None:
        """Return what was asked for about a job, known from its leases or from its acknowledgement."""
        uid = next((grant.uid for grant in life.grants if grant.uid is not None), self.uid_of.get(life.id))
        return None if uid is None else self.orders.get(uid)

    def life(self, job_id: str) -> Life:
        return self.lives.setdefault(job_id, Life(job_id))


def read_ledger(events: Iterable[Event]) -> Ledger:
    """Sort a history by job."""
    ledger = Ledger()
    for event in events:
        _ENTER.get(event["what"], _ignore)(ledger, event)
    for life in ledger.lives.values():
        unique = {grant.token: grant for grant in life.grants}  # a replayed lease is the same lease
        life.grants = sorted(unique.values(), key=lambda grant: grant.fence)
    return ledger


def _ignore(ledger: Ledger, event: Event) -> None:
    """Leave what only the reader of a history wants to know."""


def _enqueue(ledger: Ledger, event: Event) -> None:
    for uid, sha, max_crashes in zip(event["uids"], event["shas"], event["max_crashes"], strict=True):
        order = ledger.orders.setdefault(uid, Order(uid, sha, max_crashes))
        order.asks += 1


def _enqueued(ledger: Ledger, event: Event) -> None:
    for n, uid in enumerate(event["uids"]):
        order = ledger.orders[uid]
        order.outcomes.append(event["outcome"])
        if event["outcome"] == "done":
            order.ids.add(event["ids"][n])
            ledger.life(event["ids"][n])
            ledger.uid_of[event["ids"][n]] = uid
    if event["outcome"] == "refused" or event["status"] == 500:
        ledger.strange.append(event)


def _leased(ledger: Ledger, event: Event) -> None:
    for job in event["jobs"]:
        facts = {name: value for name, value in job.items() if name != "id"}
        grant = Grant(job_id=job["id"], at_ms=event["at_ms"], t=event["t"], key=event["key"], **facts)
        life = ledger.life(job["id"])
        if grant.token not in {known.token for known in life.grants}:  # a replay tells the time of the replay
            life.grants.append(grant)
    if event["outcome"] == "refused" or event["status"] == 500:
        ledger.strange.append(event)


def _settle(ledger: Ledger, event: Event) -> None:
    ask = Ask(event["op"], event["t"], event.get("retry_in_ms"), event.get("delay_ms"))
    ledger.life(event["id"]).asks[event["token"]].append(ask)


def _settled(ledger: Ledger, event: Event) -> None:
    settled = Settled(
        op=event["op"],
        token=event["token"],
        outcome=event["outcome"],
        status=event["status"],
        state=event["state"],
        attempt=event["attempt"],
        at_ms=event.get("at_ms"),
        is_exact=event["is_exact"],
        run_at_ms=event.get("run_at_ms"),
        deadline_ms=event.get("deadline_ms"),
        t=event["t"],
    )
    ledger.life(event["id"]).settled.append(settled)
    if event["http"] == 500 or (event["outcome"] == "refused" and event["status"] != "lease_lost"):
        ledger.strange.append(event)


def _misused(ledger: Ledger, event: Event) -> None:
    ledger.misused.append(event)


def _gave_up(ledger: Ledger, event: Event) -> None:
    ledger.gave_up.append(event)


def _seen(ledger: Ledger, event: Event) -> None:
    life = ledger.life(event["id"])
    life.was_read, life.end = True, event["job"]


def _drained(ledger: Ledger, event: Event) -> None:
    ledger.counts, ledger.drained = event["counts"], event["drained"]


_ENTER = {
    "enqueue": _enqueue,
    "enqueued": _enqueued,
    "leased": _leased,
    "settle": _settle,
    "settled": _settled,
    "misused": _misused,
    "gave_up": _gave_up,
    "seen": _seen,
    "drained": _drained,
}
