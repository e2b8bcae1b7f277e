"""A goal is judged by pairs of one round, by their median and their lower quartile."""

import json
from pathlib import Path

import pytest
from comparison import goals, report
from comparison.own import Rounds
from comparison.record import Record, Run, Runs

DRAIN, BULK, MIDDLE = 0, 3, 5  # where these stand among the goals


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return Record(tmp_path / "raw.jsonl", about(cores=2))


def about(cores: int) -> dict[str, object]:
    return {"who": "nobody", "cores": cores, "load": 0.1, "store": "valkey", "disk": "none", "rounds": 5, "jobs": 10}


def drained(record: Record, contestant: str, *rates: float, figure: str = "drain") -> None:
    for number, rate in enumerate(rates):
        record.add(Run("strict", number, contestant, "throughput", {figure: rate}))


def verdict(record: Record, number: int) -> goals.Verdict:
    return goals.judged(Runs([record.path]))[number]


def test_a_goal_is_met_by_pairs_though_each_side_varies(record: Record) -> None:
    drained(record, goals.OURS, 1500, 3000, 750, 6000, 1600)
    drained(record, goals.PREFORK, 100, 200, 50, 400, 100)
    found = verdict(record, DRAIN)
    assert (found.ratios, found.word) == ([15, 15, 15, 15, 16], "met")


def test_a_goal_is_not_met_when_a_quarter_of_the_pairs_stays_far_below(record: Record) -> None:
    drained(record, goals.OURS, 1500, 1500, 1500, 1000, 1000)
    drained(record, goals.PREFORK, 100, 100, 100, 100, 100)
    found = verdict(record, DRAIN)
    assert (found.median, found.lower, found.word) == (15, 10, "NOT met")


def bounded(record: Record, *rates: float) -> None:
    for number, rate in enumerate(rates):
        record.add(Run("own", number, goals.OURS, "bounds", {"bounded_drain": rate, "store_drain": 20_000}))


def test_a_goal_that_is_not_met_may_be_proven_to_be_at_the_limit(record: Record) -> None:
    drained(record, goals.OURS, *[1000] * 5)
    drained(record, goals.PREFORK, *[100] * 5)
    bounded(record, 17_000, 17_400, 16_000, 19_000, 18_000)
    found = verdict(record, DRAIN)
    assert (found.met, found.word, found.bound) == (False, "met: the limit is proven", "87% of the store alone")


def test_a_limit_far_away_proves_nothing_and_is_told(record: Record) -> None:
    drained(record, goals.OURS, *[1000] * 5)
    drained(record, goals.PREFORK, *[100] * 5)
    bounded(record, 7_000, 17_400, 7_000, 19_000, 6_000)
    found = verdict(record, DRAIN)
    assert (found.word, found.bound) == ("NOT met", "35% of the store alone")


@pytest.mark.parametrize(("relay_ms", "word"), [(0.9, "met: the limit is proven"), (0.8, "NOT met")])
def test_a_latency_is_held_to_that_of_a_relay(record: Record, relay_ms: float, word: str) -> None:
    drained(record, goals.OURS, *[3] * 5, figure="latency_p50")
    drained(record, "Taskiq stream", *[2] * 5, figure="latency_p50")
    for number in range(5):
        figures = {"relay_p50": relay_ms, "paced_p50": 1.0, "relay_p99": 1.0, "paced_p99": 9.0}
        record.add(Run("own", number, goals.OURS, "relay", figures))
    found = verdict(record, MIDDLE)
    assert (found.met, found.word, found.bound) == (False, word, f"a relay takes {relay_ms:.0%} of it")


def test_one_process_is_held_to_what_one_process_did_beside_the_store(record: Record) -> None:
    drained(record, goals.OURS_ALONE, *[1000] * 5)
    drained(record, "Taskiq stream", *[500] * 5)
    bounded(record, *[19_000] * 5)
    assert (verdict(record, DRAIN + 1).word, verdict(record, DRAIN + 1).bound) == ("NOT met", "")


def test_few_pairs_are_said_to_be_few(record: Record) -> None:
    drained(record, goals.OURS, 1500)
    drained(record, goals.PREFORK, 100)
    assert verdict(record, DRAIN).word == "met (only 1 of 5 pairs)"


