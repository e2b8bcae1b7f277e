"""What handles ask and make of the answers: of one job, and of many with one request."""

import pickle
from typing import Any

import pytest
from headrace import Conflict, NotFinished, NotFound, State, TaskCancelled, TaskFailed
from headrace._many import Many
from headrace._steps import Reply, Request, Steps
from headrace._verbs import Verbs
from headrace._watch import Watch
from headrace.handles import JobHandle
from headrace.models import Job, JobError
from headrace.results import ResultSet, as_completed, gather

from tests.sdk.client.drive import ID, NOW, Line, body, job, line, problem, reply

ERROR = {"type": "ValueError", "message": "bad", "stack": "File shop.py, line 1"}
DEAD = job(state="dead", reason="max_attempts", attempt=3, error=ERROR)
QUESTIONS = (Watch.result, Watch.info, Watch.progress)
IDS = [f"01909c5e-6a52-7000-8a3f-{n:012d}" for n in range(5)]


def one(wire: Line, **more: Any) -> Watch:
    return Watch(wire.verbs, ID, **more)


def test_the_result_is_read_as_its_app_wants() -> None:
    wire = line(reply(job(state="succeeded", result={"$uuid": ID})))
    assert str(wire.run(one(wire).get(None, True))) == ID, "tags are read without an app, too"
    wire = line(reply(job(state="succeeded", result=5)))
    assert wire.run(one(wire, read=lambda result: result + 1).get(None, True)) == 6


@pytest.mark.parametrize(
    ("document", "result", "info"),
    [
        (job(state="succeeded", result=5, progress="half"), 5, 5),
        (job(state="leased", progress="half"), None, "half"),
        (job(state="ready"), None, None),
    ],
)
def test_info_is_the_result_or_the_progress(document: dict[str, Any], result: object, info: object) -> None:
    asked = [(wire, question(one(wire))) for question in QUESTIONS for wire in [line(reply(document))]]
    assert [wire.run(steps) for wire, steps in asked] == [result, info, document.get("progress")]


def test_info_of_a_dead_job_is_its_error() -> None:
    wire = line(reply(DEAD))
    watch = one(wire)
    for steps in (watch.result, watch.info):
        error = wire.run(steps())
        assert type(error) is TaskFailed
        assert (error.type, error.message, error.attempts) == ("ValueError", "bad", 3)
        assert error.traceback == "File shop.py, line 1"
    assert wire.run(watch.traceback()) == "File shop.py, line 1"


def test_there_is_no_traceback_where_nothing_failed() -> None:
    wire = line(reply(job(state="ready")))
    assert wire.run(one(wire).traceback()) is None
    nothing = TaskFailed(ID, State.DEAD)
    assert (nothing.type, nothing.message, nothing.traceback, nothing.attempts) == ("", "", None, None)


def test_a_failure_survives_pickling() -> None:
    error = TaskFailed(ID, State.DEAD, JobError(type="E", message="m", stack="s"), "max_attempts", 3)
    again = pickle.loads(pickle.dumps(error))
    assert (again.type, again.attempts, again.reason) == ("E", 3, "max_attempts")


@pytest.mark.parametrize(("terminate", "mode"), [(False, None), (True, "hard")])
def test_revoke_cancels(terminate: bool, mode: str | None) -> None:
    wire = line(reply(job(state="cancelled")))
    assert wire.run(one(wire).revoke(terminate=terminate)) is None
    assert wire.request.path == f"/v1/jobs/{ID}/cancel"
    assert body(wire.request).get("mode") == mode


def test_revoke_of_a_job_that_has_ended_changes_nothing_and_cancel_says_so() -> None:
    wire = line(problem("job_final", 409))
    assert wire.run(one(wire).revoke()) is None
    wire = line(problem("job_final", 409))
    with pytest.raises(Conflict):
        wire.run(one(wire).cancel())


def test_forget_deletes_the_record_and_what_is_remembered_of_it() -> None:
    wire = line(Reply(status=204), problem("not_found", 404))
    watch = one(wire, ended=Job(id=ID, state=State.SUCCEEDED))

    def forget_and_look() -> Steps[Job]:
        yield from watch.forget()
        return (yield from watch.job())

    with pytest.raises(NotFound):
        wire.run(forget_and_look())
    assert [each.request.method for each in wire.sent] == ["DELETE", "GET"]


def documents(*states: str, **more: Any) -> list[dict[str, Any]]:
    """Return the documents of jobs in these states, as a server that was asked for all of them writes them."""
    final = ("succeeded", "dead", "cancelled")
    ended = {"finished_at": NOW, **more}
    return [
        {"id": job_id, "state": state}
        if state == "gone"
        else job(id=job_id, state=state, **(ended if state in final else {"abridged": True}))
        for job_id, state in zip(IDS, states, strict=False)
    ]


def waited(jobs: list[dict[str, Any]], *, done: bool = True) -> Reply:
    return reply({"jobs": jobs, "done": done, "server_time": NOW})


def many(wire: Line, count: int = 3) -> Many:
    verbs = wire.verbs
    return Many([Watch(verbs, job_id) for job_id in IDS[:count]], clock=lambda: wire.now_s)


def test_all_results_come_with_one_request_in_the_order_of_the_handles() -> None:
    jobs = [{**each, "result": n} for n, each in enumerate(documents("succeeded", "succeeded", "succeeded"))]
    wire = line(waited(jobs))
    assert wire.run(many(wire).get(60, True)) == [0, 1, 2]
    asked = body(wire.request)
    assert (asked["ids"], asked["mode"]) == (IDS[:3], "all")


