"""What was to be reached, and whether it was: by pairs of one round: what disturbs one side disturbs both."""

import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from comparison.record import Runs
from comparison.roster import GOALS_TABLE, STRICT, Contestant

OURS, OURS_ALONE = "Headrace", "Headrace, one process"
PREFORK = "Celery prefork 2, late"
PAIRS = 5  # that a judgement wants
QUARTILE = 0.9  # of the goal, that three of four pairs must reach
Ratios = list[float]


@dataclass(frozen=True)
class Verdict:
    """How one goal ended."""

    goal: str
    wanted: float
    ratios: Ratios
    against: str = ""
    unjudged: str = ""  # why nothing can be said

    @property
    def median(self) -> float:
        return statistics.median(self.ratios)

    @property
    def lower(self) -> float:
        """A quarter of the pairs is below it."""
        return quartiles(self.ratios)[0]

    @property
    def met(self) -> bool:
        return not self.unjudged and self.median >= self.wanted and self.lower >= QUARTILE * self.wanted

    @property
    def word(self) -> str:
        """What a table says of it."""
        if self.unjudged:
            return f"not judged: {self.unjudged}"
        enough = "" if len(self.ratios) >= PAIRS else f" (only {len(self.ratios)} of {PAIRS} pairs)"
        return ("met" if self.met else "NOT met") + enough


Judge = Callable[[Runs], tuple[Ratios, str]]


def quartiles(values: Ratios) -> tuple[float, float]:
    """Return the 25th and the 75th percentile."""
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high


def against(names: Iterable[str], figure: str, *, ours: str = OURS, fallback: str = "", less: bool = False) -> Judge:
    """Compare our figure with that of the best of some contestants; `less`: smaller is better."""

    def judge(runs: Runs) -> tuple[Ratios, str]:
        found = {name: runs.figures(GOALS_TABLE, name, figure) for name in names}
        for name in names if fallback else ():
            single = runs.figures(GOALS_TABLE, name, fallback)
            if _median(single) > _median(found[name]):
                found[name] = single
        mine = runs.figures(GOALS_TABLE, ours, figure)
        paired = {name: by_round for name, by_round in found.items() if mine.keys() & by_round.keys()}
        if not paired:
            return [], ""
        best = (min if less else max)(paired, key=lambda name: _median(paired[name]))
        theirs = paired[best]
        shared = [n for n in mine if n in theirs]
        return [theirs[n] / mine[n] if less else mine[n] / theirs[n] for n in shared], best

    return judge


def within(limit: float, figure: str) -> Judge:
    """Compare a bound with our figure, which is to be smaller."""

    def judge(runs: Runs) -> tuple[Ratios, str]:
        mine = runs.figures(GOALS_TABLE, OURS, figure)
        return [limit / value if value else float("inf") for value in mine.values()], f"{limit:g}"

    return judge


def of_own(part: str, whole: str) -> Judge:
    """Compare two of our own figures."""

    def judge(runs: Runs) -> tuple[Ratios, str]:
        parts, wholes = runs.own(part), runs.own(whole)
        return [parts[n] / wholes[n] for n in parts if n in wholes], whole

    return judge


def _median(by_round: Mapping[int, float]) -> float:
    return statistics.median(by_round.values()) if by_round else 0.0


def named(wanted: Callable[[Contestant], bool]) -> list[str]:
    """Return the names of some of the others."""
    return [contestant.name for contestant in STRICT if not contestant.ours and wanted(contestant)]


GOALS: tuple[tuple[str, float, Judge], ...] = (
    ("drain, one worker command, against Celery (prefork 2, acks_late, results)", 15.0, against([PREFORK], "drain")),
    (
        "drain against the fastest Python peer that acknowledges after the work, one process each",
        4.0,
        against(named(lambda c: c.python and c.acks_after and c.processes == 1), "drain", ours=OURS_ALONE),
    ),
    ("drain against BullMQ at its best concurrency", 2.0, against(named(lambda c: c.peer == "bullmq"), "drain")),
    (
        "bulk enqueue from one producer, against the fastest form of the fastest peer",
        3.0,
        against(named(lambda c: True), "enqueue_bulk", fallback="enqueue_one"),
    ),
    (
        "single enqueues from 64 clients, against bare Starlette on the same core",
        0.6,
        of_own("single_64", "single_bare"),
    ),
    (
        "latency at 100 jobs/s, p50, level with the best peer that acknowledges after the work (theirs / ours)",
        1.0,
        against(named(lambda c: c.acks_after), "latency_p50", less=True),
    ),
    (
        "latency at 100 jobs/s, p99, below all (theirs / ours)",
        1.0,
        against(named(lambda c: True), "latency_p99", less=True),
    ),
    ("bytes in the store of a waiting job (400 / ours)", 1.0, within(400.0, "bytes_waiting")),
    ("idle server and worker, % of a core (1 / ours)", 1.0, within(1.0, "idle_cpu")),
    ("idle, store commands a second, those inside scripts counted (20 / ours)", 1.0, within(20.0, "idle_commands")),
    ("drain with a backlog of 1,000,000 against 1,000", 0.85, of_own("backlog_1000000", "backlog_1000")),
    ("one lease loop over 64 of 10,000 filled queues against 1 queue", 0.8, of_own("queues_10000", "queues_1")),
    ("drain in mode fsync against relaxed", 0.8, of_own("drain_fsync", "drain_relaxed")),
    ("two server processes against one", 1.7, of_own("processes_2", "processes_1")),
)
CORES_FOR_TWO = 4  # two server processes, the store, and the clients


def judged(runs: Runs) -> list[Verdict]:
    """Return a verdict on every goal."""
    verdicts = []
    for goal, wanted, judge in GOALS:
        ratios, rival = judge(runs)
        reason = "" if ratios else "not measured"
        if goal.startswith("two server") and runs.cores < CORES_FOR_TWO:
            reason = f"wants {CORES_FOR_TWO} cores, and there are {runs.cores}"
        verdicts.append(Verdict(goal, wanted, ratios, rival, reason))
    return verdicts
