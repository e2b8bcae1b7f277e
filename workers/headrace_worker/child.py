"""The process that runs user code: a pipe to the supervisor on one side, an executor on the other.

`python -m headrace_worker.child FD TICKETS PARENT SLOTS APP LEVEL`: the numbers of the two inherited pipe ends, the
supervisor's process id, how many jobs at a time, module:app, and the level of its logs. It never talks to the server,
and it does not outlive its supervisor: the pipe's end ends it, and on Linux the kernel kills it even while a task holds
the GIL.
"""

import ctypes
import os
import signal
import socket
import sys
import threading
import time
import traceback
from typing import Any, Final, NoReturn

from headrace_worker import log, registry
from headrace_worker.executor import Executor
from headrace_worker.frames import Down, Splitter, Up, pack_up, unpack_down
from headrace_worker.inbox import Inbox
from headrace_worker.outbox import Outbox
from headrace_worker.outcome import Outcome
from headrace_worker.tickets import PipeTickets, Tickets

_PR_SET_PDEATHSIG: Final = 1
_RECV_BYTES: Final = 256 * 1024
_GATHER_S: Final = 0.0005  # results of half a millisecond share a message; a request costs more than twice as much


class Child:
    """The child's end of the pipe."""

    def __init__(self, pipe: socket.socket, tickets: Tickets, handlers: registry.Handlers, slots: int) -> None:
        self._pipe = pipe
        self._news = threading.Event()
        self._outbox = Outbox(self._news.set)
        self._executor = Executor(handlers, slots, self._done, self._outbox.say)
        self._inbox = Inbox(tickets, slots, self._executor.start)

    def listen(self) -> None:
        """Do what the supervisor says until its end of the pipe closes."""
        threading.Thread(target=self._tell, name="headrace-results", daemon=True).start()
        splitter = Splitter()
        while data := self._pipe.recv(_RECV_BYTES):
            for body in splitter.feed(data):
                self._obey(*unpack_down(body))

    def _obey(self, kind: Down, content: Any) -> None:
        match kind:
            case Down.RUN:
                self._inbox.put(content)
            case Down.FORGET:
                self._inbox.forget(content)
                self._news.set()
            case Down.EXTENDED:
                self._executor.extend(content)
            case Down.LOST:
                self._executor.lose(content)
            case Down.ASKED:
                self._executor.ask_to_end(content)
            case Down.CANCEL:
                self._executor.cancel_all()

    def _done(self, key: int, took_ms: float, outcome: Outcome) -> None:
        self._outbox.end(key, took_ms, outcome)
        self._inbox.freed()

    def _tell(self) -> None:
        """Report what there is, for ever: a burst of short jobs in few messages, each at most a moment late."""
        while True:
            self._news.wait()
            self._news.clear()
            time.sleep(_GATHER_S)
            said, ended = self._outbox.take()
            done = [[key, took_ms, *outcome.to_wire()] for key, took_ms, outcome in ended]
            try:
                if said:
                    self._pipe.sendall(pack_up(Up.SAID, said))
                self._pipe.sendall(pack_up(Up.DONE, done))
            except OSError:
                return  # the supervisor is gone; the main thread hears it, too


def main(arguments: list[str]) -> None:
    """Import the app, say which tasks it has, and run jobs until the supervisor is gone."""
    fd, tickets, parent, slots = map(int, arguments[:4])
    _end_with(parent)
    _ignore_terminal()
    log.configure(arguments[5])
    pipe = socket.socket(fileno=fd)
    try:
        handlers = registry.handlers(registry.load(arguments[4]))
    except registry.AppNotFound as error:
        _give_up(pipe, str(error))
    except BaseException:  # noqa: BLE001 - whatever the module raised, SystemExit too, its author wants to see it
        _give_up(pipe, f"{arguments[4]} cannot be imported:\n{traceback.format_exc()}")
    pipe.sendall(pack_up(Up.READY, {name: handler.queue for name, handler in handlers.items()}))
    Child(pipe, PipeTickets(tickets), handlers, slots).listen()


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
    """Leave Ctrl-C and the SIGTERM of a process group to the supervisor, which knows what still has to be finished.

    Handlers that do nothing, because SIG_IGN would be inherited by programs that tasks start.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)


if __name__ == "__main__":
    status = 0
    try:
        main(sys.argv[1:])
    except (ConnectionError, SystemExit):
        status = 0
    except BaseException:  # noqa: BLE001 - the last one to see it
        traceback.print_exc()
        status = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)  # threads may be in the middle of tasks that nobody waits for any more
