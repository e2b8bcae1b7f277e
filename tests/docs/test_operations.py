"""The page for operators answers each question with a command that is run, and leaves no alert out."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from tests.docs.pages import Block, blocks

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/operations.md"
TEXT = PAGE.read_text()
ANSWERS = re.findall(r"^\| .+ \| \[(.+)\]\(#([\w-]+)\) \|$", TEXT, re.MULTILINE)


def section(title: str) -> list[Block]:
    """Return the blocks below a heading."""
    begin = TEXT[: TEXT.index(f"\n## {title}\n")].count("\n") + 2
    ends = [TEXT.count("\n", 0, found.start()) + 1 for found in re.finditer(r"^## ", TEXT, re.MULTILINE)]
    end = next((line for line in ends if line > begin), TEXT.count("\n") + 2)
    return [block for block in blocks(PAGE) if begin < block.line < end]


@pytest.mark.parametrize(("title", "anchor"), ANSWERS)
def test_every_question_is_answered_by_a_command_whose_answer_is_shown(title: str, anchor: str) -> None:
    assert re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") == anchor
    found = section(title)
    assert [one for one, other in pairwise(found) if (one.role, other.role) == ("run", "expect")]


def test_every_section_is_in_the_list() -> None:
    assert re.findall(r"^## (.+)$", TEXT, re.MULTILINE) == [title for title, _ in dict.fromkeys(ANSWERS)]


def test_every_alert_is_named_and_no_other() -> None:
    rules = [
        rule
        for path in (ROOT / "docker/prometheus/rules").glob("*.yml")
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
    ]
    assert set(re.findall(r"`(Headrace\w+)`", TEXT)) == {rule["alert"] for rule in rules if "alert" in rule}


def test_the_names_of_celerys_exporter_are_those_that_are_recorded() -> None:
    recorded = (ROOT / "docker/prometheus/rules/celery-names.rules.yml").read_text()
    named = set(re.findall(r"`(celery_\w+)`", TEXT))
    assert len(named) == 5
    assert named <= set(re.findall(r"record: (\w+)", recorded))
