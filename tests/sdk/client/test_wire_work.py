"""What the verbs of workers send, and what they make of the answer; no network."""

import pytest
from headrace import Held, JobError, NotFound, Raw, Status
from headrace._codec import MSGPACK
from headrace._verbs import Verbs
from headrace.leases import Ack, Nack, Release, Snooze

from tests.sdk.client.drive import ID, NOW, TOKEN, body, job, line, problem, reply


def test_lease_names_the_worker_and_settles_in_the_order_given() -> None:
    answer = {
        "jobs": [{**job(), "token": TOKEN, "deadline": NOW, "fence": 17, "delivery": 2, "new_field": 1}],
        "completed": [{"job_id": ID, "status": "late", "state": "succeeded"}, {"status": "stolen"}],
        "server_time": NOW,
    }
    wire = line(reply(answer, idempotency_replayed="true"))
    done = [
        Ack(job_id="a", token="t1", result=None),
        Nack(job_id="b", token="t2", error=JobError(type="E", message="m")),
    ]
    grant = wire.run(wire.verbs.lease(["hi", "lo"], max_jobs=5, wait_ms=2000, worker="w1", complete=done))
    assert body(wire.request) == {
        "queues": ["hi", "lo"],
        "max": 5,
        "wait_ms": 2000,
        "worker": {"id": "w1"},
        "complete": [
            {"op": "ack", "job_id": "a", "token": "t1", "result": None},
            {"op": "nack", "job_id": "b", "token": "t2", "error": {"type": "E", "message": "m"}},
        ],
    }
    assert grant.jobs[0].token == TOKEN
    assert grant.jobs[0].fence == 17
    assert grant.replayed
    assert grant.completed[0].status.counts
    assert not grant.completed[1].status.counts, "a word this client does not know is a refusal"
    assert TOKEN not in repr(grant)


def test_a_lease_waits_for_its_reply_longer_than_the_server_may_park_it() -> None:
    wire = line(reply({"jobs": [], "completed": [], "server_time": NOW}))
    wire.run(wire.verbs.lease("q", wait_ms=30_000))
    assert wire.sent[0].timeout_s > 30


def test_who_asks_for_little_is_told_which_of_its_settles_are_news() -> None:
    news = {"index": 1, "job_id": "b", "status": "lease_lost", "state": "leased"}
    acks = [Ack(job_id="a", token="t1"), Ack(job_id="b", token="t2")]
    wire = line(reply({"items": [news], "server_time": NOW}))
    (settled,) = wire.run(wire.verbs.complete(acks, minimal=True)).items
    assert (settled.index, settled.job_id, settled.status) == (1, "b", Status.LEASE_LOST)
    assert wire.request.headers["Prefer"] == "return=minimal"
    wire = line(reply({"jobs": [], "completed": [news], "server_time": NOW}))
    assert wire.run(wire.verbs.lease("q", complete=acks, minimal=True)).completed == (settled,)
    assert wire.request.headers["Prefer"] == "return=minimal"


def test_completions_spell_each_verb() -> None:
    wire = line(reply({"items": [{"job_id": ID, "status": "ok"}] * 4, "server_time": NOW}))
    wire.run(
        wire.verbs.complete(
            [
                Ack(job_id=ID, token=TOKEN),
                Nack(job_id=ID, token=TOKEN, error=JobError(), retryable=False, retry_in_ms=0),
                Nack(job_id=ID, token=TOKEN, error=JobError(), discard=True),
                Release(job_id=ID, token=TOKEN, reason="quiet"),
                Snooze(job_id=ID, token=TOKEN, delay_ms=9),
            ]
        )
    )
    proof = {"job_id": ID, "token": TOKEN}
    assert body(wire.request)["items"] == [
        {"op": "ack", **proof},
        {"op": "nack", **proof, "error": {"type": "", "message": ""}, "retryable": False, "retry_in_ms": 0},
        {"op": "nack", **proof, "error": {"type": "", "message": ""}, "discard": True},
        {"op": "release", **proof, "reason": "quiet"},
        {"op": "snooze", **proof, "delay_ms": 9},
    ]


