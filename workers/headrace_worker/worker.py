"""The supervisor: joins leases, heartbeats, settles and the executor, and ends them in the right order.

It runs no user code (except with `--processes 0`), so no task can keep it from renewing leases.
"""

import asyncio
import os
import re
import secrets
import socket
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Final

from headrace_worker import bounds, clock, log
from headrace_worker.dispatch import Dispatcher
from headrace_worker.hands import Hands
from headrace_worker.heartbeat import Heartbeat
from headrace_worker.held import Board
from headrace_worker.leasing import Leaser
from headrace_worker.line import Line
from headrace_worker.settle import Settler

# sysexits.h, as docs/operations/processes.md lists them for all commands
EX_UNAVAILABLE: Final = 69
EX_SOFTWARE: Final = 70


@dataclass(frozen=True, kw_only=True)
class WorkerSettings:
    """How one worker works; `app` and the number of slots are the executor's."""

    url: str | None = None  # HEADRACE_URL, else the loopback default
    queues: tuple[str, ...] = ()  # in strict order; empty: those of the app's tasks
    name: str | None = None  # its id; None: host, process id and some random digits
    grace_s: float = bounds.DEFAULT_GRACE_S  # what running jobs get at a stop
    lease_ms: int | None = None  # None: the job's own, else the server's


class Worker:
    """One worker, from start to stop."""

    def __init__(self, settings: WorkerSettings, hands: Hands) -> None:
        self.id = settings.name or make_id()
        self._settings = settings
        self._hands = hands
        self._stopping = asyncio.Event()
        self._hurried = asyncio.Event()
        self._failed = False

    def stop(self) -> None:
        """Stop: lease no more, let running jobs finish within the grace period. Called again: release them now."""
        if self._stopping.is_set():
            self._hurried.set()
        self._stopping.set()

    async def run(self) -> int:
        """Work until `stop`; return the exit code. Raises AppFailed.

        0: all jobs were settled or released. EX_UNAVAILABLE: some leases are left to run out, because the server could
        not be reached. EX_SOFTWARE: a part of the worker failed; the log says how.
        """
        line = Line(self.id, self._settings.url, lease_ms=self._settings.lease_ms)
        try:
            return await self._work(line)
        finally:
            await self._hands.end()
            await line.close()

    async def _work(self, line: Line) -> int:
        board, server_clock = Board(), clock.ServerClock()
        settler = Settler(line, board)
        dispatcher = Dispatcher(board, self._hands, settler, server_clock)
        if not await self._started(dispatcher):
            return 0
        queues = self._settings.queues or tuple(dict.fromkeys(self._hands.tasks.values())) or ("default",)
        if not self._hands.tasks:
            log.warning("the app has no tasks, so every job goes back: import the modules that define them")
        leaser = Leaser(line, queues, dispatcher, settler)
        heartbeat = Heartbeat(line, board, dispatcher, server_clock)
        settler.takes_ride = leaser.takes_ride
        settler.changed = dispatcher.room_changed = leaser.wake
        dispatcher.leased, dispatcher.noted = heartbeat.leased, heartbeat.noted
        log.info("worker started", id=self.id, url=line.url, queues=",".join(queues), slots=self._hands.slots)

        leasing = self._guarded(leaser.run())
        others = [
            self._guarded(loop) for loop in (settler.run(), heartbeat.run(), dispatcher.sweep(), _watch(leaser, line))
        ]
        try:
            await self._stopping.wait()
            await _cancel(leasing)
            recovery = asyncio.create_task(leaser.recover())
            await self._wind_down(dispatcher, board)
            return await self._last_words(recovery, settler)
        finally:
            await _cancel(leasing, *others)

    async def _started(self, dispatcher: Dispatcher) -> bool:
        """Start the executor, which may import for a long time; return False when told to stop meanwhile."""
        starting = asyncio.create_task(self._hands.start(dispatcher))
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
            return starting.done()
        finally:
            await _cancel(starting, stopping)

    def _guarded(self, loop: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a loop that should never end; when it fails all the same, stop the worker and say so."""
        task = asyncio.create_task(loop)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.LOGGER.error("a part of the worker failed, stopping", exc_info=error)
            self._failed = True
            self._stopping.set()

    async def _wind_down(self, dispatcher: Dispatcher, board: Board) -> None:
        """Lease no more, give back what has not started, let the rest finish, and give back what does not."""
        log.info("worker stopping", jobs=len(board.handed) + len(board.waiting))
        dispatcher.release_waiting("worker_stopping")
        await _first(dispatcher.drained(), self._hurried.wait(), timeout_s=self._settings.grace_s)
        await self._hands.end()  # before the release: nobody may run a job that another worker can lease
        dispatcher.release_all("worker_stopped")

    async def _last_words(self, recovery: asyncio.Task[None], settler: Settler) -> int:
        """Tell the server what it does not know yet, for as long as that is decent; return the exit code."""

        async def tell() -> None:
            await recovery
            await settler.flush()

        telling = asyncio.create_task(tell())
        await asyncio.wait({telling}, timeout=bounds.FLUSH_S)
        told = telling.done() and telling.exception() is None
        await _cancel(telling)
        if not told:
            log.error("the server cannot be reached, some leases may have to run out", unsettled=len(settler))
        log.info("worker stopped")
        if self._failed:
            return EX_SOFTWARE
        return 0 if told else EX_UNAVAILABLE


def make_id() -> str:
    """Return host-pid-random: an id that says where to look, and that no other worker has."""
    host = re.sub(r"[^A-Za-z0-9_.\-]", "-", socket.gethostname()) or "worker"
    tail = f"-{os.getpid()}-{secrets.token_hex(3)}"
    return host[: bounds.WORKER_ID_CHARS - len(tail)] + tail


async def _watch(leaser: Leaser, line: Line) -> None:
    """Make new connections when no poll has been answered for too long: a worker must not only look alive."""
    while True:
        await asyncio.sleep(bounds.WATCHDOG_S)
        if leaser.silent_s > bounds.WATCHDOG_S:
            log.error("no answer from the server", url=line.url, for_s=leaser.silent_s)
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
