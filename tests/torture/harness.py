"""One torture run: servers on one embedded store, workers, producers and a nemesis; leaves a history to be judged."""

import asyncio
import contextlib
import json
import random
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import redis
from headrace_server.engine import Engine
from headrace_server.telemetry.catalogue import QUEUE_COUNTERS

from tests.support.processes import Child
from tests.support.servers import HEADRACE, ServerProcess
from tests.torture.beats import Beats
from tests.torture.history import History, read_history
from tests.torture.nemesis import Nemesis, dice_of
from tests.torture.overseer import Overseer
from tests.torture.plan import BEAT_QUEUES, plan_blows
from tests.torture.producer import Producer
from tests.torture.wire import Wire

REPO = Path(__file__).parents[2]
DRAIN_S = 120.0
READERS = 16
READS = 50
# What a loop of a server would mend at a time of its own, the check at the end is to find.
ENV = {"HEADRACE_CHECK_INTERVAL_MS": "0"}
NOT_FINAL = ("scheduled", "ready", "leased", "retrying")


@dataclass(frozen=True)
class Setup:
    """The size of a run."""

    jobs: int
    kills: int  # of kill -9; freezes come on top
    seed: int
    servers: int = 2
    workers: int = 3
    pace_s: float = 0.5  # mean pause between two blows
    program: tuple[str, ...] = (str(HEADRACE),)  # what is run as `headrace`: controls put a broken one here
    store_config: dict[str, str] = field(default_factory=dict)  # set on the running store: controls weaken it


class WorkerProcess:
    """A worker that can be started again."""

    def __init__(self, spec: Path, log: Path) -> None:
        self._argv = [sys.executable, "-m", "tests.torture.worker", str(spec)]
        self._log = log
        self._child: Child | None = None

    @property
    def child(self) -> Child:
        assert self._child is not None, "the worker was not started"
        return self._child

    @property
    def pid(self) -> int:
        return self.child.pid

    def start(self) -> None:
        self._child = Child(self._argv, self._log, cwd=REPO)

    def kill9(self) -> None:
        self.child.kill9()

    def end(self) -> None:
        if self._child is not None:
            self._child.end()


class Run:
    """Everything that lives during a run."""

    def __init__(self, folder: Path, setup: Setup) -> None:
        self.setup = setup
        self.history_dir = folder / "history"
        self.history_dir.mkdir(parents=True)
        self.data_dir = folder / "data"
        self.calm = folder / "calm"
        self.name = f"run{setup.seed}"
        self.servers = [
            ServerProcess(folder / f"server{n}", data_dir=self.data_dir, env=ENV, program=setup.program, watched=False)
            for n in range(setup.servers)
        ]
        self.workers = [
            WorkerProcess(folder / f"worker{n}.json", folder / f"worker{n}.log") for n in range(setup.workers)
        ]
        self._folder = folder

    def start(self) -> None:
        """Start servers, then workers."""
        for server in self.servers:
            server.launch()
        for server in self.servers:
            server.ready()
        self._weaken_store()
        urls = [server.url for server in self.servers]
        for n, worker in enumerate(self.workers):
            spec = {"name": f"w{n}", "urls": urls, "seed": self.setup.seed}
            spec |= {"history": str(self.history_dir), "calm": str(self.calm)}
            (self._folder / f"worker{n}.json").write_text(json.dumps(spec))
            worker.start()

    def end(self) -> None:
        """End whatever is left."""
        for worker in self.workers:
            worker.end()
        for server in reversed(self.servers):
            server.end()

    def _weaken_store(self) -> None:
        if self.setup.store_config:
            with redis.Redis(unix_socket_path=str(self.data_dir / "store.sock")) as client:
                for name, value in self.setup.store_config.items():
                    client.config_set(name, value)


@contextlib.contextmanager
def running(folder: Path, setup: Setup) -> Iterator[Run]:
    """A run whose processes are gone afterwards."""
    run = Run(folder, setup)
    try:
        run.start()
        yield run
    finally:
        run.end()


async def torture(run: Run) -> None:
    """Enqueue under blows, let everything drain, read every job back."""
    setup = run.setup
    history = History(run.history_dir, "master")
    wire = Wire([server.url for server in run.servers], dice_of(setup.seed, "wire"))
    producer = Producer(wire, history, setup.jobs, dice_of(setup.seed, "producer"), run.name)
    overseer = Overseer(wire, history, dice_of(setup.seed, "overseer"), lambda: producer.ids)
    beats = Beats(wire, history)
    await overseer.set_up()
    await beats.set_up()
    overseeing, producing = asyncio.create_task(overseer.run()), asyncio.create_task(producer.run())
    await _strike(run, producer, history)
    producer.release(1.0)
    await producing
    overseer.stop()
    await overseeing
    await beats.stop()
    run.calm.touch()
    drained, counts = await _drain(wire)
    codes = await asyncio.gather(*(asyncio.to_thread(worker.child.terminate, 30.0) for worker in run.workers))
    assert not any(codes), f"a worker of the torture failed by itself: {codes}"
    history.note("drained", drained=drained, counts=counts)
    known = {job["id"] for event in read_history(run.history_dir) for job in event.get("jobs", [])}
    listed = await _listed(wire)
    await _read_back(wire, history, listed, sorted(known.union(producer.ids)))
    beats.tell(listed)
    async with _engine(run.data_dir) as engine:
        history.note("checked", findings=await _check(engine))
        history.note("counted", sums=await _counted(engine))
    await wire.close()
    history.close()