@pytest.mark.parametrize(
    ("verb", "arguments", "sent"),
    [
        ("ack", {"result": {"x": 1}}, {"result": {"x": 1}}),
        ("ack", {}, {}),
        (
            "nack",
            {"error": JobError(type="E", message="m", stack="s")},
            {"error": {"type": "E", "message": "m", "stack": "s"}},
        ),
        ("release", {"reason": "r"}, {"reason": "r"}),
        ("ack", {"result": 1, "result_ttl_ms": 0}, {"result": 1, "result_ttl_ms": 0}),
        ("ack", {"result": Raw(b"\x00", "image/png")}, {"result_raw": "AA==", "result_type": "image/png"}),
        ("snooze", {"delay_ms": 0}, {"delay_ms": 0}),
        (
            "snooze",
            {"delay_ms": 0, "reason": "r", "checkpoint": None},
            {"delay_ms": 0, "reason": "r", "checkpoint": None},
        ),
        ("extend", {"progress": 0.5, "checkpoint": {"row": 7}}, {"progress": 0.5, "checkpoint": {"row": 7}}),
        ("extend", {"lease_ms": 1000}, {"lease_ms": 1000}),
        ("extend", {}, {}),
    ],
)
def test_a_settle_goes_to_its_job_with_its_token(
    verb: str, arguments: dict[str, object], sent: dict[str, object]
) -> None:
    wire = line(
        reply({"job_id": ID, "status": "ok", "state": "leased", "attempt": 1, "deadline": NOW, "server_time": NOW})
    )
    settled = wire.run(getattr(wire.verbs, verb)(ID, TOKEN, **arguments))
    assert wire.request.path == f"/v1/jobs/{ID}/{verb}"
    assert body(wire.request) == {"token": TOKEN, **sent}
    assert settled.status is Status.OK
    assert settled.deadline is not None


def test_heartbeat_goes_to_its_worker() -> None:
    wire = line(reply({"leases": [{"job_id": ID, "status": "lease_lost"}], "server_time": NOW}))
    beat = wire.run(wire.verbs.heartbeat("host:1/2", [Held(job_id=ID, token=TOKEN, extend_ms=5)]))
    assert wire.request.path == "/v1/workers/host%3A1%2F2/heartbeat"
    assert body(wire.request) == {"leases": [{"job_id": ID, "token": TOKEN, "extend_ms": 5}]}
    assert beat.leases[0].status is Status.LEASE_LOST


def test_a_heartbeat_carries_what_tasks_said_and_brings_back_who_wants_them_to_end() -> None:
    statuses = ["cancel_requested", "job_cancelled"]
    wire = line(reply({"leases": [{"job_id": ID, "status": status} for status in statuses], "server_time": NOW}))
    said = Held(job_id=ID, token=TOKEN, progress={"done": 3}, checkpoint=None)
    beat = wire.run(wire.verbs.heartbeat("w", [said, Held(job_id=ID, token=TOKEN)]))
    assert body(wire.request)["leases"] == [
        {"job_id": ID, "token": TOKEN, "progress": {"done": 3}, "checkpoint": None},
        {"job_id": ID, "token": TOKEN},
    ]
    assert [item.status for item in beat.leases] == [Status.CANCEL_REQUESTED, Status.JOB_CANCELLED]
    assert not any(item.status.counts for item in beat.leases)


def test_raw_results_travel_as_bytes_where_the_format_can() -> None:
    wire = line(problem("not_found", 404))
    verbs = Verbs(format="msgpack")
    with pytest.raises(NotFound):
        wire.run(verbs.ack(ID, TOKEN, result=Raw(b"\x00", "image/png")))
    assert wire.request.content is not None
    assert MSGPACK.decode(wire.request.content)["result_raw"] == b"\x00"


def test_a_leased_job_brings_the_checkpoint_of_the_one_before() -> None:
    leased = {**job(), "token": TOKEN, "deadline": NOW, "fence": 1, "checkpoint": {"row": 7}, "max_runtime_ms": 5}
    wire = line(reply({"jobs": [leased], "completed": [], "server_time": NOW}))
    (got,) = wire.run(wire.verbs.lease("q")).jobs
    assert (got.checkpoint, got.max_runtime_ms) == ({"row": 7}, 5)
