"""The producer: `python -m peers.driver celery` does what lines of JSON on its input ask for, and answers each by one.

{"do": "one", "jobs": N, "seconds": S}              enqueue one a call, until one of both is reached
{"do": "many", "jobs": N, "seconds": S, "batch": B} enqueue B a call
{"do": "pace", "jobs": N, "rate": R}                enqueue one a call, R a second
{"do": "left"}                                      how many jobs wait, or are with a worker and not acknowledged
"""

import asyncio
import importlib
import inspect
import json
import sys
import time
from collections.abc import Callable, Coroutine
from types import ModuleType
from typing import Any

from peers.job import payload

Answer = dict[str, float]


async def one(peer: ModuleType, jobs: int, seconds: float) -> Answer:
    """Enqueue one job a call, each after the answer to the one before."""
    return await _repeat(lambda: peer.one(payload()), 1, jobs, seconds)


async def many(peer: ModuleType, jobs: int, seconds: float, batch: int) -> Answer:
    """Enqueue `batch` jobs a call."""
    return await _repeat(lambda: peer.many([payload() for _ in range(batch)]), batch, jobs, seconds)


async def _repeat(call: Callable[[], Any], size: int, jobs: int, seconds: float) -> Answer:
    begun = time.monotonic()
    done = 0
    while done < jobs and time.monotonic() < begun + seconds:
        await _done(call())
        done += size
    return {"jobs": done, "seconds": time.monotonic() - begun}


async def pace(peer: ModuleType, jobs: int, rate: float) -> Answer:
    """Enqueue at a rate; a call that takes too long delays those after it, and they are stamped when they begin."""
    begun = time.monotonic()
    for number in range(jobs):
        time.sleep(max(0.0, begun + number / rate - time.monotonic()))
        await _done(peer.one(payload()))
    return {"jobs": jobs, "seconds": time.monotonic() - begun}


async def left(peer: ModuleType) -> Answer:
    """Ask the queue what is left."""
    return {"left": await _done(peer.left())}


async def _done(result: Any) -> Any:
    """Return the result of a call that may be a coroutine."""
    return await result if inspect.isawaitable(result) else result


VERBS: dict[str, Callable[..., Coroutine[None, None, Answer]]] = {"one": one, "many": many, "pace": pace, "left": left}


def main() -> None:
    peer = importlib.import_module(f"peers.{sys.argv[1]}")
    with asyncio.Runner() as runner:
        for line in sys.stdin:
            ask = json.loads(line)
            print(json.dumps(runner.run(VERBS[ask.pop("do")](peer, **ask))), flush=True)


if __name__ == "__main__":
    main()
