"""docker/prometheus/prometheus.yml: what promtool says of it, and that it scrapes what the rules are about."""

import re
import shutil
from pathlib import Path

from headrace_server.telemetry.catalogue import Endpoint

from tests.alerts.programs import run
from tests.alerts.rules import PROMETHEUS, load, rules

CONFIG = PROMETHEUS / "prometheus.yml"


def test_promtool_finds_no_fault_and_all_rules(tmp_path: Path) -> None:
    shutil.copytree(PROMETHEUS, tmp_path / "prometheus")
    (tmp_path / "prometheus" / "secrets").mkdir()
    (tmp_path / "prometheus" / "secrets" / "headrace-token").write_text("t")
    code, said = run("promtool", "check", "config", tmp_path / "prometheus" / "prometheus.yml")
    assert code == 0, said
    assert sum(map(int, re.findall(r"SUCCESS: (\d+) rules found", said))) == len(rules())


def test_the_token_is_read_from_a_file() -> None:
    jobs = {job["job_name"]: job for job in load(CONFIG)["scrape_configs"]}
    asked = {name for name, job in jobs.items() if "authorization" in job}
    assert asked == {"headrace-server", "headrace-jobs"}
    assert all(jobs[name]["authorization"].keys() == {"credentials_file"} for name in asked)


def test_rules_name_jobs_that_are_scraped() -> None:
    scraped = {job["job_name"] for job in load(CONFIG)["scrape_configs"]}
    named = {name for rule in rules() for name in re.findall(r'job="([\w-]+)"', rule.expr)}
    assert named == {"headrace-server", "headrace-jobs"}
    assert named <= scraped


def test_the_addresses_are_those_of_the_catalogue() -> None:
    paths = {job["job_name"]: job.get("metrics_path", "/metrics") for job in load(CONFIG)["scrape_configs"]}
    assert paths["headrace-server"] == Endpoint.PROCESS
    assert paths["headrace-jobs"] == Endpoint.JOBS
