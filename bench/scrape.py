"""Measures a scrape of /metrics/jobs of a real server, whose store has many queues and tasks.

    .venv/bin/python bench/scrape.py [--queues 1000] [--tasks 1000] [--scrapes 30]

The time of a scrape depends on what else the machine does; the processor time of server and store does not.
Every queue has had a job that was done, one that failed and one that waits; tasks beyond the bound are counted
together.
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
from common import PAYLOAD, embedded_store, engine_on, who_measured
from headrace_server.domain.jobs import NewJob
from headrace_server.domain.requests import Ack, EnqueueGroup, LeaseAsk, Nack
from headrace_server.engine import Engine
from redis.asyncio import Redis

OPENMETRICS = "application/openmetrics-text;version=1.0.0"


async def fill(engine: Engine, queues: int, tasks: int) -> None:
    """Let every queue and every task have been used."""
    names = [f"queue-{n:05}" for n in range(queues)]
    jobs = [
        NewJob(
            id=engine.new_id(names[n % queues]), task=f"task-{n % tasks:05}", queue=names[n % queues], payload=PAYLOAD
        )
        for n in range(max(3 * queues, tasks))
    ]
    for start in range(0, len(jobs), 1_000):
        await engine.enqueue_each([EnqueueGroup([job]) for job in jobs[start : start + 1_000]])
    for name in names:
        done, failed, *_ = (await engine.lease(LeaseAsk(queues=[name], max_jobs=2))).jobs
        await engine.settle(
            [
                Ack(job_id=done.id, token=done.token),
                Nack(job_id=failed.id, token=failed.token, error=b"{}", retryable=False),
            ]
        )


@contextmanager
def server_on(store_url: str) -> Iterator[tuple[str, int]]:
    """A server process of its own; gives its address and process id."""
    command = [str(Path(sys.executable).with_name("headrace")), "server", "--redis", store_url, "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if line.startswith("listening on "):
                yield line.split()[-1], process.pid
                return
        raise RuntimeError("the server did not start")
    finally:
        process.terminate()
        process.communicate()


async def cpu_ms(redis: Redis, pid: int) -> tuple[float, float]:
    """Return the processor time that server and store have used so far."""
    server, store = psutil.Process(pid).cpu_times(), await redis.info("cpu")
    return (server.user + server.system) * 1_000, (store["used_cpu_user"] + store["used_cpu_sys"]) * 1_000


async def measure(store_url: str, redis: Redis, scrapes: int) -> None:
    with server_on(store_url) as (url, pid), httpx.Client(base_url=url, timeout=30) as http:
        http.get("/metrics/jobs").raise_for_status()  # which teaches the store its functions
        for name, accept in (("text", "text/plain"), ("OpenMetrics", OPENMETRICS)):
            took_ms, before = [], await cpu_ms(redis, pid)
            for _ in range(scrapes):
                begun = time.perf_counter()
                reply = http.get("/metrics/jobs", headers={"Accept": accept}).raise_for_status()
                took_ms.append((time.perf_counter() - begun) * 1_000)
            server, store = ((b - a) / scrapes for a, b in zip(before, await cpu_ms(redis, pid), strict=True))
            lines = sum(not line.startswith("#") for line in reply.text.splitlines())
            print(f"{name}: {lines} series, {len(reply.content) / 1e6:.1f} MB")
            print(f"  ms: median {statistics.median(took_ms):.0f}, least {min(took_ms):.0f}, most {max(took_ms):.0f}")
            print(f"  ms of a processor: server {server:.0f}, store {store:.0f}")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queues", type=int, default=1_000)
    parser.add_argument("--tasks", type=int, default=1_000)
    parser.add_argument("--scrapes", type=int, default=30)
    args = parser.parse_args()
    print("#", ".venv/bin/python", " ".join(sys.argv))
    print(who_measured())
    async with embedded_store() as store_url:
        redis = Redis.from_url(store_url)
        async with engine_on(store_url, redis) as engine:
            await fill(engine, args.queues, args.tasks)
            print(f"{args.queues} queues, {args.tasks} tasks, {args.scrapes} scrapes over loopback")
            await measure(store_url, redis, args.scrapes)
        await redis.aclose()


if __name__ == "__main__":
    asyncio.run(main())