async def _strike(run: Run, producer: Producer, history: History) -> None:
    """Deal every blow; each one first releases its share of the jobs and waits until half of that is on its way."""
    setup = run.setup
    nemesis = Nemesis(run.servers, run.workers, history)
    dice = dice_of(setup.seed, "blows")
    blows = plan_blows(setup.kills, servers=setup.servers, workers=setup.workers, dice=dice, pace_s=setup.pace_s)
    for n, blow in enumerate(blows):
        producer.release((n + 1) / len(blows))
        await asyncio.sleep(blow.before_s)
        while producer.progress < (n + 0.5) / len(blows):
            await asyncio.sleep(0.01)
        while not await nemesis.deal(blow):
            await asyncio.sleep(0.02)
    await nemesis.heal()


async def _drain(wire: Wire) -> tuple[bool, dict[str, int]]:
    """Wait until every job is final; return whether that came to pass, and the jobs of producers by state."""
    end = time.monotonic() + DRAIN_S
    counts: dict[str, int] = {}
    while time.monotonic() < end:
        answer = await wire.get("/v1/queues")
        if answer.is_done:
            queues = answer.body["queues"]
            counts = _sums([queue["counts"] for queue in queues if queue["queue"] not in BEAT_QUEUES])
            if not any(queue["counts"].get(state, 0) for queue in queues for state in NOT_FINAL):
                return True, counts
        await asyncio.sleep(0.2)
    return False, counts


def _sums(parts: Sequence[dict[str, int]]) -> dict[str, int]:
    return {state: sum(part[state] for part in parts) for state in parts[0]} if parts else {}


async def _read_back(wire: Wire, history: History, listed: dict[str, Any], ids: Sequence[str]) -> None:
    """Read every job that anybody was told of, and note what matters of it: from the lists, else one by one."""
    left = iter(ids)

    async def reader() -> None:
        for job_id in left:
            job = listed.get(job_id) or _kept(await _read(wire, f"/v1/jobs/{job_id}"))
            history.note("seen", id=job_id, job=job)

    await asyncio.gather(*(reader() for _ in range(READERS)))


async def _listed(wire: Wire) -> dict[str, Any]:
    found: dict[str, Any] = {}
    cursor = ""
    while True:
        page = await _read(wire, f"/v1/jobs?limit=200{cursor}")
        assert page is not None
        found |= {job["id"]: _kept(job) for job in page["jobs"]}
        if "cursor" not in page:
            return found
        cursor = f"&cursor={page['cursor']}"


def _kept(job: dict[str, Any] | None) -> dict[str, Any] | None:
    kept = ("state", "reason", "attempt", "delivery", "crashes", "fence", "enqueued_at", "finished_at", "schedule")
    return None if job is None else {name: job[name] for name in kept if name in job}


async def _read(wire: Wire, path: str) -> Any:
    """Return what is there; None for 404."""
    for _ in range(READS):
        answer = await wire.get(path)
        if answer.status == 404:
            return None
        if answer.is_done:
            return answer.body
        await asyncio.sleep(0.1)
    raise AssertionError(f"nobody answers about {path}")


@contextlib.asynccontextmanager
async def _engine(data_dir: Path) -> AsyncIterator[Engine]:
    engine = Engine(f"unix://{data_dir / 'store.sock'}")
    await engine.start()
    try:
        yield engine
    finally:
        await engine.close()


async def _counted(engine: Engine) -> dict[str, int]:
    """Return what the metrics say of all queues together, and how many jobs lie there."""
    queues = (await engine.metrics()).queues
    sums = {word: sum(queue.counted[number] for queue in queues) for number, word in enumerate(QUEUE_COUNTERS)}
    return {**sums, "there": sum(sum(queue.stats.counts.values()) for queue in queues)}


async def _check(engine: Engine) -> list[str]:
    """Return where the store's indexes disagree with its jobs."""
    pages = [await engine.check(0, None, repair=False)]
    while pages[-1].cursor is not None:
        pages.append(await engine.check(0, pages[-1].cursor, repair=False))
    return [f"{found.kind}: {found.detail} ({found.queue})" for page in pages for found in page.found]


def describe(setup: Setup) -> dict[str, Any]:
    """Return the setup for a summary."""
    facts = asdict(setup)
    return {name: facts[name] for name in ("jobs", "kills", "seed", "servers", "workers", "pace_s")}


def seed_of(seed: int | None) -> int:
    """Return a seed; a fresh one where none was given."""
    return random.SystemRandom().randrange(10**6) if seed is None else seed
