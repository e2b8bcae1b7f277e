"""The picture of a job's life in docs/architecture.md is the table in domain/lifecycle.py."""

import re

from headrace_server.domain.lifecycle import MOVES, State

from tests.tidy.tree import ROOT, text

ARROW = re.compile(r"^ +(\S+) --> (\S+): (.+)$", re.MULTILINE)


def test_the_diagram_shows_every_move_and_no_other() -> None:
    diagram = text(ROOT / "docs/architecture.md").partition("stateDiagram-v2")[2].partition("```")[0]
    drawn = {(v, state(a), state(b)) for a, b, verbs in ARROW.findall(diagram) for v in verbs.split(", ")}
    assert drawn == {(verb, a, b) for verb, moves in MOVES.items() for a, b in moves}


def test_the_words_of_the_states_are_explained() -> None:
    page = text(ROOT / "docs/architecture.md")
    assert [state for state in State if not re.search(rf"^\| `{state}` \|", page, re.MULTILINE)] == []


def state(word: str) -> State | None:
    return None if word == "[*]" else State(word)
