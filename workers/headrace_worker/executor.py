"""The slots: runs tasks on threads and on one event loop, and reports how each ended; it must not know the server.

The inbox starts at most as many jobs as there are slots, so whatever comes here runs at once. No method blocks, and all
may be called from any thread; `done` is called from the thread a task ran on.
"""

import asyncio
import contextvars
import functools
import inspect
import threading
import time
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from typing import Any

from headrace.calls import arguments_of
from headrace.context import CURRENT, Request
from headrace.exceptions import Cancelled

from headrace_worker import clock
from headrace_worker.frames import Order
from headrace_worker.news import Topic, written
from headrace_worker.outcome import CANCELLED, STOPPED, Outcome, failed, refused, returned
from headrace_worker.registry import Handler, Handlers

Done = Callable[[int, float, Outcome], None]  # the job's key, milliseconds, how it ended
Say = Callable[[int, Topic, bytes], None]  # the job's key, and what it says, as JSON
Arguments = tuple[tuple[Any, ...], dict[str, Any]]


class Executor:
    """Runs up to `slots` jobs at a time."""

    def __init__(self, handlers: Handlers, slots: int, done: Done, say: Say) -> None:
        self._handlers = handlers
        self._done = done
        self._say = say
        self._contexts: dict[int, Request] = {}
        self._threads = _Threads(slots, self._run_sync)
        self._loop = _LoopThread()
        self._tasks: dict[int, asyncio.Task[Outcome]] = {}  # touched on the loop's thread only

    def start(self, order: Order) -> None:
        """Run one job; its outcome goes to `done`."""
        context = Request(**order.facts, clock=clock.now, tell=functools.partial(self._hear, order.key))
        self._contexts[order.key] = context
        handler = self._handlers.get(context.task)
        if handler is None:  # the supervisor knows our tasks, so this is a fault of ours, not of the job
            self._finish(order.key, 0.0, refused("TaskUnknown", f"this worker has no task {context.task!r}"))
        elif handler.is_async:
            self._loop.call(self._start_async, order.key, handler, context)
        else:
            self._threads.put((order.key, handler, context))

    def extend(self, deadlines: Iterable[tuple[int, float]]) -> None:
        """Tell running jobs their new deadlines."""
        for key, deadline in deadlines:
            context = self._contexts.get(key)
            if context is not None:
                context.lease_end = deadline

    def lose(self, keys: Iterable[int]) -> None:
        """Tell jobs that their lease is lost: a flag for threads, cancellation for coroutines."""
        for key in keys:
            context = self._contexts.get(key)
            if context is not None:
                context.lease_lost = True
                self._cancel([key])

    def ask_to_end(self, keys: Iterable[int]) -> None:
        """Tell jobs that somebody wants them to end: a flag, for threads and coroutines alike."""
        for key in keys:
            context = self._contexts.get(key)
            if context is not None:
                context.cancelled = True

    def cancel_all(self) -> None:
        """Cancel all coroutines; threads cannot be cancelled."""
        self._cancel(list(self._contexts))

    def close(self) -> None:
        """Let idle threads end, and the event loop; what still runs on a thread is left to itself."""
        self._threads.close()
        self._loop.close()

    def _cancel(self, keys: list[int]) -> None:
        if self._loop.is_running:
            self._loop.call(self._cancel_on_loop, keys)

    def _cancel_on_loop(self, keys: list[int]) -> None:
        for key in keys:
            task = self._tasks.get(key)
            if task is not None:
                task.cancel()

    def _run_sync(self, job: tuple[int, Handler, Request]) -> None:
        key, handler, context = job
        began = time.perf_counter()
        outcome = contextvars.Context().run(_call, handler, context)
        self._finish(key, _since_ms(began), outcome)

    def _start_async(self, key: int, handler: Handler, context: Request) -> None:
        task = asyncio.get_running_loop().create_task(
            _call_async(handler, context), name=f"{context.task} {context.id}", context=contextvars.Context()
        )
        self._tasks[key] = task
        task.add_done_callback(functools.partial(self._end_async, key, time.perf_counter()))

    def _end_async(self, key: int, began: float, task: asyncio.Task[Outcome]) -> None:
        del self._tasks[key]
        outcome = CANCELLED if task.cancelled() else task.result()  # cancelled: before its first step
        self._finish(key, _since_ms(began), outcome)

    def _hear(self, key: int, topic: str, value: Any) -> None:
        self._say(key, Topic(topic), written(Topic(topic), value))

    def _finish(self, key: int, took_ms: float, outcome: Outcome) -> None:
        self._contexts.pop(key, None)
        self._done(key, took_ms, outcome)


