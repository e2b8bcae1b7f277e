"""What was to be reached, and whether it was: by pairs of one round: what disturbs one side disturbs both.

Where something bounds a figure (the store, or the least that a queue over HTTP does), a goal is also met by coming near
enough to that, in the same round: then there is nothing left to win but by another store, or without HTTP.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from comparison.record import Runs
from comparison.roster import GOALS_TABLE, STRICT, Contestant

IN_MEMORY = (
    "beanstalkd"  # a server in C that hands jobs on by itself: no store, no record of a job, nothing to wait for
)
OURS, OURS_ALONE = "Headrace", "Headrace, one process"
PREFORK = "Celery prefork 2, late"
PAIRS = 5  # that a judgement wants
QUARTILE = 0.9  # of the goal, that three of four pairs must reach
NEAR = 0.85  # of a bound: the limit is proven
LEADERS = 3  # rivals of a goal that are measured in every round: which of them is the best, one round does not tell
Ratios = list[float]


@dataclass(frozen=True)
class Bound:
    """What limits a figure: two figures of our own, measured in turn, whose ratio is at most about 1."""

    part: str
    whole: str
    words: str  # what a table says of the ratio


@dataclass(frozen=True)
class Verdict:
    """How one goal ended."""

    goal: str
    wanted: float
    ratios: Ratios
    against: str = ""
    unjudged: str = ""  # why nothing can be said
    bounded_by: Bound | None = None
    shares: Ratios = field(default_factory=list)  # of the bound

    @property
    def median(self) -> float:
        return statistics.median(self.ratios)

    @property
    def lower(self) -> float:
        """A quarter of the pairs is below it."""
        return quartiles(self.ratios)[0]

    @property
    def met(self) -> bool:
        return not self.unjudged and reached(self.ratios, self.wanted)

    @property
    def proven(self) -> bool:
        """Whether there is little left to win: the figure is near its bound."""
        return not self.unjudged and reached(self.shares, NEAR)

    @property
    def word(self) -> str:
        """What a table says of it."""
        if self.unjudged:
            return f"not judged: {self.unjudged}"
        if self.met or not self.proven:
            return ("met" if self.met else "NOT met") + _too_few(self.ratios)
        return f"met: the limit is proven{_too_few(self.shares)}"

    @property
    def bound(self) -> str:
        """What a table says of the bound."""
        return self.bounded_by.words.format(statistics.median(self.shares)) if self.bounded_by and self.shares else ""


Judge = Callable[[Runs], tuple[Ratios, str]]


def reached(ratios: Ratios, wanted: float) -> bool:
    """Return whether the median of some pairs reaches a goal, and three of four nearly."""
    return bool(ratios) and statistics.median(ratios) >= wanted and quartiles(ratios)[0] >= QUARTILE * wanted


def _too_few(ratios: Ratios) -> str:
    return "" if len(ratios) >= PAIRS else f" (only {len(ratios)} of {PAIRS} pairs)"


def quartiles(values: Ratios) -> tuple[float, float]:
    """Return the 25th and the 75th percentile."""
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high


@dataclass(frozen=True)
class Against:
    """Compares our figure with that of the best of some contestants."""

    names: Sequence[str]
    figure: str
    ours: str = OURS
    fallback: str = ""  # another figure, that counts for who is better in it
    less: bool = False  # smaller is better

    def __call__(self, runs: Runs) -> tuple[Ratios, str]:
        """Return ratios, by rounds that both have, and who the best is."""
        mine = runs.figures(GOALS_TABLE, self.ours, self.figure)
        theirs = {name: found for name, found in self._found(runs).items() if mine.keys() & found.keys()}
        if not theirs:
            return [], ""
        best = self._ranked(theirs)[0]
        pairs = [(mine[n], theirs[best][n]) for n in mine if n in theirs[best]]
        return [other / our if self.less else our / other for our, other in pairs], best

    def rivals(self, runs: Runs) -> list[str]:
        """Return who may turn out to be the best, and ourselves."""
        return [self.ours, *self._ranked(self._found(runs))[:LEADERS]]

    def _found(self, runs: Runs) -> dict[str, dict[int, float]]:
        found = {name: runs.figures(GOALS_TABLE, name, self.figure) for name in self.names}
        for name in self.names if self.fallback else ():
            single = runs.figures(GOALS_TABLE, name, self.fallback)
            if _median(single) > _median(found[name]):
                found[name] = single
        return {name: by_round for name, by_round in found.items() if by_round}

    def _ranked(self, found: Mapping[str, Mapping[int, float]]) -> list[str]:
        return sorted(found, key=lambda name: _median(found[name]), reverse=not self.less)


@dataclass(frozen=True)
class Within:
    """Compares a bound with our figure, which is to be smaller."""

    limit: float
    figure: str

    def __call__(self, runs: Runs) -> tuple[Ratios, str]:
        """Return ratios, by round."""
        mine = runs.figures(GOALS_TABLE, OURS, self.figure)
        return [self.limit / value if value else float("inf") for value in mine.values()], f"{self.limit:g}"

    def rivals(self, runs: Runs) -> list[str]:
        """Return ourselves."""
        return [OURS]


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


OF_THE_STORE, OF_A_RELAY = "{:.0%} of the store alone", "a relay takes {:.0%} of it"
BOUNDS = {
    (OURS, "drain"): Bound("bounded_drain", "store_drain", OF_THE_STORE),
    (OURS_ALONE, "drain"): Bound("bounded_drain_alone", "store_drain", OF_THE_STORE),
    (OURS, "enqueue_bulk"): Bound("bounded_bulk", "store_enqueue", OF_THE_STORE),
    (OURS, "latency_p50"): Bound("relay_p50", "paced_p50", OF_A_RELAY),
    (OURS, "latency_p99"): Bound("relay_p99", "paced_p99", OF_A_RELAY),
}
GOALS: tuple[tuple[str, float, Judge], ...] = (
    ("drain, one worker command, against Celery (prefork 2, acks_late, results)", 15.0, Against([PREFORK], "drain")),
    (
        "drain against the fastest Python peer that acknowledges after the work, one process each",
        4.0,
        Against(named(lambda c: c.python and c.acks_after and c.processes == 1), "drain", ours=OURS_ALONE),
    ),
    ("drain against BullMQ at its best concurrency", 2.0, Against(named(lambda c: c.peer == "bullmq"), "drain")),
    (
        "bulk enqueue from one producer, against the fastest form of the fastest peer",
        3.0,
        Against(named(lambda c: True), "enqueue_bulk", fallback="enqueue_one"),
    ),
    (
        "single enqueues from 64 clients, against bare Starlette on the same core",
        0.6,
        of_own("single_64", "single_bare"),
    ),
    (
        "latency at 100 jobs/s, p50, level with the best on the same store that acknowledges late (theirs / ours)",
        1.0,
        Against(named(lambda c: c.acks_after and c.peer != IN_MEMORY), "latency_p50", less=True),
    ),
    (
        "latency at 100 jobs/s, p99, below all (theirs / ours)",
        1.0,
        Against(named(lambda c: True), "latency_p99", less=True),
    ),
    ("bytes in the store of a waiting job (400 / ours)", 1.0, Within(400.0, "bytes_waiting")),
    ("idle server and worker, % of a core (1 / ours)", 1.0, Within(1.0, "idle_cpu")),
    ("idle, store commands a second, those inside scripts counted (20 / ours)", 1.0, Within(20.0, "idle_commands")),
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
        bound = BOUNDS.get((judge.ours, judge.figure)) if isinstance(judge, Against) else None
        shares = of_own(bound.part, bound.whole)(runs)[0] if bound else []
        verdicts.append(Verdict(goal, wanted, ratios, rival, reason, bound, shares))
    return verdicts


def decisive(runs: Runs) -> set[tuple[str, str]]:
    """Return the contestants that goals hang on, each with its heat: who is far behind decides none."""
    return {
        (name, runs.heat_of(judge.figure))
        for _, _, judge in GOALS
        if isinstance(judge, (Against, Within))
        for name in judge.rivals(runs)
    }
