"""Soft time limits: raises SoftTimeLimitExceeded in a task that runs for too long; once, and never after its end.

In a thread the interpreter raises it between two steps of Python code: a call into C that does not return is not
interrupted, and what is not interrupted meets its hard limit. In a coroutine it is raised at an await.
"""

import asyncio
import ctypes
import threading
import time
from collections.abc import Coroutine, Generator
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Any, Final, Generic, TypeVar

from headrace.exceptions import SoftTimeLimitExceeded

T = TypeVar("T")

_raise_in: Final = ctypes.pythonapi.PyThreadState_SetAsyncExc
_raise_in.argtypes = (ctypes.c_ulong, ctypes.py_object)
_NOTHING: Final = ctypes.py_object()  # takes back what was to be raised


class Alarms:
    """The clock of the limits of threads: one thread for all of them, made when it is needed first."""

    def __init__(self) -> None:
        self._armed: dict[int, _Armed] = {}
        self._changed = threading.Condition()
        self._wakes_at = 0.0
        self._thread: threading.Thread | None = None

    def limit(self, seconds: float | None) -> AbstractContextManager[None]:
        """Return what raises SoftTimeLimitExceeded in this thread when its body takes longer; None: no limit."""
        return nullcontext() if seconds is None else _Armed(self, seconds)

    def add(self, armed: "_Armed") -> None:
        """Take in a limit that counts from now on."""
        with self._changed:
            self._armed[id(armed)] = armed
            if self._thread is None:
                self._thread = threading.Thread(target=self._live, name="headrace-alarms", daemon=True)
                self._thread.start()
            elif armed.due < self._wakes_at:
                self._changed.notify()

    def drop(self, armed: "_Armed") -> None:
        """Forget a limit."""
        self._armed.pop(id(armed), None)

    def _live(self) -> None:
        while True:
            with self._changed:
                self._wakes_at = min((each.due for each in self._armed.copy().values()), default=threading.TIMEOUT_MAX)
                self._changed.wait(max(0.0, min(self._wakes_at - time.monotonic(), threading.TIMEOUT_MAX)))
            for each in list(self._armed.copy().values()):
                if each.due <= time.monotonic():
                    self.drop(each)
                    each.fire()


class _Armed(AbstractContextManager[None]):
    """One limit, of the thread in which its body runs."""

    def __init__(self, alarms: Alarms, seconds: float) -> None:
        self.due = time.monotonic() + seconds
        self._alarms = alarms
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._is_over = False

    def fire(self) -> None:
        """Raise in the thread, unless it has left the body."""
        with self._lock:
            if not self._is_over:
                _raise_in(self._thread, ctypes.py_object(SoftTimeLimitExceeded))

    def __enter__(self) -> None:
        self._alarms.add(self)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Make sure that nothing is raised from now on: what was to be raised and did not strike yet is taken back."""
        while True:
            try:
                with self._lock:
                    self._is_over = True
                    _raise_in(self._thread, _NOTHING)
                return self._alarms.drop(self)
            except SoftTimeLimitExceeded:
                continue  # it struck here, where the body was over


class Interruptible(Generic[T]):
    """A coroutine that gets SoftTimeLimitExceeded at an await when it takes longer; to be awaited once, in a task."""

    def __init__(self, body: Coroutine[Any, Any, T], seconds: float) -> None:
        self._body = body
        self._seconds = seconds
        self._has_struck = False

    def __await__(self) -> Generator[Any, Any, T]:
        """Pass everything on between the loop and the body; a cancellation of our own becomes the exception."""
        task = asyncio.current_task()
        assert task is not None, "awaited in a task"
        timer = asyncio.get_running_loop().call_later(self._seconds, self._strike, task)
        value, error = None, None
        try:
            while True:
                try:
                    waited_for = self._body.throw(error) if error is not None else self._body.send(value)
                except StopIteration as end:
                    result: T = end.value
                    return result
                value, error = None, None
                try:
                    value = yield waited_for
                except asyncio.CancelledError as cancelled:
                    error = self._meant(cancelled, task)
                except BaseException as raised:  # noqa: BLE001 - whatever it is, it is for the body
                    error = raised
        finally:
            timer.cancel()

    def _strike(self, task: "asyncio.Task[Any]") -> None:
        self._has_struck = True
        task.cancel()

    def _meant(self, error: BaseException, task: "asyncio.Task[Any]") -> BaseException:
        """Return what the body is to see of a cancellation: ours is none, unless somebody else wants one, too."""
        if not self._has_struck:
            return error
        self._has_struck = False
        return SoftTimeLimitExceeded() if task.uncancel() == 0 else error
