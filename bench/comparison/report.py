"""The tables of bench/RESULTS.md, made from raw numbers alone; it measures nothing."""

import os
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from comparison.goals import NEAR, Verdict, judged, quartiles
from comparison.record import Runs
from comparison.roster import DEFAULTS_TABLE, GOALS_TABLE, ROSTER, Contestant

MIB = 2**20
Column = tuple[str, str, float, int]  # heading, figure, divided by, digits
SPEED: tuple[Column, ...] = (
    ("enqueue, one a call", "enqueue_one", 1, 0),
    ("enqueue, bulk", "enqueue_bulk", 1, 0),
    ("drain", "drain", 1, 0),
    ("both together", "together", 1, 0),
    ("p50 ms", "latency_p50", 1, 2),
    ("p99 ms", "latency_p99", 1, 1),
)
COST: tuple[Column, ...] = (
    ("store bytes, waiting job", "bytes_waiting", 1, 0),
    ("store bytes, finished job", "bytes_finished", 1, 0),
    ("worker MiB", "memory_worker", MIB, 0),
    ("server MiB", "memory_server", MIB, 0),
    ("idle CPU %", "idle_cpu", 1, 1),
    ("idle store commands/s", "idle_commands", 1, 1),
    ("idle store requests/s", "idle_reads", 1, 1),
)
OPTIONS = ("plain", "limits", "fairness", "limits_fairness", "ordering")
MODES = ("relaxed", "fsync", "replica", "fsync+replica")


def columns(prefix: str, names: Iterable[object]) -> list[Column]:
    """Return a column for each figure whose name begins with `prefix`."""
    return [(f"{n:,}" if isinstance(n, int) else f"{n}".replace("_", " and "), f"{prefix}_{n}", 1, 0) for n in names]


OWN: tuple[tuple[str, Sequence[Column]], ...] = (
    ("Drain, with so many more jobs waiting", columns("backlog", (1_000, 10_000, 100_000, 1_000_000))),
    ("Lease and ack in one loop, over at most 64 of so many filled queues", columns("queues", (1, 64, 1_000, 10_000))),
    ("Drain, jobs that ask for", columns("drain", OPTIONS)),
    ("Bulk enqueue, jobs that ask for", columns("bulk", OPTIONS)),
    ("Drain, by durability", columns("drain", MODES)),
    ("Bulk enqueue, by durability", columns("bulk", MODES)),
    (
        "Single enqueues from 64 connections",
        (
            ("bare Starlette, one core", "single_bare", 1, 0),
            ("Headrace, the same core", "single_64", 1, 0),
            ("one process", "processes_1", 1, 0),
            ("two processes", "processes_2", 1, 0),
        ),
    ),
    (
        "What the parts do alone, beside the whole",
        (
            ("the store, enqueues from C", "store_enqueue", 1, 0),
            ("bulk enqueue", "bounded_bulk", 1, 0),
            ("the store, leases and acks from C", "store_drain", 1, 0),
            ("uvicorn, the bytes of the drain", "uvicorn_drain", 1, 0),
            ("drain", "bounded_drain", 1, 0),
            ("drain, one process", "bounded_drain_alone", 1, 0),
        ),
    ),
    (
        "At 100 jobs a second, ms from the sending of a job, p50 and p99",
        (
            ("a relay, to its consumer", "relay_p50", 1, 2),
            ("Headrace, to the task", "paced_p50", 1, 2),
            ("a relay, p99", "relay_p99", 1, 1),
            ("Headrace, p99", "paced_p99", 1, 1),
        ),
    ),
)


def write(path: Path, runs: Runs, sources: Iterable[Path]) -> None:
    """Write the page."""
    path.write_text(page(runs, [os.path.relpath(source, path.parent) for source in sources]))


def page(runs: Runs, sources: Sequence[str]) -> str:
    """Return the page: goals, tables, versions, and how it was measured."""
    parts = [HEAD, _about(runs.about, sources), "## Goals\n\n" + goals(judged(runs)), BOUND]
    for table, title in ((GOALS_TABLE, "All durable"), (DEFAULTS_TABLE, "Each with its own defaults")):
        if any(run.table == table for run in runs.runs):
            parts += [f"## {title}", EXPLAINED[table], MARKS, contest(runs, table, SPEED), contest(runs, table, COST)]
            if faults := runs.faults(table):
                parts.append("Left out:\n\n" + "\n".join(f"- {name}: {fault}" for name, fault in faults.items()))
    if own := _own(runs):
        parts.append("## Headrace alone\n\n" + own)
    if versions := runs.about[-1].get("versions"):
        parts.append("## Versions\n\n" + "\n".join(f"- {peer}: {', '.join(found)}" for peer, found in versions.items()))
    return "\n\n".join(parts) + "\n"


