"""The slots: runs tasks on threads and on one event loop, and reports how each ended; it must not know the server.

The inbox gives at most as many jobs as there are slots, so whatever comes here runs at once. No method blocks, and all
may be called from any thread; `done` is called from the thread a task ran on, and returns what starts in its slot.
"""

import asyncio
import contextvars
import functools
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import Any

from headrace.context import Request

from headrace_worker import clock, log
from headrace_worker.frames import Order
from headrace_worker.news import Topic, written
from headrace_worker.outcome import CANCELLED, LEASE_OVER, Outcome, refused
from headrace_worker.registry import Handler, Handlers
from headrace_worker.run import arun, run
from headrace_worker.soft import Alarms
from headrace_worker.stall import StallWatch

Done = Callable[[int, float, Outcome], Sequence[Order]]  # the job's key, milliseconds, how it ended; what starts now
Say = Callable[[int, Topic, bytes], None]  # the job's key, and what it says, as JSON
Stalled = Callable[[bool], None]  # whether a task blocks the event loop
Job = tuple[int, Handler, Request]


class Executor:
    """Runs up to `slots` jobs at a time."""

    def __init__(self, handlers: Handlers, slots: int, done: Done, say: Say, stalled: Stalled) -> None:
        self._handlers = handlers
        self._done = done
        self._say = say
        self._requests: dict[int, Request] = {}
        self._alarms = Alarms()
        self._threads = _Threads(slots + 1)  # one may be lent
        self._loop = _LoopThread(stalled)
        self._tasks: dict[int, asyncio.Task[Outcome]] = {}  # touched on the loop's thread only

    def start(self, orders: Iterable[Order]) -> None:
        """Run some jobs, each in a slot; their outcomes go to `done`."""
        for job in self._begin(orders):
            self._hand(job)

    def start_here(self, orders: Iterable[Order]) -> Job | None:
        """As `start`, but leave one job to the caller, if there is one for a thread: this thread has to `run` it."""
        jobs = self._begin(orders)
        for job in jobs[1:]:
            self._hand(job)
        return jobs[0] if jobs else None

    def run(self, job: Job) -> None:
        """Run a job on this thread, and whatever follows it in its slot: for these, no other thread has to wake."""
        following: Job | None = job
        while following is not None:
            following = self._run_sync(following)

    def lend(self, function: Callable[[], None]) -> None:
        """Run a function on a thread that is not busy with a job; one at a time."""
        self._threads.put(function)

    def extend(self, deadlines: Iterable[tuple[int, float]]) -> None:
        """Tell running jobs their new deadlines."""
        for key, deadline in deadlines:
            request = self._requests.get(key)
            if request is not None:
                request.lease_end = deadline

    def lose(self, keys: Iterable[int]) -> None:
        """Tell jobs that their lease is lost: a flag for threads, cancellation for coroutines."""
        for key in keys:
            request = self._requests.get(key)
            if request is not None:
                request.lease_lost = True
                self._cancel([key])

    def ask_to_end(self, keys: Iterable[int]) -> None:
        """Tell jobs that somebody wants them to end: a flag, for threads and coroutines alike."""
        for key in keys:
            request = self._requests.get(key)
            if request is not None:
                request.cancelled = True

    def cancel_all(self) -> None:
        """Cancel all coroutines; threads cannot be cancelled."""
        self._cancel(list(self._requests))

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

    def _begin(self, orders: Iterable[Order]) -> list[Job]:
        """Begin with some jobs; return those that need a thread."""
        jobs: list[Job] = []
        line = list(orders)  # grows on the way: whatever ends at once frees its slot for another
        for key, facts in line:
            request = request_of(facts, functools.partial(self._hear, key))
            self._requests[key] = request
            if log.tells_details():
                _tell_start(request)
            handler = self._handlers.get(request.task)
            if handler is None:  # the supervisor knows our tasks, so this is a fault of ours, not of the job
                outcome = refused("TaskUnknown", f"this worker has no task {request.task!r}")
                line += self._finish(key, 0.0, outcome)
            elif request.seconds_left <= 0:  # this machine was asleep: the job may run elsewhere by now
                line += self._finish(key, 0.0, LEASE_OVER)
            elif handler.is_async:
                self._loop.begin(self._start_async, key, handler, request)
            else:
                jobs.append((key, handler, request))
        return jobs

    def _hand(self, job: Job) -> None:
        self._threads.put(functools.partial(self.run, job))

    def _run_sync(self, job: Job) -> Job | None:
        """Run a job; return the one that is to follow in its slot."""
        key, handler, request = job
        began = time.perf_counter()
        outcome = contextvars.Context().run(run, handler, request, self._alarms)
        return self.start_here(self._finish(key, _since_ms(began), outcome))

    def _start_async(self, key: int, handler: Handler, request: Request) -> None:
        task = asyncio.get_running_loop().create_task(
            arun(handler, request), name=f"{request.task} {request.id}", context=contextvars.Context()
        )
        self._tasks[key] = task
        task.add_done_callback(functools.partial(self._end_async, key, time.perf_counter()))

    def _end_async(self, key: int, began: float, task: asyncio.Task[Outcome]) -> None:
        del self._tasks[key]
        outcome = CANCELLED if task.cancelled() else task.result()  # cancelled: before its first step
        self._loop.end()
        self.start(self._finish(key, _since_ms(began), outcome))

    def _hear(self, key: int, topic: str, value: Any) -> None:
        self._say(key, Topic(topic), written(Topic(topic), value))

    def _finish(self, key: int, took_ms: float, outcome: Outcome) -> Sequence[Order]:
        self._requests.pop(key, None)
        return self._done(key, took_ms, outcome)


