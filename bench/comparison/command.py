"""The command line of the comparison, and the order of its runs."""

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from common import who_measured
from headrace_server.store.allocator import AUTO, choose_malloc
from headrace_server.store.binary import find_binary

from comparison import bounds, frontdoor, goals, own, relay, report
from comparison.heats import HEATS, Figures, Load, LostJobs
from comparison.installing import BENCH, CACHE, Environment, NotInstalled, install
from comparison.own import Rounds
from comparison.processes import Ended
from comparison.record import OWN_TABLE, Record, Run, Runs
from comparison.roster import GOALS_TABLE, PEERS, TABLES, Contestant, chosen

RESULTS = BENCH / "results"
PAGE = BENCH / "RESULTS.md"
OWN = ("backlog", "queues", "options", "durability", "starlette", "processes", "bounds", "relay")
FIGURES = (*HEATS, *OWN)
SMOKE = ["--peers", "headrace,huey", "--tables", "strict", "--figures", "throughput,waiting,relay", "--rounds", "1"]
SMOKE += ["--only", "one process,1 thread", "--jobs", "60", "--seconds", "40", "--idle-seconds", "0.2", "--paced", "20"]
FAULTS = (Ended, LostJobs)  # of one run: it is noted, and the others go on


def main(text: str | None, argv: Sequence[str] | None = None) -> int:
    """Measure, or report what was measured; return the exit code."""
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM)
    )  # by the way of everything that ends things
    args = arguments(text, argv)
    if args.report:
        say_and_write(args.report, args.page)
        return 0
    if not args.smoke:
        return measure(args)
    with tempfile.TemporaryDirectory(prefix="hr-bench-") as scratch:
        where = ["--output", f"{scratch}/smoke.jsonl", "--page", f"{scratch}/RESULTS.md"]
        return measure(arguments(text, [*where, *SMOKE, *(sys.argv[1:] if argv is None else argv)]))


def measure(args: argparse.Namespace) -> int:
    """Measure everything that was asked for, and report it."""
    environments, missing = installed(args.peers)
    path = args.output or RESULTS / f"compare-{time.strftime('%Y-%m-%dT%H%MZ', time.gmtime())}.jsonl"
    record = Record(path, about(args, environments, missing))
    begun = time.monotonic()
    for run in runs(args, environments, missing, lambda: Runs([path])):
        record.add(run)
        say(f"{time.monotonic() - begun:6.0f} s  {line(run)}")
    say_and_write([path], args.page)
    return 0


def arguments(text: str | None, argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=words(PEERS), default=list(PEERS), metavar="A,B", help=f"of {', '.join(PEERS)}")
    parser.add_argument(
        "--tables", type=words(TABLES), default=list(TABLES), metavar="A,B", help=f"of {', '.join(TABLES)}"
    )
    parser.add_argument(
        "--figures", type=words(FIGURES), default=list(FIGURES), metavar="A,B", help=f"of {', '.join(FIGURES)}"
    )
    parser.add_argument("--only", default="", metavar="A,B", help="only contestants whose name has one of these in it")
    parser.add_argument("--rounds", type=int, default=goals.PAIRS, help="of what goals hang on (default: %(default)s)")
    parser.add_argument("--full-rounds", type=int, default=1, help="of all else, at most (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=20_000, help="of one drain (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=4.0, help="of one drain, at most (default: %(default)s)")
    parser.add_argument("--paced", type=int, default=500, help="jobs for latency, 100 a second (default: %(default)s)")
    parser.add_argument("--idle-seconds", type=float, default=4.0, help="(default: %(default)s)")
    parser.add_argument("--largest-backlog", type=int, default=1_000_000, help="(default: %(default)s)")
    parser.add_argument("--most-queues", type=int, default=10_000, help="(default: %(default)s)")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="raw numbers (default: a new file in bench/results)"
    )
    parser.add_argument(
        "--page", type=Path, default=PAGE, metavar="FILE", help="the tables (default: bench/RESULTS.md)"
    )
    parser.add_argument("--report", type=Path, nargs="+", metavar="FILE", help="write the page of these raw numbers")
    parser.add_argument("--smoke", action="store_true", help="a few jobs; no page, unless another option says where")
    return parser.parse_args(argv)


def words(known: Sequence[str]) -> Callable[[str], list[str]]:
    """Return what reads a list of some of these words."""

    def read(text: str) -> list[str]:
        asked = text.split(",")
        if unknown := [word for word in asked if word not in known]:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: choose of {', '.join(known)}")
        return asked

    return read


def installed(peers: Sequence[str]) -> tuple[dict[str, Environment], dict[str, str]]:
    """Return the environments of the peers that can take part, and why others cannot."""
    environments, missing = {}, {}
    for peer in dict.fromkeys(["headrace", *peers]):
        try:
            environments[peer] = install(peer, CACHE)
        except NotInstalled as reason:
            missing[peer] = str(reason)
            say(f"{peer} is left out: {reason}")
    return environments, missing


