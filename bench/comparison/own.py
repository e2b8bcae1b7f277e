"""Figures of Headrace alone: how they change with backlog, queues, options and durability.

Each yields the figures of one round after the other, so that what is compared is measured in turn.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from headrace import Client, NewJob, State
from headrace.operating import Rate
from http_throughput import Connection
from peers.job import payload

from comparison.heats import BATCH, READY_S, Figures, LostJobs
from comparison.installing import Environment
from comparison.roster import STRICT
from comparison.stage import Stage, stage
from comparison.stores import RedisStore, port_of

OURS = STRICT[0]
QUEUE, TASK = "bench", "bench.note"
BACKLOGS = (1_000, 10_000, 100_000, 1_000_000)
QUEUES = (1, 64, 1_000, 10_000)
ASKED = 64  # queues of one lease
LEASED = 200  # jobs of one lease
WAITING_EACH = 10  # jobs in queues that nobody asks for
LIMIT_S = 600.0
TENANTS, ACCOUNTS = 20, 1_000
Wishes = Callable[[int], dict[str, Any]]
Key = TypeVar("Key")
OPTIONS: dict[str, Wishes] = {
    "plain": lambda n: {},
    "limits": lambda n: {"limits": (f"api:tenant-{n % TENANTS}",)},
    "fairness": lambda n: {"fairness_key": f"tenant-{n % TENANTS}"},
    "limits_fairness": lambda n: {"limits": (f"api:tenant-{n % TENANTS}",), "fairness_key": f"tenant-{n % TENANTS}"},
    "ordering": lambda n: {"ordering_key": f"account-{n % ACCOUNTS}"},
}
# what a mode needs: settings of the store, and whether it has a replica
MODES = {
    "relaxed": ("relaxed", False),
    "fsync": ("strict", False),
    "replica": ("relaxed", True),
    "fsync+replica": ("strict", True),
}


@dataclass(frozen=True)
class Rounds:
    """How often something is measured."""

    judged: int  # what a goal compares
    full: int  # everything else

    def of(self, everything: Mapping[Key, Any], judged: Collection[Key]) -> Iterator[list[Key]]:
        """Yield for each round what is measured in it."""
        for number in range(self.judged):
            yield [key for key in everything if number < self.full or key in judged]


def fill(client: Client, jobs: int, wishes: Wishes | None = None) -> float:
    """Enqueue jobs in bulk, those with wishes one by one described; return how many a second."""
    begun = time.monotonic()
    for start in range(0, jobs, BATCH):
        numbers = range(start, min(start + BATCH, jobs))
        if wishes is None:
            client.enqueue_payloads(TASK, [[payload()] for _ in numbers], queue=QUEUE)
        else:
            batch = [NewJob(task=TASK, payload=[payload()], **{"queue": QUEUE, **wishes(n)}) for n in numbers]
            client.enqueue_batch(batch, atomic=False)
    return jobs / (time.monotonic() - begun)


def work_off(on: Stage, jobs: int, *flags: str) -> float:
    """Let a worker start so many jobs more; return how many a second, from the first on."""
    before = on.tally.count()
    on.start_worker(*flags)
    if not on.wait(lambda: on.tally.count() > before, READY_S):
        raise LostJobs("the worker does not begin")
    first, begun = on.tally.count(), time.monotonic()
    if not on.wait(lambda: on.tally.count() >= before + jobs, LIMIT_S):
        raise LostJobs(f"{jobs} jobs were not started within {LIMIT_S:.0f} s")
    rate = (on.tally.count() - first) / (time.monotonic() - begun)
    on.stop_worker()
    return rate


def backlog(environment: Environment, jobs: int, rounds: Rounds, largest: int) -> Iterator[Figures]:
    """Drain the first `jobs` of a queue in which so many more wait behind these."""
    sizes = [size for size in BACKLOGS if size <= largest]
    with contextlib.ExitStack() as last:
        stages = {size: last.enter_context(stage(OURS, environment, "strict")) for size in sizes}
        clients = {size: last.enter_context(Client(on.url)) for size, on in stages.items()}
        for measured in rounds.of(stages, (sizes[0], sizes[-1])):
            figures = {}
            for size in measured:
                fill(clients[size], size + jobs - clients[size].queue_stats(QUEUE).counts.get(State.READY, 0))
                wait_for_rewrite(stages[size])
                figures[f"backlog_{size}"] = work_off(stages[size], jobs)
            yield figures


def wait_for_rewrite(on: Stage) -> None:
    """Wait until the store does not rewrite its file, which the filling made it do."""
    assert isinstance(on.store, RedisStore)
    while (info := on.store.info("persistence"))["aof_rewrite_in_progress"] or info["aof_rewrite_scheduled"]:
        time.sleep(0.1)


def options(environment: Environment, jobs: int, rounds: Rounds) -> Iterator[Figures]:
    """Enqueue in bulk and drain jobs that ask for limits (never reached), turns or order."""
    with stage(OURS, environment, "strict") as on, Client(on.url) as client:
        client.set_limit("api", concurrency=100_000, rate=Rate(count=1_000_000, per_ms=1_000))
        for _ in range(rounds.full):
            figures = {}
            for name, wishes in OPTIONS.items():
                figures[f"bulk_{name}"] = fill(client, jobs, wishes)
                figures[f"drain_{name}"] = work_off(on, jobs)
            yield figures


def durability(environment: Environment, jobs: int, rounds: Rounds) -> Iterator[Figures]:
    """Enqueue in bulk and drain in every mode of durability."""
    with contextlib.ExitStack() as last:
        stages = {
            mode: last.enter_context(stage(OURS, environment, settings, durability=mode, replicated=replicated))
            for mode, (settings, replicated) in MODES.items()
        }
        clients = {mode: last.enter_context(Client(on.url)) for mode, on in stages.items()}
        for measured in rounds.of(stages, ("relaxed", "fsync")):
            figures = {}
            for mode in measured:
                figures[f"bulk_{mode}"] = fill(clients[mode], jobs)
                figures[f"drain_{mode}"] = work_off(stages[mode], jobs)
            yield figures


def queues(environment: Environment, jobs: int, rounds: Rounds, most: int) -> Iterator[Figures]:
    """Settle and lease in one request, one loop over at most 64 of so many filled queues."""
    counts = [n for n in QUEUES if n <= most]
    with contextlib.ExitStack() as last:
        stages = {n: last.enter_context(stage(OURS, environment, "strict")) for n in counts}
        clients = {n: last.enter_context(Client(on.url)) for n, on in stages.items()}
        for n in counts:
            fill(clients[n], WAITING_EACH * n, _spread(range(n)))
        for measured in rounds.of(stages, (counts[0], counts[-1])):
            figures = {}
            for n in measured:
                asked = range(0, n, max(1, n // ASKED))[:ASKED]
                fill(clients[n], jobs, _spread(asked))
                figures[f"queues_{n}"] = asyncio.run(lease_loop(stages[n].url, list(map(_queue, asked)), jobs))
            yield figures


async def lease_loop(url: str, asked: list[str], jobs: int) -> float:
    """Settle and lease over some queues, each request after the answer to the one before; return jobs a second."""
    connection = await Connection.open(port_of(url))
    done: list[dict[str, str]] = []
    settled, begun = 0, time.monotonic()
    while settled < jobs:
        ask = {"queues": asked, "max": LEASED, "complete": done}
        reply = json.loads(await connection.post("/v1/leases", json.dumps(ask).encode()))
        settled += len(done)
        done = [{"op": "ack", "job_id": job["id"], "token": job["token"]} for job in reply["jobs"]]
    seconds = time.monotonic() - begun
    await connection.post("/v1/leases", json.dumps({**ask, "max": 1, "complete": done}).encode())
    connection.close()
    return settled / seconds


def _queue(number: int) -> str:
    return f"q{number:05}"


def _spread(numbers: Sequence[int]) -> Wishes:
    """Let job after job go to another queue."""
    return lambda n: {"queue": _queue(numbers[n % len(numbers)])}
