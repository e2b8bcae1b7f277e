#!/usr/bin/env python3
"""Compares Headrace with the task queues that a team in Python or Node would take instead.

    python3 bench/compare.py                            everything; some 35 minutes
    python3 bench/compare.py --tables strict            without the table of defaults; some 30 minutes
    python3 bench/compare.py --peers headrace,celery,rq --figures throughput --rounds 3 --jobs 5000
    python3 bench/compare.py --report bench/results/compare-2026-11-23T0430Z.jsonl ...
    python3 bench/compare.py --smoke                    a few jobs, to see that it works: judges nothing

It installs each peer into an environment of its own (build/bench, kept for the next time), in the versions of
bench/peers/requirements. A peer that cannot be installed here is left out, and the reason is said. Then round by round
everything is measured in turn, each on a fresh store of its own: the same program with the same settings for all.

Figures: `throughput` (enqueue one by one and in bulk, drain, memory of jobs), `waiting` (idle costs, latency, enqueue
and drain together), and of Headrace alone `backlog`, `queues`, `options`, `durability`, `starlette`, `processes`,
`bounds` (what store and uvicorn could do alone) and `relay` (how soon the least that HTTP takes hands a job on).

The first round measures everything. Those after it measure what goals hang on: ourselves, and who was among the best
three in a figure that a goal compares. --full-rounds says how many measure everything.

Raw numbers go to bench/results as they come, the tables to bench/RESULTS.md. Ctrl-C loses only the run it hits: what
is there can be reported, and a later file with it.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / ".venv" / "bin" / "python"


def with_our_python() -> None:
    """Become the same command in the project's environment, which run.py makes."""
    if Path(sys.prefix) != PYTHON.parents[1]:
        import subprocess

        subprocess.run([sys.executable, str(ROOT / "run.py"), "--version"], check=True, stdout=subprocess.DEVNULL)
        os.execv(PYTHON, [str(PYTHON), __file__, *sys.argv[1:]])


if __name__ == "__main__":
    with_our_python()
    from comparison.command import main

    sys.exit(main(__doc__))
