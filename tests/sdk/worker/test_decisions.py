"""The decisions of the worker, as functions: windows, waits, clocks, words for the server."""

from datetime import UTC, datetime, timedelta

import msgpack
import pytest
from headrace import Leased
from headrace.leases import Ack, Nack, Release
from headrace_worker import bounds, pace
from headrace_worker.backoff import UnknownTasks, restart_s, retry_s
from headrace_worker.clock import ServerClock
from headrace_worker.completions import completion
from headrace_worker.fates import died
from headrace_worker.outcome import CANCELLED, STOPPED, Form, Kind, Outcome, failed, returned

from tests.sdk.worker.apps import deep

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
JOB = Leased(
    id="0190",
    task="t",
    queue="q",
    token="ab" * 16,
    deadline=NOON + timedelta(seconds=30),
    attempt=1,
    delivery=1,
    fence=7,
)


def known(pace_: pace.Pace, task: str, took_ms: float) -> None:
    for _ in range(bounds.MEAN_SAMPLES):
        pace_.ran(task, took_ms)


class TestWindow:
    """docs/architecture.md, section 9: what the slots finish in 50 ms by the running mean of that task."""

    def test_the_mean_is_unknown_until_some_runs_have_ended(self) -> None:
        seen = pace.Pace()
        seen.leased("t")
        for _ in range(bounds.MEAN_SAMPLES - 1):
            seen.ran("t", 1.0)
            assert seen.mean_ms() is None
        seen.ran("t", 1.0)
        assert seen.mean_ms() == pytest.approx(1.0)

    def test_the_slowest_of_the_tasks_that_came_lately_decides(self) -> None:
        seen = pace.Pace()
        known(seen, "quick", 1.0)
        known(seen, "slow", 400.0)
        seen.leased("quick")
        assert seen.mean_ms() == pytest.approx(1.0)
        seen.leased("slow")
        assert seen.mean_ms() == pytest.approx(400.0)
        for _ in range(bounds.RECENT_TASKS):
            seen.leased("quick")
        assert seen.mean_ms() == pytest.approx(1.0)

    def test_one_task_that_is_not_known_closes_the_window(self) -> None:
        seen = pace.Pace()
        known(seen, "quick", 1.0)
        seen.leased("quick")
        seen.leased("new")
        assert seen.mean_ms() is None

    @pytest.mark.parametrize(
        ("mean_ms", "slots", "jobs"),
        [
            (None, 8, 0),
            (10.0, 8, 0),
            (9.99, 8, 40),
            (5.0, 1, 10),
            (1.0, 8, 400),
            (0.0, 1_000, bounds.WINDOW_JOBS),
            (1.0, 0, 0),
        ],
    )
    def test_window(self, mean_ms: float | None, slots: int, jobs: int) -> None:
        assert pace.window(mean_ms, slots) == jobs

    def test_jobs_that_end_more_slowly_than_their_mean_says_bound_the_window(self) -> None:
        assert pace.window(0.02, 8, gap_ms=None) == bounds.WINDOW_JOBS
        assert pace.window(0.02, 8, gap_ms=0.5) == 100
        assert pace.window(5.0, 8, gap_ms=0.001) == 80
        assert pace.window(0.02, 8, gap_ms=60.0) == 0

    def test_the_gap_is_a_running_mean(self) -> None:
        seen = pace.Pace()
        assert seen.gap_ms is None
        seen.ended(10, 5.0)
        assert seen.gap_ms == pytest.approx(0.5)
        seen.ended(1, 1.5)
        assert seen.gap_ms == pytest.approx(0.6)

    @pytest.mark.parametrize(
        ("held", "window", "asked"),
        [
            (0, 0, 8),
            (7, 0, 1),
            (8, 0, 0),
            (8, 100, 100),
            (58, 100, 50),  # half is used up: ask for the other half
            (59, 100, 0),
            (128, 100, 0),  # the window has shrunk
            (0, 500, bounds.LEASE_JOBS),
        ],
    )
    def test_wanted(self, held: int, window: int, asked: int) -> None:
        assert pace.wanted(slots=8, held=held, window_jobs=window) == asked

    def test_what_has_not_started_after_250_ms_goes_back(self) -> None:
        assert pace.overdue([251.0, 250.0, 3.0], None) == [0]

    def test_while_a_slot_is_blocked_only_so_many_may_wait(self) -> None:
        assert pace.overdue([1.0] * 30, 10) == list(range(10, 30))
        assert pace.overdue([1.0] * 30, 0) == list(range(30))
        assert pace.overdue([300.0, 1.0, 1.0], 2) == [0, 2]


class TestWaits:
    def test_retries_double_up_to_two_seconds(self) -> None:
        assert [retry_s(n, 1.0) for n in (1, 2, 3, 5, 6, 100)] == [0.1, 0.2, 0.4, 1.6, 2.0, 2.0]

    def test_chance_spreads_over_the_upper_half(self) -> None:
        assert (retry_s(6, 0.0), retry_s(6, 1.0)) == (1.0, 2.0)

    def test_what_the_server_asks_for_counts_up_to_the_cap(self) -> None:
        assert retry_s(1, 1.0, retry_after_s=1.0) == 1.0
        assert retry_s(1, 1.0, retry_after_s=3600.0) == bounds.RETRY_MAX_S  # G25: back within 5 s

    def test_the_first_crash_is_free_and_storms_are_slowed(self) -> None:
        assert [restart_s(n, 1.0) for n in (1, 2, 3, 4, 50)] == [0.0, 0.5, 1.0, 2.0, 30.0]

    def test_an_unknown_task_is_released_once_then_put_off_longer_and_longer(self) -> None:
        unknown = UnknownTasks()
        assert [unknown.wait_ms("a") for _ in range(9)] == [
            0,
            1_000,
            2_000,
            4_000,
            8_000,
            16_000,
            32_000,
            60_000,
            60_000,
        ]
        assert unknown.wait_ms("b") == 0

    def test_only_so_many_unknown_jobs_are_remembered(self) -> None:
        unknown = UnknownTasks()
        for number in range(bounds.UNKNOWN_TASK_JOBS + 1):
            unknown.wait_ms(str(number))
        assert unknown.wait_ms("1") > 0
        assert unknown.wait_ms("0") == 0


