"""The rules that every job is judged by: each reads the ledger and yields what breaks its guarantee.

A request without a whole answer is a *maybe*: it excuses both what it may have done and what it may not have done, and
never counts as failed.
"""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from tests.torture.fault import Fault
from tests.torture.ledger import COUNTS, Grant, Ledger, Life, Settled

FINAL = frozenset({"succeeded", "dead", "cancelled"})
ENDS_LEASE = frozenset({"ack", "nack", "release", "snooze"})


def lost(ledger: Ledger) -> Iterator[Fault]:
    """G1: everything acknowledged is there after the drain, and finished."""
    if not ledger.drained:
        yield Fault("G1", "-", f"the queues did not drain: {ledger.counts}")
    for order in ledger.orders.values():
        for job_id in order.ids:
            end = ledger.life(job_id).end
            if end is None and ledger.life(job_id).steered("delete"):
                continue
            if end is None:
                yield Fault("G1", job_id, f"acknowledged job {order.uid} is gone")
            elif end["state"] not in FINAL:
                yield Fault("G1", job_id, f"acknowledged job {order.uid} is still {end['state']} after the drain")


def phantom(ledger: Ledger) -> Iterator[Fault]:
    """G2: no job without a request that may have made it; no answer outside the contract."""
    for life in ledger.lives.values():
        for grant in life.grants:
            order = ledger.orders.get(-1 if grant.uid is None else grant.uid)
            if grant.schedule in ledger.schedules:
                continue
            if order is None:
                yield Fault("G2", life.id, f"nobody ever enqueued uid {grant.uid}")
            elif order.never_happened:
                yield Fault("G2", life.id, f"job {order.uid} runs, and every answer said not_done: {order.outcomes}")
    for event in ledger.strange:
        yield Fault("G2", str(event.get("id", event.get("uids"))), f"an answer that no fault explains: {event}")


def keys(ledger: Ledger) -> Iterator[Fault]:
    """G3: one id for one key, whatever was repeated; a key with another request is refused."""
    ids: dict[int, set[str]] = defaultdict(set)
    for order in ledger.orders.values():
        ids[order.uid] |= order.ids
    for life in ledger.lives.values():
        for grant in life.grants:
            if grant.uid is not None:
                ids[grant.uid].add(life.id)
    for uid, found in ids.items():
        if len(found) > 1:
            yield Fault("G3", str(uid), f"one enqueue made {len(found)} jobs: {sorted(found)}")
    for event in ledger.misused:
        if event["outcome"] in ("done", "refused") and event["code"] != "idempotency_mismatch":
            yield Fault(
                "G3", str(event["uids"]), f"another request under a used key: {event['status']} {event['code']}"
            )


def payloads(ledger: Ledger) -> Iterator[Fault]:
    """G4: the bytes that come out are the bytes that went in."""
    for life in ledger.lives.values():
        for grant in life.grants:
            order = ledger.orders.get(-1 if grant.uid is None else grant.uid)
            if not grant.intact or (order is not None and order.sha != grant.sha):
                yield Fault("G4", life.id, f"the payload of delivery {grant.delivery} is not what was enqueued")


def overlaps(ledger: Ledger) -> Iterator[Fault]:
    """G5: a lease is granted only after the one before was settled, or ran out by the store's clock."""
    for life in ledger.lives.values():
        extended = _extended(life)
        for before, after in pairwise(_in_order(life)):
            until_ms = max(before.deadline_ms, extended.get(before.token, 0))
            may_have_ended = any(ask.op in ENDS_LEASE for ask in life.asks.get(before.token, []))
            if after.at_ms < until_ms and not may_have_ended:
                held = f"while delivery {before.delivery} held it until {until_ms}"
                yield Fault("G5", life.id, f"delivery {after.delivery} at {after.at_ms}, {held}")


