"""The buffer of ends that the server has not heard of: bounded, whatever the length of an outage."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from headrace import JobError, Leased, Settled, State, Status
from headrace.leases import Ack, Completion, Nack, Release
from headrace_worker import bounds
from headrace_worker.held import Board, HeldJob
from headrace_worker.line import Line
from headrace_worker.settle import ENVELOPE_BYTES, Settler
from headrace_worker.tally import End, Tally, end_of

pytestmark = pytest.mark.anyio

NOBODY = "http://127.0.0.1:9"  # never asked here
ROOM = 10_000
TOKEN = "ab" * 16


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "UNSETTLED_BYTES", ROOM)
    monkeypatch.setattr(bounds, "UNSETTLED_JOBS", 10)


@pytest.fixture
def tally() -> Tally:
    return Tally()


@pytest.fixture
async def settler(tally: Tally) -> AsyncIterator[Settler]:
    line = Line("w", NOBODY)
    yield Settler(line, Board(), tally)
    await line.close()


def held(number: int) -> HeldJob:
    deadline = datetime(2026, 1, 2, 12, tzinfo=UTC) + timedelta(seconds=30)
    job = Leased(
        id=f"job-{number}", task="t", queue="q", token=TOKEN, deadline=deadline, attempt=1, delivery=1, fence=number
    )
    return HeldJob(job=job, received=0.0, lease_s=30.0, deadline=30.0)


def ack(number: int) -> Ack:
    return Ack(job_id=f"job-{number}", token=TOKEN, result="x")


async def test_half_full_by_number_is_time_to_lease_no_more(settler: Settler) -> None:
    for number in range(4):
        settler.add(held(number), ack(number))
    assert not settler.is_half_full
    settler.add(held(4), ack(4))
    assert settler.is_half_full


async def test_half_full_by_size_is_time_to_lease_no_more(settler: Settler) -> None:
    settler.add(held(1), ack(1), ROOM // 2 - ENVELOPE_BYTES - 1)
    assert not settler.is_half_full
    settler.add(held(2), ack(2), 1)
    assert settler.is_half_full


async def test_a_result_without_room_is_given_up_and_its_job_runs_again(settler: Settler) -> None:
    settler.add(held(1), ack(1), ROOM // 2)
    settler.add(held(2), ack(2), ROOM)
    assert settler.bytes < ROOM
    first, second = (item.completion for item in settler.take_along())
    assert first == ack(1)
    assert isinstance(second, Nack)
    assert (second.retryable, second.error.type) == (True, "ResultNotKept")
    assert str(ROOM) in second.error.message


async def test_one_result_alone_has_room_however_large_it_is(settler: Settler) -> None:
    settler.add(held(1), ack(1), 3 * ROOM)
    assert [item.completion for item in settler.take_along()] == [ack(1)]


async def test_a_failure_without_room_keeps_its_type_and_whether_it_is_retried(settler: Settler) -> None:
    settler.add(held(1), ack(1), ROOM // 2)
    error = JobError(type="ValueError", message="long", stack="y" * ROOM)
    settler.add(held(2), Nack(job_id="job-2", token=TOKEN, error=error, retryable=False), ROOM)
    _, second = (item.completion for item in settler.take_along())
    assert isinstance(second, Nack)
    assert (second.retryable, second.error.type, second.error.stack) == (False, "ValueError", None)


async def test_what_brings_no_bytes_is_never_changed(settler: Settler) -> None:
    back = Release(job_id="job-2", token=TOKEN, reason="worker_stopped")
    settler.add(held(1), ack(1), 2 * ROOM)
    settler.add(held(2), back)
    assert [item.completion for item in settler.take_along()] == [ack(1), back]


async def test_what_rides_on_a_request_for_jobs_shows_that_settling_works_again(settler: Settler, tally: Tally) -> None:
    """The loop of the settler has nothing left to send then, and would never find out."""
    settler.add(held(1), ack(1))
    riders = settler.take_along()
    unsure = Settled(status=Status.NOT_DONE, job_id="job-1")
    assert settler.judged(riders, [unsure]) == 1
    assert tally.failing == {"settle"}
    assert settler.judged(settler.take_along(), [Settled(status=Status.OK, job_id="job-1", state=State.SUCCEEDED)]) == 0
    assert (tally.failing, tally.total(End.SUCCEEDED), len(settler), settler.bytes) == (set(), 1, 0, 0)


async def test_an_end_without_a_verdict_ended_as_asked(settler: Settler, tally: Tally) -> None:
    """The server is asked to be brief: it tells what a nack led to, and what is not as usual, by its place."""
    for number, completion in enumerate([ack(1), NACK, Release(job_id="3", token=TOKEN), ack(4), ack(5)], 1):
        settler.add(held(number), completion)
    riders = settler.take_along()
    told = [
        Settled(status=Status.OK, state=State.DEAD, index=1),
        Settled(status=Status.LEASE_LOST, state=State.LEASED, index=3),
        Settled(status=Status.UNKNOWN, index=4),
    ]
    assert settler.judged(riders, told) == 1
    ends = {end: tally.total(end) for end in End}
    assert ends == {**dict.fromkeys(End, 0), End.SUCCEEDED: 1, End.FAILED: 1, End.RETURNED: 1, End.LOST: 1}
    assert [item.completion for item in settler.take_along()] == [ack(5)]


NACK = Nack(job_id="1", token=TOKEN, error=JobError(type="E", message=""))


@pytest.mark.parametrize(
    ("completion", "status", "state", "end"),
    [
        (ack(1), Status.OK, State.SUCCEEDED, End.SUCCEEDED),
        (ack(1), Status.LATE, State.SUCCEEDED, End.SUCCEEDED),
        (ack(1), Status.REPEATED, State.SUCCEEDED, End.SUCCEEDED),
        (ack(1), Status.LEASE_LOST, State.LEASED, End.LOST),
        (ack(1), Status.NOT_FOUND, None, End.LOST),
        (ack(1), Status.JOB_CANCELLED, State.CANCELLED, End.CANCELLED),
        (NACK, Status.OK, State.RETRYING, End.RETRIED),
        (NACK, Status.OK, State.READY, End.RETRIED),
        (NACK, Status.OK, State.DEAD, End.FAILED),
        (NACK, Status.OK, State.CANCELLED, End.CANCELLED),
        (Release(job_id="1", token=TOKEN), Status.OK, State.READY, End.RETURNED),
        (Release(job_id="1", token=TOKEN), Status.OK, State.CANCELLED, End.CANCELLED),
    ],
)
async def test_what_the_server_makes_of_an_end_is_what_is_counted(
    completion: Completion, status: Status, state: State | None, end: End
) -> None:
    assert end_of(completion, Settled(status=status, state=state)) is end


async def test_only_so_many_tasks_have_counters_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "TALLIED_TASKS", 2)
    tally = Tally()
    for task in ("a", "b", "c", "d", "a"):
        tally.ran(task, 0.01)
        tally.ended(task, End.SUCCEEDED)
    assert set(tally.runs) == {"a", "b", "(others)"}
    assert tally.total(End.SUCCEEDED) == 5