def test_what_has_ended_is_not_asked_for_again() -> None:
    wire = line(waited(documents("succeeded", "succeeded", "succeeded", result=1)))
    asked = many(wire)
    assert [wire.run(asked.get(None, True)) for _ in range(2)] == [[1, 1, 1], [1, 1, 1]]
    assert wire.run(asked.ready())
    assert wire.run(asked.successful())
    assert wire.run(asked.completed_count()) == 3
    assert not wire.run(asked.failed())


def test_the_first_job_without_a_result_is_raised_or_returned() -> None:
    jobs = documents("succeeded", "cancelled", "dead", result=1)
    wire = line(waited(jobs))
    with pytest.raises(TaskCancelled):
        wire.run(many(wire).get(None, True))
    wire = line(waited(jobs))
    assert [type(each) for each in wire.run(many(wire).get(None, False))] == [int, TaskCancelled, TaskFailed]


def test_a_job_whose_record_is_gone_is_told() -> None:
    wire = line(waited(documents("succeeded", "gone", result=1)))
    with pytest.raises(NotFound, match=IDS[1]):
        wire.run(many(wire, 2).get(None, True))


def test_too_late_says_how_many_are_missing() -> None:
    wire = line(waited(documents("succeeded", "ready", "leased"), done=False), reply_takes_s=5)
    with pytest.raises(NotFinished, match="2 of 3 jobs have not ended after 5 s"):
        wire.run(many(wire).get(5, True))


@pytest.mark.parametrize(
    ("states", "ready", "successful", "failed", "count"),
    [
        (("succeeded", "succeeded"), True, True, False, 2),
        (("succeeded", "ready"), False, False, False, 1),
        (("succeeded", "dead"), True, False, True, 1),
        (("cancelled", "gone"), True, False, False, 0),
    ],
)
def test_a_set_tells_how_its_jobs_are(
    states: tuple[str, ...], ready: bool, successful: bool, failed: bool, count: int
) -> None:
    short = [{**each, "abridged": True} if each["state"] != "gone" else each for each in documents(*states)]
    told = []
    for question in (Many.ready, Many.successful, Many.failed, Many.completed_count):
        wire = line(waited(short))
        told.append(wire.run(question(many(wire, 2))))
        assert body(wire.request)["summary"] is True
        assert body(wire.request)["wait_ms"] == 0
    assert told == [ready, successful, failed, count]


def test_handles_come_as_their_jobs_end() -> None:
    first, second, third = documents("succeeded", "dead", "succeeded")
    pending = documents("ready", "ready", "ready")
    early = {**third, "finished_at": "2026-01-02T03:04:04.000Z"}
    wire = line(
        waited([first, pending[1], early]),
        waited([second]),
    )
    assert list(wire.walk(many(wire).as_completed(None))) == [2, 0, 1], "of one reply by the time of their end"
    assert [body(each.request)["ids"] for each in wire.sent] == [IDS[:3], [IDS[1]]]
    assert all(body(each.request)["mode"] == "any" for each in wire.sent)
    assert wire.pauses == [pytest.approx(0.000_25)], "a few jobs are looked at again at once"


def test_a_caller_who_waits_for_the_next_one_is_told_when_it_is_too_late() -> None:
    first, second = documents("succeeded", "ready")
    wire = line(waited([first, second]), waited([second], done=False), reply_takes_s=3)
    stream = wire.walk(many(wire, 2).as_completed(5))
    assert next(stream) == 0
    with pytest.raises(NotFinished, match="1 of 1 jobs have not ended after 5 s"):
        next(stream)


def ended(job_id: str, result: Any) -> JobHandle[Any]:
    """Return a handle on a job whose end is known."""
    done = Job(id=job_id, state=State.SUCCEEDED, result=result)
    return JobHandle(job_id, Verbs(), _nobody, ended=done)


def _nobody(_: Steps[Any]) -> Any:
    raise AssertionError("nobody is asked for a job whose end is known")


def test_jobs_that_have_ended_ask_nobody() -> None:
    handles = [ended(job_id, n) for n, job_id in enumerate(IDS)]
    assert gather(handles) == [0, 1, 2, 3, 4]
    assert list(as_completed(handles)) == handles
    assert gather([]) == list(as_completed([])) == []
    assert ResultSet(handles).ready()


def test_handles_of_two_clients_are_no_set() -> None:
    one_of, another_of = (JobHandle[Any](ID, line().verbs, _nobody) for _ in range(2))
    pair = ResultSet([one_of, ended(ID, 1)])
    with pytest.raises(ValueError, match="one client or app"):
        pair.add(another_of)
    assert (len(pair), next(iter(pair))) == (2, one_of)


def test_a_thousand_jobs_that_end_one_by_one_do_not_cost_a_thousand_large_replies() -> None:
    ids = [f"01909c5e-6a52-7000-8a3f-{n:012d}" for n in range(1000)]
    ends_at = {job_id: 10 * n / 1000 for n, job_id in enumerate(ids)}  # ten seconds for all

    def answer(request: Request) -> Reply:
        asked = body(request)["ids"]
        wire.now_s = max(wire.now_s, min(ends_at[job_id] for job_id in asked))
        states = {job_id: "succeeded" if ends_at[job_id] <= wire.now_s else "leased" for job_id in asked}
        return waited([job(id=job_id, state=state, finished_at=NOW) for job_id, state in states.items()])

    wire = line(*[answer] * 1000)
    verbs = wire.verbs
    stream = Many([Watch(verbs, job_id) for job_id in ids], clock=lambda: wire.now_s).as_completed(None)
    assert len(list(wire.walk(stream))) == 1000
    assert sum(len(body(each.request)["ids"]) for each in wire.sent) < 50_000, "and not 500,500"
