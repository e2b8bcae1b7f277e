"""The dashboards, and what they ask Prometheus for."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
GRAFANA: Final = ROOT / "docker/grafana"
FILES: Final = sorted((GRAFANA / "dashboards").glob("*.json"))


@dataclass(frozen=True)
class Query:
    """One expression of a dashboard, and where it stands."""

    board: str
    panel: str
    name: str  # its legend or its column
    expr: str

    def filled(self, **variables: str) -> str:
        """Return the expression with Grafana's variables replaced, as Grafana does it."""
        given = {"queue": ".*", "task": ".*", "__rate_interval": "1m", "__range": "5m", **variables}
        return re.sub(r"\$([a-z_]\w*)", lambda found: given[found[1]], self.expr)


def load(path: Path) -> Any:
    return json.loads(path.read_text())


def panels(path: Path) -> list[Any]:
    """Return the panels of a dashboard, without the rows that are their headings."""
    return [panel for panel in load(path)["panels"] if panel["type"] != "row"]


def queries() -> Iterator[Query]:
    """Yield what all panels of all dashboards ask for, and their notes of alerts."""
    for path in FILES:
        for panel in panels(path):
            columns = renamed(panel)
            for target in panel["targets"]:
                name = columns.get(f"Value #{target['refId']}") or target.get("legendFormat", "")
                yield Query(path.stem, panel["title"], name, target["expr"])


def notes(path: Path) -> list[str]:
    """Return the expressions whose instants are drawn into all panels."""
    return [note["expr"] for note in load(path)["annotations"]["list"] if "expr" in note]


def renamed(panel: Any) -> dict[str, str]:
    """Return the names of a table's columns by the names that they had."""
    for step in panel.get("transformations", []):
        if step["id"] == "organize":
            names: dict[str, str] = step["options"]["renameByName"]
            return names
    return {}
