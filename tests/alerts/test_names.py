"""Every metric that rules, dashboards and autoscalers ask for exists, with the labels that they ask it by."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from headrace_server.telemetry.catalogue import ALL, Kind, Metric

from tests.alerts.promql import Use, asked
from tests.alerts.rules import DOCKER, TESTS, rules

SERIES: dict[str, Metric] = {series: metric for metric in ALL for series in metric.series}
RECORDED = {rule.record for rule in rules() if rule.record}
OF_PROMETHEUS = {"up", "ALERTS"}
OF_SCRAPES = {"job", "instance", "pod"}
FILES = [path for path in sorted(DOCKER.rglob("*")) if path.suffix in (".json", ".yml", ".yaml")]
LABEL_VALUES = re.compile(r"label_values\(\s*([\w:]+)\s*(?:\{[^}]*\}\s*)?,\s*(\w+)\s*\)")


def under_docker(path: Path) -> str:
    return path.relative_to(DOCKER).as_posix()


def expressions(path: Path) -> list[str]:
    """Return what a file asks a Prometheus for, wherever in it that stands."""
    read = [json.loads(path.read_text())] if path.suffix == ".json" else yaml.safe_load_all(path.read_text())
    return [text for document in read for text in _asking(document)]


def _asking(document: Any) -> Iterator[str]:
    if isinstance(document, list):
        for item in document:
            yield from _asking(item)
    elif isinstance(document, dict):
        for name, value in document.items():
            if name in ("expr", "query", "definition", "seriesQuery") and isinstance(value, str):
                yield value
            else:
                yield from _asking(value)


def uses(expr: str) -> list[Use]:
    """Return the metrics of an expression with their labels; `label_values(metric, label)` is Grafana's."""
    if values := LABEL_VALUES.fullmatch(expr):
        return [Use(values[1], {values[2]})]
    return [] if expr == "prometheus" else asked(expr).uses  # a variable that chooses a source of data


def labels_of(metric: str) -> set[str]:
    """Return the labels of a series from a scrape."""
    found = SERIES[metric]
    return {*found.labels, *OF_SCRAPES, *(["le"] if found.kind is Kind.HISTOGRAM else [])}


ASKING = [path for path in FILES if expressions(path) and path not in TESTS]


def test_rules_dashboards_and_autoscalers_are_read() -> None:
    folders = {path.relative_to(DOCKER).parts[0] for path in ASKING}
    assert folders == {"prometheus", "grafana", "keda", "hpa"}


@pytest.mark.parametrize("path", ASKING, ids=under_docker)
def test_every_metric_that_is_asked_for_exists(path: Path) -> None:
    known = {*SERIES, *RECORDED, *OF_PROMETHEUS}
    assert [(use.metric, expr) for expr in expressions(path) for use in uses(expr) if use.metric not in known] == []


@pytest.mark.parametrize("path", FILES, ids=under_docker)
def test_every_name_that_looks_like_a_metric_is_one(path: Path) -> None:
    families = {metric.name for metric in ALL}  # prose may speak of a histogram as a whole
    looks = set(re.findall(r"\bheadrace_\w+|\bheadrace:[a-z][\w:]+|\bcelery_(?:task|worker)_\w+", path.read_text()))
    assert looks - {*SERIES, *RECORDED, *families, "headrace_", "celery_worker_"} == set()


@pytest.mark.parametrize("path", ASKING, ids=under_docker)
def test_every_metric_has_the_labels_that_it_is_asked_by(path: Path) -> None:
    wrong = [
        (use.metric, use.labels - labels_of(use.metric), expr)
        for expr in expressions(path)
        for use in uses(expr)
        if use.metric in SERIES and not use.labels <= labels_of(use.metric)
    ]
    assert wrong == []


@pytest.mark.parametrize("path", ASKING, ids=under_docker)
def test_every_grouping_is_by_a_label_of_what_is_grouped(path: Path) -> None:
    wrong = []
    for expr in expressions(path):
        metrics = [use.metric for use in uses(expr)]
        if "label_replace" in expr or not metrics or any(metric not in SERIES for metric in metrics):
            continue  # other labels than those of a scrape
        wrong += [(label, expr) for label in asked(expr).grouping if all(label not in labels_of(m) for m in metrics)]
    assert wrong == []


@pytest.mark.parametrize(
    ("expr", "metrics", "labels"),
    [
        ("up == 0", ["up"], [set()]),
        ('sum by (task) (rate(a_total{x="b{c}", y=~"$y"}[5m] offset 1w))', ["a_total"], [{"x", "y"}]),
        ("a / on (q) group_left () (b > 0.85) or absent(c:d) unless 0 * a", ["a", "b", "c:d", "a"], [set()] * 4),
        ('label_replace(a{s=\'x"y\'}, "b", "$1", "c", "(.*)") > 1e3', ["a"], [{"s"}]),
    ],
)
def test_an_expression_is_read_as_it_is_meant(expr: str, metrics: list[str], labels: list[set[str]]) -> None:
    assert [use.metric for use in uses(expr)] == metrics
    assert [use.labels for use in uses(expr)] == labels
