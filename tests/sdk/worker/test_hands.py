"""The executor, in a child process and inline: runs tasks, survives them, and reports every end once."""

import asyncio
import os
import signal
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from headrace.context import Request
from headrace_worker import clock
from headrace_worker.executor import request_of
from headrace_worker.hands import Hands
from headrace_worker.outcome import Kind
from headrace_worker.pool import Pool

from tests.sdk.worker.conftest import SLOTS
from tests.sdk.worker.listening import Notes, order
from tests.support.waiting import eventually_async

pytestmark = pytest.mark.anyio


def pid_of(pool: Pool) -> int:
    (child,) = pool.children
    return child.pid


async def test_tells_the_tasks_of_the_app(hands: Hands) -> None:
    assert hands.tasks["noop"] == "default"
    assert hands.slots == SLOTS


async def test_a_request_is_whole_whatever_its_order_leaves_out() -> None:
    facts, tell, then = order(1, "spell", [1]).facts, print, datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)
    wanted = Request(**facts, enqueued_at=then, clock=clock.now, tell=tell)
    made = request_of({**facts, "enqueued_at": then.timestamp()}, tell)
    assert {name: getattr(made, name) for name in vars(wanted)} == vars(wanted)
    assert made.meta is not request_of(facts, tell).meta
    assert request_of({**facts, "meta": {"a": 1}, "trace": {"traceparent": "t"}}, tell).meta == {"a": 1}


async def test_object_is_keywords_array_is_positional_anything_else_one_argument(hands: Hands, notes: Notes) -> None:
    calls = [
        ([1, 2], [[1, 2], {}]),
        ("one", [["one"], {}]),
        ({"x": 1}, [[], {"x": 1}]),
        (None, [[], {}]),
        ([], [[], {}]),
    ]
    for key, (payload, call) in enumerate(calls):
        hands.run([order(key, "spell", payload)])
        assert (await notes.outcome(key)).value() == call


async def test_null_is_no_argument_only_where_that_will_do(hands: Hands, notes: Notes) -> None:
    hands.run([order(1, "one_argument", None), order(2, "context", None)])
    assert (await notes.outcome(1)).value() == [None]
    assert (await notes.outcome(2)).value()["id"] == "job-2"


async def test_a_payload_that_does_not_fit_is_not_worth_a_retry(hands: Hands, notes: Notes) -> None:
    hands.run([order(1, "mark", {"file": "f", "colour": "blue"})])
    outcome = await notes.outcome(1)
    assert (outcome.error_type, outcome.retryable) == ("TypeError", False)
    assert "mark(file: str" in outcome.message
    assert "colour" in outcome.message


@pytest.mark.parametrize("task", ["raise_system_exit", "raise_system_exit_async", "raise_interrupt"])
async def test_an_exit_in_a_task_fails_the_job_and_nothing_else(hands: Hands, notes: Notes, task: str) -> None:
    hands.run([order(1, task, [])])
    outcome = await notes.outcome(1)
    assert outcome.kind is Kind.FAILED
    assert outcome.error_type in ("SystemExit", "KeyboardInterrupt")
    assert outcome.retryable
    hands.run([order(2, "noop"), order(3, "context_async")])
    assert (await notes.outcome(2)).kind is Kind.RETURNED
    assert (await notes.outcome(3)).kind is Kind.RETURNED


async def test_context_follows_the_task_into_its_threads_and_coroutines(hands: Hands, notes: Notes) -> None:
    hands.run([order(1, "context_async"), order(2, "context_async"), order(3, "context")])
    for key in (1, 2):
        assert (await notes.outcome(key)).value() == [f"job-{key}"] * 3
    told = (await notes.outcome(3)).value()
    assert (told["id"], told["fence"], told["lease_lost"]) == ("job-3", 9, False)


async def test_async_tasks_run_at_the_same_time(hands: Hands, notes: Notes, tmp_path: Path) -> None:
    hands.run([order(key, "meet", [str(tmp_path), str(key), SLOTS]) for key in range(1, SLOTS + 1)])
    for key in range(1, SLOTS + 1):
        assert (await notes.outcome(key)).value() == SLOTS


