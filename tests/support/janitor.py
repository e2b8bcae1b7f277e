"""The janitor's look at a test's store, when the test is over: whatever it did, every index must agree with the jobs.

A test that breaks a store on purpose says so: `@pytest.mark.breaks_store("why")`.
"""

import asyncio
import re
from collections.abc import Iterable
from functools import cache

import pytest
import redis
from headrace_server.domain.checks import Disagreement
from headrace_server.domain.defaults import Defaults
from headrace_server.domain.errors import StoreFault
from headrace_server.engine import Engine, load_scripts
from headrace_server.engine.scripts import Script

_META = re.compile(rb"(.+):\{0\}:meta")


@cache
def _scripts(virtual_clock: bool) -> dict[str, Script]:
    return load_scripts(Defaults(), virtual_clock=virtual_clock)


def assert_agrees(url: str, request: pytest.FixtureRequest) -> None:
    """Fail when the janitor finds something in the store at `url`; a store that does not answer is passed over."""
    if request.node.get_closest_marker("breaks_store") is None:
        found = look_at(url)
        assert not found, "the janitor found: " + "\n".join(found)


def look_at(url: str) -> list[str]:
    """Return what the janitor finds on a store, one line each."""
    return [_text(each) for each in asyncio.run(_look_at(url))]


async def _look_at(url: str) -> list[Disagreement]:
    found: list[Disagreement] = []
    try:
        for namespace, shards, virtual in _namespaces(url):
            engine = Engine(url, namespace=namespace, shards=shards, scripts=_scripts(virtual))
            try:
                for shard in range(shards):
                    found += await check_shard(engine, shard)
            finally:
                await engine.close()
    except (redis.RedisError, StoreFault):
        return []  # it was killed, frozen or filled, and nobody mended it
    return found


async def check_shard(engine: Engine, shard: int = 0, *, repair: bool = False) -> list[Disagreement]:
    """Return what a whole check of a shard finds."""
    page = await engine.check(shard, None, repair=repair)
    found = [*page.found]
    while page.cursor is not None:
        page = await engine.check(shard, page.cursor, repair=repair)
        found += page.found
    return found


def _namespaces(url: str) -> Iterable[tuple[str, int, bool]]:
    """Yield each Headrace of a store: its namespace, its shards, whether it lives by a clock of the tests."""
    with redis.Redis.from_url(url, socket_timeout=5.0) as client:
        for key in client.scan_iter(match="*:{0}:meta", count=1000):
            namespace = _META.fullmatch(key)
            shards = client.hget(key, "shards")
            if namespace and shards:
                yield namespace[1].decode(), int(shards), bool(client.exists(namespace[1] + b":{0}:clock"))


def _text(each: Disagreement) -> str:
    job = "" if each.job_id is None else f" job {each.job_id.hex()}"
    return f"{each.kind}: queue {each.queue}{job}: {each.detail}"
