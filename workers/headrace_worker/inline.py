"""Jobs in the supervisor's own process (`--processes 0`): for development and tests, where a debugger reaches them.

A task that holds the GIL stops the heartbeats here, and a task cannot be killed. That is what child processes are for.
"""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Mapping, Sequence

from headrace import App, loading

from headrace_worker import bounds, log, registry
from headrace_worker.executor import Executor
from headrace_worker.frames import Order
from headrace_worker.hands import AppFailed, ChildFacts, Hands, Listener, Plan, TaskFacts
from headrace_worker.inbox import Inbox
from headrace_worker.limits import Stopwatch, limits_of
from headrace_worker.news import Topic
from headrace_worker.outbox import Outbox
from headrace_worker.outcome import Outcome
from headrace_worker.tickets import LocalTickets


class InlineHands(Hands):
    """An executor on threads of this process; `find` returns the app, or raises what keeps it from being one."""

    def __init__(self, find: Callable[[], App], slots: int, *, tells_plan: bool = False) -> None:
        self._find = find
        self._slots = slots
        self._tells_plan = tells_plan
        self._facts: dict[str, TaskFacts] = {}
        self._plan: Plan | None = None
        self._tickets = LocalTickets()
        self._handed: set[int] = set()
        self._outbox = Outbox()
        self._executor: Executor | None = None
        self._quiet = asyncio.Event()

    @property
    def facts(self) -> Mapping[str, TaskFacts]:
        """See Hands."""
        return self._facts

    @property
    def plan(self) -> Plan | None:
        """See Hands."""
        return self._plan

    @property
    def children(self) -> Sequence[ChildFacts]:
        """See Hands."""
        return ()

    @property
    def slots(self) -> int:
        """See Hands."""
        return self._slots

    @property
    def stuck(self) -> int:
        """See Hands: if this code runs, so do the threads."""
        return 0

    @property
    def unstarted(self) -> int:
        """See Hands."""
        return self._tickets.count()

    @property
    def is_uneven(self) -> bool:
        """See Hands."""
        return False

    def unstarted_keys(self) -> Collection[int]:
        """See Hands."""
        return self._tickets.keys()

    async def start(self, listener: Listener) -> None:
        """See Hands."""
        try:
            self._app = self._find()
            handlers = registry.handlers(self._app)
            self._plan = registry.plan_of(self._app) if self._tells_plan else None
        except loading.AppNotFound as error:
            raise AppFailed(str(error)) from None
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the module raised
            raise AppFailed(f"the app cannot be imported:\n{loading.import_error(error)}") from None
        self._facts = {name: handler.facts for name, handler in handlers.items()}
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._inbox = Inbox(self._tickets, self._slots)
        self._executor = Executor(handlers, self._slots, self._done, self._said, _warn_of_stall)
        self._stopwatch = Stopwatch(self.unstarted_keys, listener.overran)
        self._app.hooks.fire("worker_start")
        self._app.hooks.fire("child_start")

    def run(self, orders: Sequence[Order]) -> None:
        """See Hands."""
        keys = [order.key for order in orders]
        self._handed.update(keys)
        self._tickets.put(keys)
        if self._executor is not None:
            self._executor.start(self._inbox.put(orders))
        self._stopwatch.add(limits_of(orders, self._facts))

    def take_back(self) -> list[int]:
        """See Hands."""
        keys = self._tickets.take_all()
        self._inbox.forget(keys)
        self._stopwatch.drop(keys)
        self._handed.difference_update(keys)
        return keys

    def extend(self, deadlines: Sequence[tuple[int, float]]) -> None:
        """See Hands."""
        if self._executor is not None:
            self._executor.extend(deadlines)

    def lose(self, keys: Sequence[int]) -> None:
        """See Hands."""
        if self._executor is not None:
            self._executor.lose(keys)

    def ask_to_end(self, keys: Sequence[int]) -> None:
        """See Hands."""
        if self._executor is not None:
            self._executor.ask_to_end(keys)

    async def end(self) -> None:
        """See Hands; a thread that goes on is left behind, and the end of the process ends it."""
        executor, self._executor = self._executor, None
        if executor is None:
            return
        self.take_back()
        self._stopwatch.stop()
        executor.cancel_all()
        if self._handed:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._quiet.wait(), bounds.CHILD_LAST_WORDS_S)
        if not self._handed:
            self._app.hooks.fire("child_stop")
            self._app.hooks.fire("worker_stop")
        executor.close()

    def _done(self, key: int, took_ms: float, outcome: Outcome) -> Sequence[Order]:
        if self._outbox.end(key, took_ms, outcome):
            self._wake()
        return self._inbox.freed()

    def _said(self, key: int, topic: Topic, data: bytes) -> None:
        if self._outbox.say(key, topic, data):
            self._wake()

    def _wake(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        said, ended = self._outbox.take()
        keys = [each.key for each in ended]
        self._handed.difference_update(keys)
        self._stopwatch.drop(keys)
        self._stopwatch.look()
        if self._executor is None and not self._handed:
            self._quiet.set()
        if said:
            self._listener.said(said)
        if ended:
            self._listener.done(ended)


def _warn_of_stall(is_stalled: bool) -> None:
    if is_stalled:
        log.warning("a task blocks the event loop, and all async tasks with it")