HEAD = """# How Headrace compares

Written by `python3 bench/compare.py`; [performance](../docs/performance.md) says how to repeat it. Rates are jobs a
second. A cell is the median of all rounds, with the quartiles of several in brackets. Ratios travel between machines,
the rest does not."""

BOUND = f"""What bounds a rate is what the store alone does in the same round with the same scripts, from a client in
C that waits for no answer. What bounds a latency is a relay that takes turns with Headrace: uvicorn and an application
that reads nothing, sends the same scripts to the store for each job, and its bytes on to a consumer that waits; a job
counts there when the consumer has it, ours when its task begins. At {NEAR:.0%} of a bound a goal is met as well: its
limit is proven, and only another store, or no HTTP, could do more. The other goals are set by what they are measured
against. The middle of the latencies is compared with queues on the same store; of beanstalkd, which hands jobs on out
of its own memory, only the tail."""
BUSY = 0.6  # of all cores in the minute before: a run of our own that has just ended leaves a half
DISTURBED = "Other work had the machine, too: no figure here tells how fast anything is."
AT_ONCE, LOSES = " †", " °"
MARKS = f"""{AT_ONCE.strip()} its bulk form is many calls at once; {LOSES.strip()} takes a job off the queue before the
work, so it loses what a dying worker held; memory of beanstalkd is that of its process.
Store commands are all that ran, those inside scripts too; requests are how often it read from a connection."""
EXPLAINED = {
    GOALS_TABLE: """The store is the same program for all, a fresh one for each run, with `appendfsync always`. Jobs are
acknowledged after the work where the queue can do that, and results are kept. Goals are judged on this table.""",
    DEFAULTS_TABLE: """The store has its own defaults (no append-only file), and queues are started as their
documentation begins. Headrace is durable here, too: that is its default.""",
}


def goals(verdicts: Sequence[Verdict]) -> str:
    """Return the table of goals."""
    rows = [("goal", "wanted", "median", "25th percentile", "against", "bound", "")]
    for verdict in verdicts:
        found = (
            ("", "") if verdict.unjudged and not verdict.ratios else (f"{verdict.median:.2f}", f"{verdict.lower:.2f}")
        )
        rows.append((verdict.goal, f"{verdict.wanted:g}", *found, verdict.against, verdict.bound, verdict.word))
    return _table(rows)


def contest(runs: Runs, table: str, shown: Sequence[Column]) -> str:
    """Return a row for each contestant that has figures."""
    rows = [("", *(heading for heading, *_ in shown))]
    for contestant in ROSTER[table]:
        cells = [_cell(runs.figures(table, contestant.name, figure), by, digits) for _, figure, by, digits in shown]
        if any(cells):
            rows.append((contestant.name + (AT_ONCE if contestant.gathers else "") + _loses(contestant), *cells))
    return _table(rows)


def _loses(contestant: Contestant) -> str:
    return "" if contestant.acks_after else LOSES


def _own(runs: Runs) -> str:
    parts = []
    for title, shown in OWN:
        cells = [_cell(runs.own(figure), by, digits) for _, figure, by, digits in shown]
        if any(cells):
            parts.append(f"{title}:\n\n" + _table([[heading for heading, *_ in shown], cells]))
    return "\n\n".join(parts)


def _cell(by_round: Mapping[int, float], divided_by: float, digits: int) -> str:
    if not by_round:
        return ""
    values = [value / divided_by for value in by_round.values()]
    low, high = quartiles(values)
    if len(values) == 1:
        return f"{values[0]:,.{digits}f}"
    return f"{statistics.median(values):,.{digits}f} ({low:,.{digits}f} to {high:,.{digits}f})"


def _about(about: Sequence[Mapping[str, Any]], sources: Sequence[str]) -> str:
    lines = [
        f"- {facts['who']}; {facts['rounds']} rounds, {facts['jobs']:,} jobs; {facts['store']}; {facts['disk']}"
        for facts in about
    ]
    if any(facts["load"] > BUSY * facts["cores"] for facts in about):
        lines.append(f"- **{DISTURBED}**")
    return "\n".join([*lines, f"- raw numbers: {', '.join(f'[{Path(name).name}]({name})' for name in sources)}"])


def _table(rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])
