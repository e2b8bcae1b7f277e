"""The tests of schedules and webhooks are tested: each fault put into their scripts is noticed by the test it names."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import redis
from headrace_server.domain.defaults import Defaults
from headrace_server.engine import Engine
from headrace_server.engine.scripts import load_scripts

from tests.engine import test_fire, test_relay, test_schedules, test_webhooks
from tests.engine.stage import CLOCK_KEY, Stage
from tests.model.mutants import Mutant, mutants
from tests.support.stores import StoreProcess

pytestmark = pytest.mark.anyio

FOLDER = Path(__file__).parent
SCHEDULES, WEBHOOKS = (mutants(FOLDER / f"mutants_of_{records}.txt") for records in ("schedules", "webhooks"))
MUTANTS = [*SCHEDULES, *WEBHOOKS]
TESTS = {
    name: test
    for module in (test_fire, test_relay, test_schedules, test_webhooks)
    for name, test in vars(module).items()
}
LONGEST_S = 60.0  # a fault may let something go on for ever
Test = Callable[[Stage], Awaitable[None]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def staged(store: StoreProcess, files: dict[str, str]) -> AsyncIterator[Stage]:
    """A stage on an empty store, on scripts of which some files were replaced."""
    scripts = load_scripts(Defaults(), virtual_clock=True, overrides=files)
    with redis.Redis.from_url(store.url) as client:
        client.flushall("SYNC")
        client.set(CLOCK_KEY, 1)
        engine = Engine(store.url, scripts=scripts)
        await engine.start()
        try:
            yield Stage(engine, client)
        finally:
            await engine.close()


async def play(store: StoreProcess, test: str, files: dict[str, str]) -> None:
    function: Test = TESTS[test]
    async with staged(store, files) as stage, asyncio.timeout(LONGEST_S):
        await function(stage)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name.replace(" ", "_"))
async def test_mutant_is_noticed(mutant: Mutant, volatile_store: StoreProcess) -> None:
    sources = mutant.sources()
    with pytest.raises(AssertionError):
        await play(volatile_store, mutant.caught_by, sources)


@pytest.mark.parametrize("test", sorted({mutant.caught_by for mutant in MUTANTS}))
async def test_the_scripts_themselves_pass(test: str, volatile_store: StoreProcess) -> None:
    await play(volatile_store, test, {})


def test_every_script_has_a_mutant() -> None:
    assert {edit.file for mutant in SCHEDULES for edit in mutant.edits} == {"fire", "schedule", "runs", "beats"}
    assert {edit.file for mutant in WEBHOOKS for edit in mutant.edits} == {
        "relay",
        "webhook",
        "webhooks",
        "hooks",
        "events",
    }
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
