"""The tests are tested: each fault that is put into the scripts must be noticed by the test that it names."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import redis
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import EngineBesideOracle
from tests.model.mutants import Mutant, mutants
from tests.model.real import RealStage
from tests.stories.language import FOLDER, read
from tests.stories.player import Player
from tests.support.stores import StoreProcess

MUTANTS = mutants()
VERBS = (
    "enqueue",
    "lease",
    "ack",
    "release",
    "snooze",
    "extend",
    "giveback",
    "configure",
    "forget",
    "limit",
    "stop",
    "tick",
)
PARTS = (
    *(
        "places",
        "settings",
        "options",
        "moves",
        "records",
        "lanes",
        "gates",
        "buckets",
        "turns",
        "grants",
        "terms",
        "verdict",
        "failing",
    ),
    *("unique", "births", "refusals", "replacing", "acts", "bulk", "filters", "counts", "steps", "sweeps", "upkeep"),
    *("explain", "facts", "tallies", "cells", "lists", "idempotency", "wishes", "alike"),
)
# Without shrinking: a mutant's first failure is as good as its smallest.
HUNT = settings(
    max_examples=60,
    stateful_step_count=30,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)

Hunt = Callable[[dict[str, str]], None]


@pytest.fixture
def hunt(volatile_store: StoreProcess) -> Iterator[Callable[[str, dict[str, str]], None]]:
    """Plays a named test on scripts of which some files were replaced; it fails with an AssertionError."""
    with volatile_store.client() as client:

        @contextmanager
        def stage(files: dict[str, str]) -> Iterator[RealStage]:
            opened = _open(volatile_store, client, files)
            try:
                yield opened
            finally:
                opened.close()

        def play(test: str, files: dict[str, str]) -> None:
            kind, _, name = test.partition(" ")
            if kind == "machine":
                machine = lambda: EngineBesideOracle(lambda _: _open(volatile_store, client, files))  # noqa: E731
                run_state_machine_as_test(machine, settings=HUNT)
                return
            with stage(files) as opened:
                Player(read(FOLDER / f"{name}.story"), opened, alike=kind == "alike").play()

        yield play


def _open(store: StoreProcess, client: "redis.Redis", files: dict[str, str]) -> RealStage:
    client.flushall("SYNC")
    return RealStage(store.url, client, overrides=files)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name.replace(" ", "_"))
def test_mutant_is_noticed(mutant: Mutant, hunt: Callable[[str, dict[str, str]], None]) -> None:
    sources = mutant.sources()  # outside of what may fail: a text that is gone from the scripts is no fault noticed
    # an AssertionError of the comparison: a script that breaks down in the store would prove nothing
    with pytest.raises(AssertionError):
        hunt(mutant.caught_by, sources)


@pytest.mark.parametrize("test", sorted({mutant.caught_by for mutant in MUTANTS}))
def test_the_scripts_themselves_pass(test: str, hunt: Callable[[str, dict[str, str]], None]) -> None:
    hunt(test, {})


def test_every_rule_has_a_mutant() -> None:
    files = {edit.file for mutant in MUTANTS for edit in mutant.edits}
    assert files >= {*VERBS, *PARTS}
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
