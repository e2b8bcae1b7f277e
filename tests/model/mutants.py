"""Faults seeded into the scripts: read from mutants.txt and applied to the Lua; it must not run anything."""

from dataclasses import dataclass
from pathlib import Path

from headrace_server.engine.scripts import read_files

FILE = Path(__file__).with_name("mutants.txt")


@dataclass(frozen=True)
class Edit:
    """One piece of text of one file, and what stands there instead."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutant:
    """One fault, and the test that must notice it."""

    name: str
    caught_by: (
        str  # `story NAME`, `alike NAME` (with jobs that come as alike) or `machine`; of those of schedules: a test
    )
    edits: list[Edit]

    def sources(self) -> dict[str, str]:
        """Return the changed files by name; AssertionError when a text does not occur exactly once."""
        files = read_files()
        for edit in self.edits:
            found = files[edit.file].count(edit.old)
            assert found == 1, f"{self.name}: {edit.old!r} occurs {found} times in {edit.file}.lua"
            files[edit.file] = files[edit.file].replace(edit.old, edit.new)
        return {edit.file: files[edit.file] for edit in self.edits}


def mutants(file: Path = FILE) -> list[Mutant]:
    """Return all mutants in the order of the file."""
    _, *blocks = file.read_text().split("\n== ")
    return [_mutant(block.splitlines()) for block in blocks]


def _mutant(lines: list[str]) -> Mutant:
    name, head, *rest = lines
    file, _, caught_by = head.partition("  ")
    edits: list[Edit] = []
    for line in filter(None, rest):
        mark, text = line[0], line[2:]
        if mark == "-":
            edits.append(Edit(file, text, ""))
        elif mark == "+":
            edits[-1] = Edit(file, edits[-1].old, text)
        else:
            file = line
    return Mutant(name, caught_by, edits)
