"""What is promised has a test that names it, and what is cited exists."""

import re
from pathlib import Path

import pytest

from tests.tidy.tree import ROOT, files, name, text

PAGE = ROOT / "docs/guarantees.md"
ROWS = {row.split(" | ")[0].lstrip("| "): row for row in text(PAGE).splitlines() if row.startswith("| G")}
PROMISES = list(ROWS)
INVARIANTS = re.findall(r"\*\*(I\d+)\*\*", text(ROOT / "docs/architecture.md").partition("## 1.")[2])
NAMED = re.compile(r"\bG(\d{1,2})\b|\btest_g(\d{1,2})_")  # in a sentence, or in the name of a test
TESTS = [p for p in files(".py", ".story") if name(p).startswith("tests/") and p != Path(__file__)]


@pytest.mark.parametrize("promise", PROMISES)
def test_a_test_names_the_promise(promise: str) -> None:
    assert [name(path) for path in TESTS if promise in named(path)]


@pytest.mark.parametrize("promise", PROMISES)
def test_the_page_says_where_a_promise_is_tried(promise: str) -> None:
    """Each file that it names speaks of the promise, and one of them has a test of its name, with several servers."""
    tried = [(PAGE.parent / path).resolve() for path in re.findall(r"\]\(([^)]+)\)", ROWS[promise])]
    assert [name(path) for path in tried if promise not in named(path)] == []
    own_test = f"def test_{promise.lower()}_"
    assert [path for path in tried if own_test in text(path) and path.parent.name in ("guarantees", "torture")]


def test_every_promise_that_a_test_names_is_made() -> None:
    assert [(name(path), found) for path in TESTS for found in named(path) if found not in PROMISES] == []


def test_the_invariants_are_numbered_without_gaps() -> None:
    numbers = [int(found.removeprefix("I")) for found in INVARIANTS]
    assert numbers == list(range(1, len(numbers) + 1))


def test_every_invariant_that_is_cited_exists() -> None:
    code = [path for path in files(".py", ".lua") if path != Path(__file__)]
    cited = {(name(p), found) for p in code for found in re.findall(r"\binvariant (I\d+)\b", text(p))}
    assert [pair for pair in cited if pair[1] not in INVARIANTS] == []


def named(path: Path) -> set[str]:
    """Return the promises that a file of tests names."""
    return {f"G{sentence or test}" for sentence, test in NAMED.findall(text(path))}
