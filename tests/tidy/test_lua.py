"""Each script says what it does, and does it within the rules of docs/architecture.md, section "The store"."""

import re
from pathlib import Path

import pytest
from headrace_server.domain.lifecycle import MOVES, Move, State

from tests.tidy.tree import LUA, files, name, text

HEADER_FIELDS = ["uses", "states", "keys", "args", "returns", "flags", "cost"]
CONDITION = re.compile(r"\((new|gone)\)")
SCRIPTS = [path for path in files(".lua") if path.is_relative_to(LUA)]


def header(path: Path) -> dict[str, str]:
    """Return the fields of a script's header; a line that starts deeper goes on with the field before."""
    fields: dict[str, str] = {}
    last = ""
    for line in text(path).splitlines()[1:]:
        found = re.match(r"-- (\w+): +(.*)", line)
        if found:
            last = found[1]
            fields[last] = found[2]
        elif last and line.startswith("--   "):
            fields[last] += " " + line[2:].strip()
        else:
            break
    return fields


VERBS = [path for path in SCRIPTS if "states" in header(path)]
PARTS = [path for path in SCRIPTS if path not in VERBS]


def test_every_verb_of_the_life_cycle_has_its_script() -> None:
    assert set(MOVES) <= {path.stem for path in VERBS}


@pytest.mark.parametrize("path", VERBS, ids=lambda path: path.stem)
def test_the_header_is_complete(path: Path) -> None:
    assert text(path).startswith(f"-- {path.stem}: ")
    assert list(header(path)) == HEADER_FIELDS


@pytest.mark.parametrize("path", VERBS, ids=lambda path: path.stem)
def test_the_headers_states_are_those_of_the_life_cycle(path: Path) -> None:
    assert moves(header(path)["states"]) == MOVES.get(path.stem, frozenset())


@pytest.mark.parametrize("path", PARTS, ids=lambda path: path.stem)
def test_a_part_that_verbs_share_says_what_it_is(path: Path) -> None:
    assert text(path).startswith(f"-- {path.stem}: ")


@pytest.mark.parametrize("path", PARTS, ids=lambda path: path.stem)
def test_every_part_is_used(path: Path) -> None:
    assert [verb.stem for verb in VERBS if path.stem in header(verb)["uses"].split()]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_nothing_is_used_that_scripts_must_not_use(path: Path) -> None:
    forbidden = {
        r"'(P?EXPIRE\w*|SETEX|PSETEX|GETEX)'": "everything that ends is on the agenda, and nothing else",
        r"'(PX|EX|PXAT|EXAT)'": "everything that ends is on the agenda",
        r"'(KEYS|SCAN|HSCAN|ZSCAN|SSCAN)'": "the cost of a script is bounded",
        r"'(FLUSHALL|FLUSHDB|SELECT|RENAME|MOVE)'": "a script knows its own shard only",
        r"cjson|cmsgpack": "the data of users are opaque bytes",
        r"tostring\(": "it rounds large numbers; use text()",
        r"math\.random": "chance comes from outside, so that tests can repeat it",
    }
    found = [f"{pattern}: {why}" for pattern, why in forbidden.items() if re.search(pattern, code(path))]
    assert found == []


@pytest.mark.parametrize("path", [path for path in SCRIPTS if path.stem != "lib"], ids=lambda path: path.stem)
def test_keys_are_built_in_lib_alone(path: Path) -> None:
    built = r"\bP *\.\.|redis\.p?call\('\w+', *'"  # the prefix and something, or a literal where a key belongs
    assert re.findall(built, code(path)) == []
    assert "KEYS[" not in code(path) or path.stem == "init"  # init makes what lib insists on


@pytest.mark.parametrize("path", [path for path in SCRIPTS if path.stem != "lib"], ids=lambda path: path.stem)
def test_the_clock_is_read_in_lib_alone(path: Path) -> None:
    assert "'TIME'" not in code(path) or path.stem == "init"


def test_no_lua_lies_elsewhere() -> None:
    assert [name(path) for path in files(".lua") if path not in SCRIPTS] == []


def moves(states: str) -> frozenset[Move]:
    """Return the moves that a header names: `ready -> leased, (new) -> ready`; `none` for none."""
    if states == "none":
        return frozenset()
    pairs = [move.strip().split(" -> ") for move in states.split(",")]
    return frozenset((state(a), state(b)) for a, b in pairs)


def state(word: str) -> State | None:
    return None if CONDITION.fullmatch(word) else State(word)


def code(path: Path) -> str:
    """Return a script without its comments."""
    return re.sub(r"--.*", "", text(path))
