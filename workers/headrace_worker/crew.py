"""The child processes of one worker: starts as many as are wanted, replaces those that end, ends them in peace.

It must not know how jobs are shared out among them (pool.py does).
"""

import asyncio
import math
import random
import signal
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from headrace_worker import bounds, clock, log
from headrace_worker.backoff import restart_s
from headrace_worker.fates import Sentence, describe_status, died, mebibytes, with_stack
from headrace_worker.frames import Setup
from headrace_worker.hands import AppFailed, Imported
from headrace_worker.life import Life
from headrace_worker.memory import OomKills, Peak
from headrace_worker.outcome import Outcome
from headrace_worker.parent import Owner


@dataclass(frozen=True, kw_only=True)
class PoolSettings:
    """The children of one worker."""

    app: str  # module:app
    processes: int = 1  # how many, at first where it scales
    most_processes: int | None = None  # it scales between `processes` and this
    threads: int = bounds.DEFAULT_THREADS  # jobs at a time in each
    log_level: str = "info"
    max_tasks: int | None = None  # a child is replaced after so many jobs
    max_memory_bytes: int | None = None  # a child is replaced when it takes more
    reload: bool = False  # children are replaced when files of the app change
    tells_plan: bool = False  # the server is told what the app says is periodic


class Crew:
    """The children of one worker."""

    def __init__(self, settings: PoolSettings, owner: Owner) -> None:
        self._settings = settings
        self._owner = owner
        self._lacking = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._errands: set[asyncio.Task[None]] = set()
        self._crashes: list[float] = []
        self._not_before = 0.0  # of the next start, by the loop's clock
        self._oom = OomKills()
        self._peak = Peak()
        self.wanted = settings.processes
        self.lives: list[Life] = []  # those that take jobs
        self.leaving: list[Life] = []  # those that only finish what they have
        self.app = Imported({})  # as the youngest child has it

    async def start(self) -> None:
        """Start all, and return when all are ready. Raises AppFailed."""
        starts = [asyncio.create_task(self._begin(is_first=number == 0)) for number in range(self.wanted)]
        try:
            await asyncio.gather(*starts)
        except BaseException:
            for start in starts:
                if not start.cancelling():  # cancelled twice, one would not end its child
                    start.cancel()
            await asyncio.gather(*starts, return_exceptions=True)
            await self.end()
            raise
        self._keeper = asyncio.create_task(self._keep())

    async def end(self) -> None:
        """End all of them; the last one knows that it is the last. Called again: nothing. Cancelled: kill them."""
        running = [task for task in (self._keeper, *self._errands) if task is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        lives = sorted([*self.leaving, *self.lives], key=lambda life: -life.handed)
        self.lives, self.leaving = [], []
        try:
            await asyncio.gather(*(life.end(is_last=False) for life in lives[:-1]))
            for life in lives[-1:]:
                await life.end(is_last=True)
        finally:
            for life in lives:
                life.close()

    def want(self, processes: int) -> None:
        """Have another number of children from now on."""
        self.wanted = processes
        for life in sorted(self.lives, key=lambda life: life.handed)[: max(0, len(self.lives) - processes)]:
            self.retire(life, "there are more than enough")
        self._lacking.set()

    def retire(self, life: Life, why: str, *, finishes: bool = False) -> None:
        """Give a child no more jobs, and replace it; `finishes`: it also runs what it has and has not started."""
        if life.is_leaving:
            return
        log.info("child is replaced", pid=life.pid, why=why, jobs_done=life.jobs_done)
        life.is_leaving = True
        self.lives.remove(life)
        self.leaving.append(life)
        self._lacking.set()
        if not finishes:
            self._owner.parted(life.take_back(), ())
        self.look_after(life)

    def condemn(self, life: Life, sentence: Sentence) -> None:
        """Kill a child: at once where only culprits run in it, else when the others have had a moment to end."""
        life.sentence = sentence
        self.retire(life, "it has to be killed")
        asyncio.get_running_loop().call_later(bounds.NEIGHBOUR_S, self._execute, life)
        self.look_after(life)

    def look_after(self, life: Life) -> None:
        """Take in that a child has fewer jobs."""
        if not life.is_leaving or life.is_ending:
            return
        if not life.handed:
            life.is_ending = True
            self._send(life.finish())
        elif life.sentence is not None and all(map(life.sentence.is_culprit, life.running_keys())):
            self._execute(life)

    def _execute(self, life: Life) -> None:
        if life.sentence is None or life.is_ending:
            return
        if any(map(life.sentence.is_culprit, life.running_keys())):
            life.is_ending = True
            self._send(life.execute())

    async def _begin(self, *, is_first: bool = False) -> None:
        settings = self._settings
        setup = Setup(
            app=settings.app,
            slots=settings.threads,
            log_level=settings.log_level,
            is_first=is_first,
            watches_files=settings.reload,
            tells_plan=settings.tells_plan,
        )
        life = Life(setup, self._owner)
        try:
            self.app = await life.begin()
            _check_size(life, settings.max_memory_bytes)
        except BaseException:
            await life.end(is_last=False)
            raise
        self.lives.append(life)
        self._send(self._tend(life))
        log.info("child started", pid=life.pid, tasks=len(self.app.tasks))

    async def _keep(self) -> None:
        """Start children while there are too few, more slowly when they die often."""
        while True:
            missing = self.wanted - len(self.lives)
            if missing <= 0:
                self._lacking.clear()
                await self._lacking.wait()
                continue
            await asyncio.sleep(self._not_before - asyncio.get_running_loop().time())
            for error in await asyncio.gather(*(self._begin() for _ in range(missing)), return_exceptions=True):
                if error is not None:
                    log.error("child cannot start", why=str(error) if isinstance(error, AppFailed) else repr(error))
                    self._count_crash()
            self._owner.changed()

    async def _tend(self, life: Life) -> None:
        """Wait for the end of a child, and tell it."""
        status = await life.wait()
        running, stack = life.running_keys(), life.stack()
        unstarted = life.close()
        for crew in (self.lives, self.leaving):
            if life in crew:
                crew.remove(life)
        fate = self._fate(life, status)
        fates = [(key, life.sentence.of(key) if life.sentence else fate) for key in running]
        self._owner.parted(unstarted, [(key, with_stack(outcome, stack)) for key, outcome in fates])
        self._lacking.set()
        self._owner.changed()

    def _fate(self, life: Life, status: int) -> Outcome:
        """Return what became of the jobs that ran in a child that died by itself, and say so."""
        rss_bytes = self._peak.of_last() or life.rss_bytes
        rose = self._oom.rose(clock.now())
        for_memory = status == -signal.SIGKILL and (rose or self._oom.is_near_limit(rss_bytes))
        if life.sentence is not None and life.is_ending:
            log.warning("child killed", pid=life.pid, why=life.sentence.word)
        elif not life.is_ending:
            life.sentence = None
            self._count_crash()
            why = "out of memory" if for_memory else None
            log.error("child died", pid=life.pid, status=describe_status(status), rss=mebibytes(rss_bytes), why=why)
        return died(status, rss_bytes, for_memory=for_memory)

    def _count_crash(self) -> None:
        now = clock.now()
        self._crashes = [*(at for at in self._crashes if now - at < bounds.RESTART_CALM_S), now]
        wait_s = restart_s(math.ceil(len(self._crashes) / self.wanted), random.random())  # as if each were alone
        if self._settings.reload:
            wait_s = min(wait_s, bounds.RESTART_FIRST_S)  # somebody sits there and mends it
        self._not_before = asyncio.get_running_loop().time() + wait_s

    def _send(self, errand: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(errand)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)


def _check_size(life: Life, most_bytes: int | None) -> None:
    size = life.look_at_memory()
    if most_bytes is not None and size >= most_bytes:
        raise AppFailed(
            f"the app alone takes {mebibytes(size)} of memory, so --max-memory-per-child {mebibytes(most_bytes)} "
            "would end every child at once; give it more"
        )
