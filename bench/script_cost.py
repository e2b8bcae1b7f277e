"""Measures what one job costs inside the store, verb by verb, by the store's own clock (INFO commandstats).

Run it as `.venv/bin/python bench/script_cost.py [--against REV]`. It starts a store of its own, works in batches of 100
with a payload of 103 bytes, and stops by itself. With `--against` the scripts of that revision are measured in turn
with those of the checkout, round by round, and the ratio is what counts: it does not care how busy the machine is.
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from headrace_server.domain.defaults import Defaults
from headrace_server.domain.jobs import Body, NewJob
from headrace_server.domain.requests import Ack, EnqueueGroup, Extend, LeaseAsk, Nack
from headrace_server.engine import Engine
from headrace_server.engine.scripts import Script, load_scripts, read_files
from headrace_server.store import EmbeddedStore
from redis.asyncio import Redis

JOBS = 2_000
BATCH = 100
ROUNDS = 7
PAYLOAD = Body(b'{"x":"' + b"a" * 95 + b'"}')
LUA = "server/headrace_server/engine/lua"


def scripts_of(revision: str) -> dict[str, Script]:
    """Return the scripts of a revision; Python and Lua must speak the same argument lists."""
    names = [*read_files()]
    show = [
        subprocess.run(["git", "show", f"{revision}:{LUA}/{n}.lua"], capture_output=True, text=True, check=False)
        for n in names
    ]
    files = {name: shown.stdout for name, shown in zip(names, show, strict=True) if shown.returncode == 0}
    return load_scripts(Defaults(), overrides=files)


async def measure(url: str, scripts: dict[str, Script]) -> dict[str, float]:
    """Return microseconds for each job, by verb, on an emptied store."""
    redis = Redis.from_url(url)
    await redis.flushall()
    engine = Engine(url, scripts=scripts)
    await engine.start()
    costs: dict[str, float] = {}

    async def cost(verb: str, work: Callable[[], Awaitable[object]]) -> None:
        await redis.config_resetstat()
        await work()
        stats = await redis.info("commandstats")
        costs[verb] = stats["cmdstat_evalsha"]["usec"] / JOBS

    async def lease() -> None:
        for _ in range(JOBS // BATCH):
            leased.extend((await engine.lease(LeaseAsk(queues=["bench"], max_jobs=BATCH))).jobs)

    async def settle(kind: type, **options: object) -> None:
        for start in range(0, JOBS, BATCH):
            batch = leased[start : start + BATCH]
            await engine.settle([kind(job_id=job.id, token=job.token, **options) for job in batch])

    leased: list[object] = []
    jobs = [NewJob(id=engine.new_id("bench"), task="mail.send", queue="bench", payload=PAYLOAD) for _ in range(JOBS)]
    for verb in ("warm-up", "enqueue"):
        if verb == "enqueue":
            await redis.flushall()
            await engine._shards[0].init(shard=0, shards=1, store_format=1)
        groups = [EnqueueGroup([job]) for job in jobs]
        await cost(verb, lambda: engine.enqueue_each(groups))  # noqa: B023
    await cost("lease", lease)
    await cost("extend", lambda: settle(Extend))
    await cost("nack", lambda: settle(Nack, error=b'{"type":"E","message":"m"}', retry_in_ms=0))
    await cost("tick (promote)", lambda: promote(engine))
    leased.clear()
    await cost("lease again", lease)
    await cost("ack", lambda: settle(Ack, result=Body(b"1")))
    await engine.close()
    await redis.aclose()
    del costs["warm-up"]
    return costs


async def promote(engine: Engine) -> None:
    while await engine.tick(0):
        pass


async def compare(folder: Path, revision: str | None) -> None:
    store = EmbeddedStore(folder, log=lambda _: None)
    url = await store.start()
    try:
        sides = {"checkout": load_scripts(Defaults())} | ({revision: scripts_of(revision)} if revision else {})
        rounds: dict[str, list[dict[str, float]]] = {name: [] for name in sides}
        for _ in range(ROUNDS):
            for name, scripts in sides.items():
                rounds[name].append(await measure(url, scripts))
    finally:
        await store.stop()
    for verb in rounds["checkout"][0]:
        ours = [costs[verb] for costs in rounds["checkout"]]
        line = f"{verb:16} median {statistics.median(ours):6.1f} us a job   min {min(ours):6.1f}"
        if revision:
            ratios = [new[verb] / old[verb] for new, old in zip(rounds["checkout"], rounds[revision], strict=True)]
            line += f"   checkout / {revision}: median {statistics.median(ratios):.2f}"
        print(line)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", metavar="REV")
    with tempfile.TemporaryDirectory(prefix="hr-bench-") as place:
        asyncio.run(compare(Path(place) / "store", parser.parse_args().against))
    sys.exit()
