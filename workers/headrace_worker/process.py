"""Jobs in a child process (`--processes 1`): keeps one alive and passes jobs on to it."""

import asyncio
import random
from collections.abc import Mapping, Sequence

from headrace_worker import bounds, clock, log
from headrace_worker.backoff import restart_s
from headrace_worker.frames import Down, Order
from headrace_worker.hands import AppFailed, Hands, Listener
from headrace_worker.life import Life
from headrace_worker.outcome import describe_status, died


class ProcessHands(Hands):
    """A child process, replaced whenever it dies."""

    def __init__(self, app: str, slots: int, *, log_level: str = "info") -> None:
        self._app = app
        self._slots = slots
        self._log_level = log_level
        self._tasks: Mapping[str, str] = {}
        self._life: Life | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._crashes: list[float] = []

    @property
    def tasks(self) -> Mapping[str, str]:
        """See Hands."""
        return self._tasks

    @property
    def slots(self) -> int:
        """See Hands."""
        return self._slots if self._life is not None and not self._life.is_doubted else 0

    @property
    def unstarted(self) -> int:
        """See Hands."""
        return self._life.unstarted if self._life is not None else 0

    @property
    def pid(self) -> int | None:
        """The child's process id; None while there is none."""
        return self._life.pid if self._life is not None else None

    async def start(self, listener: Listener) -> None:
        """See Hands."""
        self._listener = listener
        await self._begin()
        self._keeper = asyncio.create_task(self._keep())

    def run(self, orders: Sequence[Order]) -> None:
        """See Hands."""
        if self._life is not None:
            self._life.run(orders)

    def take_back(self) -> list[int]:
        """See Hands."""
        return self._life.take_back() if self._life is not None else []

    def doubt(self) -> None:
        """See Hands; the child answers what was taken back, so the doubt ends when it can answer at all."""
        if self._life is not None and not self._life.is_doubted:
            self._life.is_doubted = True
            log.warning("child does not react, a task may hold the GIL", pid=self.pid)

    def extend(self, deadlines: Sequence[tuple[int, float]]) -> None:
        """See Hands."""
        if self._life is not None:
            self._life.say(Down.EXTENDED, list(deadlines))

    def lose(self, keys: Sequence[int]) -> None:
        """See Hands."""
        if self._life is not None:
            self._life.say(Down.LOST, list(keys))

    def ask_to_end(self, keys: Sequence[int]) -> None:
        """See Hands."""
        if self._life is not None:
            self._life.say(Down.ASKED, list(keys))

    async def end(self) -> None:
        """See Hands."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        life, self._life = self._life, None
        if life is not None:
            await life.end()

    async def _begin(self) -> None:
        life = Life(self._app, self._slots, self._log_level, self._listener)
        try:
            self._tasks = await life.begin()
        except BaseException:
            await life.end()
            raise
        self._life = life
        log.info("child started", pid=life.pid, tasks=len(self._tasks))

    async def _keep(self) -> None:
        """Replace the child whenever it dies, more slowly when it dies often."""
        while True:
            if self._life is not None:
                await self._mourn(self._life)
            await asyncio.sleep(restart_s(self._count_crash(), random.random()))
            try:
                await self._begin()
            except AppFailed as error:
                log.error("child cannot start", why=str(error))
            else:
                self._listener.changed()

    async def _mourn(self, life: Life) -> None:
        """Wait for the child's end, and tell it."""
        status = await life.wait()
        self._life = None
        log.error("child died", pid=life.pid, status=describe_status(status))
        self._listener.died(life.close(), died(status))
        self._listener.changed()

    def _count_crash(self) -> int:
        now = clock.now()
        self._crashes = [*(at for at in self._crashes if now - at < bounds.RESTART_CALM_S), now]
        return len(self._crashes)
