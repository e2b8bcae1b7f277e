"""The process that runs user code: a pipe to the supervisor on one side, an executor on the other.

`python -m headrace_worker.child SETUP`, as frames.Setup writes it. It never talks to the server, and it does not
outlive its supervisor: the pipe's end ends it, and on Linux the kernel kills it even while a task holds the GIL.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, Final, NoReturn

from headrace import loading

from headrace_worker import blackbox, garbage, log, registry, reload, reporting, spans
from headrace_worker.executor import Executor
from headrace_worker.frames import Down, Order, Setup, Splitter, Up, pack_up, unpack_down
from headrace_worker.hands import Imported
from headrace_worker.inbox import Inbox
from headrace_worker.news import Topic
from headrace_worker.outbox import Outbox
from headrace_worker.outcome import Outcome
from headrace_worker.tickets import PipeTickets, Tickets

_PR_SET_PDEATHSIG: Final = 1
_RECV_BYTES: Final = 256 * 1024
_SMALL_BYTES: Final = 16 * 1024  # a result that a slot sends itself: the pipe holds several
_MOMENT_S: Final = 0.0005  # news of this time share a message
_GATHER_S: Final = 0.005  # while jobs wait for slots, results of so long share a message: they wait for a request, too


class Child:
    """The child's end of the pipe."""

    def __init__(self, pipe: socket.socket, tickets: Tickets, handlers: registry.Handlers, slots: int) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._outbox = Outbox()
        self._inbox = Inbox(tickets, slots)
        self._executor = Executor(handlers, slots, self._done, self._said, self._stalled)
        self._splitter = Splitter()
        self._last_word: Future[bool | None] = Future()

    def work(self) -> bool | None:
        """Do what the supervisor says until it says that this is the end; return whether it is the worker's, too.

        None: the supervisor is gone, without a word.
        """
        threading.Thread(target=self._tell, name="headrace-results", daemon=True).start()
        self._executor.lend(self._listen)
        return self._last_word.result()

    def say(self, kind: Up, content: Any) -> None:
        """Tell the supervisor something; it may be gone."""
        with self._lock, contextlib.suppress(OSError):
            self._pipe.sendall(pack_up(kind, content))

    def _listen(self) -> None:
        """Do what the supervisor says until it gives a job to a free slot: that runs here, and another thread listens.

        So a job that was waited for starts in the thread that has it already; waking another one takes longer than all
        that is between the pipe and the task.
        """
        try:
            while data := self._pipe.recv(_RECV_BYTES):
                mine = None
                for body in self._splitter.feed(data):
                    kind, content = unpack_down(body)
                    if kind is Down.RUN and mine is None:
                        mine = self._executor.start_here(self._inbox.put(content))
                    elif kind is Down.END:
                        return self._last_word.set_result(bool(content))
                    else:
                        self._obey(kind, content)
                if mine is not None:
                    self._executor.lend(self._listen)
                    return self._executor.run(mine)
            self._last_word.set_result(None)
        except BaseException as error:  # noqa: BLE001 - it is the process that ends with it, not a thread
            self._last_word.set_exception(error)

    def _obey(self, kind: Down, content: Any) -> None:
        match kind:
            case Down.RUN:
                self._executor.start(self._inbox.put(content))
            case Down.FORGET:
                self._inbox.forget(content)
                self.say(Up.DONE, [])
            case Down.EXTENDED:
                self._executor.extend(content)
            case Down.LOST:
                self._executor.lose(content)
            case Down.ASKED:
                self._executor.ask_to_end(content)
            case Down.CANCEL:
                self._executor.cancel_all()

    def _done(self, key: int, took_ms: float, outcome: Outcome) -> Sequence[Order]:
        """Take in an end; return what starts now. Where nothing waits for the slot, the end is told at once.

        This thread tells it only where that cannot take long; whoever is the first with news sees to it otherwise.
        """
        orders = self._inbox.freed()
        is_first = self._outbox.end(key, took_ms, outcome)
        is_quick = not orders and outcome.size <= _SMALL_BYTES and not _is_on_loop()
        if is_quick and self._lock.acquire(blocking=False):
            try:
                self._report()
            finally:
                self._lock.release()
        elif is_first:
            self._news.set()
        return orders

    def _said(self, key: int, topic: Topic, data: bytes) -> None:
        if self._outbox.say(key, topic, data):
            self._news.set()

    def _tell(self) -> None:
        """Report what there is, for ever: a burst of short jobs in few messages, each at most a moment late."""
        while True:
            self._news.wait()
            self._news.clear()
            time.sleep(_GATHER_S if self._inbox.has_jobs else _MOMENT_S)
            with self._lock:
                self._report()

    def _report(self) -> None:
        """Say what there is; the caller has the lock, so that no news of a job are overtaken by its end."""
        with contextlib.suppress(OSError):
            said, ended = self._outbox.take()
            if said:
                self._pipe.sendall(pack_up(Up.SAID, said))
            if ended:
                self._pipe.sendall(
                    pack_up(Up.DONE, [(key, took_ms, outcome.to_wire()) for key, took_ms, outcome in ended])
                )

    def _stalled(self, is_stalled: bool) -> None:
        self.say(Up.STALLED, is_stalled)


def _is_on_loop() -> bool:
    """Return whether this thread is that of coroutines, none of which may wait for the supervisor."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def main(setup: Setup) -> None:
    """Import the app, say which tasks it has, and run jobs until the supervisor says that it is the end, or is gone."""
    _end_with(setup.parent)
    _ignore_terminal()
    blackbox.record(setup.blackbox)
    log.configure(setup.log_level)
    reporting.start()
    pipe = socket.socket(fileno=setup.fd)
    began_ns = reload.moment_ns() if setup.watches_files else 0
    try:
        app = loading.load(setup.app)
        handlers = registry.handlers(app)
        plan = registry.plan_of(app) if setup.tells_plan else None
    except loading.AppNotFound as error:
        _give_up(pipe, str(error))
    except BaseException as error:  # noqa: BLE001 - whatever the module raised, SystemExit too
        _give_up(pipe, f"{setup.app} cannot be imported:\n{loading.import_error(error)}")
    if setup.is_first:
        app.hooks.fire("worker_start")
    app.hooks.fire("child_start")
    garbage.settle_down()
    child = Child(pipe, PipeTickets(setup.tickets), handlers, setup.slots)
    child.say(Up.READY, Imported({name: handler.facts for name, handler in handlers.items()}, plan))
    if setup.watches_files:
        reload.watch(lambda files: child.say(Up.CHANGED, files), began_ns)
    is_last = child.work()
    if is_last is not None:
        app.hooks.fire("child_stop")
    if is_last:
        app.hooks.fire("worker_stop")
    spans.close()
    reporting.close()


def _give_up(pipe: socket.socket, text: str) -> NoReturn:
    pipe.sendall(pack_up(Up.FAILED, text.encode("utf-8", "replace").decode()))
    raise SystemExit(0)


def _end_with(parent: int) -> None:
    """Die with the supervisor, whatever this process is doing then."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked for that
        os._exit(0)


def _ignore_terminal() -> None:
    """Leave the signals of a terminal or a process group to the supervisor, which knows what has to be finished.

    Handlers that do nothing, because SIG_IGN would be inherited by programs that tasks start.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
        signal.signal(number, lambda *_: None)


if __name__ == "__main__":
    status = 0
    try:
        main(Setup.from_text(sys.argv[1]))
    except (ConnectionError, SystemExit):
        status = 0
    except BaseException:  # noqa: BLE001 - the last one to see it
        traceback.print_exc()
        status = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)  # threads may be in the middle of tasks that nobody waits for any more