def tokens(ledger: Ledger) -> Iterator[Fault]:
    """G6, G7: a token that was never given, or that a later lease superseded, changes nothing; `repeated` is earned."""
    for life in ledger.lives.values():
        grants = {grant.token: grant for grant in life.grants}
        for settled in life.settled:
            if settled.status == "repeated" and len(_asks_before(life, settled)) < 2:
                yield Fault("G7", life.id, f"{settled.op} is called repeated, and was sent once")
            if settled.status not in COUNTS:
                continue
            grant = grants.get(settled.token)
            if grant is None:
                yield Fault("G6", life.id, f"{settled.op} with a token that nobody was given: {settled.status}")
            elif later := _superseded(life, grant, settled):
                text = f"{settled.op} of delivery {grant.delivery} is {settled.status} after delivery {later.delivery}"
                yield Fault("G6", life.id, text)


def fences(ledger: Ledger) -> Iterator[Fault]:
    """G8, G14: along the deliveries of a job the fence grows, and no counter goes back but by a redrive."""
    for life in ledger.lives.values():
        if redrives := life.steered("retry"):
            if len(life.runs) > 1 + len(redrives):
                yield Fault("G14", life.id, f"counters were reset {len(life.runs) - 1} times, {len(redrives)} redrives")
            continue
        for before, after in pairwise(_in_order(life)):
            if after.fence <= before.fence:
                yield Fault("G8", life.id, f"fence {after.fence} after {before.fence}")
            if after.delivery == before.delivery:
                yield Fault("G14", life.id, f"two leases are delivery {after.delivery}")
            if after.attempt < before.attempt:
                yield Fault("G14", life.id, f"attempt {after.attempt} after {before.attempt}")


def finals(ledger: Ledger) -> Iterator[Fault]:
    """G12: a run of a job ends once, in one state, and nothing happens to it afterwards."""
    for life in ledger.lives.values():
        ends = [s for s in life.settled if s.status in COUNTS and s.state in FINAL and s.op != "extend"]
        if redrives := life.steered("retry"):
            if len(ends) > 1 + len(redrives):
                yield Fault("G12", life.id, f"it ended {len(ends)} times, with {len(redrives)} redrives")
            continue
        states = {s.state for s in ends} | ({life.end["state"]} if life.end else set())
        if len(states) > 1:
            yield Fault("G12", life.id, f"more than one final state: {sorted(map(str, states))}")
        if len(ends) > 1:
            yield Fault("G12", life.id, f"it ended {len(ends)} times")
        for end in ends:
            if life.grants and end.at_ms is not None and life.grants[-1].at_ms > end.at_ms:
                yield Fault(
                    "G12", life.id, f"leased at {life.grants[-1].at_ms}, after it was {end.state} at {end.at_ms}"
                )


def crashes(ledger: Ledger) -> Iterator[Fault]:
    """G14: the last allowed lost lease ends the job, and no earlier one; the end counts what was seen."""
    for life in ledger.lives.values():
        end, order = life.end, ledger.order_of(life)
        if end is None or order is None:
            continue
        is_cancelled = end["state"] == "cancelled"  # which goes before
        if (end["crashes"] >= order.max_crashes and not is_cancelled) != (end.get("reason") == "max_crashes"):
            yield Fault(
                "G14",
                life.id,
                f"{end['state']} ({end.get('reason')}) with {end['crashes']} of {order.max_crashes} crashes",
            )
        if life.grants and end["delivery"] < life.grants[-1].delivery and not life.steered("retry"):
            yield Fault("G14", life.id, f"delivery {end['delivery']} in the end, {life.grants[-1].delivery} before")


def retries(ledger: Ledger) -> Iterator[Fault]:
    """G15, G16: nothing starts before its time by the store's clock: retries, snoozed and delayed jobs."""
    for life in ledger.lives.values():
        for grant in life.grants:
            if grant.not_before_ms is not None and grant.at_ms < grant.not_before_ms:
                yield Fault("G16", life.id, f"leased at {grant.at_ms}, not before {grant.not_before_ms}")
        for settled in life.settled:
            if settled.status in COUNTS and settled.op in ("nack", "snooze") and settled.run_at_ms is not None:
                yield from _too_early(life, settled, settled.run_at_ms)