def test_what_was_not_measured_is_not_judged(record: Record) -> None:
    assert {each.word for each in goals.judged(Runs([record.path]))} == {
        "not judged: not measured",
        "not judged: wants 4 cores, and there are 2",
    }


def test_the_best_of_the_others_is_the_rival_in_its_fastest_form(record: Record) -> None:
    drained(record, goals.OURS, 900, figure="enqueue_bulk")
    drained(record, "RQ", 200, figure="enqueue_bulk")
    drained(record, "Huey 1 thread", 300, figure="enqueue_one")
    found = verdict(record, BULK)
    assert (found.ratios, found.against) == ([3], "Huey 1 thread")


def test_who_is_far_behind_in_the_first_rounds_is_not_measured_on(record: Record) -> None:
    for name, rate in {goals.OURS: 900, goals.OURS_ALONE: 900, goals.PREFORK: 1}.items():
        drained(record, name, rate)
    for name, rate in {"Taskiq stream": 300, "arq": 200, "SAQ": 150, "RQ": 100, "BullMQ concurrency 50": 400}.items():
        drained(record, name, rate)
    assert {name for name, heat in goals.decisive(Runs([record.path])) if heat} == {
        goals.OURS,
        goals.OURS_ALONE,
        goals.PREFORK,
        "Taskiq stream",
        "arq",
        "SAQ",
        "BullMQ concurrency 50",
    }


def test_what_no_goal_compares_is_measured_in_the_first_rounds_only() -> None:
    everything = dict.fromkeys(("first", "between", "last"))
    assert list(Rounds(judged=3, full=1).of(everything, ("first", "last"))) == [
        ["first", "between", "last"],
        ["first", "last"],
        ["first", "last"],
    ]


def test_pairs_are_made_within_one_file(tmp_path: Path, record: Record) -> None:
    later = Record(tmp_path / "later.jsonl", about(cores=2))
    drained(record, goals.OURS, 1500)
    drained(later, goals.PREFORK, 100)
    drained(later, goals.OURS, 3000)
    assert goals.judged(Runs([record.path, later.path]))[DRAIN].ratios == [30]


def test_every_goal_asks_for_figures_that_somebody_measures() -> None:
    shown = {
        figure for columns in (report.SPEED, report.COST, *(own for _, own in report.OWN)) for _, figure, *_ in columns
    }
    asked: set[str] = set()

    class Asked(Runs):
        def figures(self, table: str, contestant: str, figure: str) -> dict[int, float]:
            asked.add(figure)
            return {}

        def own(self, figure: str) -> dict[int, float]:
            asked.add(figure)
            return {}

    for _, _, judge in goals.GOALS:
        judge(Asked([]))
    asked |= {figure for bound in goals.BOUNDS.values() for figure in (bound.part, bound.whole)}
    assert asked - shown == set()


def test_the_page_tells_medians_quartiles_and_who_is_left_out(record: Record) -> None:
    drained(record, "RQ", 100, 200, 300, 400, 500)
    record.add(Run("strict", 0, "BullMQ concurrency 1", "install", fault="the program node is not on PATH"))
    page = report.page(Runs([record.path]), ["results/raw.jsonl"])
    assert "| RQ |  |  | 300 (200 to 400) |" in page
    assert "- BullMQ concurrency 1: the program node is not on PATH" in page
    assert "[raw.jsonl](results/raw.jsonl)" in page


def test_a_run_is_in_the_file_before_the_next_begins(record: Record) -> None:
    drained(record, "RQ", 1)
    lines = [json.loads(line) for line in record.path.read_text().splitlines()]
    assert [line.get("contestant") for line in lines] == [None, "RQ"]


def test_the_page_warns_where_other_work_had_the_machine(tmp_path: Path) -> None:
    calm = Record(tmp_path / "calm.jsonl", about(cores=2))
    busy = Record(tmp_path / "busy.jsonl", {**about(cores=2), "load": 3.0})
    assert report.DISTURBED not in report.page(Runs([calm.path]), [])
    assert report.DISTURBED in report.page(Runs([calm.path, busy.path]), [])
