"""Lists and events on the wire: pages, cursors, and what a follower does when the server goes away; no network."""

from datetime import UTC, datetime
from itertools import islice
from typing import Any

import pytest
from headrace import (
    AttemptOutcome,
    ConnectionFailed,
    Event,
    InvalidCursor,
    Patience,
    ReasonCode,
    State,
)

from tests.sdk.client.drive import CUT, ID, NOW, REFUSED, job, line, problem, reply

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
ONE_TRY = Patience(total_s=0)


def page(*numbers: int, cursor: str | None = None) -> dict[str, Any]:
    jobs = [{**job(id=str(n)), "payload": None} for n in numbers]
    return {"jobs": jobs, "scanned": 9, "server_time": NOW, **({"cursor": cursor} if cursor else {})}


def events(*cursors: str, cursor: str = "end", **more: Any) -> dict[str, Any]:
    shown = [
        {"type": "state", "cursor": c, "job_id": ID, "queue": "q", "task": "t", "state": "ready", **more}
        for c in cursors
    ]
    return {"events": shown, "cursor": cursor, "server_time": NOW}


def test_a_filter_is_a_query() -> None:
    wire = line(reply(page(1, cursor="c2")))
    found = wire.run(
        wire.verbs.list_jobs(
            queue="q", state=[State.DEAD, "ready"], tag=("tenant", "a:b"), finished_before=NOON, limit=1, cursor="c1"
        )
    )
    assert wire.request.params == {
        "queue": "q",
        "state": "dead,ready",
        "tag": "tenant:a:b",
        "finished_before": "2026-01-02T12:00:00.000Z",
        "limit": "1",
        "cursor": "c1",
    }
    assert [each.id for each in found.jobs] == ["1"]
    assert (found.cursor, found.scanned) == ("c2", 9)


def test_a_naive_instant_is_refused_before_anything_is_sent() -> None:
    wire = line()
    with pytest.raises(ValueError, match="enqueued_after must be an aware datetime"):
        wire.run(wire.verbs.list_jobs(enqueued_after=datetime(2026, 1, 2)))  # noqa: DTZ001


def test_all_pages_are_read_also_the_empty_ones_among_them() -> None:
    wire = line(reply(page(1, 2, cursor="a")), reply(page(cursor="b")), reply(page(3)))
    assert [each.id for each in wire.walk(wire.verbs.iter_jobs(queue="q", limit=2))] == ["1", "2", "3"]
    assert [step.request.params.get("cursor") for step in wire.sent] == [None, "a", "b"]
    assert all(step.request.params["queue"] == "q" for step in wire.sent)


def test_a_page_is_asked_for_when_somebody_wants_it() -> None:
    wire = line(reply(page(1, cursor="a")))
    walk = wire.walk(wire.verbs.iter_jobs())
    assert wire.sent == []
    assert next(walk).id == "1"
    assert len(wire.sent) == 1


def test_an_attempt_and_a_reason_have_words_of_their_own() -> None:
    failed = {
        "attempt": 1,
        "delivery": 2,
        "outcome": "timed_out",
        "ended_at": NOW,
        "error": {"type": "E", "message": "m"},
    }
    wire = line(reply({"job_id": ID, "attempts": [failed]}))
    (attempt,) = wire.run(wire.verbs.attempts(ID))
    assert attempt.outcome is AttemptOutcome.TIMED_OUT
    assert attempt.error is not None
    reason = {"code": "limit_held", "detail": "wait", "key": "stripe", "until": NOW}
    wire = line(
        reply({"job_id": ID, "state": "ready", "summary": "It waits.", "reasons": [reason], "server_time": NOW})
    )
    told = wire.run(wire.verbs.explain(ID))
    assert (told.reasons[0].code, told.reasons[0].key) == (ReasonCode.LIMIT_HELD, "stripe")
    assert told.reasons[0].until == datetime(2026, 1, 2, 3, 4, 5, 684000, tzinfo=UTC)


def test_events_without_a_cursor_begin_now_and_are_asked_on_with_one() -> None:
    wire = line(reply(events(cursor="c0")), reply(events("c1", "c2", cursor="c2")), reply(events("c3", cursor="c3")))
    seen = list(islice(wire.walk(wire.verbs.follow_events(queue="q")), 3))
    assert [event.cursor for event in seen] == ["c1", "c2", "c3"]
    asked = [step.request.params for step in wire.sent]
    assert asked[0] == {"queue": "q"}, "the first one does not wait: a lost reply would lose events"
    assert [params.get("after") for params in asked] == [None, "c0", "c2"]
    assert wire.sent[1].timeout_s > int(asked[1]["wait"])


def test_a_follower_comes_back_with_its_cursor_when_the_server_was_away() -> None:
    wire = line(reply(events("c1", cursor="c1")), REFUSED, CUT, reply(events("c2", cursor="c2")), retry=ONE_TRY)
    seen = list(islice(wire.walk(wire.verbs.follow_events(after="c0")), 2))
    assert [event.cursor for event in seen] == ["c1", "c2"]
    assert [step.request.params["after"] for step in wire.sent] == ["c0", "c1", "c1", "c1"]
    assert len(wire.pauses) == 2


def test_a_follower_that_never_began_says_why() -> None:
    wire = line(REFUSED, retry=ONE_TRY)
    with pytest.raises(ConnectionFailed):
        next(wire.walk(wire.verbs.follow_events()))


def test_a_follower_does_not_spin_on_a_server_that_drains() -> None:
    wire = line(reply(events(cursor="c0")), reply(events(cursor="c0")), reply(events("c1", cursor="c1")))
    assert next(wire.walk(wire.verbs.follow_events(after="c0"))).cursor == "c1"
    assert len(wire.pauses) == 2


def test_a_page_that_took_its_time_is_asked_for_again_at_once() -> None:
    wire = line(reply(events(cursor="c0")), reply(events("c1", cursor="c1")), reply_takes_s=20.0)
    assert next(wire.walk(wire.verbs.follow_events(after="c0"))).cursor == "c1"
    assert wire.pauses == []


def test_a_cursor_of_elsewhere_ends_the_following() -> None:
    wire = line(problem("invalid_cursor", 422, outcome="not_done"))
    with pytest.raises(InvalidCursor):
        next(wire.walk(wire.verbs.follow_events(after="rubbish")))


def test_a_gap_says_so() -> None:
    wire = line(reply({"events": [{"type": "gap", "cursor": "c9"}], "cursor": "c9", "server_time": NOW}))
    assert wire.run(wire.verbs.events(after="c1")).events == (Event(cursor="c9", type="gap"),)
    assert Event(cursor="c9", type="gap").is_gap
