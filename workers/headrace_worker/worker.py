"""The supervisor: starts its parts, and ends them in the right order.

It runs no user code (except with `--processes 0`), so no task can keep it from renewing leases.
"""

import asyncio
import os
import re
import secrets
import socket
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from headrace_worker import bounds, log, reporting
from headrace_worker.duty import Duty
from headrace_worker.hands import Hands
from headrace_worker.line import Line
from headrace_worker.parts import Joined, Parts, queues_of
from headrace_worker.probes import Probes

# sysexits.h, as docs/operations/processes.md lists them for all commands
EX_UNAVAILABLE: Final = 69
EX_SOFTWARE: Final = 70


@dataclass(frozen=True, kw_only=True)
class WorkerSettings:
    """How one worker works; `app` and the number of slots are the executor's."""

    url: str | None = None  # or several, separated by commas; None: HEADRACE_URL, else the loopback default
    queues: tuple[str, ...] = ()  # in strict order; empty: those of the app's tasks
    exclude: tuple[str, ...] = ()  # queues that it leaves to others
    name: str | None = None  # its id; None: host, process id and some random digits
    labels: Mapping[str, str] = field(default_factory=dict)  # told with it
    drain_s: float = bounds.DRAIN_S  # what running jobs get at a stop
    health: tuple[str, int] | None = None  # host and port where probes are answered
    lease_ms: int | None = None  # None: the job's own, else the server's


class Worker:
    """One worker, from start to stop."""

    def __init__(self, settings: WorkerSettings, hands: Hands) -> None:
        self.id = settings.name or make_id()
        self._settings = settings
        self._hands = hands
        self._duty = Duty(self.stop)
        self._probes = Probes()
        self._stopping = asyncio.Event()
        self._hurried = asyncio.Event()
        self._failed = False

    def stop(self) -> None:
        """Stop: lease no more, let running jobs finish within the drain timeout. Called again: release them now."""
        if self._stopping.is_set():
            self._hurried.set()
        self._stopping.set()
        self._duty.stopping()

    def stop_at_once(self) -> None:
        """Stop without waiting for running jobs: they are released, and no attempt is counted."""
        self._hurried.set()
        self.stop()

    async def run(self) -> int:
        """Work until `stop`; return the exit code. Raises AppFailed, CannotListen, Misconfigured.

        0: all jobs were settled or released. EX_UNAVAILABLE: some leases are left to run out, because the server could
        not be reached. EX_SOFTWARE: a part of the worker failed; the log says how.
        """
        line = Line(self.id, self._settings.url, lease_ms=self._settings.lease_ms)
        try:
            if self._settings.health is not None:
                self._probes.open(*self._settings.health)
            return await self._work(Parts(line, self._hands, self._duty))
        finally:
            await self._hands.end()
            await line.close()
            await self._probes.close()

    async def _work(self, parts: Parts) -> int:
        if not await self._started(parts):
            return 0
        joined = parts.join(self.id, self._queues(), self._settings.labels)
        self._probes.show(joined.about)
        queues = ",".join(joined.about.queues)
        log.info("worker started", id=self.id, url=parts.line.url, queues=queues, slots=self._hands.slots)
        leasing = self._guarded(_lead(joined))
        beating = self._guarded(joined.heartbeat.run())
        others = [
            parts.settler.run(),
            parts.dispatcher.sweep(),
            joined.follow(self._queues),
            joined.check_ins.run(),
            _watch(joined, parts.line),
        ]
        tasks = [leasing, beating, *map(self._guarded, others)]
        try:
            await self._stopping.wait()
            await _cancel(leasing)
            recovery = asyncio.create_task(joined.leaser.recover())
            await self._wind_down(parts)
            told = await self._last_words(recovery, parts)
            if told:
                joined.heartbeat.leave()
                await asyncio.wait({beating}, timeout=bounds.GOODBYE_S)
            log.info("worker stopped")
            return EX_SOFTWARE if self._failed else 0 if told else EX_UNAVAILABLE
        finally:
            await _cancel(*tasks)
            joined.check_ins.flush()

    def _queues(self) -> tuple[str, ...]:
        return queues_of(self._hands, self._settings.queues, self._settings.exclude)

    async def _started(self, parts: Parts) -> bool:
        """Start the executor, which may import for a long time; return False when told to stop meanwhile."""
        starting = asyncio.create_task(self._hands.start(parts.dispatcher))
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
            return starting.done()
        finally:
            await _cancel(starting, stopping)

    def _guarded(self, loop: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a loop; when it fails, which it should not, stop the worker and say so."""
        task = asyncio.create_task(loop)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.LOGGER.error("a part of the worker failed, stopping", exc_info=error)
            reporting.fault(error)
            self._failed = True
            self._stopping.set()
            self._duty.stopping()

    async def _wind_down(self, parts: Parts) -> None:
        """Lease no more, give back what has not started, let the rest finish, and give back what does not."""
        log.info("worker stopping", jobs=len(parts.board.handed) + len(parts.board.waiting))
        parts.dispatcher.release_waiting("worker_stopping")
        await _first(parts.dispatcher.drained(), self._hurried.wait(), timeout_s=self._settings.drain_s)
        await self._hands.end()  # before the release: nobody may run a job that another worker can lease
        parts.dispatcher.release_all("worker_stopped")

    async def _last_words(self, recovery: asyncio.Task[None], parts: Parts) -> bool:
        """Tell the server what it does not know yet, for as long as that is decent; return whether it knows all."""

        async def tell() -> None:
            await recovery
            await parts.settler.flush()

        telling = asyncio.create_task(tell())
        await asyncio.wait({telling}, timeout=bounds.FLUSH_S)
        told = telling.done() and telling.exception() is None
        await _cancel(telling)
        if not told:
            unsettled = len(parts.settler)
            log.error("the server cannot be reached, some leases may have to run out", unsettled=unsettled)
        return told


def make_id() -> str:
    """Return host-pid-random: an id that says where to look, and that no other worker has."""
    host = re.sub(r"[^A-Za-z0-9_.\-]", "-", socket.gethostname()) or "worker"
    tail = f"-{os.getpid()}-{secrets.token_hex(3)}"
    return host[: bounds.WORKER_ID_CHARS - len(tail)] + tail


async def _lead(joined: Joined) -> None:
    """Lease for ever, once the server knows the worker (it may say that it should be quiet) and its limits."""
    await joined.about.introduced.wait()
    await joined.announce()
    await joined.leaser.run()


async def _watch(joined: Joined, line: Line) -> None:
    """Make new connections when no poll has been answered for too long: a worker must not only look alive."""
    while True:
        await asyncio.sleep(bounds.WATCHDOG_S)
        if joined.leaser.silent_s > bounds.WATCHDOG_S:
            log.error("no answer from the server", url=line.url, for_s=joined.leaser.silent_s)
            await line.renew()


async def _first(*waits: Coroutine[Any, Any, Any], timeout_s: float) -> None:
    """Return when the first of some waits is over, or the time."""
    tasks = {asyncio.ensure_future(wait) for wait in waits}
    try:
        await asyncio.wait(tasks, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _cancel(*tasks)


async def _cancel(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
