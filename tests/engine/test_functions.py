"""Scripts are functions of the store, loaded when it does not know them, and evaluated where it takes none."""

import pytest
from headrace_server.domain.defaults import Defaults
from headrace_server.domain.lifecycle import State
from headrace_server.domain.requests import Ack, LeaseAsk
from headrace_server.engine.functions import assemble, assemble_script
from headrace_server.engine.link import MAX_LIBRARIES
from headrace_server.engine.scripts import load_scripts
from redis import Redis

from tests.engine.conftest import EngineMaker, StoreMaker, enqueue
from tests.support.stores import StoreProcess

pytestmark = pytest.mark.anyio

COUNTER = """-- counter: counts.
local STEP = 2
local seen = {}
local n -- nothing yet
local function add(by)
    n = (n or 0) + by
    seen[#seen + 1] = n
    return n
end
"""
VERB = """-- use: adds twice.
if ARGV[1] == 'early' then return {'early'} end
local last = add(STEP)
    + add(STEP)
return {last, #seen, n}
"""


def calls(client: "Redis", command: str) -> int:
    """Return how often a command was called."""
    return int(client.info("commandstats").get(f"cmdstat_{command}", {"calls": 0})["calls"])


def test_each_call_begins_anew(store_url: str) -> None:
    client = Redis.from_url(store_url)
    client.function_load(assemble("use", "no-writes", "local DEFAULTS = {}", [COUNTER, VERB]), replace=True)
    script = client.register_script(assemble_script("no-writes", "local DEFAULTS = {}", [COUNTER, VERB]))
    for _ in range(2):
        assert client.fcall("use", 0, "") == [6, 2, 4]
        assert script(args=[""]) == [6, 2, 4]
    assert client.fcall("use", 0, "early") == [b"early"]
    client.close()


def test_a_call_leaves_nothing_of_its_verb_behind() -> None:
    """What it was asked and has found may be a megabyte, and a store keeps thirty verbs."""
    for text in (assemble("use", "", "", [COUNTER, VERB]), assemble_script("", "", [COUNTER, VERB])):
        assert "\nfunction let_go() KEYS, ARGV, last = nil end\n" in text
        assert "\nlet_go()\nreturn answer\n" in text


async def test_a_store_that_lost_its_functions_learns_them_again(
    valkey: StoreProcess, make_engine: EngineMaker
) -> None:
    engine = await make_engine(valkey.url)
    await enqueue(engine)
    with valkey.client() as client:
        client.function_flush()
        await enqueue(engine)
        assert client.info("commandstats")["cmdstat_fcall"]["failed_calls"] >= 2
        assert len(client.function_list(library="headrace_enqueue_*")) == 1


async def test_a_store_that_takes_no_functions_runs_scripts(make_store: StoreMaker, make_engine: EngineMaker) -> None:
    store = make_store()
    with store.client() as client:
        client.execute_command("ACL", "SETUSER", "default", "-function")
        engine = await make_engine(store.url)
        job_id = await enqueue(engine)
        assert (calls(client, "evalsha"), calls(client, "eval")) >= (1, 1)
    [lease] = (await engine.lease(LeaseAsk(queues=["q"]))).jobs
    await engine.settle([Ack(job_id=job_id, token=lease.token)])
    [job] = await engine.get([job_id])
    assert job is not None
    assert job.state is State.SUCCEEDED


async def test_a_full_store_learns_what_makes_room(make_store: StoreMaker, make_engine: EngineMaker) -> None:
    """FUNCTION LOAD is refused at the memory limit; an ack must not depend on it."""
    store = make_store()
    engine = await make_engine(store.url)
    job_id = await enqueue(engine)
    [lease] = (await engine.lease(LeaseAsk(queues=["q"]))).jobs
    with store.client() as client:
        client.config_set("maxmemory", 1)
        [settled] = await engine.settle([Ack(job_id=job_id, token=lease.token)])
        client.config_set("maxmemory", 0)
    assert getattr(settled, "state", settled) is State.SUCCEEDED


@pytest.mark.parametrize("verb", sorted(load_scripts(Defaults())))
def test_every_verb_fits_into_a_library_and_a_script(verb: str, store_url: str) -> None:
    """Of names a text may have 200 at once, and a function may look at 60 from outside."""
    script = load_scripts(Defaults())[verb]
    client = Redis.from_url(store_url)
    assert client.function_load(script.library.decode(), replace=True) == script.function.encode()
    assert client.script_load(script.source.decode()) == script.sha
    client.close()


async def test_libraries_of_other_versions_are_swept_when_there_are_many(
    valkey: StoreProcess, make_engine: EngineMaker
) -> None:
    with valkey.client() as client:
        for number in range(MAX_LIBRARIES + 1):
            name = f"headrace_get_{number}"
            client.function_load(f"#!lua name={name}\nredis.register_function('{name}', function() return 1 end)")
        client.function_load("#!lua name=other\nredis.register_function('other', function() return 1 end)")
        engine = await make_engine(valkey.url)
        await enqueue(engine)
        left = {library[1] for library in client.function_list()}
    assert b"other" in left
    assert not {name for name in left if name.rpartition(b"_")[2].isdigit() and len(name) < 20}
    assert len(left) <= len(load_scripts(Defaults())) + 1
