"""Measures what one job costs inside the store, verb by verb, by the store's own clock (INFO commandstats).

    .venv/bin/python bench/script_cost.py [--against REV] [--wishes limits,fairness,...] [--rounds N]

It starts stores of its own, works in batches of 100 jobs with a payload of 100 bytes, and stops by itself. Whatever is
compared is measured in turn, round by round, and the ratio is what counts: it does not care how busy the machine is.
`--against` compares with another revision, whose server runs in a process of its own; `--wishes` with jobs that ask for
more (WISHES below), whose work must stay under twice that of plain ones: less than half of the throughput lost. The
store's clock goes on while other work has its processor; its processor time does not, but has other things in it.
"""

import argparse
import asyncio
import io
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from common import PAYLOAD, ROOT, embedded_store, engine_on, script_us, who_measured
from headrace_server.domain.jobs import NewJob
from headrace_server.domain.requests import Ack, EnqueueGroup, Extend, LeaseAsk, Nack
from headrace_server.engine import Engine
from redis.asyncio import Redis

JOBS = 2_000
BATCH = 100
ROUNDS = 7
KEYS = 200  # of ordering: a batch needs as many that are not busy
WHOLE_LIFE = ("enqueue", "lease", "ack")
WISHES: dict[str, Callable[[int], dict[str, Any]]] = {
    "plain": lambda n: {},
    "limits": lambda n: {"limits": (f"api:tenant-{n % 20}",)},
    "two limits": lambda n: {"limits": (f"api:tenant-{n % 20}", "db:main")},
    "fairness": lambda n: {"fairness_key": f"tenant-{n % 20}"},
    "ordering": lambda n: {"ordering_key": f"account-{n % KEYS}"},
    "tags": lambda n: {"tags": {"customer": f"c{n % 20}"}},
    "unique": lambda n: {"unique": _unique(n)},
    "all lanes": lambda n: {
        "limits": (f"api:tenant-{n % 20}",),
        "fairness_key": f"tenant-{n % 20}",
        "ordering_key": f"account-{n % KEYS}",
    },
}


Costs = dict[str, tuple[float, float]]  # by verb, for each job: us of scripts, us of the store's processor


class Meter:
    """Script time, the store's processor time, and jobs, by verb."""

    def __init__(self, redis: Redis, pid: int) -> None:
        self._redis = redis
        self._processor = Path(f"/proc/{pid}/schedstat")
        self._us: Counter[str] = Counter()
        self._cpu_us: Counter[str] = Counter()
        self._jobs: Counter[str] = Counter()

    @asynccontextmanager
    async def of(self, verb: str) -> AsyncIterator[Callable[[int], None]]:
        """Count what the scripts inside take; the body tells how many jobs they touched."""
        before, cpu_before = await script_us(self._redis), self._cpu()

        def touched(jobs: int) -> None:
            self._jobs[verb] += jobs

        yield touched
        self._cpu_us[verb] += self._cpu() - cpu_before
        self._us[verb] += await script_us(self._redis) - before

    def _cpu(self) -> int:
        return int(self._processor.read_text().split()[0]) // 1000

    def costs(self) -> Costs:
        """Return microseconds for each job: of scripts by the store's clock, and of the store's processor time."""
        return {verb: (self._us[verb] / jobs, self._cpu_us[verb] / jobs) for verb, jobs in self._jobs.items() if jobs}


async def measure(engine: Engine, redis: Redis, wish: str) -> Costs:
    """Return microseconds for each job, by verb: first every job fails once, then all succeed."""
    meter = Meter(redis, (await redis.info("server"))["process_id"])
    await _set_limits(engine, wish)
    jobs = [_new_job(engine, WISHES[wish](n)) for n in range(JOBS)]
    for start in range(0, JOBS, BATCH):
        async with meter.of("enqueue") as touched:
            await engine.enqueue(EnqueueGroup(jobs[start : start + BATCH]))
            touched(BATCH)
    while leased := await _lease(engine, meter, "lease"):
        async with meter.of("extend") as touched:
            touched(len(await engine.settle([Extend(job_id=job.id, token=job.token) for job in leased])))
        async with meter.of("nack") as touched:
            nacks = [
                Nack(job_id=j.id, token=j.token, error=b'{"type":"E","message":"m"}', retry_in_ms=0) for j in leased
            ]
            touched(len(await engine.settle(nacks)))
    async with meter.of("tick (promote)") as touched:
        while done := await engine.tick(0):
            touched(done)
    while leased := await _lease(engine, meter, "lease again"):
        async with meter.of("ack") as touched:
            touched(len(await engine.settle([Ack(job_id=job.id, token=job.token) for job in leased])))
    return meter.costs()


