"""The raw numbers: a file of JSON lines, one a run, written while it goes on; and questions to such files."""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

OWN_TABLE = "own"


@dataclass(frozen=True)
class Run:
    """What one heat found."""

    table: str  # strict, defaults, or own for figures of Headrace alone
    round: int
    contestant: str
    heat: str
    figures: dict[str, float] = field(default_factory=dict)
    fault: str = ""  # why there are none


class Record:
    """The file that runs are added to."""

    def __init__(self, path: Path, about: dict[str, Any]) -> None:
        """Begin a file, or go on with one: then `about` is the latest."""
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._write({"about": about})

    def add(self, run: Run) -> None:
        """Add a run; it is in the file when this returns."""
        self._write(asdict(run))

    def _write(self, line: dict[str, Any]) -> None:
        with self.path.open("a") as out:
            out.write(json.dumps(line) + "\n")
            out.flush()
            os.fsync(out.fileno())


class Runs:
    """What lies in one file or several."""

    def __init__(self, paths: Iterable[Path]) -> None:
        """Read them; rounds of a later file are numbered on."""
        self.about: list[dict[str, Any]] = []
        self.runs: list[Run] = []
        for path in paths:
            first = 1 + max((run.round for run in self.runs), default=0)
            for line in path.read_text().splitlines():
                facts = json.loads(line)
                if "about" in facts:
                    self.about.append(facts["about"])
                else:
                    self.runs.append(Run(**{**facts, "round": facts["round"] + first}))

    @property
    def cores(self) -> int:
        """How many cores the machine had."""
        return int(self.about[-1]["cores"]) if self.about else 0

    def figures(self, table: str, contestant: str, figure: str) -> dict[int, float]:
        """Return one figure of a contestant by round."""
        return {
            run.round: run.figures[figure]
            for run in self.runs
            if (run.table, run.contestant) == (table, contestant) and figure in run.figures
        }

    def own(self, figure: str) -> dict[int, float]:
        """Return one figure of Headrace alone by round."""
        return {run.round: run.figures[figure] for run in self.runs if run.table == OWN_TABLE and figure in run.figures}

    def heat_of(self, figure: str) -> str:
        """Return the heat in which a figure was measured; empty for none."""
        return next((run.heat for run in self.runs if figure in run.figures), "")

    def faults(self, table: str) -> dict[str, str]:
        """Return why a contestant of a table lacks figures."""
        return {run.contestant: run.fault for run in self.runs if run.table == table and run.fault}
