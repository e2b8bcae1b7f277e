"""Measures a scrape of /metrics/jobs of a real server, whose store has many queues and tasks.

    .venv/bin/python bench/scrape.py [--queues 1000] [--tasks 1000] [--scrapes 30]

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
from common import PAYLOAD, embedded_store, engine_on, script_us, who_measured
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
def server_on(store_url: str) -> Iterator[str]:
    """A server process of its own; gives its address."""
    command = [str(Path(sys.executable).with_name("headrace")), "server", "--redis", store_url, "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if line.startswith("listening on "):
                yield line.split()[-1]
                return
        raise RuntimeError("the server did not start")
    finally:
        process.terminate()
        process.communicate()


async def measure(store_url: str, redis: Redis, scrapes: int) -> None:
    with server_on(store_url) as url, httpx.Client(base_url=url, timeout=30) as http:
        for name, accept in (("text", "text/plain"), ("OpenMetrics", OPENMETRICS)):
            took_ms, before_us = [], await script_us(redis)
            for _ in range(scrapes):
                begun = time.perf_counter()
                reply = http.get("/metrics/jobs", headers={"Accept": accept}).raise_for_status()
                took_ms.append((time.perf_counter() - begun) * 1_000)
            store_ms = (await script_us(redis) - before_us) / scrapes / 1_000
            lines = sum(not line.startswith("#") for line in reply.text.splitlines())
            print(
                f"{name:12} {lines} series, {len(reply.content) / 1e6:.1f} MB: "
                f"median {statistics.median(took_ms):.0f} ms, least {min(took_ms):.0f}, most {max(took_ms):.0f}; "
                f"of the store {store_ms:.0f}"
            )


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
