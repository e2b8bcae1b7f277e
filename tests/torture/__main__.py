"""The torture on the command line, at full size by default.

python -m tests.torture [--jobs 20000] [--kills 200] [--seed N] [--keep FOLDER]
"""

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.torture.checker import Fault, figures, judge
from tests.torture.harness import REPO, Setup, describe, running, seed_of, torture
from tests.torture.history import read_history

SHOWN = 20


def main(argv: list[str]) -> int:
    """Run once; print a summary as JSON, and the first faults; return 1 if there were any."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__.partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None, help="repeats the same plan (not the same timing)")
    parser.add_argument("--keep", type=Path, default=None, help="an empty folder for history, logs and data")
    args = parser.parse_args(argv)
    setup = Setup(jobs=args.jobs, kills=args.kills, seed=seed_of(args.seed))
    if args.keep is not None:
        return _once(args.keep, setup)
    with tempfile.TemporaryDirectory(prefix="hr-torture-") as folder:
        return _once(Path(folder), setup)


def _once(folder: Path, setup: Setup) -> int:
    commit, begun = _commit(), time.monotonic()
    with running(folder, setup) as run:
        asyncio.run(torture(run))
        took_s = time.monotonic() - begun
        events = read_history(run.history_dir)
    faults = judge(events)
    print(json.dumps(_summary(setup, took_s, figures(events), faults) | {"commit": commit}, indent=2))
    for fault in faults[:SHOWN]:
        print(f"{fault.rule} {fault.about}: {fault.text}", file=sys.stderr)
    return 1 if faults else 0


def _summary(setup: Setup, took_s: float, counted: dict[str, int], faults: list[Fault]) -> dict[str, Any]:
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}",
        "setup": describe(setup),
        "took_s": round(took_s, 1),
        "figures": counted,
        "faults": dict(Counter(fault.rule for fault in faults)),
    }


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=REPO, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
