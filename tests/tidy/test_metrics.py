"""Every metric is documented, named as such things are named, and kept where the catalogue says."""

import re

from headrace_server.domain.limits import MAX_COUNTED_TASKS, MAX_METRIC_QUEUES
from headrace_server.engine.scripts import read_files
from headrace_server.telemetry.catalogue import (
    ALL,
    BY_NAME,
    QUEUE_COUNTERS,
    TASK_COUNTERS,
    TASK_SECONDS,
    Kind,
)

from tests.tidy.metrics_page import PAGE, page
from tests.tidy.tree import text

UNITS = ("_seconds", "_bytes", "_total", "_info")
# the only labels there are, and what bounds each
BOUNDED = {
    *("queue", "state", "task", "outcome", "worker", "schedule", "webhook", "process"),
    *("route", "method", "status", "verb", "loop", "server", "version", "fsync", "python", "id", "pid", "request"),
}


def test_the_page_of_the_metrics_is_up_to_date() -> None:
    assert text(PAGE) == page(text(PAGE)), "run `make docs`"


def test_no_name_stands_twice() -> None:
    assert len(BY_NAME) == len(ALL)


def test_names_say_kind_and_unit() -> None:
    for metric in ALL:
        assert re.fullmatch(r"(headrace|process)_[a-z_]+", metric.name), metric.name
        assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER), metric.name
        assert bool(metric.bounds) == (metric.kind is Kind.HISTOGRAM), metric.name
        assert list(metric.bounds) == sorted(set(metric.bounds)), metric.name
        assert re.search(r"[\w)]\.$", metric.meaning), f"{metric.name}: {metric.meaning}"


def test_no_label_has_values_without_a_bound() -> None:
    """And no metric has a queue and a task: that would be their product."""
    assert {label for metric in ALL for label in metric.labels} <= BOUNDED
    assert [metric.name for metric in ALL if {"queue", "task"} <= {*metric.labels}] == []
    assert [metric.name for metric in ALL if {"job_id", "error", "path", "url"} & {*metric.labels}] == []


def test_the_scripts_count_in_the_places_that_are_read() -> None:
    tallies = read_files()["tallies"]
    assert _cells("QUEUE_CELLS", tallies) == {word: number for number, word in enumerate(QUEUE_COUNTERS)}
    assert _cells("TASK_CELLS", tallies) == {word: number for number, word in enumerate(TASK_COUNTERS)}
    found = re.search(r"local WAIT, RUN, TOTAL = (\d+), (\d+), (\d+)", tallies)
    assert found
    first, width = len(TASK_COUNTERS), len(TASK_SECONDS) + 2
    assert [int(word) for word in found.groups()] == [first, first + width, first + 2 * width]
    bounds = re.search(r"local BOUNDS_MS = \{(.*?)\}", tallies)
    assert bounds
    assert [int(word) for word in bounds[1].split(",")] == [round(1000 * bound) for bound in TASK_SECONDS]


def _cells(name: str, lua: str) -> dict[str, int]:
    found = re.search(rf"local {name} = {{(.*?)}}", lua, re.DOTALL)
    assert found
    return {word: int(number) for word, number in re.findall(r"(\w+) = (\d+)", found[1])}


def test_the_bounds_that_the_page_names_are_those_of_the_code() -> None:
    for bound in (f"{MAX_COUNTED_TASKS:,}", f"{MAX_METRIC_QUEUES:,}"):
        assert bound in text(PAGE)