async def test_a_lost_lease_cancels_coroutines_and_flags_threads(hands: Hands, notes: Notes, tmp_path: Path) -> None:
    names = [str(tmp_path / name) for name in ("thread", "coroutine")]
    hands.run([order(1, "block", [names[0], "never"]), order(2, "block_async", [names[1], "never"])])
    await notes.until(lambda: all(Path(name).exists() for name in names))
    hands.lose([1, 2])
    assert (await notes.outcome(1)).value() == "lost"
    assert (await notes.outcome(2)).kind is Kind.CANCELLED
    assert Path(names[1] + ".cancelled").exists()


async def test_a_coroutine_that_is_cancelled_before_its_first_step_is_reported(
    hands: Hands, notes: Notes, tmp_path: Path
) -> None:
    hands.run([order(1, "block_async", [str(tmp_path / "started"), "never"])])
    hands.lose([1])
    assert (await notes.outcome(1)).kind is Kind.CANCELLED


@pytest.mark.parametrize(
    ("task", "payload", "words"),
    [
        ("die", [signal.SIGKILL], "signal 9 (SIGKILL)"),
        ("die", [signal.SIGSEGV], "SIGSEGV"),
        ("exit_process", [3], "exit status 3"),
    ],
)
async def test_a_dead_child_is_noticed_and_replaced(
    child: Pool, notes: Notes, task: str, payload: list[int], words: str
) -> None:
    first = pid_of(child)
    child.run([order(1, task, payload)])
    await notes.until(lambda: notes.deaths)
    assert words in notes.deaths[1].message
    await notes.until(lambda: child.slots == SLOTS)
    assert pid_of(child) != first
    child.run([order(2, "noop")])
    assert (await notes.outcome(2)).kind is Kind.RETURNED
    assert notes.unstarted == []


async def test_results_that_a_dying_child_has_told_are_not_lost(child: Pool, notes: Notes) -> None:
    child.run([order(1, "noop")])
    await notes.outcome(1)
    child.run([order(2, "die", [signal.SIGKILL])])
    await notes.until(lambda: notes.deaths)
    assert set(notes.outcomes) == {1}


async def test_a_crash_storm_is_slowed_down(child: Pool, notes: Notes) -> None:
    loop = asyncio.get_running_loop()
    waits = []
    for key in (1, 2, 3):
        child.run([order(key, "exit_process", [1])])
        await notes.until(lambda: key in notes.deaths)  # noqa: B023 - awaited within the turn
        died = loop.time()
        await notes.until(lambda: child.slots == SLOTS)
        waits.append(loop.time() - died)
    assert waits[1] >= 0.25, "half of 0.5 s at least"
    assert waits[2] >= 0.5


