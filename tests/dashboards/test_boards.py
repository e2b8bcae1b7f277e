"""The dashboards are whole: what they refer to is there, and nothing lies over another.

That the metrics exist is tried with those of the rules, in tests/alerts.
"""

import itertools
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from headrace_server.telemetry.catalogue import ALL, BY_NAME, Endpoint, Kind

from tests.alerts import programs
from tests.dashboards.boards import FILES, GRAFANA, Query, load, notes, panels, queries, renamed

QUERIES = list(queries())
SERIES = {name: metric for metric in ALL for name in metric.series}
DEDUPLICATED = re.compile(r"max without \(instance, pod\) \((?:rate|increase)?\(?$")


def ids(query: Query) -> str:
    return f"{query.board}: {query.panel}: {query.name}"


def test_there_are_two() -> None:
    assert [(path.stem, load(path)["uid"]) for path in FILES] == [
        ("overview", "headrace-overview"),
        ("task", "headrace-task"),
    ]


@pytest.mark.parametrize("query", QUERIES, ids=ids)
def test_what_all_servers_tell_alike_is_taken_once(query: Query) -> None:
    for found in re.finditer(r"\b(headrace_\w+)", query.expr):
        if SERIES[found[1]].endpoint is Endpoint.JOBS:
            assert DEDUPLICATED.search(query.expr[: found.start()]), found[1]


@pytest.mark.parametrize("query", QUERIES, ids=ids)
def test_counters_are_looked_at_as_growth_and_nothing_else_is(query: Query) -> None:
    for found in re.finditer(r"\b((?:headrace|process)_\w+)", query.expr):
        grows = SERIES[found[1]].kind is not Kind.GAUGE
        assert grows == bool(re.search(r"\b(rate|increase)\($", query.expr[: found.start()])), found[1]


def test_prometheus_can_read_every_expression(tmp_path: Path) -> None:
    noted = [expr.replace("$task", "t") for path in FILES for expr in notes(path)]
    exprs = [*(query.filled() for query in QUERIES), *noted]
    rules = [{"record": f"asked:{number}", "expr": expr} for number, expr in enumerate(exprs)]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboards", "rules": rules}]}))
    code, said = programs.run("promtool", "check", "rules", file)
    assert code == 0, said


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_panels_are_told_apart_and_lie_beside_each_other(path: Path) -> None:
    found = load(path)["panels"]
    assert len({panel["id"] for panel in found}) == len(found)
    for one, other in itertools.combinations([panel["gridPos"] for panel in found], 2):
        assert not overlap(one, other), (one, other)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in found)


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return all(one[at] < other[at] + other[size] and other[at] < one[at] + one[size] for at, size in ("xw", "yh"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_panel_says_what_it_shows_in_which_unit_from_the_chosen_source(path: Path) -> None:
    source = {"type": "prometheus", "uid": "${datasource}"}
    for panel in panels(path):
        assert panel["datasource"] == source
        assert re.search(r"\.$", panel["description"]), panel["title"]
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
        assert units(panel), panel["title"]
    assert {variable["name"] for variable in load(path)["templating"]["list"]} >= {"datasource"}


def units(panel: Any) -> set[str]:
    options = panel["options"].get("yAxis", {}).get("unit")
    default = panel["fieldConfig"]["defaults"].get("unit")
    columns = {
        rule["value"]
        for override in panel["fieldConfig"]["overrides"]
        for rule in override["properties"]
        if rule["id"] == "unit"
    }
    return {unit for unit in (options, default) if unit} | columns


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_override_and_every_sorting_means_a_column_or_a_line_that_is_there(path: Path) -> None:
    for panel in panels(path):
        legends = {target.get("legendFormat") for target in panel["targets"]}
        there = legends | set(renamed(panel).values()) | set(re.findall(r"state=~\"([\w|]+)\"", str(panel["targets"])))
        words = {word for name in there if name for word in str(name).split("|")}
        meant = {override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"]}
        meant |= {rule["displayName"] for rule in panel["options"].get("sortBy", [])}
        assert meant - words == set(), panel["title"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_variables_come_from_series_that_there_are_and_are_all_used(path: Path) -> None:
    board = load(path)
    variables = {each["name"]: each for each in board["templating"]["list"]}
    used = set(re.findall(r"\$\{?([a-z_]\w*)", str([panels(path), notes(path), [p["title"] for p in board["panels"]]])))
    assert {name for name in used if not name.startswith("__")} == set(variables)
    for variable in variables.values():
        if variable["type"] == "query":
            [(metric, label)] = re.findall(r"^label_values\((\w+), (\w+)\)$", variable["query"]["query"])
            assert label in BY_NAME[metric].labels


def test_links_lead_to_dashboards_that_are_there() -> None:
    there = {load(path)["uid"] for path in FILES}
    meant = {uid for path in FILES for uid in re.findall(r"/d/([\w-]+)", path.read_text())}
    assert meant == there


def test_the_provisioned_data_source_and_folder_are_those_of_the_files() -> None:
    [source] = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text())["datasources"]
    scraped = yaml.safe_load((GRAFANA.parent / "prometheus/prometheus.yml").read_text())
    assert source["type"] == "prometheus"
    assert source["jsonData"]["timeInterval"] == scraped["global"]["scrape_interval"]
    [provider] = yaml.safe_load((GRAFANA / "provisioning/dashboards/headrace.yml").read_text())["providers"]
    page = (GRAFANA.parents[1] / "docs/operations/dashboards.md").read_text()
    assert f":{provider['options']['path']}" in page
