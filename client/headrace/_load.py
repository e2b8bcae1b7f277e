"""A load of jobs that do nothing, on a server that is there: what `headrace bench` runs; it must not print.

Everything goes through one `AsyncClient` in one process, so beyond some thousand requests a second the figures are
those of this client. The records of its jobs go a minute after their end.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any, Final

from headrace.aio import AsyncClient
from headrace.leases import Ack, Leased
from headrace.models import NewJob

TASK: Final = "headrace.bench"
RETENTION_MS: Final = 60_000  # the shortest there is
_LEASE_JOBS: Final = 200  # per request: what two scripts of the server hand out
_LEASE_LOOPS: Final = 4  # requests that overlap, so that neither side waits for the other
_WARM_UP: Final = 20  # requests that are made before the clock runs

Progress = Callable[[int], None]  # so many more jobs


@dataclass(frozen=True)
class Load:
    """What is sent."""

    queue: str
    payload: str
    seconds: float  # for each phase
    clients: int  # requests at a time, of those that carry one job
    batch: int  # jobs a request, of those that carry many
    rate: int  # jobs a second, for the latency


@dataclass(frozen=True)
class Figures:
    """What came out of one phase."""

    phase: str
    jobs: int
    seconds: float
    times_ms: Sequence[float] = field(default=(), repr=False)  # one a request; of `latency` one a job

    @property
    def rate(self) -> float:
        """Jobs a second."""
        return self.jobs / self.seconds if self.seconds else 0.0

    @property
    def p50_ms(self) -> float | None:
        """The median."""
        return median(self.times_ms) if self.times_ms else None

    @property
    def p99_ms(self) -> float | None:
        """What one in a hundred exceeds."""
        return quantiles(self.times_ms, n=100)[98] if len(self.times_ms) > 1 else self.p50_ms


async def enqueue_one_by_one(client: AsyncClient, load: Load, progress: Progress) -> Figures:
    """Enqueue for a while, one job a request, `clients` requests at a time."""

    async def send() -> int:
        await client.enqueue(TASK, load.payload, queue=load.queue, retention_ms=RETENTION_MS, result_ttl_ms=0)
        return 1

    for _ in range(_WARM_UP):
        await send()
    return await _repeated("enqueue", load, load.clients, send, progress)


async def enqueue_in_bulk(client: AsyncClient, load: Load, progress: Progress) -> Figures:
    """Enqueue for a while, `batch` jobs a request, two requests at a time."""
    job = NewJob(task=TASK, payload=load.payload, queue=load.queue, retention_ms=RETENTION_MS, result_ttl_ms=0)
    jobs = [job] * load.batch

    async def send() -> int:
        await client.enqueue_batch(jobs, atomic=False)
        return len(jobs)

    return await _repeated("enqueue in bulk", load, 2, send, progress)


async def drain(client: AsyncClient, load: Load, progress: Progress) -> Figures:
    """Lease and ack what is there, settle-and-lease in one request, until it is gone or the time is over."""
    began, times = time.perf_counter(), []
    acked = 0

    async def work(number: int) -> None:
        nonlocal acked
        held: Sequence[Leased] = ()
        while True:
            asked = time.perf_counter()
            acks = [Ack(job_id=job.id, token=job.token) for job in held]
            over = asked - began > load.seconds
            grant = await client.lease(
                load.queue, max_jobs=1 if over else _LEASE_JOBS, worker=f"{load.queue}-{number}", complete=acks
            )
            times.append((time.perf_counter() - asked) * 1000)
            acked += len(held)
            progress(len(held))
            held = grant.jobs
            if over or not held:
                break
        for job in held:
            await client.release(job.id, job.token)

    await asyncio.gather(*(work(number) for number in range(_LEASE_LOOPS)))
    return Figures("lease and ack", acked, time.perf_counter() - began, times)


async def latency(client: AsyncClient, load: Load, progress: Progress) -> Figures:
    """Enqueue at a rate while a worker polls; the times are from before the enqueue until the job is here."""
    sent: dict[int, float] = {}
    times: list[float] = []
    total = max(1, round(load.rate * load.seconds))
    began = time.perf_counter()

    async def receive() -> None:
        while len(times) < total:
            grant = await client.lease(load.queue, max_jobs=_LEASE_JOBS, wait_ms=5_000, worker=load.queue)
            now = time.perf_counter()
            times.extend((now - sent[job.payload]) * 1000 for job in grant.jobs)
            progress(len(grant.jobs))
            await client.complete([Ack(job_id=job.id, token=job.token) for job in grant.jobs])

    receiving = asyncio.create_task(receive())
    sends = set()
    for number in range(total):
        await asyncio.sleep(max(0.0, began + number / load.rate - time.perf_counter()))
        sent[number] = time.perf_counter()
        sends.add(
            asyncio.create_task(
                client.enqueue(TASK, number, queue=load.queue, retention_ms=RETENTION_MS, result_ttl_ms=0)
            )
        )
    await asyncio.gather(*sends, receiving)
    return Figures("enqueue to start", total, time.perf_counter() - began, times)


Phase = Callable[[AsyncClient, Load, Progress], Awaitable[Figures]]
PHASES: Final[dict[str, Phase]] = {
    "enqueue": enqueue_one_by_one,
    "bulk": enqueue_in_bulk,
    "drain": drain,
    "latency": latency,
}


async def run(client: AsyncClient, load: Load, phases: Sequence[str], progress: Progress) -> AsyncIterator[Figures]:
    """Run some phases one after the other, and yield what came out of each; then remove what is left."""
    try:
        for name in phases:
            if name == "latency":
                await clear(client, load.queue)  # nothing may lie before what is measured
            yield await PHASES[name](client, load, progress)
    finally:
        await clear(client, load.queue)


async def clear(client: AsyncClient, queue: str) -> None:
    """Remove what waits in the queue."""
    operation = await client.purge_queue(queue)
    await client.wait_operation(operation.id)


async def _repeated(phase: str, load: Load, at_once: int, send: Callable[[], Any], progress: Progress) -> Figures:
    began, times = time.perf_counter(), []
    jobs = 0

    async def repeat() -> None:
        nonlocal jobs
        while (asked := time.perf_counter()) - began < load.seconds:
            done = await send()
            times.append((time.perf_counter() - asked) * 1000)
            jobs += done
            progress(done)

    await asyncio.gather(*(repeat() for _ in range(at_once)))
    return Figures(phase, jobs, time.perf_counter() - began, times)
