"""Pieces of made-up histories: what somebody asked and was told, one small fact after the other."""

import itertools
from typing import Any

from tests.torture.checker import judge
from tests.torture.history import Event

JOB = "job-1"
CALLS = itertools.count()


def enqueue(uid: int = 1, outcome: str = "done", job: str = JOB, **other: Any) -> list[Event]:
    wishes = {"queue": "pain", "priority": 100, **other.pop("wishes", {})}
    asked = {"what": "enqueue", "uids": [uid], "shas": ["abc"], "max_crashes": [2], "wishes": [wishes]}
    told = {"what": "enqueued", "uids": [uid], "outcome": outcome, "status": 201, "ids": [job], "own": [True], **other}
    return [asked, told if outcome == "done" else {**told, "ids": []}]


def lease(delivery: int = 1, at_ms: int = 1_000, **other: Any) -> Event:
    job = {
        "id": JOB,
        "uid": 1,
        "sha": "abc",
        "intact": True,
        "not_before_ms": None,
        "token": f"token-{delivery}",
        "fence": delivery,
        "attempt": 1,
        "delivery": delivery,
        "deadline_ms": at_ms + 1_000,
        **other,
    }
    about = {"key": None, "call": next(CALLS), "lease_ms": 1_000, "outcome": "done", "status": 200}
    return {"what": "leased", "at_ms": at_ms, "jobs": [job], **about}


def settle(op: str = "ack", delivery: int = 1, at_ms: int = 1_500, **other: Any) -> list[Event]:
    about = {
        "op": op,
        "id": other.pop("id", JOB),
        "token": other.pop("token", f"token-{delivery}"),
        "call": next(CALLS),
    }
    state = {"ack": "succeeded", "nack": "retrying", "release": "ready", "snooze": "scheduled", "extend": "leased"}[op]
    told = {
        "outcome": "done",
        "http": 200,
        "status": "ok",
        "state": state,
        "attempt": 1,
        "at_ms": at_ms,
        "is_exact": True,
        "told_to_end": False,
    }
    return [{"what": "settle", **about}, {"what": "settled", **about, **told, **other}]


def end(**other: Any) -> list[Event]:
    return [{"what": "drained", "drained": True, "counts": {"succeeded": 1}}, seen(**other)]


def counted(**sums: int) -> Event:
    """The metrics tell of one job, but for what is said otherwise."""
    told = {
        "enqueued": 1,
        "leased": 1,
        "succeeded": 1,
        "dead": 0,
        "cancelled": 0,
        "redriven": 0,
        "removed": 0,
        "there": 1,
    }
    return {"what": "counted", "sums": told | sums}


def steer(verb: str, about: str = JOB, outcome: str = "done", status: int = 200, **doc: Any) -> list[Event]:
    facts = {"n": next(CALLS), "verb": verb, "about": about}
    told = {"what": "steered", "outcome": outcome, "status": status, "code": None, "doc": doc, **facts}
    return [{"what": "steer", "options": {}, **facts}, told]


def clock(at_ms: int) -> list[Event]:
    """Somebody asks, and is told the store's time."""
    call = {"call": next(CALLS)}
    told = {"what": "leased", "key": None, "lease_ms": 1_000, "outcome": "done", "status": 200, "jobs": []}
    return [{"what": "lease", **call}, {**told, "at_ms": at_ms, **call}]


def seen(job: str = JOB, **other: Any) -> Event:
    return {
        "what": "seen",
        "id": job,
        "job": {"state": "succeeded", "crashes": 0, "attempt": 1, "delivery": 9, **other},
    }


def rules_broken(*parts: Event | list[Event]) -> set[str]:
    events = [event for part in parts for event in (part if isinstance(part, list) else [part])]
    return {fault.rule for fault in judge([{"t": n, "who": "w", **event} for n, event in enumerate(events)])}
