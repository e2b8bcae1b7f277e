"""The rules for jobs that are stopped, or wait for each other; each reads the ledger and yields what breaks a promise.

Leases are compared by the times in which they surely were live (spans.py); so a lost answer never makes anybody guilty.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import combinations, pairwise

from tests.torture.fault import Fault
from tests.torture.history import to_ms
from tests.torture.ledger import COUNTS, Grant, Ledger, Life, Steer
from tests.torture.plan import LIMITS, QUEUE_SETTINGS
from tests.torture.spans import Span, StoreClock, most_at_once, order_of, sure_spans


def cancels(ledger: Ledger) -> Iterator[Fault]:
    """G20: what was cancelled never starts again; who holds it is told, and cannot put it back."""
    for life in ledger.lives.values():
        for cancel in life.steered("cancel"):
            if cancel.outcome == "done":
                yield from _cancelled(life, cancel)
        if life.end and life.end["state"] == "cancelled" and not life.steered("cancel"):
            yield Fault("G20", life.id, "it was cancelled, and nobody asked for that")
        if any(s.status == "job_cancelled" for s in life.settled) and not life.steered("cancel"):
            yield Fault("G20", life.id, "its holder is told of a cancel that nobody asked for")


def _cancelled(life: Life, cancel: Steer) -> Iterator[Fault]:
    last = cancel.doc.get("fence", 0)
    for grant in life.grants:
        if grant.fence > last:
            yield Fault("G20", life.id, f"leased with fence {grant.fence} after a cancel that saw fence {last}")
    fine = ("cancelled",) if cancel.status == 200 else ("cancelled", "succeeded")
    if life.end and life.end["state"] not in fine:
        yield Fault("G20", life.id, f"a cancel was answered {cancel.status}, and it is {life.end['state']}")
    for settled in life.settled:
        sent = max((a.t for a in life.asks[settled.token] if a.op == settled.op and a.t < settled.t), default=0)
        if settled.status not in COUNTS or cancel.told_t is None or sent < cancel.told_t:
            continue
        if settled.op == "extend" and not settled.told_to_end:
            yield Fault("G20", life.id, "an extend after the cancel does not tell of it")
        if settled.op not in ("extend", "ack") and settled.state != "cancelled":
            yield Fault("G20", life.id, f"a {settled.op} after the cancel left it {settled.state}")


def pauses(ledger: Ledger) -> Iterator[Fault]:
    """G21: a paused queue gives nothing."""
    clock = StoreClock(ledger)
    for queue in {steer.about for steer in ledger.steers.values() if steer.verb == "pause"}:
        orders = [s for s in ledger.steers.values() if s.about == queue and s.verb in ("pause", "resume")]
        for pause, after in pairwise([*sorted(orders, key=lambda s: s.asked_t), None]):
            if pause is None or pause.verb != "pause" or pause.outcome != "done" or pause.told_t is None:
                continue
            ends = [to_ms(pause.doc["paused_until"])] if "paused_until" in pause.doc else []
            end_ms = min([*ends, clock.not_before(after.asked_t) if after else clock.not_before(2**62)])
            grants = (g for life, g in _grants(ledger) if order_of(ledger, life).wishes.get("queue") == queue)
            yield from _none_within(grants, clock.not_after(pause.told_t), end_ms, f"{queue} was paused")


def backoffs(ledger: Ledger) -> Iterator[Fault]:
    """G21: a limit that is held back lets nothing through."""
    clock = StoreClock(ledger)
    asked = sorted((s for s in ledger.steers.values() if s.verb == "backoff"), key=lambda s: s.asked_t)
    for hold in asked:
        if hold.outcome != "done" or hold.told_t is None or "held_until" not in hold.doc:
            continue
        next_one = next((s for s in asked if s.about == hold.about and s.asked_t > hold.asked_t), None)
        ends = [clock.not_before(next_one.asked_t)] if next_one else []
        end_ms = min([*ends, to_ms(hold.doc["held_until"])])
        grants = (g for life, g in _grants(ledger) if _is_under(order_of(ledger, life).wishes, hold.about))
        yield from _none_within(grants, clock.not_after(hold.told_t), end_ms, f"{hold.about} was held back")


def _is_under(wishes: dict[str, list[str]], name: str) -> bool:
    return any(f"{limit}:".startswith(f"{name}:") for limit in wishes.get("limits", []))


def _grants(ledger: Ledger) -> Iterator[tuple[Life, Grant]]:
    return ((life, grant) for life in ledger.lives.values() for grant in life.grants)


def _none_within(grants: Iterable[Grant], after_ms: int, before_ms: int, why: str) -> Iterator[Fault]:
    for grant in grants:
        if after_ms < grant.granted_ms < before_ms:
            yield Fault("G21", grant.job_id, f"leased at {grant.granted_ms}; from {after_ms} to {before_ms} {why}")


def slots(ledger: Ledger) -> Iterator[Fault]:
    """G21: never more live leases than a limit or a queue allows."""
    spans = sure_spans(ledger, StoreClock(ledger))
    held: dict[tuple[str, int], list[Span]] = defaultdict(list)
    for span in spans:
        wishes = order_of(ledger, span.life).wishes
        for limit in wishes.get("limits", []):
            if allowed := LIMITS[limit.partition(":")[0]].get("concurrency"):
                held[limit, allowed].append(span)
        if allowed := QUEUE_SETTINGS.get(wishes.get("queue", ""), {}).get("concurrency"):
            held[wishes["queue"], allowed].append(span)
    for (name, allowed), live in held.items():
        most, when = most_at_once(live)
        if most > allowed:
            yield Fault("G21", name, f"{most} leases are live at {when}, and {allowed} may be")


def rates(ledger: Ledger) -> Iterator[Fault]:
    """G21: in any time not more leases than burst + rate x time."""
    times: dict[str, list[int]] = defaultdict(list)
    for life, grant in _grants(ledger):
        for limit in order_of(ledger, life).wishes.get("limits", []):
            times[limit].append(grant.granted_ms)
    for limit, granted in times.items():
        rate = LIMITS[limit.partition(":")[0]].get("rate")
        if rate:
            yield from _too_many(limit, sorted(granted), rate)


def _too_many(limit: str, granted: list[int], rate: dict[str, int]) -> Iterator[Fault]:
    for i, first in enumerate(granted):
        for j in range(i, len(granted)):
            span_ms = granted[j] - first
            if j - i + 1 > rate["burst"] + span_ms * rate["count"] // rate["per_ms"]:
                yield Fault("G21", limit, f"{j - i + 1} leases within {span_ms} ms, from {first}")
                return


def lanes(ledger: Ledger) -> Iterator[Fault]:
    """Ordering: one job of a key at a time, and in the order in which they came."""
    spans: dict[tuple[str, str, str], list[Span]] = defaultdict(list)
    for span in sure_spans(ledger, StoreClock(ledger)):
        wishes = order_of(ledger, span.life).wishes
        if "ordering_key" in wishes:
            spans[wishes["queue"], wishes.get("fairness_key", ""), wishes["ordering_key"]].append(span)
    for (queue, _, key), found in spans.items():
        found.sort(key=lambda span: span.start_ms)
        for before, after in pairwise(found):
            if before.life is not after.life and after.start_ms < before.end_ms:
                text = f"leased at {after.start_ms}, while {before.life.id} was until {before.end_ms}"
                yield Fault("ordering", after.life.id, f"{text} ({key} in {queue})")
        yield from _overtaken(ledger, found, key)


def _overtaken(ledger: Ledger, spans: list[Span], key: str) -> Iterator[Fault]:
    """Compare the first lease of each job with the last of those that came before it with the same priority."""
    lives = {span.life.id: span.life for span in spans if _keeps_its_place(ledger, span.life)}
    came = sorted(lives.values(), key=lambda life: to_ms(life.end["enqueued_at"]) if life.end else 0)
    for first, second in combinations(came, 2):
        if not first.end or not second.end or first.end["enqueued_at"] == second.end["enqueued_at"]:
            continue
        if order_of(ledger, first).wishes["priority"] < order_of(ledger, second).wishes["priority"]:
            continue
        if first.grants[-1].granted_ms > second.grants[0].granted_ms:
            yield Fault("ordering", first.id, f"{second.id} came later and was leased before ({key})")


def _keeps_its_place(ledger: Ledger, life: Life) -> bool:
    """Return whether a job stood in line from its enqueue to its end."""
    snoozed = any(ask.op == "snooze" for asks in life.asks.values() for ask in asks)
    return not snoozed and not life.steers and "run_at" not in order_of(ledger, life).wishes


def uniques(ledger: Ledger) -> Iterator[Fault]:
    """Unique: never two jobs of a key that have not ended; who is turned away is told of one of that key."""
    held: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for life in ledger.lives.values():
        key = order_of(ledger, life).wishes.get("unique", {}).get("key")
        if key and life.end and "finished_at" in life.end and not life.steered("retry", "delete"):
            held[key].append((to_ms(life.end["enqueued_at"]), to_ms(life.end["finished_at"]), life.id))
    for key, spans in held.items():
        for before, after in pairwise(sorted(spans)):
            if after[0] < before[1]:
                yield Fault("unique", after[2], f"enqueued at {after[0]}; {before[2]} had {key} until {before[1]}")
    for order in ledger.orders.values():
        for holder in order.holders:
            other = order_of(ledger, ledger.life(holder))
            mine, its = (o.wishes.get("unique", {}).get("key") for o in (order, other))
            if other.uid >= 0 and mine != its:
                yield Fault("unique", str(order.uid), f"turned away with key {mine} by {holder}, whose key is {its}")


def indexes(ledger: Ledger) -> Iterator[Fault]:
    """The store's own check: after the drain every index agrees with the jobs."""
    for finding in ledger.findings:
        yield Fault("indexes", "-", finding)
