"""What the verbs about workers send, and what they make of the answers; no network."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from headrace import (
    Conflict,
    Directive,
    Held,
    NotFound,
    OutcomeUnknown,
    Status,
    WorkerInfo,
    WorkerState,
)
from headrace._steps import Reply, Steps
from headrace._verbs import Verbs

from tests.sdk.client.drive import CUT, ID, NOW, TOKEN, body, line, problem, reply

WORKER = {
    "id": "w1",
    "state": "up",
    "directive": "run",
    "registered_at": NOW,
    "last_seen_at": NOW,
    "lost_at": NOW,
    "leased": 1,
    "job_ids": [ID],
    "info": {"queues": ["q"], "slots": 8, "counts": {"failed": 1}, "started_at": NOW, "new_field": 1},
}


def test_a_heartbeat_says_what_it_was_given_and_nothing_else() -> None:
    answer = reply({"leases": [], "directive": "run", "server_time": NOW})
    wire = line(answer)
    wire.run(wire.verbs.heartbeat("w:1"))
    assert (wire.request.path, body(wire.request)) == ("/v1/workers/w%3A1/heartbeat", {"leases": []})
    wire = line(answer)
    held = Held(job_id=ID, token=TOKEN, extend_ms=9000, progress=None)
    info = WorkerInfo(queues=["q"], tasks=(), busy=0, started_at=datetime(2026, 1, 2, tzinfo=UTC), labels={"a": "b"})
    wire.run(wire.verbs.heartbeat("w", [held], info=info, next_ms=15_000, final=True))
    assert body(wire.request) == {
        "leases": [{"job_id": ID, "token": TOKEN, "extend_ms": 9000, "progress": None}],
        "info": {
            "queues": ["q"],
            "tasks": [],
            "busy": 0,
            "started_at": "2026-01-02T00:00:00.000Z",
            "labels": {"a": "b"},
        },
        "next_ms": 15_000,
        "final": True,
    }


def test_a_heartbeat_answers_for_each_lease_and_tells_what_to_do() -> None:
    leases = [{"job_id": ID, "status": "cancel_requested", "deadline": NOW}, {"job_id": ID, "status": "lease_lost"}]
    wire = line(reply({"leases": leases, "directive": "quiet", "server_time": NOW}))
    heard = wire.run(wire.verbs.heartbeat("w", [Held(job_id=ID, token=TOKEN)] * 2))
    assert [lease.status for lease in heard.leases] == [Status.CANCEL_REQUESTED, Status.LEASE_LOST]
    assert heard.directive is Directive.QUIET


@pytest.mark.parametrize(("told", "directive"), [({}, None), ({"directive": "stop"}, Directive.STOP)])
def test_a_grant_and_a_heartbeat_may_know_no_directive(told: dict[str, str], directive: Directive | None) -> None:
    wire = line(reply({"jobs": [], "completed": [], "server_time": NOW, **told}))
    assert wire.run(wire.verbs.lease("q", worker="w")).directive is directive
    wire = line(reply({"leases": [], "server_time": NOW, **told}))
    assert wire.run(wire.verbs.heartbeat("w")).directive is directive


def test_a_directive_of_a_newer_server_is_a_word_like_others() -> None:
    wire = line(reply({"leases": [], "directive": "reload", "server_time": NOW}))
    assert wire.run(wire.verbs.heartbeat("w")).directive == "reload"


def test_a_lost_heartbeat_is_sent_again() -> None:
    wire = line(CUT, reply({"leases": [], "directive": "run", "server_time": NOW}))
    wire.run(wire.verbs.heartbeat("w", [Held(job_id=ID, token=TOKEN)]))
    assert len({step.request.content for step in wire.sent}) == 1 < len(wire.sent)


def test_workers_are_filtered_and_read() -> None:
    wire = line(reply({"workers": [WORKER], "cursor": "c", "scanned": 3, "server_time": NOW}))
    page = wire.run(wire.verbs.workers(state=WorkerState.UP, queue="q", task="t", limit=1, cursor="b"))
    assert wire.request.params == {"state": "up", "queue": "q", "task": "t", "limit": "1", "cursor": "b"}
    [worker] = page.workers
    assert (page.cursor, page.scanned, worker.state, worker.directive) == ("c", 3, WorkerState.UP, Directive.RUN)
    assert (worker.job_ids, worker.info.slots, worker.info.tasks) == ((ID,), 8, None)
    assert worker.info.counts == {"failed": 1}
    assert worker.info.started_at is not None


def test_a_worker_that_said_nothing_has_an_empty_info() -> None:
    wire = line(reply({name: value for name, value in WORKER.items() if name != "info"}))
    assert wire.run(wire.verbs.worker("w1")).info == WorkerInfo()


def test_all_pages_of_workers_are_read() -> None:
    pages = [
        {"workers": [WORKER], "cursor": "1", "scanned": 1},
        {"workers": [], "cursor": "2", "scanned": 1},
        {"workers": [{**WORKER, "id": "w2"}], "scanned": 1},
    ]
    wire = line(*(reply({**page, "server_time": NOW}) for page in pages))
    assert [worker.id for worker in wire.walk(wire.verbs.iter_workers(task="t", limit=1))] == ["w1", "w2"]
    assert [step.request.params.get("cursor") for step in wire.sent] == [None, "1", "2"]
    assert {step.request.params["task"] for step in wire.sent} == {"t"}


@pytest.mark.parametrize(
    ("call", "method", "path"),
    [
        (lambda v: v.worker("a:b@c"), "GET", "/v1/workers/a%3Ab%40c"),
        (lambda v: v.quiet_worker("../jobs"), "POST", "/v1/workers/..%2Fjobs/quiet"),
        (lambda v: v.stop_worker("w"), "POST", "/v1/workers/w/stop"),
        (lambda v: v.resume_worker("w"), "POST", "/v1/workers/w/resume"),
    ],
    ids=["worker", "quiet", "stop", "resume"],
)
def test_a_verb_on_a_worker_is_repeated_and_stays_in_its_place(
    call: Callable[[Verbs], Steps[Any]], method: str, path: str
) -> None:
    wire = line(CUT, reply(WORKER))
    assert wire.run(call(wire.verbs)).id == "w1"
    assert {(step.request.method, step.request.path) for step in wire.sent} == {(method, path)}
    wire = line(problem("no_such_worker", 404, outcome="not_done"))
    with pytest.raises(NotFound):
        wire.run(call(wire.verbs))


def test_a_worker_is_deleted_once() -> None:
    wire = line(Reply(status=204))
    wire.run(wire.verbs.delete_worker("w"))
    assert (wire.request.method, wire.request.path) == ("DELETE", "/v1/workers/w")
    wire = line(CUT)
    with pytest.raises(OutcomeUnknown):
        wire.run(wire.verbs.delete_worker("w"))
    wire = line(problem("worker_up", 409, outcome="not_done"))
    with pytest.raises(Conflict):
        wire.run(wire.verbs.delete_worker("w"))
