"""Jobs in child processes (`--processes P`): shares them out, keeps to the limits, and passes on what is heard.

Which children there are is crew.py's; here is who runs what.
"""

import asyncio
from collections.abc import Collection, Coroutine, Iterable, Mapping, Sequence
from typing import Any

from headrace_worker import bounds, log, reporting
from headrace_worker.autoscale import Autoscale
from headrace_worker.crew import Crew, PoolSettings
from headrace_worker.fates import Sentence, oversize, overtime
from headrace_worker.frames import Down, Order
from headrace_worker.hands import ChildFacts, Ended, Hands, Listener, Plan, Said, TaskFacts
from headrace_worker.life import Life
from headrace_worker.limits import limits_of
from headrace_worker.outcome import Outcome

_SCALE_S = 0.5  # between two looks at how busy the children are


class Pool(Hands):
    """Some child processes, replaced whenever they die."""

    def __init__(self, settings: PoolSettings) -> None:
        self._settings = settings
        self._crew = Crew(settings, self)
        self._owners: dict[int, Life | None] = {}  # in the order of handing over; None: nobody takes jobs just now
        self._backlog: dict[int, Order] = {}
        self._limits_s: dict[int, float] = {}
        self._busy = asyncio.Event()
        self._watches: list[asyncio.Task[None]] = []

    @property
    def facts(self) -> Mapping[str, TaskFacts]:
        """See Hands."""
        return self._crew.app.tasks

    @property
    def plan(self) -> Plan | None:
        """See Hands."""
        return self._crew.app.plan

    @property
    def children(self) -> Sequence[ChildFacts]:
        """See Hands."""
        return [life.facts() for life in self._everybody()]

    @property
    def slots(self) -> int:
        """See Hands."""
        return sum(life.slots for life in self._crew.lives)

    @property
    def stuck(self) -> int:
        """See Hands."""
        return sum(life.handed - life.unstarted for life in self._crew.lives if not life.slots)

    @property
    def unstarted(self) -> int:
        """See Hands."""
        return len(self._backlog) + sum(life.unstarted for life in self._everybody())

    @property
    def is_uneven(self) -> bool:
        """See Hands."""
        lives = self._crew.lives
        if not any(life.handed < life.slots for life in lives):
            return False
        return bool(self._backlog) or any(life.handed > life.slots > 0 and life.unstarted for life in lives)

    def unstarted_keys(self) -> Collection[int]:
        """See Hands."""
        return {*self._backlog, *(key for life in self._everybody() for key in life.unstarted_keys())}

    async def start(self, listener: Listener) -> None:
        """See Hands."""
        self._listener = listener
        await self._crew.start()
        self._watch(self._watch_memory())
        if self._settings.most_processes is not None:
            self._watch(self._scale(self._settings.most_processes))

    def run(self, orders: Sequence[Order]) -> None:
        """See Hands. Each job goes to the child that has fewest."""
        self._owners.update((key, None) for key, _ in orders)  # in their order, whoever gets them
        for life, share in self._dealt(orders):
            self._owners.update((key, life) for key, _ in share)
            if life is None:
                self._backlog.update((order.key, order) for order in share)
                continue
            limits = limits_of(share, self.facts)
            self._limits_s |= limits
            life.run(share, limits)
            if self._is_used_up(life.jobs_given):
                self._crew.retire(life, "it has had --max-tasks-per-child", finishes=True)
        self._busy.set()

    def _dealt(self, orders: Sequence[Order]) -> Iterable[tuple[Life | None, Sequence[Order]]]:
        """Return which child gets which jobs; None: the rest, which nobody can take."""
        load = {life: life.handed for life in self._crew.lives if life.slots}
        if len(load) == 1 and self._settings.max_tasks is None:
            return [(life, orders) for life in load]
        shares: dict[Life | None, list[Order]] = {}
        for order in orders:
            life = min(load, key=load.__getitem__, default=None)
            share = shares.setdefault(life, [])
            share.append(order)
            if life is not None:
                load[life] += 1
                if self._is_used_up(life.jobs_given + len(share)):
                    del load[life]
        return shares.items()

    def take_back(self) -> list[int]:
        """See Hands."""
        taken = {*self._backlog, *(key for life in self._everybody() for key in life.take_back())}
        self._backlog = {}
        line = [key for key in self._owners if key in taken] if taken else []
        self._disown(line)
        for life in list(self._crew.leaving):
            self._crew.look_after(life)
        return line

    def extend(self, deadlines: Sequence[tuple[int, float]]) -> None:
        """See Hands."""
        self._tell(Down.EXTENDED, [(key, (key, deadline)) for key, deadline in deadlines])

    def lose(self, keys: Sequence[int]) -> None:
        """See Hands."""
        self._tell(Down.LOST, [(key, key) for key in keys])

    def ask_to_end(self, keys: Sequence[int]) -> None:
        """See Hands."""
        self._tell(Down.ASKED, [(key, key) for key in keys])

    async def end(self) -> None:
        """See Hands."""
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)
        await self._crew.end()

    def said(self, said: Sequence[Said]) -> None:
        """See Parent."""
        self._listener.said(said)

    def done(self, life: Life, ended: Sequence[Ended]) -> None:
        """See Parent."""
        self._disown([each.key for each in ended])
        self._listener.done(ended)
        self._crew.look_after(life)

    def doubted(self, life: Life) -> None:
        """See Parent."""
        if life.is_leaving:
            return
        if not life.slots:
            log.warning("child does not react, a task may hold the GIL or block the event loop", pid=life.pid)
            self.parted(life.take_back(), ())
        else:
            log.info("child reacts again", pid=life.pid)
        self.changed()

    def overtime(self, life: Life, keys: Sequence[int]) -> None:
        """See Parent."""
        sentence = life.sentence or Sentence()
        sentence.culprits.update((key, overtime(self._limits_s[key])) for key in keys)
        self._crew.condemn(life, sentence)

    def files_changed(self, life: Life, files: Sequence[str]) -> None:
        """See Parent."""
        if life.is_leaving:
            return
        log.info("files of the app have changed", files=",".join(files))
        for each in list(self._crew.lives):
            self._crew.retire(each, "files of the app have changed")

    def parted(self, unstarted: Iterable[int], ended: Iterable[tuple[int, Outcome]]) -> None:
        """See Owner."""
        unstarted, ended = list(unstarted), list(ended)
        self._disown([*unstarted, *(key for key, _ in ended)])
        if unstarted or ended:
            self._listener.parted(unstarted, ended)

    def changed(self) -> None:
        """See Owner."""
        if self._backlog and self.slots:
            backlog, self._backlog = self._backlog, {}
            self.run(list(backlog.values()))
        self._listener.changed()

    def _everybody(self) -> list[Life]:
        return [*self._crew.lives, *self._crew.leaving]

    def _tell(self, kind: Down, news: Iterable[tuple[int, object]]) -> None:
        """Tell each child what is about its jobs."""
        shares: dict[Life, list[object]] = {}
        for key, content in news:
            life = self._owners.get(key)
            if life is not None:
                shares.setdefault(life, []).append(content)
        for life, share in shares.items():
            life.say(kind, share)

    def _disown(self, keys: Iterable[int]) -> None:
        for key in keys:
            self._owners.pop(key, None)
            if self._limits_s:
                self._limits_s.pop(key, None)

    def _is_used_up(self, jobs_given: int) -> bool:
        return self._settings.max_tasks is not None and jobs_given >= self._settings.max_tasks

    def _watch(self, loop: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(loop)
        task.add_done_callback(_tell_failure)
        self._watches.append(task)

    async def _watch_memory(self) -> None:
        """Look at the children's memory, for ever; sleeps while there are no jobs."""
        limit = self._settings.max_memory_bytes
        while True:
            await self._busy.wait()
            if not self._owners:  # a last look after the last job
                self._busy.clear()
            for life in self._everybody():
                self._judge_size(life, life.look_at_memory(), limit)
            await asyncio.sleep(bounds.MEMORY_GLANCE_S if limit is None else bounds.MEMORY_LOOK_S)

    def _judge_size(self, life: Life, size: int, limit: int | None) -> None:
        if limit is None or life.sentence is not None:
            return
        if size > limit * bounds.MEMORY_KILL_FACTOR and life.handed:
            self._crew.condemn(life, Sentence(for_all=oversize(size, limit)))
        elif size > limit:
            self._crew.retire(life, "it takes more than --max-memory-per-child")

    async def _scale(self, most: int) -> None:
        """Have as many children as are busy, for ever."""
        decision = Autoscale(self._settings.processes, most, self._settings.threads)
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_SCALE_S)
            lives = self._crew.lives
            if len(lives) != self._crew.wanted:  # one is being replaced, or started
                continue
            threads = self._settings.threads  # where nothing reacts, nothing is free
            busy = sum(life.handed - life.unstarted if life.slots else threads for life in lives)
            wanted = decision.wanted(len(lives), busy, loop.time())
            if wanted != self._crew.wanted:
                log.info("another number of children", wanted=wanted, busy=busy)
                self._crew.want(wanted)


def _tell_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.LOGGER.error("a part of the pool failed; jobs run on without it", exc_info=error)
        reporting.fault(error)
