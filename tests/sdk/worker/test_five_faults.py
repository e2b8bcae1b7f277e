"""Tasks that kill other workers, in real ones: each ends as documented, and its neighbours do not notice.

Each test has one neighbour in the culprit's own child process and one in another child.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from headrace import Client, Job, RetryPolicy, State

from tests.sdk.worker.conftest import END_S, MakeWorker, WorkerProcess, ended
from tests.support.processes import runs
from tests.support.servers import ServerProcess
from tests.support.waiting import eventually

TROUBLE = "tests.sdk.worker.trouble:app"
LEASE_MS = 1_000
ONCE = RetryPolicy(max_attempts=1)


@dataclass
class Street:
    """A worker of two children with a neighbour in each."""

    client: Client
    queue: str
    worker: WorkerProcess
    folder: Path
    neighbours: list[Job]
    pids: list[int]

    def start(self, task: str, *arguments: object, retry: RetryPolicy | None = None) -> tuple[Job, int]:
        """Start the culprit; return it and the process that it runs in."""
        started = self.folder / task
        payload = [str(started), *arguments]
        job = self.client.enqueue(task, payload, queue=self.queue, lease_ms=LEASE_MS, retry=retry)
        eventually(started.exists, END_S, "the culprit runs")
        return job, int(started.read_text().split()[0])

    def pid_of(self, neighbour: Job) -> int:
        return self.pids[self.neighbours.index(neighbour)]

    def other(self, pid: int) -> tuple[Job, Job]:
        """Return the neighbour in a process, and the one in the other."""
        inside, outside = sorted(self.neighbours, key=lambda job: self.pid_of(job) != pid)
        assert self.pid_of(inside) == pid != self.pid_of(outside)
        return inside, outside

    def open(self) -> None:
        """Let the neighbours end."""
        (self.folder / "go").touch()

    def starts(self, job: Job) -> int:
        """Return how often a neighbour was started."""
        return len((self.folder / f"neighbour-{self.neighbours.index(job)}.starts").read_text().split())


MakeStreet = Callable[..., Street]


@pytest.fixture
def make_street(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, tmp_path: Path
) -> MakeStreet:
    def make(*flags: str, task: str = "neighbour") -> Street:
        worker = make_worker(shared_server.url, "--processes", "2", "--threads", "3", *flags, app=TROUBLE)
        neighbours, pids = [], []
        for number in range(2):
            started = tmp_path / f"neighbour-{number}"
            payload = [str(started), str(tmp_path / "go")]
            neighbours.append(client.enqueue(task, payload, queue=queue, lease_ms=LEASE_MS))
            eventually(started.exists, END_S)
            pids.append(int(started.read_text()))
        assert set(pids) == set(worker.children), "one in each child"
        return Street(client, queue, worker, tmp_path, neighbours, pids)

    return make


def undisturbed(street: Street, *neighbours: Job) -> None:
    """Check that neighbours have run once, to their end."""
    for neighbour in neighbours:
        job = ended(street.client, neighbour.id)
        assert (job.state, job.delivery, job.attempt, job.crashes) == (State.SUCCEEDED, 1, 1, 0)
        assert street.starts(neighbour) == 1


def works(street: Street, task: str = "pid") -> int:
    """Check that new jobs run; return the process that the last one ran in."""
    jobs = [street.client.enqueue(task, queue=street.queue) for _ in range(4)]
    return [ended(street.client, job.id).result for job in jobs][-1]


def test_a_task_that_holds_the_gil_far_beyond_its_lease(make_street: MakeStreet) -> None:
    street = make_street()
    job, pid = street.start("hold_gil", 6 * LEASE_MS / 1000)
    began = time.monotonic()
    inside, outside = street.other(pid)
    assert works(street) == street.pid_of(outside), "work goes on in the other child"
    assert time.monotonic() - began < 5, "and that while the GIL is held"
    finished = ended(street.client, job.id)
    assert (finished.result, finished.delivery, finished.attempt, finished.crashes) == (pid, 1, 1, 0)
    street.open()
    undisturbed(street, inside, outside)
    assert sorted(street.worker.children) == sorted(street.pids), "nobody had to die"


def test_a_task_that_blocks_its_event_loop_far_beyond_its_lease(make_street: MakeStreet) -> None:
    street = make_street(task="neighbour_async")
    job, pid = street.start("block_loop", 6 * LEASE_MS / 1000)
    began = time.monotonic()
    inside, outside = street.other(pid)
    eventually(lambda: street.worker.says("child does not react"), END_S)
    assert works(street, "pid_async") == street.pid_of(outside), "work goes on in the other child"
    assert time.monotonic() - began < 5, "and that while the loop is blocked"
    finished = ended(street.client, job.id)
    assert (finished.result, finished.delivery, finished.attempt, finished.crashes) == (pid, 1, 1, 0)
    street.open()
    undisturbed(street, inside, outside)
    assert sorted(street.worker.children) == sorted(street.pids), "nobody had to die"


def test_a_task_that_segfaults(make_street: MakeStreet) -> None:
    street = make_street()
    job, pid = street.start("segfault", retry=ONCE)
    inside, outside = street.other(pid)
    dead = ended(street.client, job.id)
    assert (dead.state, dead.attempt, dead.delivery) == (State.DEAD, 1, 1)
    assert dead.error is not None
    assert dead.error.type == "WorkerProcessDied"
    assert "SIGSEGV" in dead.error.message
    assert "MiB of memory" in dead.error.message
    assert " in segfault" in (dead.error.stack or ""), "and where it was"
    assert not runs(pid)
    street.open()
    undisturbed(street, outside)
    again = ended(street.client, inside.id)
    assert (again.state, again.attempt, again.crashes) == (State.SUCCEEDED, 2, 0), "nobody knows which of them it was"
    eventually(lambda: len(street.worker.children) == 2, END_S, "the child is replaced")


def test_a_task_that_eats_all_memory(make_street: MakeStreet) -> None:
    street = make_street("--max-memory-per-child", "120M")
    job, pid = street.start("eat", 4_000, retry=ONCE)
    _, outside = street.other(pid)
    dead = ended(street.client, job.id)
    assert (dead.state, dead.attempt, dead.delivery) == (State.DEAD, 1, 1)
    assert dead.error is not None
    assert dead.error.type == "MemoryLimitExceeded"
    assert "--max-memory-per-child is 120 MiB" in dead.error.message
    assert not runs(pid)
    assert psutil.Process(street.pid_of(outside)).memory_info().rss < 120 * 2**20
    street.open()
    undisturbed(street, outside)
    eventually(lambda: len(street.worker.children) == 2, END_S, "the child is replaced")
    works(street)


def test_a_task_that_ignores_its_soft_limit(make_street: MakeStreet) -> None:
    street = make_street()
    job, pid = street.start("stubborn", retry=ONCE)
    inside, outside = street.other(pid)
    dead = ended(street.client, job.id)
    assert (street.folder / "stubborn.soft").read_text() == "ignored\n", "it was told once"
    assert (dead.state, dead.attempt, dead.delivery) == (State.DEAD, 1, 1)
    assert dead.error is not None
    assert dead.error.type == "TimeLimitExceeded"
    assert "0.8 s" in dead.error.message
    assert " in stubborn" in (dead.error.stack or ""), "and where it was"
    assert not runs(pid), "told only when it was dead"
    street.open()
    undisturbed(street, outside)
    again = ended(street.client, inside.id)
    assert (again.state, again.attempt, again.delivery) == (State.SUCCEEDED, 1, 2), "it went along, and paid nothing"
    assert street.starts(inside) == 2


def test_a_neighbour_that_ends_soon_is_left_alone(make_street: MakeStreet) -> None:
    street = make_street()
    job, pid = street.start("stubborn", retry=ONCE)
    inside, outside = street.other(pid)
    eventually(lambda: street.worker.says("it has to be killed"), END_S)
    street.open()
    undisturbed(street, inside, outside)
    dead = ended(street.client, job.id)
    assert dead.error is not None
    assert dead.error.type == "TimeLimitExceeded"
