"""Waiting for many jobs: how many requests it takes, what is asked again, and when it ends."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from headrace import OutcomeUnknown, State
from headrace._steps import Reply, Request

from tests.sdk.client.drive import NOW, body, job, line, problem, reply

A, B, C = (f"01909c5e-6a52-7000-8a3f-0b6f1d2c3e4{n}" for n in range(3))
Answer = Callable[[Request], Reply]


def waited(done: bool, **states: str) -> Answer:
    """Answer with the jobs that were asked for, ready but for those that the last letter of their id names."""

    def answer(request: Request) -> Reply:
        letters = {A: "a", B: "b", C: "c"}
        jobs = [job(id=i, state=states.get(letters.get(i, ""), "ready")) for i in body(request)["ids"]]
        return reply({"jobs": jobs, "done": done, "server_time": NOW})

    return answer


def ids_of(sent: Any) -> list[str]:
    found: list[str] = body(sent.request)["ids"]
    return found


def test_all_are_waited_for_with_one_request() -> None:
    wire = line(waited(True, a="succeeded", b="dead", c="gone"))
    jobs = wire.run(wire.verbs.wait_many([A, B, C, A]))
    assert [found.state for found in jobs] == [State.SUCCEEDED, State.DEAD, State.GONE, State.SUCCEEDED]
    assert body(wire.request) == {"ids": [A, B, C], "mode": "all", "wait_ms": 30_000, "summary": False}
    assert wire.sent[0].timeout_s > 30


def test_what_has_ended_is_not_asked_for_again() -> None:
    wire = line(waited(False, b="dead"), waited(False, a="succeeded"), waited(True, c="cancelled"), reply_takes_s=30)
    jobs = wire.run(wire.verbs.wait_many([A, B, C]))
    assert [found.state for found in jobs] == [State.SUCCEEDED, State.DEAD, State.CANCELLED]
    assert [ids_of(sent) for sent in wire.sent] == [[A, B, C], [A, C], [C]]
    assert wire.pauses == []


def test_time_is_over_and_the_rest_comes_as_it_is() -> None:
    wire = line(waited(False, a="dead"), waited(False), reply_takes_s=30)
    jobs = wire.run(wire.verbs.wait_many([A, B], timeout=40))
    assert [found.state for found in jobs] == [State.DEAD, State.READY]
    assert [body(sent.request)["wait_ms"] for sent in wire.sent] == [30_000, 10_000]


def test_no_time_is_one_look() -> None:
    wire = line(waited(False))
    assert [found.state for found in wire.run(wire.verbs.wait_many([A], timeout=0))] == [State.READY]
    assert body(wire.request)["wait_ms"] == 0


def test_a_server_that_drains_is_not_asked_in_a_circle() -> None:
    wire = line(*[waited(False)] * 4, waited(True, a="succeeded"))
    wire.run(wire.verbs.wait_many([A]))
    assert len(wire.pauses) == 4
    assert min(wire.pauses) > 0


def test_any_is_content_with_one() -> None:
    wire = line(waited(False), waited(True, b="succeeded"), reply_takes_s=30)
    jobs = wire.run(wire.verbs.wait_many([A, B], mode="any"))
    assert [found.state for found in jobs] == [State.READY, State.SUCCEEDED]
    assert body(wire.sent[1].request)["mode"] == "any"


def test_nothing_is_waited_for_without_a_request() -> None:
    for mode in ("all", "any"):
        wire = line()
        assert wire.run(wire.verbs.wait_many([], mode=mode)) == ()  # type: ignore[arg-type]


def test_a_job_that_the_reply_had_no_room_for_is_fetched() -> None:
    cut = job(id=B, state="succeeded", payload=None, abridged=True)
    answer = reply({"jobs": [job(id=A, state="dead"), cut], "done": True, "server_time": NOW})
    wire = line(answer, reply(job(id=B, state="succeeded", result=5)))
    jobs = wire.run(wire.verbs.wait_many([A, B]))
    assert (jobs[1].result, jobs[1].abridged) == (5, False)
    assert wire.sent[1].request.path == f"/v1/jobs/{B}"
    wire = line(answer, problem("not_found", 404))
    assert wire.run(wire.verbs.wait_many([A, B]))[1].state is State.GONE
    wire = line(answer)
    assert wire.run(wire.verbs.wait_many([A, B], summary=True))[1].abridged


def test_more_than_a_thousand_are_waited_for_by_turns() -> None:
    ids = [f"01909c5e-6a52-7000-8a3f-{n:012x}" for n in range(2_500)]
    last = {ids[-1]: "succeeded"}
    rounds = itertools.count()

    def answer(request: Request) -> Reply:
        asked = body(request)["ids"]
        state = last if next(rounds) > 6 else {}
        done = any(i in state for i in asked)
        jobs = [{"id": i, "state": state.get(i, "ready"), "enqueued_at": NOW} for i in asked]
        return reply({"jobs": jobs, "done": done, "server_time": NOW})

    wire = line(*[answer] * 9, reply_takes_s=3)
    jobs = wire.run(wire.verbs.wait_many(ids, mode="any"))
    assert [found.id for found in jobs if found.state.is_final] == [ids[-1]]
    assert [len(ids_of(sent)) for sent in wire.sent] == [1_000, 1_000, 500] * 3
    assert [body(sent.request)["wait_ms"] for sent in wire.sent] == [0, 0, 0, *[2_000] * 6]


def test_a_reply_of_another_length_is_no_answer() -> None:
    wire = line(*[reply({"jobs": [job(id=A)], "done": True, "server_time": NOW})] * 9)
    with pytest.raises(OutcomeUnknown, match="cannot be read"):
        wire.run(wire.verbs.wait_many([A, B]))