def totals(ledger: Ledger) -> Iterator[Fault]:
    """G13: at rest the states add up to what was accepted, within what may have been."""
    if ledger.counts is None:
        return
    total = sum(ledger.counts.values())
    surely = sum(order.is_acknowledged for order in ledger.orders.values())
    maybe = sum(not order.is_acknowledged and not order.never_happened for order in ledger.orders.values())
    deletes = [life.steered("delete") for life in ledger.lives.values() if life.steered("delete")]
    gone = sum(any(delete.outcome == "done" for delete in asked) for asked in deletes)
    if not surely - len(deletes) <= total <= surely + maybe - gone:
        removed = f"{gone} deleted, {len(deletes) - gone} maybe"
        yield Fault("G13", "-", f"{total} jobs in the store; {surely} accepted and {maybe} maybe; {removed}")


def counters(ledger: Ledger) -> Iterator[Fault]:
    """G13: at rest the metrics add up to the jobs that are there, and have missed no lease that anybody was told of."""
    sums = ledger.counted
    if sums is None or not ledger.drained:
        return
    if sums["enqueued"] - sums["removed"] != sums["there"]:
        yield Fault("G13", "metrics", f"{sums['there']} jobs are there: {sums}")
    if sums["succeeded"] + sums["dead"] + sums["cancelled"] - sums["redriven"] != sums["enqueued"]:
        yield Fault("G13", "metrics", f"not as many ends as beginnings: {sums}")
    leases = sum(len(life.grants) for life in ledger.lives.values())
    if sums["leased"] < leases:
        yield Fault("G13", "metrics", f"{leases} leases were told of: {sums}")


def heals(ledger: Ledger) -> Iterator[Fault]:
    """G25: a server waits for what was struck, and does not end itself."""
    for event in ledger.gave_up:
        yield Fault("G25", event["role"], f"it ended, and nobody had struck it: {event['log']}")


def _in_order(life: Life) -> list[Grant]:
    """Return its leases as its deliveries were counted; a redrive starts that anew, and leaves the fence."""
    return life.grants if life.steered("retry") else sorted(life.grants, key=lambda grant: grant.delivery)


def _extended(life: Life) -> dict[str, int]:
    """Return the latest deadline that an answered extend promised, by token."""
    until: dict[str, int] = {}
    for settled in life.settled:
        if settled.op == "extend" and settled.status in COUNTS and settled.deadline_ms is not None:
            until[settled.token] = max(until.get(settled.token, 0), settled.deadline_ms)
    return until


def _asks_before(life: Life, settled: Settled) -> list[int]:
    """Return when the same verb was sent with the same token before this answer came."""
    return [ask.t for ask in life.asks[settled.token] if ask.op == settled.op and ask.t < settled.t]


def _superseded(life: Life, grant: Grant, settled: Settled) -> Grant | None:
    """Return a lease given after `grant` and before the settle: its worker had it when the settle was sent, or the
    store's clock says so."""
    sent = max(_asks_before(life, settled), default=0)
    by_clock = settled.at_ms if settled.is_exact and settled.at_ms is not None else 0
    later = (g for g in life.grants if g.fence > grant.fence)
    return next((g for g in later if g.t < sent or g.at_ms < by_clock), None)


def _too_early(life: Life, settled: Settled, run_at_ms: int) -> Iterator[Fault]:
    grant = next(g for g in life.grants if g.token == settled.token)
    after = next((g for g in life.grants if g.fence > grant.fence), None)
    if after is not None and after.at_ms < run_at_ms:
        yield Fault("G15", life.id, f"leased at {after.at_ms} after a {settled.op} until {run_at_ms}")
