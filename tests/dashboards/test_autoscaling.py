"""What KEDA and an HPA ask for exists, and gives one number."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from headrace import Client
from headrace_server.telemetry.catalogue import BY_NAME

from tests.alerts import programs, promql
from tests.dashboards.boards import ROOT
from tests.support.servers import ServerProcess

KEDA, HPA = ROOT / "docker/keda", ROOT / "docker/hpa"


def documents() -> Iterator[Any]:
    for path in sorted([*KEDA.glob("*.yaml"), *HPA.glob("*.yaml")]):
        yield from yaml.safe_load_all(path.read_text())


def of(kind: str) -> list[Any]:
    return [document for document in documents() if document.get("kind") == kind]


def triggers(kind: str) -> list[Any]:
    return [each for scaled in of("ScaledObject") for each in scaled["spec"]["triggers"] if each["type"] == kind]


def test_keda_asks_prometheus_for_the_backlog_of_a_queue() -> None:
    [trigger] = triggers("prometheus")
    [use] = promql.asked(trigger["metadata"]["query"]).uses
    assert (use.metric, use.labels) == ("headrace_queue_backlog", {"queue"})
    assert "max without (instance, pod)" in trigger["metadata"]["query"], "two servers are not twice the work"


def test_keda_asks_a_server_for_a_number_that_it_gives(shared_server: ServerProcess) -> None:
    [trigger] = triggers("metrics-api")
    asked = trigger["metadata"]
    queue = asked["url"].split("/v1/queues/")[1].removesuffix("/stats")
    with Client(shared_server.url) as client:
        client.enqueue("t", queue=queue)
        client.enqueue("t", queue=queue, delay_ms=3_600_000)
        stats = client.queue_stats(queue)
        assert getattr(stats, asked["valueLocation"]) == 1
        client.purge_queue(queue)


def test_what_a_trigger_refers_to_is_there() -> None:
    [trigger] = triggers("metrics-api")
    assert [trigger["authenticationRef"]["name"]] == [each["metadata"]["name"] for each in of("TriggerAuthentication")]


def test_an_hpa_goes_by_what_the_adapter_makes_of_prometheus() -> None:
    [rule] = [each for document in documents() for each in document.get("externalRules", [])]
    [hpa] = of("HorizontalPodAutoscaler")
    [metric] = [each["external"]["metric"] for each in hpa["spec"]["metrics"]]
    assert metric["name"] == rule["name"]["as"]
    assert set(metric["selector"]["matchLabels"]) == set(BY_NAME[rule["seriesQuery"]].labels)
    query = (
        rule["metricsQuery"].replace("<<.Series>>", rule["seriesQuery"]).replace("<<.LabelMatchers>>", 'queue="mail"')
    )
    [use] = promql.asked(query).uses
    assert use.metric == rule["seriesQuery"]


def test_the_target_is_the_slots_of_the_worker_that_is_scaled() -> None:
    said = {path.name: path.read_text() for path in (KEDA / "scaledobject.yaml", HPA / "hpa.yaml")}
    assert all("--processes 1 --threads 8`" in text for text in said.values())
    targets = [each["metadata"]["threshold"] for each in triggers("prometheus")]
    targets += [each["metadata"]["targetValue"] for each in triggers("metrics-api")]
    targets += [
        each["external"]["target"]["averageValue"]
        for hpa in of("HorizontalPodAutoscaler")
        for each in hpa["spec"]["metrics"]
    ]
    assert set(targets) == {"8"}


@pytest.mark.parametrize("shown", ["docs/operations/autoscaling.md"])
def test_every_file_is_named_on_the_page(shown: str) -> None:
    page = (ROOT / shown).read_text()
    assert [path.name for folder in (KEDA, HPA) for path in folder.iterdir() if path.name not in page] == []


def test_the_query_of_keda_is_promql(tmp_path: Any) -> None:
    [trigger] = triggers("prometheus")
    rules = {"groups": [{"name": "g", "rules": [{"record": "asked", "expr": trigger["metadata"]["query"]}]}]}
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(rules))
    code, said = programs.run("promtool", "check", "rules", tmp_path / "rules.yml")
    assert code == 0, said
