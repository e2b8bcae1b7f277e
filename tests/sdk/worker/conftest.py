"""Real worker processes against a real server."""

import itertools
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
from headrace import Client, Job, State, loading
from headrace_worker.crew import PoolSettings
from headrace_worker.hands import Hands
from headrace_worker.inline import InlineHands
from headrace_worker.pool import Pool

from tests.conftest import LOGS
from tests.sdk.worker.listening import Notes
from tests.support.processes import Child
from tests.support.servers import HEADRACE, ServerProcess, clean_env
from tests.support.waiting import eventually

APP = "tests.sdk.worker.apps:app"
SLOTS = 4
LOG_CHARS = 6_000
END_S = 15.0  # for what takes a moment on an idle machine and ten on a busy one

_numbers = itertools.count(1)


class WorkerProcess:
    """One `headrace worker` on one queue, with one child process unless a flag says otherwise."""

    def __init__(
        self, log: Path, url: str, queue: str, *flags: str, app: str = APP, env: Mapping[str, str] | None = None
    ):
        self.log = log
        children = () if {"--processes", "--autoscale"} & set(flags) else ("--processes", "1")
        queues = ("--queues", queue) if queue else ()  # '': those of its tasks
        argv = [str(HEADRACE), "worker", app, "--url", url, *queues, "--log-level", "debug", *children, *flags]
        self.process = Child(argv, log, env=clean_env(env))

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def children(self) -> list[int]:
        """The process ids of its child processes."""
        return [child.pid for child in psutil.Process(self.pid).children()]

    def ready(self) -> "WorkerProcess":
        """Wait until it polls."""
        eventually(lambda: self.says("worker started"), 30.0, "the worker starts")
        return self

    def says(self, words: str) -> bool:
        """Whether these words are in its log."""
        assert self.process.alive or words in self.text(), f"the worker has ended with {self.process.exit_code}"
        return words in self.text()

    def text(self) -> str:
        """Return its log."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def terminate(self) -> int:
        """SIGTERM and wait; return the exit code."""
        return self.process.terminate(END_S)


MakeWorker = Callable[..., WorkerProcess]


@pytest.fixture
def queue() -> str:
    """A queue that no other test uses."""
    return f"worker-{next(_numbers)}"


@pytest.fixture
def client(shared_server: ServerProcess) -> Iterator[Client]:
    """A client of the server that the tests of a module share."""
    with Client(shared_server.url) as made:
        yield made


@pytest.fixture
def make_worker(tmp_path: Path, queue: str, request: pytest.FixtureRequest) -> Iterator[MakeWorker]:
    """A maker of workers on this test's queue: `make_worker(url, "--threads", "2")`; waits until each is ready."""
    made: list[WorkerProcess] = []

    def make(url: str, *flags: str, **options: Any) -> WorkerProcess:
        worker = WorkerProcess(tmp_path / f"worker{len(made)}.log", url, queue, *flags, **options)
        made.append(worker)
        request.node.stash.setdefault(LOGS, []).append((worker.log.name, lambda: worker.text()[-LOG_CHARS:]))
        return worker.ready()

    yield make
    for worker in made:
        worker.process.end()


def ended(client: Client, job_id: str, timeout_s: float = 30.0) -> Job:
    """Return a job once it is over."""
    job = client.wait(job_id, timeout=timeout_s)
    assert job.state.is_final, (
        f"job {job_id} is still {job.state.value}, attempt {job.attempt}, delivery {job.delivery}"
    )
    return job


def reached(client: Client, job_id: str, state: State, timeout_s: float = END_S) -> Job:
    """Return a job once it is in a state."""

    def there() -> Job | None:
        job = client.get(job_id)
        return job if job.state is state else None

    job = eventually(there, timeout_s, f"{job_id} is {state.value}")
    assert job is not None
    return job


@pytest.fixture
async def notes() -> Notes:
    return Notes()


@pytest.fixture(params=["process", "inline"])
async def hands(request: pytest.FixtureRequest, notes: Notes) -> AsyncIterator[Hands]:
    made: Hands = _pool() if request.param == "process" else _inline()
    await made.start(notes)
    yield made
    await made.end()


@pytest.fixture
async def child(notes: Notes) -> AsyncIterator[Pool]:
    made = _pool()
    await made.start(notes)
    yield made
    await made.end()


def _pool(**settings: Any) -> Pool:
    return Pool(PoolSettings(**{"app": APP, "threads": SLOTS, **settings}))


def _inline() -> InlineHands:
    return InlineHands(lambda: loading.load(APP), SLOTS)
