"""The judge on made-up histories of jobs that are stopped or wait for each other: each breaks one promise, or none."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.torture.history import Event, to_instant
from tests.torture.made_up import clock, end, enqueue, lease, rules_broken, seen, settle, steer

Parts = list[Event | list[Event]]
DRAINED: Event = {"what": "drained", "drained": True, "counts": None}


def jobs(n: int, **wishes: Any) -> Parts:
    return [enqueue(uid, job=f"job-{uid}", wishes=wishes) for uid in range(1, n + 1)]


def lease_of(uid: int, at_ms: int) -> Event:
    return lease(1, at_ms, id=f"job-{uid}", uid=uid, token=f"token-of-{uid}")


def ack_of(uid: int, at_ms: int) -> list[Event]:
    return settle("ack", at_ms=at_ms, id=f"job-{uid}", token=f"token-of-{uid}")


def all_seen(n: int, **other: Any) -> Parts:
    return [DRAINED, *(seen(f"job-{uid}", enqueued_at=to_instant(uid), **other) for uid in range(1, n + 1))]


def together(n: int, *times: int, **wishes: Any) -> Parts:
    """Jobs that are leased at these times, and acked when all are."""
    leased = [lease_of(uid, at_ms) for uid, at_ms in enumerate(times, 1)]
    acked = [ack_of(uid, 2_000) for uid in range(1, n + 1)]
    return [*jobs(n, **wishes), *leased, clock(1_900), *acked, *all_seen(n)]


def one_by_one(first: int, second: int, **wishes: Any) -> Parts:
    """Two jobs, each acked before the next lease."""
    return [
        *jobs(2, **wishes),
        *(lease_of(first, 1_000), clock(1_100), ack_of(first, 1_200)),
        *(lease_of(second, 1_300), clock(1_400), ack_of(second, 1_500)),
        *all_seen(2),
    ]


def held(seconds: tuple[int, int], *, key: str = "only-1") -> Parts:
    """Two jobs of a unique key: the first ends in one second, the other comes in another."""
    ends_s, comes_s = seconds
    lives = [(1, 0, ends_s), (2, comes_s, comes_s + 1)]
    docs = [
        seen(f"job-{uid}", enqueued_at=to_instant(came * 1000), finished_at=to_instant(ended * 1000))
        for uid, came, ended in lives
    ]
    return [
        *jobs(2, unique={"key": key}),
        *(part for n in (1, 2) for part in (lease_of(n, n * 1_000), ack_of(n, n * 1_100))),
        DRAINED,
        *docs,
    ]


BROKEN: dict[str, tuple[str, Callable[[], Parts]]] = {
    "a cancelled job starts": (
        "G20",
        lambda: [enqueue(), steer("cancel", state="cancelled"), lease(), DRAINED, seen(state="cancelled")],
    ),
    "a job that was told to end starts again": (
        "G20",
        lambda: [
            *(enqueue(), lease(), steer("cancel", status=202, fence=1)),
            *(lease(2, 2_000), DRAINED, seen(state="cancelled")),
        ],
    ),
    "a holder puts back what was told to end": (
        "G20",
        lambda: [
            enqueue(),
            lease(),
            steer("cancel", status=202, fence=1),
            settle("nack"),
            DRAINED,
            seen(state="cancelled"),
        ],
    ),
    "an extend does not tell of a cancel": (
        "G20",
        lambda: [
            *(enqueue(), lease(), steer("cancel", status=202, fence=1)),
            *(settle("extend", deadline_ms=2_000), DRAINED, seen(state="cancelled")),
        ],
    ),
    "a cancelled job succeeds": (
        "G20",
        lambda: [enqueue(), steer("cancel", state="cancelled"), DRAINED, seen(state="succeeded")],
    ),
    "a job is cancelled by nobody": ("G20", lambda: [enqueue(), DRAINED, seen(state="cancelled")]),
    "a paused queue gives": (
        "G21",
        lambda: [
            *(enqueue(), steer("pause", "pain"), clock(900), lease(), clock(1_100), steer("resume", "pain")),
            *(settle(), end()),
        ],
    ),
    "a limit gives that is held back": (
        "G21",
        lambda: [
            *jobs(1, limits=["hot:a"]),
            *(steer("backoff", "hot", held_until=to_instant(1_001)), clock(900), lease_of(1, 1_000)),
            *(ack_of(1, 1_500), *all_seen(1)),
        ],
    ),
    "more leases than a limit allows": ("G21", lambda: together(4, 1_000, 1_000, 1_001, 1_899, limits=["hot:a"])),
    "more leases than a queue allows": ("G21", lambda: together(9, *range(1_000, 1_009), queue="pain.narrow")),
    "faster than a rate allows": ("G21", lambda: together(3, 1_000, 1_050, 1_124, limits=["slow:a"])),
    "two jobs of an ordering key at once": ("ordering", lambda: together(2, 1_000, 1_899, ordering_key="k")),
    "a younger job of an ordering key first": ("ordering", lambda: one_by_one(2, 1, ordering_key="k")),
    "two holders of a unique key": ("unique", lambda: held((2, 1))),
    "turned away for another key": (
        "unique",
        lambda: [
            *(enqueue(), lease(), settle(), end(), DRAINED),
            enqueue(2, wishes={"unique": {"key": "only-2"}}, own=[False], ids=["job-1"]),
        ],
    ),
    "an index disagrees": (
        "indexes",
        lambda: [enqueue(), lease(), settle(), end(), {"what": "checked", "findings": ["slot: of nobody"]}],
    ),
    "a redrive resets counters twice": (
        "G14",
        lambda: [
            *(enqueue(), lease(), settle("nack", state="dead"), steer("retry")),
            *(lease(1, 3_000, fence=3, token="b"), lease(1, 5_000, fence=5, token="c"), DRAINED, seen()),
        ],
    ),
    "more removed than was deleted": (
        "G13",
        lambda: [
            *(*jobs(2), lease_of(1, 1_000), lease_of(2, 1_000), ack_of(1, 1_100), ack_of(2, 1_100)),
            *(steer("delete", "job-1"), {**DRAINED, "counts": {"succeeded": 0}}),
            *(seen("job-2"), {"what": "seen", "id": "job-1", "job": None}),
        ],
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_breaks_one_promise_is_called_by_its_name(name: str) -> None:
    rule, history = BROKEN[name]
    assert rules_broken(*history()) == {rule}


FINE: dict[str, Callable[[], Parts]] = {
    "an ack after a cancel counts": lambda: [
        *(enqueue(), lease(), steer("cancel", status=202, fence=1), settle("ack"), end()),
    ],
    "a nack after a cancel ends the job": lambda: [
        *(enqueue(), lease(), steer("cancel", status=202, fence=1)),
        *(settle("nack", state="cancelled"), DRAINED, seen(state="cancelled")),
    ],
    "a cancel without an answer may have happened": lambda: [
        *(enqueue(), lease(), steer("cancel", outcome="maybe"), DRAINED, seen(state="cancelled")),
    ],
    "a lease before the pause, one after it": lambda: [
        *(enqueue(), lease(), clock(1_100), settle("release", at_ms=1_200), clock(1_300), steer("pause", "pain")),
        *(clock(1_400), steer("resume", "pain"), clock(1_500), lease(2, 1_600), settle(delivery=2, at_ms=1_700), end()),
    ],
    "a pause ends by itself": lambda: [
        *(enqueue(), steer("pause", "pain", paused_until=to_instant(950)), clock(900), lease(), settle(), end()),
    ],
    "as many leases as a limit allows": lambda: together(3, 1_000, 1_000, 1_000, limits=["hot:a"]),
    "as fast as a rate allows": lambda: together(3, 1_000, 1_000, 1_125, limits=["slow:a"]),
    "limits hold for each key by itself": lambda: [
        *together(3, 1_000, 1_000, 1_000, limits=["hot:a"]),
        *(enqueue(9, job="job-9", wishes={"limits": ["hot:b"]}), lease_of(9, 1_000), ack_of(9, 1_950), seen("job-9")),
    ],
    "an ordering key goes one by one": lambda: one_by_one(1, 2, ordering_key="k"),
    "a unique key is taken again": lambda: held((1, 1)),
    "a redrive opens another run": lambda: [
        *(enqueue(), lease(), settle("nack", state="dead"), steer("retry")),
        *(lease(1, 3_000, fence=3, token="b"), settle(token="b", at_ms=3_100), end()),
    ],
    "a deleted job is gone": lambda: [
        *(enqueue(), lease(), settle(), steer("delete")),
        *({**DRAINED, "counts": {}}, {"what": "seen", "id": "job-1", "job": None}),
    ],
}


@pytest.mark.parametrize("name", FINE)
def test_what_breaks_none_is_let_be(name: str) -> None:
    assert rules_broken(*FINE[name]()) == set()
