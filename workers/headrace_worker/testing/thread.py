"""The worker of a test: leases, heartbeats and settles as any other, its tasks on threads of the test's own process."""

import asyncio
import threading
import time
from types import TracebackType
from typing import Final, Self

from headrace import App
from headrace.tasks import DEFAULT_QUEUE

from headrace_worker.hands import Listener
from headrace_worker.inline import InlineHands
from headrace_worker.testing.quiet import counts_of, is_quiet, left
from headrace_worker.worker import Worker, WorkerSettings

DEFAULT_SLOTS: Final = 4
_START_S: Final = 30.0
_STOP_S: Final = 30.0
_GRACE_S: Final = 5.0  # a test that ends while a task runs does not wait for it any longer
_LOOK_S: Final = 0.005


class WorkerThread:
    """A worker for the tasks of an app on a thread of this process; a context manager.

    It leases from the queues of the app's tasks as they are when it starts, or from `queues`. `slots`: jobs at a time.
    A task cannot be killed here, and what it does to the process (its GIL, its memory) it does to the test.
    """

    def __init__(self, app: App, *, queues: tuple[str, ...] = (), slots: int = DEFAULT_SLOTS) -> None:
        self.app = app
        self.queues = queues or _queues_of(app)
        self._hands = _Announcing(app, slots)
        settings = WorkerSettings(url=app.client.url, queues=self.queues, drain_s=_GRACE_S)
        self._worker = Worker(settings, self._hands)
        self._thread = threading.Thread(target=self._run, name="headrace-test-worker", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._error: BaseException | None = None

    @property
    def id(self) -> str:
        """The worker's id, as the server knows it."""
        return self._worker.id

    def start(self) -> Self:
        """Start it and wait until it takes jobs. Raises what keeps it from starting."""
        self._thread.start()
        if not self._hands.started.wait(_START_S):
            raise TimeoutError(f"the worker has not started within {_START_S:g} s")
        self._raise_error()
        return self

    def stop(self) -> None:
        """Stop it: running tasks get a moment, what has not started goes back. Raises what made it fail before."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._worker.stop)
        self._thread.join(_STOP_S)
        self._raise_error()

    def drain(self, timeout: float = 10.0) -> None:
        """Wait until no job of the worker's queues runs or could run now, jobs that tasks enqueue meanwhile included.

        What is due later, and what a pause, a rate or an order holds back, may still wait. Raises TimeoutError after
        `timeout` seconds, with the jobs that are left and why they are.
        """
        client, end = self.app.client, time.monotonic() + timeout
        while True:
            self._raise_error()
            counts = counts_of(client, self.queues)
            if is_quiet(client, counts) and counts_of(client, self.queues) == counts:
                return  # twice the same: what a task enqueues as it ends is seen in one of the two looks
            if time.monotonic() > end:
                raise TimeoutError("\n".join([f"jobs are left after {timeout:g} s:", *left(client, self.queues)]))
            time.sleep(_LOOK_S)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        try:
            asyncio.run(self._work())
        except BaseException as error:  # noqa: BLE001 - the test's thread raises it
            self._error = error
        finally:
            self._hands.started.set()

    async def _work(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._worker.run()

    def _raise_error(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error


class _Announcing(InlineHands):
    """Hands that say when they are ready."""

    def __init__(self, app: App, slots: int) -> None:
        super().__init__(lambda: app, slots)
        self.started = threading.Event()

    async def start(self, listener: Listener) -> None:
        await super().start(listener)
        self.started.set()


def _queues_of(app: App) -> tuple[str, ...]:
    app.load_tasks()
    return tuple(dict.fromkeys(task.queue for task in app.tasks.values())) or (DEFAULT_QUEUE,)
