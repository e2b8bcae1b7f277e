"""Jobs in the supervisor's own process (`--processes 0`): for development and tests, where a debugger reaches them.

A task that holds the GIL stops the heartbeats here, and a task cannot be killed. That is what child processes are for.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from headrace_worker import bounds
from headrace_worker.executor import Executor
from headrace_worker.frames import Order
from headrace_worker.hands import AppFailed, Hands, Listener
from headrace_worker.outcome import Outcome
from headrace_worker.registry import AppNotFound, Handlers


class InlineHands(Hands):
    """An executor on threads of this process."""

    def __init__(self, handlers: Callable[[], Handlers], slots: int) -> None:
        self._find = handlers
        self._slots = slots
        self._tasks: dict[str, str] = {}
        self._ended: deque[tuple[int, Outcome]] = deque()
        self._executor: Executor | None = None

    @property
    def tasks(self) -> Mapping[str, str]:
        """See Hands."""
        return self._tasks

    @property
    def slots(self) -> int:
        """See Hands."""
        return self._slots

    async def start(self, listener: Listener) -> None:
        """See Hands."""
        try:
            handlers = self._find()
        except AppNotFound as error:
            raise AppFailed(str(error)) from None
        self._tasks = {name: handler.queue for name, handler in handlers.items()}
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._running: set[int] = set()
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._executor = Executor(handlers, self._slots, self._done)

    def run(self, orders: Sequence[Order]) -> None:
        """See Hands."""
        self._quiet.clear()
        if self._executor is not None:
            self._running.update(order.key for order in orders)
            for order in orders:
                self._executor.start(order)

    def extend(self, deadlines: Sequence[tuple[int, float]]) -> None:
        """See Hands."""
        if self._executor is not None:
            self._executor.extend(deadlines)

    def lose(self, keys: Sequence[int]) -> None:
        """See Hands."""
        if self._executor is not None:
            self._executor.lose(keys)

    def check(self) -> bool:
        """See Hands: threads of our own start when they are told to."""
        return False

    async def end(self) -> None:
        """See Hands; a thread that goes on is left behind, and the end of the process ends it."""
        executor, self._executor = self._executor, None
        if executor is None:
            return
        executor.cancel_all()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._quiet.wait(), bounds.CHILD_LAST_WORDS_S)
        executor.close()

    def _done(self, key: int, outcome: Outcome) -> None:
        self._ended.append((key, outcome))
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        ended = []
        while self._ended:
            ended.append(self._ended.popleft())
        self._running.difference_update(key for key, _ in ended)
        if not self._running:
            self._quiet.set()
        if ended:
            self._listener.done(ended)
