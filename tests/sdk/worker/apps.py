"""Apps that the tests of the worker run; imported by the workers' child processes, never by the tests themselves.

Blocked tasks wait for a file of the test's own folder, so that a test says when they go on.
"""

import asyncio
import ctypes
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from headrace import App
from headrace_worker import Cancelled, current

app = App()


def say_started(file: str) -> None:
    """Leave the process's id in a file; who finds the file finds it whole."""
    half = Path(f"{file}.{threading.get_ident()}.half")  # several may say it at once
    half.write_text(str(os.getpid()))
    half.rename(file)


@app.task(name="noop")
def noop(*_: Any) -> None:
    return None


@app.task(name="spell")
def spell(*args: Any, **kwargs: Any) -> Any:
    return [args, kwargs]


@app.task(name="call_another")
def call_another(queue: str) -> str:
    return app.send_task("noop", queue=queue).id


@app.task(name="one_argument")
def one_argument(x: Any) -> Any:
    return [x]


@app.task(name="mark")
def mark(file: str, text: str = "x") -> int:
    """Leave a trace: one line in a file. Return the worker process's id."""
    with Path(file).open("a") as out:
        out.write(text + "\n")
    return os.getpid()


@app.task(name="block")
def block(started: str, go: str) -> str:
    """Say that it runs, then wait for a file; end early when the lease is lost."""
    say_started(started)
    while not Path(go).exists():
        if current().lease_lost:
            Path(started + ".lost").touch()
            return "lost"
        time.sleep(0.01)
    return "went on"


@app.task(name="block_async")
async def block_async(started: str, go: str) -> str:
    say_started(started)
    try:
        while not Path(go).exists():
            await asyncio.sleep(0.01)
    except asyncio.CancelledError:
        Path(started + ".cancelled").touch()
        raise
    return "went on"


@app.task(name="meet")
async def meet(folder: str, name: str, count: int) -> int:
    """Return how many were there when all had come: only possible for tasks that run at the same time."""
    Path(folder, name).touch()
    while (there := len(list(Path(folder).iterdir()))) < count:
        await asyncio.sleep(0.005)
    return there


@app.task(name="hold_gil")
def hold_gil(started: str, seconds: float) -> float:
    """Sleep in C without letting go of the GIL, as a careless extension or a long regex does."""
    say_started(started)
    ctypes.PyDLL(None).usleep(int(seconds * 1_000_000))
    return seconds


@app.task(name="die")
def die(number: int) -> None:
    signal.raise_signal(signal.Signals(number))  # in this very thread, as a crash is: another would let the task end


@app.task(name="exit_process")
def exit_process(status: int) -> None:
    os._exit(status)


@app.task(name="raise_system_exit")
def raise_system_exit() -> None:
    sys.exit("leaving")


@app.task(name="raise_system_exit_async")
async def raise_system_exit_async() -> None:
    sys.exit("leaving")


@app.task(name="raise_interrupt")
def raise_interrupt() -> None:
    raise KeyboardInterrupt


@app.task(name="give")
def give(kind: str) -> Any:
    """Return something that is hard to write."""
    return {
        "set": {1, 2},
        "nan": float("nan"),
        "surrogate": "\ud800",
        "object": object(),
        "big": 2**100,
        "bytes": b"\x00\xff",
        "deep": deep(600),
        "huge": "x" * 2_000_000,
        "enormous": "x" * 9_000_000,
    }[kind]


@app.task(name="context")
def context() -> dict[str, Any]:
    me = current()
    return {
        "id": me.id,
        "task": me.task,
        "queue": me.queue,
        "attempt": me.attempt,
        "max_attempts": me.max_attempts,
        "delivery": me.delivery,
        "fence": me.fence,
        "meta": dict(me.meta),
        "seconds_left": me.seconds_left,
        "lease_lost": me.lease_lost,
    }


@app.task(name="context_async")
async def context_async() -> list[str]:
    """Return the job's id as seen here, in a task of the loop, and on a thread."""

    async def inner() -> str:
        return current().id

    return [current().id, await asyncio.create_task(inner()), await asyncio.to_thread(lambda: current().id)]


@app.task(name="report")
def report(steps: int, go: str = "") -> Any:
    """Say how far it is, step by step; wait for a file before the end."""
    me = current()
    for step in range(1, steps + 1):
        me.progress({"step": step})
        me.checkpoint([step])
    while go and not Path(go).exists():
        time.sleep(0.01)
    return me.last_checkpoint


@app.task(name="say_what_cannot_travel")
def say_what_cannot_travel(topic: str, kind: str) -> str:
    values = {"set": {1}, "nan": float("nan"), "huge": "x" * 70_000, "deep": deep(40), "big": 2**64, "bytes": b"x"}
    try:
        getattr(current(), topic)(values[kind])
    except (TypeError, ValueError) as error:
        return str(error)
    return "it was taken"


@app.task(name="resume")
def resume(fail_at: int) -> list[Any]:
    """Fail after a checkpoint, the first time."""
    me = current()
    before = me.last_checkpoint
    if before is None:
        me.checkpoint({"row": fail_at})
        raise RuntimeError("on the way")
    return [before, me.attempt]


@app.task(name="until_cancelled")
def until_cancelled(started: str, then: str) -> str:
    """Run until somebody wants it to end; then raise Cancelled, or return, or fail."""
    say_started(started)
    while not current().cancelled:
        time.sleep(0.01)
    Path(started + ".asked").touch()
    if then == "raise":
        raise Cancelled
    if then == "fail":
        raise RuntimeError("gave up")
    return "finished all the same"


@app.task(name="until_cancelled_async")
async def until_cancelled_async(started: str) -> str:
    say_started(started)
    while not current().cancelled:
        await asyncio.sleep(0.01)
    raise Cancelled


@app.task(name="checkpoint_when_stopped")
async def checkpoint_when_stopped(started: str) -> None:
    Path(started).touch()
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        current().checkpoint("stopped")
        raise


@app.task(name="cancel_without_being_asked")
def cancel_without_being_asked() -> None:
    raise Cancelled("nobody asked")


@app.task(name="seconds_left")
def seconds_left(seconds: float) -> float:
    """Look for some time how long the lease lasts; return the most that was seen beyond the time that is left."""
    began, most = time.monotonic(), 0.0
    while (spent := time.monotonic() - began) < seconds:
        most = max(most, spent + current().seconds_left)
        time.sleep(0.01)
    return most


@app.task(name="die_once")
def die_once(been_here: str) -> str:
    """Take the process down the first time, as a bug in a C library does."""
    if not Path(been_here).exists():
        Path(been_here).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "survived"


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value