async def test_more_jobs_than_slots_wait_their_turn_and_can_be_taken_back(
    hands: Hands, notes: Notes, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    blocked = [order(key, "block", [str(tmp_path / f"started{key}"), str(go)]) for key in range(1, SLOTS + 1)]
    hands.run([*blocked, order(11, "noop"), order(12, "noop"), order(13, "noop")])
    await notes.until(lambda: hands.unstarted == 3)
    assert hands.take_back() == [11, 12, 13]
    assert hands.unstarted == 0
    hands.run([order(14, "noop")])
    go.touch()
    await notes.until(lambda: len(notes.outcomes) == SLOTS + 1)
    assert set(notes.outcomes) == {*range(1, SLOTS + 1), 14}


async def test_many_short_jobs_end_once_each(hands: Hands, notes: Notes) -> None:
    keys = range(1, 1_001)
    hands.run([order(key, "context_async" if key % 10 == 0 else "noop") for key in keys])
    await notes.until(lambda: len(notes.outcomes) == len(keys))
    assert all(outcome.kind is Kind.RETURNED for outcome in notes.outcomes.values())


async def test_jobs_in_front_of_a_child_that_holds_the_gil_are_taken_back(
    child: Pool, notes: Notes, tmp_path: Path
) -> None:
    started, traces = tmp_path / "started", tmp_path / "traces"
    child.run([order(1, "hold_gil", [str(started), 1.5])])
    await notes.until(started.exists)
    child.run([order(2, "mark", [str(traces)]), order(3, "mark", [str(traces)])])
    assert child.take_back() == [2, 3]
    await notes.until(lambda: child.slots == 0, 1.0)
    assert child.stuck == 1, "nothing more is given to it"
    assert 1 not in notes.outcomes, "and all that while the GIL was held"
    assert (await notes.outcome(1)).value() == 1.5
    await notes.until(lambda: child.slots == SLOTS)
    child.run([order(4, "noop")])
    await notes.outcome(4)
    assert not traces.exists(), "what was taken back never starts"
    assert set(notes.outcomes) == {1, 4}


async def test_a_child_in_doubt_is_trusted_again_when_it_answers(child: Pool, notes: Notes, tmp_path: Path) -> None:
    started, go = tmp_path / "started", tmp_path / "go"
    blocked = [order(key, "block", [str(started), str(go)]) for key in range(1, SLOTS + 1)]
    child.run([*blocked, order(11, "noop")])
    await notes.until(lambda: child.unstarted == 1)
    assert child.take_back() == [11]
    await notes.until(lambda: child.slots == SLOTS)
    assert notes.outcomes == {}


async def test_a_dead_child_tells_what_it_had_not_started(child: Pool, notes: Notes, tmp_path: Path) -> None:
    blocked = [order(key, "block", [str(tmp_path / "started"), "never"]) for key in range(1, SLOTS)]
    child.run([*blocked, order(9, "noop")])
    await notes.outcome(9)
    child.run([order(10, "die", [signal.SIGKILL]), order(11, "noop"), order(12, "noop")])
    await notes.until(lambda: notes.deaths)
    assert notes.unstarted == [11, 12]


async def test_the_child_ends_when_the_supervisor_says_so_whatever_it_is_doing(
    child: Pool, notes: Notes, tmp_path: Path
) -> None:
    started = tmp_path / "started"
    child.run([order(1, "hold_gil", [str(started), 60])])
    await notes.until(started.exists)
    pid = pid_of(child)
    await child.end()
    assert not psutil.pid_exists(pid)


async def test_a_coroutine_has_a_moment_for_its_last_words(hands: Hands, notes: Notes, tmp_path: Path) -> None:
    started = tmp_path / "started"
    hands.run([order(1, "checkpoint_when_stopped", [str(started)])])
    await notes.until(started.exists)
    await hands.end()
    assert (await notes.outcome(1)).kind is Kind.CANCELLED
    assert notes.news[1][0][1] == "stopped"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_child_leaves_signals_of_its_group_to_the_supervisor(
    child: Pool, notes: Notes, number: signal.Signals
) -> None:
    os.kill(pid_of(child), number)
    child.run([order(1, "noop")])
    assert (await notes.outcome(1)).kind is Kind.RETURNED
    assert notes.deaths == {}


async def test_the_pipe_is_not_handed_to_programs_that_tasks_start(child: Pool) -> None:
    async def open_files() -> bool:
        return len(psutil.Process(pid_of(child)).net_connections("unix")) == 1

    await eventually_async(open_files, 5.0, "the child holds one socket, its own end")


async def test_a_job_whose_lease_is_over_before_it_could_start_is_not_run(
    hands: Hands, notes: Notes, tmp_path: Path
) -> None:
    """A laptop that slept with jobs in line: somebody else may be at them by now."""
    late = order(1, "mark", [str(tmp_path / "late")])
    hands.run([late._replace(facts={**late.facts, "lease_end": clock.now() - 0.001})])
    outcome = await notes.outcome(1)
    assert (outcome.kind, outcome.message) == (Kind.CANCELLED, "lease_over")
    hands.run([order(2, "mark", [str(tmp_path / "early")])])
    assert (await notes.outcome(2)).kind is Kind.RETURNED
    assert not (tmp_path / "late").exists()
