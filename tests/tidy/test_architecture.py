"""What docs/architecture.md lists of the store is what the scripts have: every key, and every kind of the agenda."""

import re

from headrace_server.domain.lifecycle import State

from tests.tidy.tree import LUA, ROOT, files, text

PAGE = text(ROOT / "docs/architecture.md")
SCRIPTS = {path.stem: text(path) for path in files(".lua") if path.is_relative_to(LUA)}


STATES = {str(state) for state in State}


def first_column(head: str) -> set[str]:
    """Return what stands in backquotes in the first column of the table with this head."""
    rows = PAGE.partition(head)[2].partition("\n\n")[0].splitlines()
    return {word for row in rows for word in re.findall(r"`([^`]+)`", row.split("|")[1])}


def all_of(pattern: str) -> set[str]:
    """Return what a pattern finds in the scripts, without their comments."""
    return {found for script in SCRIPTS.values() for found in re.findall(pattern, re.sub(r"--.*", "", script))}


def test_every_kind_of_the_agenda_is_listed_and_no_other() -> None:
    assert first_column("| kind | name | what is due |\n") == all_of(r"\bSTEPS\.(\w+)\(")


def test_whatever_is_planned_has_its_step() -> None:
    assert all_of(r"\bplan\('(\w+)'") == all_of(r"\bSTEPS\.(\w+)\(")


def test_every_key_is_listed_and_no_other() -> None:
    listed = {re.split("[:<]", key)[0] for key in first_column("| key | type | holds |\n")}
    assert listed == all_of(r"\bP \.\. '([a-z_]+)") | {"meta"}


def test_every_structure_of_a_queue_is_listed_and_no_other() -> None:
    keys = [key.split(":") for key in first_column("| key | type | holds |\n")]
    listed = {key[2] for key in keys if key[0] == "q" and key[2] != "<state>"}
    built = all_of(r"set_key\([\w.]+, '(\w+)'\)") | all_of(r"OF_QUEUE \.\. queue \.\. ':(\w+):'")
    assert listed == built - STATES
