"""The rules under docker/prometheus: what promtool says of them, and what it cannot know."""

import re
import shutil
from pathlib import Path

import pytest
import yaml
from headrace_server.telemetry.catalogue import ALL, Endpoint

from tests.alerts.programs import run
from tests.alerts.promql import asked
from tests.alerts.rules import PROMETHEUS, ROOT, TESTS, Rule, alerts, load, names, rules
from tests.tidy.test_links import anchors

FROM_THE_STORE = {series for metric in ALL if metric.endpoint is Endpoint.JOBS for series in metric.series}
ONCE = re.compile(r"max without \(instance, pod[^)]*\)\s*\(\s*(?:(?:rate|increase|label_replace)\()?$")


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_the_rules_do_what_their_tests_say(path: Path) -> None:
    code, said = run("promtool", "test", "rules", path.name, cwd=path.parent)
    assert code == 0, said


def test_promtool_finds_no_fault_in_the_rules() -> None:
    code, said = run("promtool", "check", "rules", *sorted((PROMETHEUS / "rules").glob("*.yml")))
    assert code == 0, said


@pytest.mark.parametrize("fires", [True, False], ids=["firing", "silent"])
def test_every_alert_is_tested(fires: bool) -> None:
    tried = [each for path in TESTS for test in load(path)["tests"] for each in test.get("alert_rule_test", [])]
    covered = {each["alertname"] for each in tried if bool(each["exp_alerts"]) is fires}
    assert covered == set(names(alerts()))


@pytest.mark.parametrize(
    ("pattern", "fault", "spared"),
    [
        (r"(?s).+", "vector(1) < 0", set()),
        (r"max without \(instance, pod\)", "max without ()", {"HeadraceServerDown"}),
    ],
    ids=["alerts that never fire", "rules that take each server for itself"],
)
def test_faults_in_all_rules_are_noticed_of_each_alert(
    pattern: str, fault: str, spared: set[str], tmp_path: Path
) -> None:
    shutil.copytree(PROMETHEUS, tmp_path / "prometheus")
    path = tmp_path / "prometheus" / "rules" / "headrace.rules.yml"
    document = load(path)
    for rule in (rule for group in document["groups"] for rule in group["rules"]):
        rule["expr"] = re.sub(pattern, fault, rule["expr"], count=0 if spared else 1)
    path.write_text(yaml.safe_dump(document))
    tests = [test.name for test in TESTS if "celery" not in test.name]
    code, said = run("promtool", "test", "rules", *tests, cwd=tmp_path / "prometheus" / "tests")
    assert code == 1
    assert set(re.findall(r"alertname: (\w+)", said)) == set(names(alerts())) - spared


@pytest.mark.parametrize("rule", rules(), ids=names(rules()))
def test_what_the_store_says_counts_once_whoever_scrapes_it_from_how_many_servers(rule: Rule) -> None:
    places = [(found[0], rule.expr[: found.start()]) for found in re.finditer(r"\b[a-z_]\w+\b(?!\s*\()", rule.expr)]
    bare = [name for name, before in places if name in FROM_THE_STORE and not ONCE.search(before)]
    assert bare == []


@pytest.mark.parametrize("alert", alerts(), ids=names(alerts()))
def test_an_alert_says_how_bad_it_is_what_is_wrong_and_what_to_do(alert: Rule) -> None:
    assert alert.labels["severity"] in ("critical", "warning")
    assert alert.annotations.keys() == {"summary", "description", "runbook_url"}
    assert 10 < len(alert.annotations["summary"]) < 100
    assert len(alert.annotations["description"]) < 500
    page, _, anchor = alert.annotations["runbook_url"].partition("#")
    assert anchor in anchors(ROOT / page)


@pytest.mark.parametrize("alert", alerts(), ids=names(alerts()))
def test_the_page_lists_the_alert_as_it_is(alert: Rule) -> None:
    page = (ROOT / "docs" / "operations" / "alerts.md").read_text()
    anchor = alert.annotations["runbook_url"].rpartition("/")[2]
    assert f"| `{alert.alert}` | {alert.labels['severity']} |" in page
    (line,) = [line for line in page.splitlines() if f"| `{alert.alert}` |" in line]
    assert f"({anchor})" in line
    bounds = {float(number) for number in re.findall(r"[<>] ?([\d.]+)", alert.expr)} - {0}
    assert all(re.search(rf"\b{told(bound)}(?!\w)", line) for bound in bounds), bounds


def told(bound: float) -> str:
    """Return a bound in the words of the page: seconds in minutes and hours, shares in percent."""
    if bound < 1:
        return f"{bound * 100:g} %"
    words = {60.0: "(60 s|minute)", 600.0: "10 minutes", 3600.0: "hour"}
    return words.get(bound, f"{bound:g}")


def test_an_expression_of_an_alert_names_metrics() -> None:
    assert [alert.alert for alert in alerts() if not asked(alert.expr).uses] == []
