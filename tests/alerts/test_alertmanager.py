"""docker/alertmanager: what amtool says of it, where alerts go, and that no secret lies in it."""

import re

import pytest

from tests.alerts.programs import run
from tests.alerts.rules import DOCKER, alerts, load

CONFIG = DOCKER / "alertmanager" / "alertmanager.yml"
CHANNELS = {
    "slack": "slack_configs",
    "email": "email_configs",
    "pagerduty": "pagerduty_configs",
    "wecom": "webhook_configs",
    "dingtalk": "webhook_configs",
}


def test_amtool_finds_no_fault_and_all_parts() -> None:
    code, said = run("amtool", "check-config", CONFIG)
    assert code == 0, said
    assert " - 5 receivers" in said
    assert " - 1 templates" in said


@pytest.mark.parametrize(
    ("severity", "told"),
    [("critical", "pagerduty,slack,wecom,dingtalk,email"), ("warning", "slack,wecom,dingtalk,email")],
)
def test_only_what_cannot_wait_wakes_somebody(severity: str, told: str) -> None:
    code, said = run("amtool", "config", "routes", "test", "--config.file", CONFIG, f"severity={severity}")
    assert (code, said.splitlines()[-1]) == (0, told), said


def test_every_channel_is_told_of_the_end_too() -> None:
    receivers = {receiver["name"]: receiver for receiver in load(CONFIG)["receivers"]}
    assert receivers.keys() == CHANNELS.keys()
    for name, kind in CHANNELS.items():
        (only,) = receivers[name][kind]
        assert name == "pagerduty" or only["send_resolved"], name  # PagerDuty's resolves by default


def test_secrets_lie_in_files() -> None:
    text = CONFIG.read_text()
    inside = re.findall(r"^ *- ?(\w*(?:password|token|key|secret|credentials|api_url))\b:", text, re.MULTILINE)
    files = re.findall(r"_file: (\S+?)[}\s]", text)
    assert inside == []
    assert len(files) == 4
    assert all(file.startswith("/etc/alertmanager/secrets/") for file in files)


def test_what_inhibits_and_what_is_inhibited_are_alerts() -> None:
    known = {alert.alert for alert in alerts()}
    for rule in load(CONFIG)["inhibit_rules"]:
        (source,) = re.findall(r'alertname="(\w+)"', rule["source_matchers"][0])
        (targets,) = re.findall(r'alertname=~"(.+)"', rule["target_matchers"][0])
        assert source in known
        hit = {name for name in known if re.fullmatch(targets, name)} - {source}
        assert len(hit) == (targets.count("|") + 1 if "|" in targets else len(known) - 1), targets
