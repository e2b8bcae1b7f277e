"""What is promised has a test that names it, and what is cited exists."""

import re
from pathlib import Path

import pytest

from tests.tidy.tree import ROOT, files, name, text

PROMISES = re.findall(r"^\| (G\d+) \|", text(ROOT / "docs/guarantees.md"), re.MULTILINE)
INVARIANTS = re.findall(r"\*\*(I\d+)\*\*", text(ROOT / "docs/architecture.md").partition("## 1.")[2])
NAMED = re.compile(r"\bG(\d{1,2})\b|\btest_g(\d{1,2})_")  # in a sentence, or in the name of a test
TESTS = [p for p in files(".py", ".story") if name(p).startswith("tests/") and p != Path(__file__)]


@pytest.mark.parametrize("promise", PROMISES)
def test_a_test_names_the_promise(promise: str) -> None:
    assert [name(path) for path in TESTS if promise in named(path)]


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
