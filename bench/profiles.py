"""Shows where a job's microseconds go: in producer, server, store and worker, in bulk, in a drain, and one by one.

    .venv/bin/python bench/profiles.py [--jobs 20000] [--top 8] [--processes 1]

Three phases: one producer enqueues in bulk, one worker drains, and 64 connections enqueue a job with each request. In
each, every process is looked at from outside by py-spy, a hundred times a second, and the kernel's account of its
processor time is divided by the jobs; the store tells by itself what its commands took (INFO commandstats) and which of
its events were slow (LATENCY). Shares are those of samples in which a thread had the interpreter: who waits is not
seen, nor who writes to a socket. Where there is perf, it looks at the store. py-spy is installed beside the peers of
the comparison and slows what it looks at a little, so rates are not to be read here: that is what bench/compare.py is
for.
"""

import argparse
import re
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from common import who_measured
from comparison.heats import BATCH
from comparison.installing import CACHE, Environment, NotInstalled, install
from comparison.looking import Perf, Spy
from comparison.own import LIMIT_S, OURS, QUEUE, fill
from comparison.processes import children_of, cpu_of
from comparison.stage import Stage, stage
from comparison.stores import RedisStore, port_of
from crowd import Crowd
from headrace import Client
from http_throughput import CONNECTIONS, ENQUEUE

SLOW_MS = 5  # an event of the store that is worth a line
WARM = 1_000


@dataclass
class Look:
    """What was seen of one process."""

    name: str
    cpu_us: float  # of a job
    samples: Counter[str] = field(default_factory=Counter)  # by the innermost function

    def by_package(self) -> Counter[str]:
        """Return the samples by the package or file that the innermost function is of."""
        found: Counter[str] = Counter()
        for frame, count in self.samples.items():
            found[_package(frame)] += count
        return found


def _package(frame: str) -> str:
    """Return what a frame is of: `name (path:line)` of Python, or `library: symbol`."""
    python = re.search(r"\((.+):\d+\)$", frame)
    if python is None:
        return frame.partition(":")[0]
    path = python[1]
    parts = Path(path.rpartition("site-packages/")[2]).parts
    return "/".join(parts[:2]) if parts[:1] and parts[0].startswith("headrace") else (parts[0] if parts else path)


class Watch:
    """Looks at Python processes and their store for as long as it is entered."""

    def __init__(self, environment: Environment, folder: Path, pids: dict[str, int], store: RedisStore) -> None:
        self._environment, self._folder, self._python, self._store = environment, folder, pids, store
        self._pids = {**pids, "store": store.service.pid}
        self._jobs = 1
        self.looks: list[Look] = []
        self.commands: dict[str, tuple[float, float]] = {}  # of a job: calls, us
        self.events: list[tuple[str, int]] = []  # name, ms at the worst

    def worked(self, jobs: int) -> None:
        """Say how many jobs went by."""
        self._jobs = jobs

    def __enter__(self) -> "Watch":
        self._store.redis.config_set("latency-monitor-threshold", SLOW_MS)
        self._store.redis.execute_command("CONFIG", "RESETSTAT")
        self._store.redis.execute_command("LATENCY", "RESET")
        self._spies: dict[str, Spy | Perf] = {
            name: Spy(self._environment, self._folder, name, pid) for name, pid in self._python.items()
        }
        self._spies["store"] = Perf(self._folder, self._pids["store"])
        self._before = {name: cpu_of(pid) for name, pid in self._pids.items()}
        return self

    def __exit__(self, *_: object) -> None:
        cpu_us = {name: 1e6 * (cpu_of(pid) - self._before[name]) / self._jobs for name, pid in self._pids.items()}
        self.looks = [Look(name, cpu_us[name], spy.end()) for name, spy in self._spies.items()]
        self.commands = {
            name.removeprefix("cmdstat_"): (each["calls"] / self._jobs, each["usec"] / self._jobs)
            for name, each in self._store.info("commandstats").items()
        }
        latest = self._store.redis.execute_command("LATENCY", "LATEST")
        self.events = [(name.decode(), int(worst)) for name, _, _, worst, *_ in latest]


