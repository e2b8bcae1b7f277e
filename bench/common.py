"""What the benchmarks of the store share: a store of their own, the store's clock for scripts, and who measured."""

import contextlib
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from headrace_server.domain.jobs import Body
from headrace_server.engine import Engine
from headrace_server.store import EmbeddedStore
from headrace_server.store.allocator import AUTO
from redis.asyncio import Redis

ROOT = Path(__file__).parents[1]
PAYLOAD = Body(b'{"x":"' + b"a" * 92 + b'"}')  # 100 bytes


@contextlib.asynccontextmanager
async def embedded_store(malloc: str = AUTO) -> AsyncIterator[str]:
    """The URL of an embedded store as the server starts it (HEADRACE_STORE_MALLOC), gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="hr-bench-") as place:
        store = EmbeddedStore(Path(place) / "store", log=lambda _: None, malloc=malloc)
        url = await store.start()
        try:
            yield url
        finally:
            await store.stop()


@contextlib.asynccontextmanager
async def engine_on(url: str, redis: Redis) -> AsyncIterator[Engine]:
    """A started engine on an emptied store."""
    await redis.execute_command("FLUSHALL", "SYNC")  # what is freed later would be in nobody's figures
    engine = Engine(url, timeout_ms=60_000)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.close()


async def script_us(redis: Redis) -> int:
    """Return the time that scripts have taken so far, by the store's own clock."""
    stats: dict[str, Any] = await redis.info("commandstats")
    return sum(
        int(stats[name]["usec"]) for name in ("cmdstat_fcall", "cmdstat_evalsha", "cmdstat_eval") if name in stats
    )


LOOP_TURNS = 3_000
_LOOP = f"for i = 1, {LOOP_TURNS} do local a, b = string.format, tonumber('1') end return 1"


async def loop_ns(redis: Redis) -> float:
    """Return how long one turn of an idle loop in the store's Lua takes now: more while other work has the machine."""
    begun = time.perf_counter_ns()
    await redis.eval(_LOOP, 0)
    return (time.perf_counter_ns() - begun) / LOOP_TURNS


def who_measured() -> str:
    """Return date, commit and machine as one line."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude=*"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    load = os.getloadavg()[0]
    return (
        f"{time.strftime('%Y-%m-%dT%H:%MZ', time.gmtime())} commit={done.stdout.strip()} "
        f"python={platform.python_version()} cpu={os.cpu_count()}x {_processor()} load={load:.1f}"
    )


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()
