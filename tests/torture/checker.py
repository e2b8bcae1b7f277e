"""Judges a history, and nothing but the history."""

from collections import Counter
from collections.abc import Callable, Iterator

from tests.torture import beat_rules, delivery_rules, rules
from tests.torture.entries import read_ledger
from tests.torture.fault import Fault
from tests.torture.history import Event
from tests.torture.ledger import Ledger

RULES: tuple[Callable[[Ledger], Iterator[Fault]], ...] = (
    rules.lost,
    rules.phantom,
    rules.keys,
    rules.payloads,
    rules.overlaps,
    rules.tokens,
    rules.fences,
    rules.finals,
    rules.crashes,
    rules.retries,
    rules.totals,
    rules.counters,
    rules.heals,
    delivery_rules.cancels,
    delivery_rules.pauses,
    delivery_rules.backoffs,
    delivery_rules.slots,
    delivery_rules.rates,
    delivery_rules.lanes,
    delivery_rules.uniques,
    delivery_rules.indexes,
    beat_rules.slots,
    beat_rules.overlaps,
    beat_rules.lasts,
)


def judge(events: list[Event]) -> list[Fault]:
    """Return every fault of a run."""
    ledger = read_ledger(events)
    return [fault for rule in RULES for fault in rule(ledger)]


def figures(events: list[Event]) -> dict[str, int]:
    """Return what a run consisted of, for its summary."""
    ledger = read_ledger(events)
    words: Counter[str] = Counter()
    for event in events:
        if event["what"] == "blow":
            words[f"{event['how']} {event['role']}"] += 1
        if event["what"] == "steered":
            words[f"{event['verb']} {event['code'] or event['outcome']}"] += 1
        if event["what"] in ("enqueued", "leased", "settled"):
            words[f"{event['what']} {event['outcome']}"] += 1
        if event["what"] == "settled" and event["status"]:
            words[f"verdict {event['status']}"] += 1
    words["events"] = len(events)
    words["jobs asked for"] = len(ledger.orders)
    words["jobs acknowledged"] = sum(order.is_acknowledged for order in ledger.orders.values())
    words["jobs turned away by a unique key"] = sum(bool(order.holders) for order in ledger.orders.values())
    words["leases"] = sum(len(life.grants) for life in ledger.lives.values())
    words["jobs leased more than once"] = sum(len(life.grants) > 1 for life in ledger.lives.values())
    for beat in ledger.beats:
        words[f"beat {beat.name}: slots"], words[f"beat {beat.name}: jobs"] = len(beat.grid), len(beat.jobs)
    return dict(sorted(words.items()))
