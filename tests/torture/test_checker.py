"""The judge on small made-up histories: a clean one, and for each guarantee one that breaks it and nothing else."""

from collections.abc import Callable

import pytest

from tests.torture.history import Event
from tests.torture.made_up import JOB, counted, end, enqueue, lease, rules_broken, settle


def test_a_clean_history_is_clean() -> None:
    second = lease(2, 3_000, attempt=2)
    assert (
        rules_broken(
            enqueue(),
            lease(),
            settle("nack", run_at_ms=2_900),
            second,
            settle("ack", 2, 3_500),
            end(),
            counted(leased=2),
        )
        == set()
    )


GONE: list[Event] = [{"what": "drained", "drained": True, "counts": {}}, {"what": "seen", "id": JOB, "job": None}]
NEVER = {"status": 503}

BROKEN: dict[str, tuple[str, Callable[[], list[Event | list[Event]]]]] = {
    "an acknowledged job is gone": ("G1", lambda: [enqueue(), lease(), settle(), {**GONE[0], "counts": None}, GONE[1]]),
    "an acknowledged job never ends": ("G1", lambda: [enqueue(), lease(), end(state="ready")]),
    "the queues do not drain": ("G1", lambda: [enqueue(), lease(), settle(), end(), {**end()[0], "drained": False}]),
    "a refused job runs": (
        "G2",
        lambda: [enqueue(outcome="not_done", **NEVER), lease(), settle(), {**end()[0], "counts": None}],
    ),
    "a job that nobody enqueued runs": ("G2", lambda: [enqueue(), lease(uid=7), settle(), end()]),
    "a server error": ("G2", lambda: [enqueue(), enqueue(outcome="maybe", status=500), lease(), settle(), end()]),
    "a repeated enqueue makes another job": ("G3", lambda: [enqueue(), lease(), settle(), lease(id="job-2"), end()]),
    "another request under a used key": (
        "G3",
        lambda: [
            enqueue(),
            lease(),
            settle(),
            end(),
            {"what": "misused", "uids": [1], "outcome": "done", "status": 201, "code": None},
        ],
    ),
    "a payload was damaged": ("G4", lambda: [enqueue(), lease(intact=False), settle(), end()]),
    "a payload was swapped": ("G4", lambda: [enqueue(), lease(sha="xyz"), settle(), end()]),
    "two live leases": ("G5", lambda: [enqueue(), lease(), lease(2, 1_999), settle(delivery=2, at_ms=2_100), end()]),
    "a lease inside an extended one": (
        "G5",
        lambda: [
            enqueue(),
            lease(),
            settle("extend", deadline_ms=5_000),
            lease(2, 4_000),
            settle(delivery=2, at_ms=4_100),
            end(),
        ],
    ),
    "a superseded token settles": (
        "G6",
        lambda: [enqueue(), lease(), lease(2, 2_000), settle("release", 1, 2_500), end()],
    ),
    "a token out of thin air settles": ("G6", lambda: [enqueue(), lease(), settle("release", token="forged"), end()]),
    "repeated at the first time": ("G7", lambda: [enqueue(), lease(), settle(status="repeated"), end()]),
    "the fence falls": (
        "G8",
        lambda: [
            enqueue(),
            lease(fence=5),
            lease(2, 2_000, fence=4),
            settle(at_ms=2_100, delivery=1, status="lease_lost"),
            end(),
        ],
    ),
    "two final states": ("G12", lambda: [enqueue(), lease(), settle(), end(state="dead")]),
    "leased after its end": ("G12", lambda: [enqueue(), lease(), settle(), lease(2, 2_000), end()]),
    "more jobs than were accepted": (
        "G13",
        lambda: [enqueue(), lease(), settle(), {**end()[0], "counts": {"dead": 2}}, end()[1]],
    ),
    "a job is counted twice": ("G13", lambda: [enqueue(), lease(), settle(), end(), counted(enqueued=2, succeeded=2)]),
    "an end is counted twice": ("G13", lambda: [enqueue(), lease(), settle(), end(), counted(dead=1)]),
    "a lease is not counted": ("G13", lambda: [enqueue(), lease(), settle(), end(), counted(leased=0)]),
    "an attempt is taken back": ("G14", lambda: [enqueue(), lease(attempt=2), lease(2, 2_000), end()]),
    "dead before the last crash": (
        "G14",
        lambda: [enqueue(), lease(), end(state="dead", reason="max_crashes", crashes=1)],
    ),
    "alive after the last crash": ("G14", lambda: [enqueue(), lease(), settle(), end(crashes=2)]),
    "a retry starts early": (
        "G15",
        lambda: [enqueue(), lease(), settle("nack", run_at_ms=2_500), lease(2, 2_499), end()],
    ),
    "a server gives up": (
        "G25",
        lambda: [enqueue(), lease(), settle(), end(), {"what": "gave_up", "role": "server", "log": "..."}],
    ),
    "a delayed job starts early": ("G16", lambda: [enqueue(), lease(not_before_ms=1_001), settle(), end()]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_breaks_one_promise_is_called_by_its_name(name: str) -> None:
    rule, history = BROKEN[name]
    assert rules_broken(*history()) == {rule}


@pytest.mark.parametrize(
    "excuse",
    [
        [enqueue(outcome="maybe"), lease(), settle(), end()],  # unacknowledged, and it ran: it may
        [enqueue(outcome="maybe"), {"what": "drained", "drained": True, "counts": {}}],  # and it may not
        [
            enqueue(),
            lease(),
            settle("release", outcome="maybe", status=None),
            lease(2, 1_600),
            settle("ack", 2, 1_700),
            end(),
        ],
        [enqueue(), lease(), settle(outcome="maybe", status=None), settle(status="repeated"), end()],
    ],
)
def test_a_maybe_excuses_both(excuse: list[Event | list[Event]]) -> None:
    assert rules_broken(*excuse) == set()
