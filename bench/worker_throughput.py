"""How many no-op jobs per second one worker gets through: leased, run in its child process, settled, durable.

    python bench/worker_throughput.py [--jobs 20000] [--threads 8] [--processes 1] [--payload 100] [--repeat 3]

Starts a server on a store of its own (AOF always) and one worker, on loopback and in a temporary folder, fills the
queue first and then measures from the first finished job to the last. Everything is stopped at the end. Prints the
machine, the commit and one line per round; keep them together in bench/results/.
"""

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from headrace import Client, NewJob

HEADRACE = str(Path(sys.executable).parent / "headrace")
BATCH = 500
LIMIT_S = 120.0  # a round that takes longer has failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--payload", type=int, default=100, help="bytes of text in each job")
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    print(about())
    print(f"jobs={args.jobs} threads={args.threads} processes={args.processes} payload={args.payload} B")
    with tempfile.TemporaryDirectory(prefix="hr-bench-") as folder:
        server, url = start_server(Path(folder))
        try:
            with Client(url) as client:
                for number in range(args.repeat):
                    measure(client, server.pid, url, Path(folder), f"bench{number}", args)
        finally:
            stop(server)
    return 0


def measure(client: Client, server: int, url: str, folder: Path, queue: str, args: argparse.Namespace) -> None:
    """Fill one queue, let one worker empty it, and print what that took."""
    fill(client, queue, args)
    flags = ["--queues", queue, "--threads", str(args.threads), "--processes", str(args.processes), "--url", url]
    with (folder / "worker.log").open("ab") as log:
        worker = subprocess.Popen([HEADRACE, "worker", "headrace_worker.demo:app", *flags], stdout=log, stderr=log)
    try:
        first, began = wait_for(client, queue, 1)
        before = cpu_seconds(supervisor=worker.pid, server=server)
        last, ended = wait_for(client, queue, args.jobs)
        after = cpu_seconds(supervisor=worker.pid, server=server)
    finally:
        stop(worker)
    rate = (last - first) / (ended - began)
    costs = " ".join(f"{name}={(after[name] - before[name]) / (last - first) * 1e6:.0f}us" for name in after)
    print(
        f"{queue}: {last - first} jobs in {ended - began:.2f} s = {rate:,.0f} jobs/s; CPU per job {costs}", flush=True
    )


def fill(client: Client, queue: str, args: argparse.Namespace) -> None:
    job = NewJob(task="demo.echo", payload=["x" * args.payload], queue=queue)
    for start in range(0, args.jobs, BATCH):
        client.enqueue_batch([job] * min(BATCH, args.jobs - start), atomic=False)


def wait_for(client: Client, queue: str, count: int) -> tuple[int, float]:
    """Return how many jobs have succeeded once these are at least `count`, and when that was seen."""
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        stats: Any = client.queue_stats(queue)
        done = stats.counts.get("succeeded", 0)
        if done >= count:
            return done, time.monotonic()
        time.sleep(0.05)
    raise SystemExit(f"{queue}: not {count} jobs within {LIMIT_S:.0f} s")


def cpu_seconds(supervisor: int, server: int) -> dict[str, float]:
    """Return the CPU time so far of the supervisor, its children, the server, and its store (which it started)."""
    return {
        "supervisor": _cpu(supervisor),
        "child": sum(map(_cpu, _children(supervisor))),
        "server": _cpu(server),
        "store": sum(map(_cpu, _children(server))),
    }


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def start_server(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    log = folder / "server.log"
    with log.open("ab") as out:
        argv = [HEADRACE, "server", "--port", "0", "--data-dir", str(folder / "data"), "--log-level", "warning"]
        server = subprocess.Popen(argv, stdout=out, stderr=out)
    end = time.monotonic() + 30
    while time.monotonic() < end and server.poll() is None:
        if found := re.search(r"listening on (http://\S+)", log.read_text()):
            return server, found[1]
        time.sleep(0.05)
    stop(server)
    raise SystemExit(f"the server does not start:\n{log.read_text()}")


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def about() -> str:
    """Return what a number needs beside it."""
    cpu = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "?"
    )
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    load = os.getloadavg()[0]
    return (
        f"{datetime.now(UTC):%Y-%m-%dT%H:%MZ} commit={commit.stdout.strip()} python={platform.python_version()} "
        f"cpu={os.cpu_count()}x {cpu} load={load:.1f}"
    )


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


if __name__ == "__main__":
    sys.exit(main())
