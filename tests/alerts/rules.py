"""The rules under docker/prometheus."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
PROMETHEUS = DOCKER / "prometheus"
TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))


@dataclass(frozen=True)
class Rule:
    """One rule; `alert` is empty for one that records, `record` for one that alerts."""

    alert: str
    record: str
    expr: str
    labels: dict[str, str]
    annotations: dict[str, str]

    @property
    def name(self) -> str:
        return self.alert or self.record


def rules(*files: Path) -> list[Rule]:
    """Return all rules, or those of some files."""
    return [
        Rule(
            rule.get("alert", ""),
            rule.get("record", ""),
            rule["expr"],
            rule.get("labels", {}),
            rule.get("annotations", {}),
        )
        for path in files or sorted((PROMETHEUS / "rules").glob("*.yml"))
        for group in load(path)["groups"]
        for rule in group["rules"]
    ]


def alerts() -> list[Rule]:
    """Return the rules that alert."""
    return [rule for rule in rules() if rule.alert]


def names(some: Iterable[Rule]) -> list[str]:
    return [rule.name for rule in some]


def load(path: Path) -> Any:
    """Return what a file in YAML says."""
    return yaml.safe_load(path.read_text())
