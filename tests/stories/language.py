"""The language of the `.story` files: text to lines, with nothing done yet.

    # A title, and the guarantees that the story tries (G7).
    t=0     enqueue  a queue=mail max_attempts=3   -> a ready
    t=0     lease    mail ttl=30s by w1            -> a leased #1
    t=31s   tick                                   -> a ready (crash 1)
    t=33s   ack      a #1                          -> late, a succeeded

A line is a time on the store's clock, a verb, its words and options (`name=value`, `by WORKER`), and after `->` what
must come of it. Times are sums of numbers with a unit: `30s`, `30s-1ms`, `24h+1us`. The expectation is a list of

    late | repeated | replayed | nothing | requested | deduplicated | replaced | refused WHY | ok
                                               the verdict; without one of these the verdict must be `ok`
    JOB STATE [#LEASE] [(FACT VALUE, ...)]     the job afterwards; `#2` is its second lease

An `enqueue` with `each=yes` lets each job stand for itself: the verdict is `refused` with the first reason if any was
kept out, and names the jobs that were there before if any was.

The jobs that follow a `lease` are all that were handed out, in this order; those of an `enqueue` that was replayed,
deduplicated or replaced are the ones it was answered with. `a #1` as words name job and token. In place of job and
state stand, after `attempts`, an outcome and the number of its attempt, and after `explain` a reason and its key or
`-`; after `stats`, `queue`, `limit`, `operation` and `tally` names and values. What `events`, `list`, `explain` and
`tally` bring is all there is, events in their order; `tally` of a task has counts (`waits`) and sums (`wait`).

Before a lease from a queue whose jobs have limits, fairness or ordering keys the store ticks: that opens lanes which
were found blocked, and otherwise takes a while. `tick=no` leaves that out.
"""

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent

_UNIT_US = {"us": 1, "ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000}
_LINE = re.compile(r"t=(?P<at>\S+)\s+(?P<verb>\w+)\s*(?P<words>.*?)\s*->\s*(?P<expected>.+)")
_DURATION = re.compile(r"([+-]?)(\d+)(us|ms|s|m|h)")
_CLAUSE = re.compile(r"(?P<words>[^,()]+)(?:\((?P<facts>[^)]*)\))?\s*(?:,|$)")
_VERDICTS = ("ok", "late", "repeated", "replayed", "nothing", "requested", "deduplicated", "replaced", "refused")
_VERBS_OF_FACTS = ("stats", "queue", "limit", "operation", "tally")


class StoryError(Exception):
    """A story that cannot be read."""


@dataclass(frozen=True)
class Expected:
    """What must be true of one job."""

    job: str
    state: str  # or `gone`
    lease: int | None  # handed out by this line as the job's n-th lease
    facts: dict[str, str]


@dataclass(frozen=True)
class Line:
    """One line of a story."""

    number: int
    text: str
    at_ms: int
    verb: str
    words: list[str]
    options: dict[str, str]
    verdict: str  # a word of _VERDICTS, or `refused WHY`
    jobs: list[Expected]
    facts: dict[str, str]  # of the answer itself


@dataclass(frozen=True)
class Story:
    """One file."""

    name: str
    title: str
    lines: list[Line]


def stories() -> list[Path]:
    """Return the files of all stories."""
    return sorted(FOLDER.glob("*.story"))


def read(path: Path) -> Story:
    """Return the story in a file; StoryError names the line that cannot be read."""
    title, lines = "", []
    for number, text in enumerate(path.read_text().splitlines(), start=1):
        if text.startswith("#"):
            title = title or text.lstrip("# ")
        elif text.strip():
            try:
                lines.append(_line(number, text.strip()))
            except (StoryError, ValueError) as error:
                raise StoryError(f"{path.name}:{number}: {error}: {text}") from error
    if not title or not lines:
        raise StoryError(f"{path.name} has no title or no lines")
    return Story(path.stem, title, lines)


def micros(text: str) -> int:
    """Return a duration in microseconds; StoryError if `text` is none."""
    if text == "0":
        return 0
    if not re.fullmatch(f"({_DURATION.pattern})+", text):
        raise StoryError(f"{text!r} is no duration")
    return sum((-1 if sign == "-" else 1) * int(n) * _UNIT_US[unit] for sign, n, unit in _DURATION.findall(text))


def millis(text: str) -> int:
    """Return a duration in milliseconds."""
    return micros(text) // 1_000


def _line(number: int, text: str) -> Line:
    found = _LINE.fullmatch(text)
    if found is None:
        raise StoryError("no line of the form `t=TIME verb words -> expectation`")
    words, options = _words(found["words"].split())
    verdict, jobs, facts = _expectation(found["verb"], found["expected"])
    return Line(number, text, millis(found["at"]), found["verb"], words, options, verdict, jobs, facts)


def _words(words: list[str]) -> tuple[list[str], dict[str, str]]:
    options = dict(word.split("=", 1) for word in words if "=" in word)
    rest = [word for word in words if "=" not in word]
    if "by" in rest:
        at = rest.index("by")
        options["by"] = rest[at + 1]
        del rest[at : at + 2]
    return rest, options


def _expectation(verb: str, text: str) -> tuple[str, list[Expected], dict[str, str]]:
    verdict, jobs, facts = "ok", [], {}
    for clause in _clauses(text):
        words = clause["words"].split()
        if words[0] in _VERDICTS and verb != "tally":  # which counts some of them
            verdict = " ".join(words)
        elif verb in _VERBS_OF_FACTS:
            facts[words[0]] = words[1]
        else:
            jobs.append(_job(words, clause["facts"] or ""))
    return verdict, jobs, facts


def _clauses(text: str) -> list[re.Match[str]]:
    found = list(_CLAUSE.finditer(text))
    if sum(len(clause[0]) for clause in found) != len(text):
        raise StoryError("the expectation cannot be read")
    return found


def _job(words: list[str], facts: str) -> Expected:
    if len(words) not in (2, 3) or (len(words) == 3 and not words[2].startswith("#")):
        raise StoryError(f"{' '.join(words)!r} is not `JOB STATE [#LEASE]`")
    pairs = dict(fact.split(maxsplit=1) for fact in facts.split(",") if fact.strip())
    return Expected(words[0], words[1], int(words[2][1:]) if len(words) == 3 else None, pairs)