class TestServerClock:
    """A deadline of the server on our clock: never later than it is."""

    def test_a_deadline_counts_from_before_the_request(self) -> None:
        clock = ServerClock()
        clock.observe(sent=100.0, server_time=NOON, received=101.0)
        assert clock.local(NOON + timedelta(seconds=30)) == 130.0

    def test_a_parked_poll_does_not_spoil_what_a_quick_reply_proved(self) -> None:
        clock = ServerClock()
        clock.observe(sent=100.0, server_time=NOON, received=100.01)
        clock.observe(sent=100.1, server_time=NOON + timedelta(seconds=20), received=120.0)
        assert clock.local(NOON + timedelta(seconds=50)) == pytest.approx(150.0, abs=0.02)
        assert clock.local(NOON + timedelta(seconds=50)) <= 150.0

    def test_proof_weakens_with_time(self) -> None:
        clock = ServerClock()
        clock.observe(sent=0.0, server_time=NOON, received=0.01)
        hour = timedelta(hours=1)
        clock.observe(sent=3600.05, server_time=NOON + hour, received=3600.06)
        assert clock.local(NOON + hour) == 3600.05  # 500 ppm of an hour are 1.8 s: the new one says more

    @pytest.mark.parametrize("jump_s", [-3600, -5, 5, 3600])
    def test_a_clock_that_was_set_is_noticed(self, jump_s: int) -> None:
        clock = ServerClock()
        clock.observe(sent=100.0, server_time=NOON, received=100.01)
        later = NOON + timedelta(seconds=1 + jump_s)
        clock.observe(sent=101.0, server_time=later, received=101.01)
        assert clock.local(later) == 101.0


class TestOutcome:
    @pytest.mark.parametrize("value", [None, 5, "é", b"\x00", [1, {"a": 2.5}], 2**64, -(2**200), {"n": [10**30]}])
    def test_results_survive_the_pipe(self, value: object) -> None:
        outcome = returned(value)
        assert Outcome.from_wire(msgpack.unpackb(msgpack.packb(outcome.to_wire()))) == outcome
        assert completion(JOB, outcome) == Ack(job_id=JOB.id, token=JOB.token, result=value)

    def test_integers_beyond_64_bits_go_as_json(self) -> None:
        assert returned(2**64 - 1).form is Form.MSGPACK
        assert returned(2**64).form is Form.JSON

    @pytest.mark.parametrize("value", [{1, 2}, object(), "\ud800", deep(1_500), {"a": 2**64, "b": b"x"}])
    def test_what_cannot_be_written_fails_for_good_and_says_so(self, value: object) -> None:
        told = completion(JOB, returned(value))
        assert isinstance(told, Nack)
        assert not told.retryable
        assert told.error.type == "ResultNotWritable"
        assert type(value).__name__ in told.error.message

    def test_an_error_carries_type_message_and_the_end_of_its_traceback(self) -> None:
        told = completion(JOB, failed(_raised(ValueError("no " + "x" * 5_000))))
        assert isinstance(told, Nack)
        assert told.retryable
        assert told.error.type == "ValueError"
        assert len(told.error.message) == bounds.ERROR_MESSAGE_CHARS
        assert told.error.stack is not None
        assert told.error.stack.endswith("x\n")

    def test_a_long_traceback_keeps_its_end(self) -> None:
        outcome = failed(_raised(ValueError("y" * 100_000 + "the end")))
        assert outcome.stack is not None
        assert len(outcome.stack) == bounds.ERROR_STACK_CHARS
        assert outcome.stack.endswith("the end\n")

    def test_an_error_that_cannot_be_printed_is_still_an_error(self) -> None:
        class Spiteful(Exception):
            def __str__(self) -> str:
                raise SystemExit(1)

        assert "SystemExit" in failed(_raised(Spiteful())).message

    def test_half_a_surrogate_in_a_message_does_not_spoil_the_report(self) -> None:
        assert failed(_raised(ValueError("\ud800"))).message == "?"

    def test_a_dead_process_names_its_signal_or_status(self) -> None:
        assert died(-9).message.endswith("signal 9 (SIGKILL)")
        assert died(3).message.endswith("exit status 3")
        assert died(-9).kind is Kind.FAILED
        assert died(-9).retryable

    def test_a_run_that_ended_because_somebody_asked_is_released(self) -> None:
        assert completion(JOB, STOPPED) == Release(job_id=JOB.id, token=JOB.token, reason="cancelled")

    def test_a_cancelled_run_is_released(self) -> None:
        assert completion(JOB, CANCELLED) == Release(job_id=JOB.id, token=JOB.token, reason="worker_stopped")


def _raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:  # noqa: BLE001 - the point is to have a traceback
        return caught