def runs(
    args: argparse.Namespace,
    environments: dict[str, Environment],
    missing: dict[str, str],
    so_far: Callable[[], Runs],
) -> Iterator[Run]:
    """Measure everything that was asked for, round by round; `so_far` tells who is still in question."""
    for table in args.tables:
        for contestant in chosen(table, set(missing)):
            yield Run(table, 0, contestant.name, "install", fault=missing[contestant.peer])
        contestants = [
            c
            for c in chosen(table, set(args.peers) & set(environments))
            if any(part in c.name for part in args.only.split(","))
        ]
        rounds = args.rounds if table == GOALS_TABLE else min(args.rounds, args.full_rounds)
        for number in range(rounds if contestants else 0):
            turned = contestants[number % len(contestants) :] + contestants[: number % len(contestants)]
            for contestant, heat in still_asked(turned, number, args, so_far):
                yield contested(table, number, contestant, heat, environments[contestant.peer], args)
    for figure in (figure for figure in OWN if figure in args.figures):
        yield from alone(figure, args, environments["headrace"])


def still_asked(
    contestants: Sequence[Contestant], number: int, args: argparse.Namespace, so_far: Callable[[], Runs]
) -> list[tuple[Contestant, str]]:
    """Return who is measured in what: all in the first rounds, later those that a goal may be judged against."""
    asked = [(contestant, heat) for heat in HEATS if heat in args.figures for contestant in contestants]
    if number < args.full_rounds:
        return asked
    decisive = goals.decisive(so_far())
    return [(contestant, heat) for contestant, heat in asked if (contestant.name, heat) in decisive]


def contested(
    table: str, number: int, contestant: Contestant, heat: str, environment: Environment, args: argparse.Namespace
) -> Run:
    """Run one heat of one contestant."""
    settings = GOALS_TABLE if contestant.ours else table  # what Headrace does by default is durable
    try:
        return Run(table, number, contestant.name, heat, HEATS[heat](contestant, environment, settings, load_of(args)))
    except FAULTS as fault:
        return Run(table, number, contestant.name, heat, fault=f"{type(fault).__name__}: {fault}")


def load_of(args: argparse.Namespace) -> Load:
    """Return how much is done in each heat."""
    return Load(args.jobs, args.seconds, rate=100.0, paced=args.paced, idle_s=args.idle_seconds)


def alone(figure: str, args: argparse.Namespace, environment: Environment) -> Iterator[Run]:
    """Run all rounds of a figure of Headrace alone."""
    rounds = Rounds(args.rounds, min(args.rounds, args.full_rounds))
    heats: dict[str, Callable[[], Iterator[Figures]]] = {
        "backlog": lambda: own.backlog(environment, args.jobs, rounds, args.largest_backlog),
        "queues": lambda: own.queues(environment, args.jobs, rounds, args.most_queues),
        "options": lambda: own.options(environment, args.jobs, rounds),
        "durability": lambda: own.durability(environment, args.jobs, rounds),
        "starlette": lambda: frontdoor.starlette(environment, args.jobs, args.rounds),
        "processes": lambda: frontdoor.processes(environment, args.jobs, rounds),
        "bounds": lambda: bounds.bounds(environment, args.jobs, args.rounds),
        "relay": lambda: relay.relay(environment, load_of(args), args.rounds),
    }
    number = 0
    try:
        for number, figures in enumerate(heats[figure]()):
            yield Run(OWN_TABLE, number, own.OURS.name, figure, figures)
    except FAULTS as fault:
        yield Run(OWN_TABLE, number, own.OURS.name, figure, fault=f"{type(fault).__name__}: {fault}")


def about(args: argparse.Namespace, environments: dict[str, Environment], missing: dict[str, str]) -> dict[str, Any]:
    """Return what the numbers need beside them."""
    binary = find_binary()
    return {
        "who": who_measured(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "store": f"{binary.name} {binary.version}, {choose_malloc(binary, AUTO).name}",
        "disk": f"a synced write takes {synced_write_ms():.2f} ms (median)",
        "rounds": args.rounds,
        "jobs": args.jobs,
        "seconds": args.seconds,
        "versions": {peer: list(environment.versions) for peer, environment in environments.items()},
        "missing": missing,
    }


def synced_write_ms(times: int = 100) -> float:
    """Return how long it takes to append a page to a file and to sync it, where the stores have theirs."""
    found = []
    with tempfile.TemporaryFile() as file:
        for _ in range(times):
            begun = time.monotonic()
            file.write(b"x" * 4096)
            file.flush()
            os.fdatasync(file.fileno())
            found.append(1000 * (time.monotonic() - begun))
    return sorted(found)[times // 2]


def say_and_write(sources: Sequence[Path], page: Path) -> None:
    """Print how the goals ended, and write the page."""
    found = Runs(sources)
    report.write(page, found, sources)
    for verdict in goals.judged(found):
        ratio = f"{verdict.median:8.2f}" if verdict.ratios else "       -"
        say(f"{ratio} of {verdict.wanted:<5g} {verdict.goal}: {verdict.word}")
    say(f"raw numbers: {', '.join(map(str, sources))}\ntables: {page}")


def line(run: Run) -> str:
    """Return a run as a line."""
    found = run.fault or "  ".join(f"{name}={value:,.4g}" for name, value in run.figures.items())
    return f"{run.table} {run.round + 1} {run.contestant} {run.heat}: {found}"


def say(text: str) -> None:
    print(text, flush=True)