async def _lease(engine: Engine, meter: Meter, verb: str) -> list[Any]:
    async with meter.of(verb) as touched:
        jobs = (await engine.lease(LeaseAsk(queues=["bench"], max_jobs=BATCH))).jobs
        touched(len(jobs))
    return jobs


def _new_job(engine: Engine, wishes: dict[str, Any]) -> NewJob:
    return NewJob(id=engine.new_id("bench"), task="mail.send", queue="bench", payload=PAYLOAD, **wishes)


def _unique(n: int) -> Any:
    from headrace_server.domain.jobs import Unique

    return Unique(digest=n.to_bytes(16))


async def _set_limits(engine: Engine, wish: str) -> None:
    """Give the limits settings that are looked at and never reached."""
    if "limits" in wish or wish == "all lanes":
        from headrace_server.domain.queues import LimitSettings, Rate

        settings = LimitSettings(concurrency=100_000, rate=Rate(count=1_000_000, per_ms=1_000, burst=1_000_000))
        for name in ("api", "db"):
            await engine.set_limit(name, settings)


async def answer_rounds() -> None:
    """Be one side: for each line on stdin (a wish) measure once and print the costs as JSON."""
    async with embedded_store() as url, Redis.from_url(url) as redis:
        for line in iter(sys.stdin.readline, ""):
            async with engine_on(url, redis) as engine:
                print(json.dumps(await measure(engine, redis, line.strip())), flush=True)


class Side:
    """A process with the server of one revision (None: the checkout)."""

    def __init__(self, revision: str | None, place: Path) -> None:
        env = dict(os.environ)
        if revision and Path(revision).is_dir():
            env["PYTHONPATH"] = str(Path(revision).resolve() / "server")
        elif revision:
            archive = subprocess.run(["git", "archive", revision, "server"], cwd=ROOT, capture_output=True, check=True)
            with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
                files.extractall(place, filter="data")
            env["PYTHONPATH"] = str(place / "server")  # comes before the checkout
        argv = [sys.executable, __file__, "--answer"]
        self._process = subprocess.Popen(argv, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def measure(self, wish: str) -> Costs:
        """Measure once."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        print(wish, file=stdin, flush=True)
        costs: Costs = json.loads(stdout.readline())
        return costs

    def end(self) -> None:
        self._process.communicate(timeout=30)


def compare(revision: str | None, wishes: list[str], rounds: int) -> None:
    """Measure everything in turn and print it."""
    with tempfile.TemporaryDirectory(prefix="hr-bench-") as place:
        sides = {name: Side(name, Path(place)) for name in ([revision] if revision else [])}
        ours = Side(None, Path(place))
        cases = [("plain", ours), *((f"plain, {name}", side) for name, side in sides.items())]
        cases += [(wish, ours) for wish in wishes]
        found: dict[str, list[Costs]] = {name: [] for name, _ in cases}
        try:
            for _ in range(rounds):
                for name, side in cases:
                    found[name].append(side.measure(name.partition(", ")[0]))
        finally:
            for side in (ours, *sides.values()):
                side.end()
    report(found)


def report(found: dict[str, list[Costs]]) -> None:
    """Print each verb's medians, and each case against `plain` of the same round."""
    print(f"{who_measured()}\nus for each job: scripts by the store's clock | the store's processor time, all in all")
    for name, rounds in found.items():
        print(f"\n{name}")
        for verb in rounds[0]:
            print(f"  {verb:18}{_line(rounds, found['plain'], (verb,))}")
        print(f"  {'+'.join(WHOLE_LIFE):18}{_line(rounds, found['plain'], WHOLE_LIFE)}")


def _line(rounds: list[Costs], plain: list[Costs], verbs: Sequence[str]) -> str:
    """Return medians, minima and, but for `plain` itself, the median ratio to it."""
    parts = []
    for which in (0, 1):
        ours, theirs = ([sum(c[verb][which] for verb in verbs) for c in side] for side in (rounds, plain))
        ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
        told = "" if rounds is plain else f"  to plain {ratio:.2f}"
        parts.append(f"median {statistics.median(ours):6.1f} min {min(ours):6.1f}{told}")
    return "  |  ".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", metavar="REV", help="a revision, or a folder with another checkout")
    parser.add_argument("--wishes", default="", help=f"of {', '.join(WISHES)}; `all` for all")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--answer", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.answer:
        asyncio.run(answer_rounds())
        return
    wishes = list(WISHES)[1:] if args.wishes == "all" else [wish for wish in args.wishes.split(",") if wish]
    compare(args.against, wishes, args.rounds)


if __name__ == "__main__":
    main()
