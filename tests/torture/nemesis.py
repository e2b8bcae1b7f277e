"""Strikes stores, servers and workers, and puts up again what nobody else does; notes every blow."""

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from tests.support.processes import runs
from tests.support.servers import ServerEnded, ServerProcess, store_pid
from tests.torture.history import History
from tests.torture.plan import Blow


class WorkerLike(Protocol):
    """A worker process that can be started again."""

    @property
    def pid(self) -> int: ...
    def kill9(self) -> None: ...
    def start(self) -> None: ...


class Nemesis:
    """Deals the blows of a plan, one after the other; what is struck comes back while the next blow falls."""

    def __init__(self, servers: Sequence[ServerProcess], workers: Sequence[WorkerLike], history: History) -> None:
        self._servers = servers
        self._workers = workers
        self._history = history
        self._busy: dict[tuple[str, int], asyncio.Task[None]] = {}

    async def deal(self, blow: Blow) -> bool:
        """Strike once; False when there was nothing to strike (it is just coming back)."""
        victim = (blow.role, blow.number)
        if victim in self._busy:
            return False
        match blow.role:
            case "store":
                return await self._strike_store(blow)
            case "server":
                server = self._servers[blow.number]
                return await self._strike(blow, server.pid, server.kill9, lambda: self._serve(server))
            case _:
                worker = self._workers[blow.number]
                return await self._strike(blow, worker.pid, worker.kill9, lambda: asyncio.to_thread(worker.start))

    async def heal(self) -> None:
        """Wait until everything struck is back."""
        await asyncio.gather(*self._busy.values())

    async def _strike_store(self, blow: Blow) -> bool:
        assert self._servers[0].data_dir is not None
        pid = store_pid(self._servers[0].data_dir)
        if pid is None:
            return False  # the last blow's work is still being undone

        def kill() -> None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

        return await self._strike(blow, pid, kill, lambda: self._gone(pid))  # its supervisor starts it again

    async def _strike(
        self, blow: Blow, pid: int, kill: Callable[[], None], start: Callable[[], Coroutine[Any, Any, None]]
    ) -> bool:
        how = "freeze" if blow.freeze_s else "kill"
        self._history.note("blow", role=blow.role, number=blow.number, pid=pid, how=how, freeze_s=blow.freeze_s)
        if blow.freeze_s:
            os.kill(pid, signal.SIGSTOP)
            back: Coroutine[Any, Any, None] = self._thaw(pid, blow.freeze_s)
        else:
            await asyncio.to_thread(kill)
            back = start()
        victim = (blow.role, blow.number)
        self._busy[victim] = asyncio.create_task(back)
        self._busy[victim].add_done_callback(lambda _: self._busy.pop(victim))
        return True

    async def _thaw(self, pid: int, after_s: float) -> None:
        await asyncio.sleep(after_s)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    async def _serve(self, server: ServerProcess) -> None:
        while True:
            server.launch()
            try:
                await asyncio.to_thread(server.ready)
            except ServerEnded as ended:
                self._history.note("gave_up", role="server", log=str(ended)[-500:])
            else:
                return

    async def _gone(self, pid: int) -> None:
        while runs(pid):
            await asyncio.sleep(0.01)


def dice_of(seed: int, what: str) -> random.Random:
    """Return the dice of one part of a run, so that parts do not disturb each other's throws."""
    return random.Random(f"{seed}-{what}")