def _since_ms(began: float) -> float:
    return (time.perf_counter() - began) * 1000


def _call(handler: Handler, context: Request) -> Outcome:
    CURRENT.set(context)
    args, kwargs = _arguments(handler, context.payload)
    misfit = _misfit(handler, context.task, args, kwargs)
    if misfit is not None:
        return misfit
    try:
        return returned(handler.function(*args, **kwargs))
    except Cancelled as error:
        return STOPPED if context.cancelled else failed(error, skip=1)
    except BaseException as error:  # noqa: BLE001 - SystemExit of a task must fail the job, not end the worker
        return failed(error, skip=1)


async def _call_async(handler: Handler, context: Request) -> Outcome:
    CURRENT.set(context)
    args, kwargs = _arguments(handler, context.payload)
    misfit = _misfit(handler, context.task, args, kwargs)
    if misfit is not None:
        return misfit
    task = asyncio.current_task()
    try:
        return returned(await handler.function(*args, **kwargs))
    except Cancelled as error:
        return STOPPED if context.cancelled else failed(error, skip=1)
    except asyncio.CancelledError as error:
        return CANCELLED if task is not None and task.cancelling() else failed(error, skip=1)
    except BaseException as error:  # noqa: BLE001 - as above; the loop would let SystemExit through to its thread
        return failed(error, skip=1)


def _arguments(handler: Handler, payload: Any) -> Arguments:
    """Return the arguments of a call. A job without a payload has null, which is no argument where that will do."""
    if payload is None and handler.signature is not None and _fits(handler.signature, (), {}) is None:
        return (), {}
    return arguments_of(payload)


def _misfit(handler: Handler, task: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Outcome | None:
    """Return the failure of a payload that the function cannot take: no retry will make it fit."""
    why = None if handler.signature is None else _fits(handler.signature, args, kwargs)
    return None if why is None else refused("TypeError", f"the payload does not fit {task}{handler.signature}: {why}")


def _fits(signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]) -> TypeError | None:
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        return error
    return None


class _Threads:
    """Threads that are made when there is no idle one, up to a number, and live on."""

    def __init__(self, most: int, run: Callable[[tuple[int, Handler, Request]], None]) -> None:
        self._most = most
        self._run = run
        self._jobs: SimpleQueue[tuple[int, Handler, Request] | None] = SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._made = 0

    def put(self, job: tuple[int, Handler, Request]) -> None:
        if not self._idle.acquire(blocking=False) and self._made < self._most:
            self._made += 1
            threading.Thread(target=self._live, name=f"headrace-slot-{self._made}", daemon=True).start()
        self._jobs.put(job)

    def close(self) -> None:
        for _ in range(self._made):
            self._jobs.put(None)

    def _live(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._run(job)
            self._idle.release()


class _LoopThread:
    """An event loop on a thread of its own, made when it is needed first."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def is_running(self) -> bool:
        return self._loop is not None

    def call(self, function: Callable[..., None], *args: object) -> None:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._live, args=(self._loop,), name="headrace-loop", daemon=True)
            self._thread.start()
        self._loop.call_soon_threadsafe(function, *args)

    def close(self) -> None:
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=1.0)

    def _live(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
        finally:
            loop.close()