def request_of(facts: Mapping[str, Any], tell: Callable[[str, Any], None]) -> Request:
    """Return the request of an order; its __init__, for so many fields, takes twice as long."""
    request = object.__new__(Request)
    fields = vars(request)
    fields.update(facts)
    fields.update(kwargs={}, clock=clock.now, tell=tell)
    fields.setdefault("meta", {})
    fields.setdefault("trace", {})
    if "enqueued_at" in facts:
        request.enqueued_at = datetime.fromtimestamp(facts["enqueued_at"], UTC)
    return request


def _tell_start(request: Request) -> None:
    log.debug("job started", job=request.id, task=request.task, queue=request.queue, attempt=request.attempt)


def _since_ms(began: float) -> float:
    return (time.perf_counter() - began) * 1000


class _Threads:
    """Threads that are made when there is no idle one, up to a number, and live on."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._idle = 0
        self._made = 0

    def put(self, work: Callable[[], None]) -> None:
        with self._lock:
            makes_one = not self._idle and self._made < self._most
            self._idle -= 1 if self._idle else 0
            self._made += 1 if makes_one else 0
            name = f"headrace-slot-{self._made}"
        if makes_one:
            threading.Thread(target=self._live, name=name, daemon=True).start()
        self._work.put(work)

    def close(self) -> None:
        for _ in range(self._made):
            self._work.put(None)

    def _live(self) -> None:
        while (work := self._work.get()) is not None:
            work()
            with self._lock:
                self._idle += 1


class _LoopThread:
    """An event loop on a thread of its own, made when it is needed first, and watched while something is on it."""

    def __init__(self, stalled: Stalled) -> None:
        self._stalled = stalled
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._jobs = 0

    @property
    def is_running(self) -> bool:
        return self._loop is not None

    def begin(self, function: Callable[..., None], *args: object) -> None:
        """Have a job begin on the loop; `end` is due when it is over."""
        with self._lock:
            if self._loop is None:
                self._make()
            self._jobs += 1
            self._watch.set_busy(True)
        self.call(function, *args)

    def end(self) -> None:
        """Take in that a job is over."""
        with self._lock:
            self._jobs -= 1
            self._watch.set_busy(self._jobs > 0)

    def call(self, function: Callable[..., None], *args: object) -> None:
        """Call a function on the loop, which runs."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(function, *args)

    def close(self) -> None:
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=1.0)

    def _make(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._watch = StallWatch(self._loop, self._stalled)
        self._thread = threading.Thread(target=self._live, args=(self._loop,), name="headrace-loop", daemon=True)
        self._thread.start()
        self._watch.start()

    def _live(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
        finally:
            loop.close()
