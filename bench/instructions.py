"""Counts what scripts cost in instructions of the processor, which other work on the machine does not change.

    .venv/bin/python bench/instructions.py [--jobs 60000] [--queues 600] [--size 100] [--calls 3] [--verbs ack,nack,...]

A store is filled, and started again on the same data under valgrind (callgrind), which must be installed. Each verb
is then called some times with jobs of many queues. Two figures for each job: of the function in the store, and of all
that the store did meanwhile, with reading, answering and writing the file. They know nothing of caches: time is
measured by `bench/scale.py`.
"""

import argparse
import asyncio
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from common import who_measured
from full_store import FullStore
from headrace_server.domain.errors import StoreFault
from headrace_server.engine import Engine
from headrace_server.store import options
from headrace_server.store.binary import find_binary

START_S = 300  # a store that reads its data under valgrind takes its time
FUNCTION = re.compile(r"^ *([\d,]+) \([^)]*\) +\S*:fcallCommand\b", re.MULTILINE)
TOTAL = re.compile(r"^ *([\d,]+) \([^)]*\) +PROGRAM TOTALS", re.MULTILINE)


class Store:
    """A store in a folder, perhaps under valgrind."""

    def __init__(self, place: Path, *, counted: bool) -> None:
        place.mkdir(exist_ok=True)
        self._profiles = place / "profile"
        command = options.command(find_binary().path, place, place / "socket", place / "log", appendfsync="no")
        command += ["--auto-aof-rewrite-percentage", "0", "--hz", "1"]  # nothing by itself while we count
        valgrind = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={self._profiles}"]
        self.url = f"unix://{place}/socket"
        self._process = subprocess.Popen([*(valgrind if counted else ()), *command], stderr=subprocess.DEVNULL)

    def control(self, *words: str) -> None:
        """Tell callgrind to count, or to write down what it has counted."""
        subprocess.run(["callgrind_control", *words, str(self._process.pid)], check=True, capture_output=True)

    def read(self) -> tuple[int, int]:
        """Return the instructions of functions, and of all, that were written down last; and drop them."""
        newest = max(self._profiles.parent.glob("profile.*"), key=lambda path: int(path.suffix[1:]))
        argv = ["callgrind_annotate", "--inclusive=yes", "--threshold=100", str(newest)]
        told = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
        found = [pattern.search(told) for pattern in (FUNCTION, TOTAL)]
        function, total = (int(match[1].replace(",", "")) if match else 0 for match in found)
        return function, total

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(START_S)


@asynccontextmanager
async def engine_on(store: Store) -> AsyncIterator[Engine]:
    """A started engine, as soon as the store has read its data."""
    engine = Engine(store.url, timeout_ms=1000 * START_S, connect_timeout_ms=1000 * START_S)
    until = time.monotonic() + START_S
    while True:
        try:
            await engine.start()
            break
        except StoreFault:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.2)
    try:
        yield engine
    finally:
        await engine.close()
        store.stop()


async def count(store: Store, full: FullStore, verb: str, size: int, calls: int) -> tuple[float, float]:
    """Return thousands of instructions for each job: of the function, and of all that the store did."""
    jobs = functions = totals = 0
    for call in range(calls + 1):
        await full.prepare(verb, size)
        store.control("--instr=on")
        store.control("--zero")
        touched = await full.call(verb, size)
        store.control("--dump")
        store.control("--instr=off")
        if call == 0:
            continue  # the first one loads the function
        function, total = store.read()
        jobs, functions, totals = jobs + touched, functions + function, totals + total
    return functions / jobs / 1000, totals / jobs / 1000


async def measure(place: Path, args: argparse.Namespace, verbs: Sequence[str]) -> None:
    """Fill a store, and print what each verb costs on it."""
    async with engine_on(Store(place, counted=False)) as engine:
        full = FullStore(engine, queues=args.queues)
        await full.fill(args.jobs)
    counted = Store(place, counted=True)
    async with engine_on(counted) as engine:
        full.go_on_with(engine)
        print(f"{who_measured()}\n{args.jobs} jobs in {args.queues} queues, calls of {args.size}")
        print(f"{'thousands of instructions for each job':40}{'function':>10}{'all':>8}")
        for verb in verbs or full.verbs:
            function, total = await count(counted, full, verb, args.size, args.calls)
            print(f"  {verb:38}{function:>10.1f}{total:>8.1f}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=60_000)
    parser.add_argument("--queues", type=int, default=600)
    parser.add_argument("--size", type=int, default=100)
    parser.add_argument("--calls", type=int, default=3)
    parser.add_argument("--verbs", default="", help="with commas between them; all of bench/scale.py if none is named")
    args = parser.parse_args()
    if shutil.which("valgrind") is None:
        print("valgrind is not installed")
        return 1
    with tempfile.TemporaryDirectory(prefix="hr-bench-") as place:
        asyncio.run(measure(Path(place), args, [verb for verb in args.verbs.split(",") if verb]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
