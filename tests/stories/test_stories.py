"""Every story is played on the real engine over real stores, and on the oracle.

Together they make every move of the life cycle, and name the guarantees that they try.
"""

import re
from pathlib import Path

import pytest
from headrace_server.domain.defaults import Defaults
from headrace_server.domain.lifecycle import MOVES

from tests.model.oracle import Oracle
from tests.model.real import RealStage
from tests.stories.language import StoryError, read, stories
from tests.stories.player import Player

GUARANTEES = {3, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15, 16, 17, 18, 20, 21, 24, 27}


def guarantees(path: Path) -> list[int]:
    """Return the numbers of the guarantees in a story's title."""
    return sorted({int(n) for n in re.findall(r"\bG(\d+)\b", read(path).title)})


def named(path: Path) -> str:
    """Name a story's test with its guarantees, so that `-k G7` finds them."""
    return "-".join([path.stem, *(f"G{n}" for n in guarantees(path))])


@pytest.mark.parametrize("path", stories(), ids=named)
def test_story_on_the_oracle(path: Path) -> None:
    Player(read(path), Oracle(Defaults())).play()


@pytest.mark.parametrize("path", stories(), ids=named)
def test_story_on_the_engine(path: Path, real_stage: RealStage) -> None:
    Player(read(path), real_stage).play()
    assert real_stage.findings() == []


def test_every_move_is_in_a_story() -> None:
    seen = set()
    for path in stories():
        player = Player(read(path), Oracle(Defaults()))
        player.play()
        seen |= player.moves
    missing = {(verb, move) for verb, moves in MOVES.items() for move in moves if move[0] != move[1]} - seen
    # what these do is enqueue and cancel; when they do it: tests/engine/test_schedules.py, test_relay.py
    assert {(verb, move) for verb, move in missing if verb not in ("fire", "relay")} == set()


def test_stories_name_the_guarantees_that_they_try() -> None:
    assert {n for path in stories() for n in guarantees(path)} == GUARANTEES


@pytest.mark.parametrize(
    "text",
    [
        "t=0 enqueue a queue=mail",  # nothing expected
        "t=soon enqueue a -> a ready",
        "t=0 enqueue a -> a is ready",
        "t=0 enqueue a -> a ready (attempt 1",
        "t=0 enqueue a queue=mail priorty=7 -> a ready",
        "t=0 steal a -> a ready",
        "t=0 enqueue a -> a ready (colour red)",
    ],
)
def test_a_faulty_line_is_refused(tmp_path: Path, text: str) -> None:
    story = tmp_path / "x.story"
    story.write_text(f"# A title\n{text}\n")
    with pytest.raises(StoryError):
        Player(read(story), Oracle(Defaults())).play()


@pytest.mark.parametrize(
    "wrong",
    [
        "t=0 enqueue a -> a leased",
        "t=0 enqueue a -> refused expired",
        "t=0 enqueue a -> a ready (attempt 2)",
        "t=0 enqueue a -> a gone",
        "t=0 lease default by w1 -> a leased #1",
        "t=0 ack a forged -> a succeeded",
        "t=0 stats default -> ready 1",
    ],
)
def test_a_story_that_is_not_true_fails(tmp_path: Path, wrong: str) -> None:
    story = tmp_path / "x.story"
    story.write_text(f"# A title\n{wrong}\nt=0 enqueue a -> a ready\n")
    with pytest.raises(AssertionError, match=r"x\.story:2"):
        Player(read(story), Oracle(Defaults())).play()
