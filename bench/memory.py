"""Measures what a waiting job takes of the store's memory, and what each option adds (INFO memory, used_memory).

    .venv/bin/python bench/memory.py [--jobs 50000]

Each case enqueues JOBS jobs with a payload of 100 bytes on an emptied store; what the store uses more afterwards is
divided by their number, everything counted. Keys of lanes, limits and tags are shared by ten jobs each, as far as they
can be; a key that is a job's own costs more, and has a line of its own.
"""

import argparse
import asyncio
from collections.abc import Callable
from typing import Any

from common import PAYLOAD, embedded_store, engine_on, who_measured
from headrace_server.domain.jobs import Body, IdempotencyKey, NewJob, OnDead, Unique, UniqueUntil
from headrace_server.domain.queues import QueueSettings
from headrace_server.domain.requests import EnqueueGroup
from headrace_server.domain.retry import Backoff, OnExhausted, RetryPolicy
from headrace_server.engine import Engine
from redis.asyncio import Redis

BATCH = 200
SHARED = 10  # jobs of one key
HOUR_MS = 3_600_000
TRACE = b'{"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}'
Wishes = Callable[[int], dict[str, Any]]
RETRY = RetryPolicy(
    max_attempts=5, backoff=Backoff.EXPONENTIAL, initial_ms=1_000, factor=2.0, max_ms=60_000, jitter=True
)

CASES: dict[str, Wishes] = {
    "default, 100 jobs in each queue": lambda n: {"queue": f"queue{n // 100:05}"},
    "default, all jobs in one queue": lambda n: {},
    "delay_ms": lambda n: {"delay_ms": HOUR_MS},
    "priority": lambda n: {"priority": 7},
    "expires_in_ms": lambda n: {"expires_in_ms": HOUR_MS},
    "lease_ms": lambda n: {"lease_ms": 60_000},
    "max_runtime_ms": lambda n: {"max_runtime_ms": 60_000},
    "result_ttl_ms": lambda n: {"result_ttl_ms": 60_000},
    "retention_ms": lambda n: {"retention_ms": 600_000},
    "max_crashes": lambda n: {"max_crashes": 3},
    "retry: max_attempts": lambda n: {"retry": RetryPolicy(max_attempts=5)},
    "retry: max_attempts, backoff, initial_ms, factor, max_ms, jitter": lambda n: {"retry": RETRY},
    "retry: max_elapsed_ms": lambda n: {"retry": RetryPolicy(max_elapsed_ms=HOUR_MS)},
    "retry: non_retryable (two patterns of 10)": lambda n: {
        "retry": RetryPolicy(non_retryable=("ValueError", "AuthFailed"))
    },
    "retry: on_exhausted": lambda n: {"retry": RetryPolicy(on_exhausted=OnExhausted.DISCARD)},
    "meta (30 bytes)": lambda n: {"meta": b'{"customer":"c-1234567","v":1}'},
    "traceparent": lambda n: {"trace": TRACE},
    "Idempotency-Key": lambda n: {"key": IdempotencyKey(n.to_bytes(16), n.to_bytes(16))},
    "unique (until finish)": lambda n: {"unique": Unique(digest=n.to_bytes(16))},
    "unique (ttl)": lambda n: {"unique": Unique(digest=n.to_bytes(16), until=UniqueUntil.TTL, ttl_ms=HOUR_MS)},
    "tags: one (customer=c1234)": lambda n: {"tags": {"customer": f"c{n // SHARED}"}},
    "tags: four": lambda n: {"tags": {f"tag{i}": f"c{n // SHARED}" for i in range(4)}},
    "limits: one key, for ten jobs each": lambda n: {"limits": (f"api:tenant-{n // SHARED}",)},
    "limits: one key, for all jobs": lambda n: {"limits": ("api:main",)},
    "limits: four keys, for ten jobs each": lambda n: {"limits": tuple(f"api{i}:t{n // SHARED}" for i in range(4))},
    "fairness_key, for ten jobs each": lambda n: {"fairness_key": f"tenant-{n // SHARED}"},
    "fairness_key and weight": lambda n: {"fairness_key": f"tenant-{n // SHARED}", "weight": 5},
    "ordering_key, for ten jobs each": lambda n: {"ordering_key": f"account-{n // SHARED}"},
    "ordering_key, of its own": lambda n: {"ordering_key": f"account-{n}"},
    "ordering_key, on_dead: hold": lambda n: {"ordering_key": f"account-{n // SHARED}", "on_dead": OnDead.HOLD},
    "a queue with max_bytes": lambda n: {"queue": "counted"},
    "payload of 1,000 bytes": lambda n: {"payload": Body(b'"' + b"a" * 998 + b'"')},
    "payload of 2,000 bytes": lambda n: {"payload": Body(b'"' + b"a" * 1_998 + b'"')},
}


async def measure(engine: Engine, redis: Redis, wishes: Wishes, jobs: int) -> float:
    """Return bytes for each job."""
    if wishes(0).get("queue") == "counted":
        await engine.configure("counted", QueueSettings(max_bytes=2**40))
    empty = await _used(redis)
    for start in range(0, jobs, BATCH):
        await asyncio.gather(*(engine.enqueue(group) for group in _groups(engine, range(start, start + BATCH), wishes)))
    return (await _used(redis) - empty) / jobs


async def _used(redis: Redis) -> int:
    await redis.script_flush("SYNC")  # and with the scripts what they left behind
    memory = await redis.info("memory")
    return int(memory["used_memory"]) - int(memory["mem_clients_normal"]) - int(memory["mem_aof_buffer"])


def _groups(engine: Engine, numbers: range, wishes: Wishes) -> list[EnqueueGroup]:
    """Return the jobs as one group, or each by itself where every one has a key."""
    asked = [wishes(n) for n in numbers]
    keys = [wish.pop("key", None) for wish in asked]
    jobs = [_job(engine, wish) for wish in asked]
    if keys[0] is None:
        return [EnqueueGroup(jobs)]
    return [EnqueueGroup([job], key) for job, key in zip(jobs, keys, strict=True)]


def _job(engine: Engine, wishes: dict[str, Any]) -> NewJob:
    asked = {"queue": "bench", "task": "mail.send", "payload": PAYLOAD, **wishes}
    return NewJob(id=engine.new_id(asked["queue"]), **asked)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=50_000)
    jobs = parser.parse_args().jobs
    print(who_measured())
    found: dict[str, float] = {}
    async with embedded_store() as url, Redis.from_url(url) as redis:
        print(f"{(await redis.info('server')).get('valkey_version', 'redis')}, {jobs} waiting jobs in each case\n")
        for name, wishes in CASES.items():
            async with engine_on(url, redis) as engine:
                found[name] = await measure(engine, redis, wishes, jobs)
            plain = found.get("default, all jobs in one queue", found[name])
            added = "" if name.startswith("default") else f"{found[name] - plain:+9.0f}"
            print(f"{name:66} {found[name]:6.0f} bytes a job{added}", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
