"""An app of tasks that break what they run in, and of neighbours that must not notice; for tests of the worker."""

import asyncio
import ctypes
import os
import time
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from headrace import App, BoundTask, Discard, Reject, Retry, Snooze, SoftTimeLimitExceeded, current
from headrace.context import Request

from tests.sdk.worker.apps import say_started

app = App()

SEEN: ContextVar[str] = ContextVar("seen", default="nothing")


def say(file: str, text: str) -> None:
    """Leave a trace: one line in a file."""
    with Path(file).open("a") as out:
        out.write(text + "\n")


def wait_for(go: str) -> None:
    while not Path(go).exists():
        time.sleep(0.01)


@app.task(name="neighbour")
def neighbour(started: str, go: str) -> int:
    """Run until a file is there, and count how often. Return the process's id."""
    say(started + ".starts", str(os.getpid()))
    say_started(started)
    wait_for(go)
    return os.getpid()


@app.task(name="neighbour_async")
async def neighbour_async(started: str, go: str) -> int:
    say(started + ".starts", str(os.getpid()))
    say_started(started)
    while not Path(go).exists():
        await asyncio.sleep(0.01)
    return os.getpid()


@app.task(name="pid")
def pid(*_: Any) -> int:
    return os.getpid()


@app.task(name="pid_async")
async def pid_async(*_: Any) -> int:
    return os.getpid()


@app.task(name="hold_gil")
def hold_gil(started: str, seconds: float) -> int:
    """Sleep in C without letting go of the GIL, as a careless extension or a long regex does."""
    say_started(started)
    ctypes.PyDLL(None).usleep(int(seconds * 1_000_000))
    return os.getpid()


@app.task(name="block_loop")
async def block_loop(started: str, seconds: float) -> int:
    say_started(started)
    time.sleep(seconds)
    return os.getpid()


@app.task(name="segfault")
def segfault(started: str) -> None:
    say_started(started)
    ctypes.string_at(1)


@app.task(name="eat")
def eat(started: str, mebibytes: int, go: str = "") -> int:
    """Take memory, step by step, and keep it until a file is there. Return the process's id."""
    say_started(started)
    eaten = []
    for _ in range(mebibytes // 10):
        eaten.append(bytearray(os.urandom(1) * (10 * 2**20)))
        time.sleep(0.01)
    if go:
        wait_for(go)
    return os.getpid()


@app.task(name="leak")
def leak(mebibytes: int, _kept: list[bytearray] = []) -> int:  # noqa: B006 - that is how it leaks
    """Take memory that outlives the task, and never more than that."""
    kept = bytearray(mebibytes * 2**20)
    kept[::4096] = b"x" * len(kept[::4096])  # a page that nobody has written to takes none
    _kept.append(kept)
    return os.getpid()


@app.task(name="stubborn", soft_time_limit=0.2, time_limit=0.8)
def stubborn(started: str) -> None:
    """Ignore the soft limit, and go on."""
    say_started(started)
    while True:
        try:
            while True:
                time.sleep(0.005)
        except SoftTimeLimitExceeded:
            say(started + ".soft", "ignored")


@app.task(name="tidy", soft_time_limit=0.1)
def tidy(file: str) -> str:
    """Stop at the soft limit."""
    try:
        time.sleep(0.3)
        wait_for("never")
    except SoftTimeLimitExceeded:
        say(file, "tidied up")
    return "as far as it came"


@app.task(name="tidy_async", soft_time_limit=0.1)
async def tidy_async(file: str) -> str:
    try:
        await asyncio.sleep(60)
    except SoftTimeLimitExceeded:
        say(file, "tidied up")
    return "as far as it came"


@app.task(name="slow", soft_time_limit=0.1)
def slow() -> None:
    wait_for("never")


@app.task(name="slow_async", soft_time_limit=0.1)
async def slow_async() -> None:
    await asyncio.sleep(60)


@app.task(name="sleep")
def sleep(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


class Passing(Exception):
    """Worth another try."""


class Fatal(Exception):
    """Not worth one."""


class MoreFatal(Fatal):
    """A kind of it."""


ERRORS = {each.__name__: each for each in (Passing, Fatal, MoreFatal, ValueError)}


@app.task(name="picky", autoretry_for=(Passing, ValueError), dont_autoretry_for=(Fatal, "Value*"))
def picky(kind: str) -> None:
    raise ERRORS[kind](kind)


@app.task(name="careful", dont_autoretry_for=(Fatal,))
async def careful(kind: str) -> None:
    raise ERRORS[kind](kind)


@app.task(name="wish")
def wish(kind: str) -> str:
    """Say how the run ends."""
    if kind == "retry":
        raise Retry(countdown=0.05, exc=Passing("later")) if current().retries == 0 else Retry("enough")
    if kind == "reject":
        raise Reject("not for me")
    if kind == "requeue":
        raise Reject("not for me", requeue=True)
    if kind == "discard":
        raise Discard("not needed")
    if kind == "snooze" and current().last_checkpoint is None:
        raise Snooze(0.05, reason="not yet", checkpoint={"seen": 1})
    return "came back with " + str(current().last_checkpoint)


@app.task(name="bound", bind=True, max_retries=3)
def bound(self: BoundTask, times: int) -> list[Any]:
    """Fail some times by `self.retry`."""
    if self.request.retries < times:
        self.retry(exc=Passing("again"), countdown=0)
    return [self.request.retries, self.name, dict(self.request.headers)]


@app.middleware
def counting(request: Request) -> Any:
    """Set what the task sees, and say that it was there."""
    SEEN.set(SEEN.get() + " and middleware")
    yield


@app.task(name="look")
def look() -> str:
    return SEEN.get()


@app.task(name="look_async")
async def look_async() -> str:
    return await asyncio.to_thread(SEEN.get)


@app.on("before_task")
def before(request: Request) -> None:
    SEEN.set("hook of " + request.id)


def _listen(event: Any) -> None:
    """Write an event down where HOOKS_FILE says."""

    @app.on(event)
    def write(request: Request | None = None, error: BaseException | None = None, result: Any = None) -> None:
        file = os.environ.get("HOOKS_FILE")
        if file:
            what = "" if request is None else f" {request.task} {type(error).__name__ if error else result}"
            say(file, f"{event}{what}")


for _event in (
    *("worker_start", "worker_stop", "child_start", "child_stop"),
    *("task_success", "task_failure", "task_retry", "task_cancelled"),
):
    _listen(_event)
