"""The command that measures a server: how many jobs it takes and gives, and how soon."""

import argparse
import asyncio
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from headrace.commands._common import OK, UsageError, add, show
from headrace.commands._progress import Progress

if TYPE_CHECKING:
    from headrace._load import Figures, Load
    from headrace.cli import Commands
    from headrace.client import Client

_PHASES: Final = ("enqueue", "bulk", "drain", "latency")
_TITLES: Final = ("PHASE", "JOBS", "SECONDS", "JOBS/S", "P50 MS", "P99 MS")

_BENCH: Final = """
examples:
  headrace bench                                 5 seconds for each phase, on a queue of its own
  headrace bench --seconds 30 --payload 2000 -o json
  headrace bench --only latency --rate 500

phases:
  enqueue   one job a request, --clients requests at a time; times of a request
  bulk      --batch jobs a request
  drain     lease and ack, 200 jobs a request, until the queue is empty
  latency   from the enqueue to the worker, at --rate jobs a second

The jobs do nothing, and the queue is purged at the end. One process makes all requests: where it is the one that has no
time left, the server could do more.
"""


def register(commands: "Commands") -> None:
    """Add the command."""
    bench = add(commands, "bench", run_bench, "measure how fast the server is", _BENCH)
    bench.add_argument("--seconds", type=float, default=5.0, metavar="S", help="for each phase (default: 5)")
    bench.add_argument("--payload", type=int, default=100, metavar="BYTES", help="of each job (default: 100)")
    bench.add_argument("--clients", type=int, default=64, metavar="N", help="requests at a time (default: 64)")
    bench.add_argument("--batch", type=int, default=500, metavar="N", help="jobs a bulk request (default: 500)")
    bench.add_argument("--rate", type=int, default=100, metavar="N", help="jobs a second, for latency (default: 100)")
    bench.add_argument("--only", metavar="A,B", help=f"only these phases: {', '.join(_PHASES)}")
    bench.add_argument("--queue", metavar="NAME", help="must be empty (default: a new one)")


def run_bench(client: "Client", args: argparse.Namespace) -> int:
    """Run the phases and show a table."""
    from headrace import _text

    phases = args.only.split(",") if args.only else _PHASES
    if unknown := [phase for phase in phases if phase not in _PHASES]:
        raise UsageError(f"--only {','.join(unknown)}: the phases are {', '.join(_PHASES)}")
    if args.seconds <= 0 or min(args.clients, args.batch, args.rate) < 1 or args.payload < 0:
        raise UsageError("--seconds, --clients, --batch and --rate must be positive")
    load = _load(args)
    if any(client.queue_stats(load.queue).counts.values()):
        raise UsageError(f"queue {load.queue} has jobs, which would be purged: name an empty one, or none")
    found = asyncio.run(_measured(client.url, load, phases))
    client.delete_queue(load.queue)
    show(
        args,
        [_facts(each) for each in found],
        lambda: _text.table(_TITLES, list(map(_row, found)), numbers=range(1, 6)),
    )
    return OK


def _load(args: argparse.Namespace) -> "Load":
    from headrace._load import Load

    return Load(
        queue=args.queue or f"headrace-bench-{secrets.token_hex(4)}",
        payload="x" * max(0, args.payload - 2),  # with its quotes
        seconds=args.seconds,
        clients=args.clients,
        batch=args.batch,
        rate=args.rate,
    )


async def _measured(url: str, load: "Load", phases: Sequence[str]) -> "list[Figures]":
    from headrace import _load
    from headrace.aio import AsyncClient

    async with AsyncClient(url, format="msgpack") as client:
        with Progress("bench") as progress:
            return [figures async for figures in _load.run(client, load, phases, progress.add)]


def _facts(figures: "Figures") -> dict[str, object]:
    return {
        "phase": figures.phase,
        "jobs": figures.jobs,
        "seconds": round(figures.seconds, 3),
        "jobs_per_s": round(figures.rate),
        "p50_ms": _rounded(figures.p50_ms),
        "p99_ms": _rounded(figures.p99_ms),
    }


def _row(figures: "Figures") -> list[str]:
    facts = _facts(figures)
    return [str(facts["phase"]), f"{figures.jobs:,}", f"{figures.seconds:.1f}", f"{figures.rate:,.0f}"] + [
        "-" if facts[name] is None else f"{facts[name]}" for name in ("p50_ms", "p99_ms")
    ]


def _rounded(ms: float | None) -> float | None:
    return None if ms is None else round(ms, 2)
