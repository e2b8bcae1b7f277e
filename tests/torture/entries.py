"""Enters a history into a ledger, event by event; it must not judge."""

from collections.abc import Iterable

from tests.torture.history import Event
from tests.torture.ledger import Ask, Beat, BeatJob, Grant, Ledger, Order, Settled, Steer

JOB_STEERS = ("cancel", "retry", "delete")
REFUSALS = ("job_final", "job_not_dead", "job_not_final", "unique_conflict", "not_found")  # an operator may be too late


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
    columns = (event[name] for name in ("uids", "shas", "max_crashes", "wishes"))
    for uid, sha, max_crashes, wishes in zip(*columns, strict=True):
        order = ledger.orders.setdefault(uid, Order(uid, sha, max_crashes, wishes))
        order.asks += 1


def _enqueued(ledger: Ledger, event: Event) -> None:
    for n, uid in enumerate(event["uids"]):
        order = ledger.orders[uid]
        if event["outcome"] == "done" and not event["own"][n]:
            order.outcomes.append("absorbed")
            order.holders.add(event["ids"][n])
            continue
        order.outcomes.append(event["outcome"])
        if event["outcome"] == "done":
            order.ids.add(event["ids"][n])
            ledger.life(event["ids"][n])
            ledger.uid_of[event["ids"][n]] = uid
        if event.get("code") == "unique_conflict":
            order.holders.add(event["holder"])
    if (event["outcome"] == "refused" and event["code"] != "unique_conflict") or event["status"] == 500:
        ledger.strange.append(event)


def _lease(ledger: Ledger, event: Event) -> None:
    ledger.asked[event["who"], event["call"]] = event["t"]


def _leased(ledger: Ledger, event: Event) -> None:
    _tell_time(ledger, event)
    same = {"at_ms": event.get("at_ms"), "t": event["t"], "key": event["key"], "lease_ms": event["lease_ms"]}
    for job in event["jobs"]:
        facts = {name: value for name, value in job.items() if name != "id"}
        grant = Grant(job_id=job["id"], **same, **facts)
        life = ledger.life(job["id"])
        if grant.token not in {known.token for known in life.grants}:  # a replay tells the time of the replay
            life.grants.append(grant)
    if event["outcome"] == "refused" or event["status"] == 500:
        ledger.strange.append(event)


def _tell_time(ledger: Ledger, event: Event) -> None:
    asked_t = ledger.asked.get((event["who"], event["call"]))
    if asked_t is not None and event.get("at_ms") is not None:
        ledger.clock.append((asked_t, event["t"], event["at_ms"]))


def _settle(ledger: Ledger, event: Event) -> None:
    ledger.asked[event["who"], event["call"]] = event["t"]
    ask = Ask(event["op"], event["t"], event.get("retry_in_ms"), event.get("delay_ms"))
    ledger.life(event["id"]).asks[event["token"]].append(ask)


def _settled(ledger: Ledger, event: Event) -> None:
    _tell_time(ledger, event)
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
        told_to_end=event["told_to_end"],
        t=event["t"],
    )
    life = ledger.life(event["id"])
    life.settled.append(settled)
    known = ("lease_lost", "job_cancelled", "not_found") if life.steered("delete") else ("lease_lost", "job_cancelled")
    if event["http"] == 500 or (event["outcome"] == "refused" and event["status"] not in known):
        ledger.strange.append(event)


def _steer(ledger: Ledger, event: Event) -> None:
    steer = Steer(event["verb"], event["about"], event["options"], event["t"])
    ledger.steers[event["n"]] = steer
    if event["verb"] in JOB_STEERS:
        ledger.life(event["about"]).steers.append(steer)


def _steered(ledger: Ledger, event: Event) -> None:
    steer = ledger.steers[event["n"]]
    steer.told_t, steer.outcome, steer.status = event["t"], event["outcome"], event["status"]
    steer.code, steer.doc = event["code"], event["doc"]
    if event["status"] == 500 or (event["outcome"] == "refused" and event["code"] not in REFUSALS):
        ledger.strange.append(event)


def _misused(ledger: Ledger, event: Event) -> None:
    ledger.misused.append(event)


def _gave_up(ledger: Ledger, event: Event) -> None:
    ledger.gave_up.append(event)


def _seen(ledger: Ledger, event: Event) -> None:
    life = ledger.life(event["id"])
    life.was_read, life.end = True, event["job"]


def _looked(ledger: Ledger, event: Event) -> None:
    missing = event["status"] == 404 and "/v1/jobs/" in event["path"]  # deleted
    if event["status"] == 500 or (event["outcome"] == "refused" and not missing):
        ledger.strange.append(event)


def _scheduled(ledger: Ledger, event: Event) -> None:
    ledger.schedules.add(event["name"])


def _beat(ledger: Ledger, event: Event) -> None:
    facts = {name: value for name, value in event.items() if name in Beat.__dataclass_fields__ and name != "jobs"}
    ledger.beats.append(Beat(**facts, jobs=[BeatJob(**job) for job in event["jobs"]]))


def _beat_trouble(ledger: Ledger, event: Event) -> None:
    ledger.beat_troubles.append((event["name"], event["text"]))


def _checked(ledger: Ledger, event: Event) -> None:
    ledger.findings = event["findings"]


def _counted(ledger: Ledger, event: Event) -> None:
    ledger.counted = event["sums"]


def _drained(ledger: Ledger, event: Event) -> None:
    ledger.counts, ledger.drained = event["counts"], event["drained"]


_ENTER = {
    "enqueue": _enqueue,
    "enqueued": _enqueued,
    "lease": _lease,
    "leased": _leased,
    "settle": _settle,
    "settled": _settled,
    "steer": _steer,
    "steered": _steered,
    "looked": _looked,
    "scheduled": _scheduled,
    "beat": _beat,
    "beat_trouble": _beat_trouble,
    "checked": _checked,
    "counted": _counted,
    "misused": _misused,
    "gave_up": _gave_up,
    "seen": _seen,
    "drained": _drained,
}
