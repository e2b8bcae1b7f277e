"""What a task raises, what becomes of its run, and what the app's hooks hear of it; at the hands and at a server."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from headrace import Client, NotFound, RetryPolicy, State, loading
from headrace_worker.inline import InlineHands
from headrace_worker.outcome import Kind

from tests.sdk.worker.conftest import MakeWorker, ended
from tests.sdk.worker.listening import Notes, order
from tests.support.servers import ServerProcess
from tests.support.waiting import eventually

TROUBLE = "tests.sdk.worker.trouble:app"
SOON = RetryPolicy(initial_ms=20, jitter=False)


@pytest.fixture
async def inline(notes: Notes) -> AsyncIterator[InlineHands]:
    hands = InlineHands(lambda: loading.load(TROUBLE), 4)
    await hands.start(notes)
    yield hands
    await hands.end()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("task", "error", "retryable"),
    [
        ("picky", "Passing", True),
        ("picky", "ValueError", False),  # by its name, which goes before the list of what is worth a retry
        ("picky", "Fatal", False),
        ("picky", "MoreFatal", False),
        ("careful", "Passing", True),
        ("careful", "Fatal", False),
        ("careful", "MoreFatal", False),
    ],
)
async def test_errors_are_worth_a_retry_as_the_task_says(
    inline: InlineHands, notes: Notes, task: str, error: str, retryable: bool
) -> None:
    inline.run([order(1, task, [error])])
    outcome = await notes.outcome(1)
    assert (outcome.kind, outcome.error_type, outcome.retryable) == (Kind.FAILED, error, retryable)


@pytest.mark.anyio
async def test_a_traceback_begins_with_the_task(inline: InlineHands, notes: Notes) -> None:
    inline.run([order(1, "picky", ["Passing"]), order(2, "careful", ["Passing"])])
    for key in (1, 2):
        lines = ((await notes.outcome(key)).stack or "").splitlines()
        assert "trouble.py" in lines[1]


@pytest.mark.anyio
@pytest.mark.parametrize("task", ["look", "look_async"])
async def test_what_a_hook_and_a_middleware_set_is_seen_by_the_task_and_its_threads(
    inline: InlineHands, notes: Notes, task: str
) -> None:
    inline.run([order(1, task), order(2, task)])
    for key in (1, 2):
        assert (await notes.outcome(key)).value() == f"hook of job-{key} and middleware"


@pytest.mark.anyio
async def test_hooks_hear_how_runs_end(
    inline: InlineHands, notes: Notes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, started = tmp_path / "hooks", tmp_path / "started"
    monkeypatch.setenv("HOOKS_FILE", str(log))
    hands = InlineHands(lambda: loading.load(TROUBLE), 1)
    await hands.start(notes)
    await hands.end()
    assert log.read_text().split() == ["worker_start", "child_start", "child_stop", "worker_stop"]
    log.unlink()
    last = order(5, "picky", ["Passing"])
    last.facts["attempt"] = 3
    inline.run([order(1, "look"), order(2, "picky", ["Passing"]), order(3, "picky", ["Fatal"]), last])
    await notes.until(lambda: len(notes.outcomes) == 4)
    inline.run([order(6, "neighbour_async", [str(started), "never"]), order(7, "wish", {"no": "such argument"})])
    await notes.until(started.exists)
    inline.lose([6])
    await notes.until(lambda: len(notes.outcomes) == 6)
    assert sorted(log.read_text().splitlines()) == [
        "task_cancelled neighbour_async CancelledError",
        "task_failure picky Fatal",
        "task_failure picky Passing",
        "task_failure wish None",
        "task_retry picky Passing",
        "task_success look hook of job-1 and middleware",
    ]


class TestAtTheServer:
    def test_retry_comes_again_when_the_task_says(
        self, shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker
    ) -> None:
        make_worker(shared_server.url, app=TROUBLE)
        patient = RetryPolicy(max_attempts=2, initial_ms=3_600_000)
        job = ended(client, client.enqueue("wish", ["retry"], queue=queue, retry=patient).id)
        assert (job.state, job.attempt, job.reason) == (State.DEAD, 2, "max_attempts")
        errors = [attempt.error for attempt in client.attempts(job.id)]
        told = [(error.type, error.message) for error in errors if error is not None]
        assert told == [("Passing", "later"), ("Retry", "enough")]

    def test_reject_is_dead_whatever_attempts_are_left(
        self, shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker
    ) -> None:
        make_worker(shared_server.url, app=TROUBLE)
        job = ended(client, client.enqueue("wish", ["reject"], queue=queue, retry=SOON).id)
        assert (job.state, job.attempt, job.reason) == (State.DEAD, 1, "not_retryable")
        assert job.error is not None
        assert (job.error.type, job.error.message) == ("Reject", "not for me")

    def test_requeue_gives_it_back(
        self, shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker
    ) -> None:
        worker = make_worker(shared_server.url, app=TROUBLE)
        job = client.enqueue("wish", ["requeue"], queue=queue, retry=SOON)
        eventually(lambda: client.get(job.id).delivery >= 2, what="it comes again and again")
        assert worker.terminate() == 0
        given_back = client.get(job.id)
        assert (given_back.state, given_back.attempt, given_back.crashes) == (State.READY, 1, 0)

    def test_discard_leaves_no_record(
        self, shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker
    ) -> None:
        make_worker(shared_server.url, app=TROUBLE)
        job = client.enqueue("wish", ["discard"], queue=queue, retry=SOON)

        def is_gone() -> bool:
            try:
                client.get(job.id)
            except NotFound:
                return True
            return False

        eventually(is_gone, what="nobody can look at it any more")

    def test_snooze_comes_again_with_its_checkpoint_and_without_an_attempt(
        self, shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker
    ) -> None:
        make_worker(shared_server.url, app=TROUBLE)
        job = ended(client, client.enqueue("wish", ["snooze"], queue=queue, retry=SOON).id)
        assert job.result == "came back with {'seen': 1}"
        assert (job.attempt, job.delivery) == (1, 2)

    def test_self_retry_counts_and_ends_with_the_last_straw(
        self, shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker
    ) -> None:
        make_worker(shared_server.url, app=TROUBLE)
        meta = {"headrace": {"headers": {"tenant": 7}}}
        four = RetryPolicy(max_attempts=4)
        good = ended(client, client.enqueue("bound", [2], queue=queue, retry=four, meta=meta).id)
        assert good.result == [2, "bound", {"tenant": 7}]
        bad = ended(client, client.enqueue("bound", [9], queue=queue, retry=four).id)
        assert (bad.state, bad.attempt) == (State.DEAD, 4)
        assert bad.error is not None
        assert (bad.error.type, bad.error.message) == ("Passing", "again")