def enqueue(on: Stage, spy: Environment, jobs: int) -> Watch:
    """Look at a producer that enqueues in bulk."""
    assert on.server is not None
    assert isinstance(on.store, RedisStore)
    with on.producer() as producer:
        producer.ask("many", jobs=WARM, seconds=LIMIT_S, batch=BATCH)
        pids = {"producer": producer.pid, "server": on.server.pid}
        with Watch(spy, on.folder, pids, on.store) as watch:
            watch.worked(int(producer.ask("many", jobs=jobs, seconds=LIMIT_S, batch=BATCH)["jobs"]))
    return watch


def drain(on: Stage, spy: Environment, client: Client, jobs: int, processes: int) -> Watch:
    """Look at a worker that is ready and drains a full queue."""
    assert on.server is not None
    assert isinstance(on.store, RedisStore)
    worker = on.start_worker("--processes", str(processes))
    fill(client, WARM)
    on.wait(lambda: on.tally.count() >= WARM, LIMIT_S)
    client.pause_queue(QUEUE)
    fill(client, jobs)
    pids = {"server": on.server.pid, "supervisor": worker.pid}
    pids |= {f"child {number}": pid for number, pid in enumerate(children_of(worker.pid), 1)}
    with Watch(spy, on.folder, pids, on.store) as watch:
        client.resume_queue(QUEUE)
        on.wait(lambda: on.tally.count() >= WARM + jobs, LIMIT_S)
        watch.worked(jobs)
    return watch


def single(on: Stage, spy: Environment, jobs: int) -> Watch:
    """Look at a server that many connections enqueue at, each job by a request of its own."""
    assert on.server is not None
    assert isinstance(on.store, RedisStore)
    with Crowd(port_of(on.url), CONNECTIONS) as crowd:
        crowd.ask(ENQUEUE, WARM)
        with Watch(spy, on.folder, {"server": on.server.pid}, on.store) as watch:
            watch.worked(jobs)
            crowd.ask(ENQUEUE, jobs)
    return watch


def report(title: str, watch: Watch, top: int) -> None:
    """Print what was seen."""
    print(f"\n{title}")
    for look in watch.looks:
        print(f"  {look.name}: {look.cpu_us:.1f} us of a processor for each job")
        busy = sum(look.samples.values())
        for package, count in look.by_package().most_common(top) if busy else ():
            print(f"    {100 * count / busy:5.1f} %  {package}")
        for frame, count in look.samples.most_common(top) if busy else ():
            print(f"      {100 * count / busy:5.1f} %  {frame}")
    print("  the store's commands (for each job: calls, us; those that scripts call are in the time of fcall, too)")
    for name, (calls, us) in sorted(watch.commands.items(), key=lambda item: -item[1][1])[:top]:
        print(f"    {name:28} {calls:8.3f} {us:8.2f}")
    print("  slow events: " + (", ".join(f"{name} {ms} ms" for name, ms in watch.events) or "none"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--top", type=int, default=8, help="lines of each list (default: %(default)s)")
    parser.add_argument("--processes", type=int, default=1, help="children of the worker (default: %(default)s)")
    args = parser.parse_args()
    try:
        ours, spy = install("headrace", CACHE), install("py-spy", CACHE)
    except NotInstalled as reason:
        raise SystemExit(f"nothing to look with: {reason}") from None
    print(who_measured())
    with stage(OURS, ours, "strict") as on:
        report(f"{args.jobs} jobs enqueued in bulk", enqueue(on, spy, args.jobs), args.top)
    with stage(OURS, ours, "strict") as on, Client(on.url) as client:
        report(f"{args.jobs} jobs drained", drain(on, spy, client, args.jobs, args.processes), args.top)
    with stage(OURS, ours, "strict") as on:
        report(f"{args.jobs} jobs from {CONNECTIONS} connections", single(on, spy, args.jobs), args.top)
    return 0


if __name__ == "__main__":
    sys.exit(main())
