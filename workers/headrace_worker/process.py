"""Jobs in a child process (`--processes 1`): starts it, talks to it, notices its end and replaces it."""

import array
import asyncio
import contextlib
import fcntl
import os
import random
import socket
import sys
import termios
from collections.abc import Mapping, Sequence

from headrace_worker import bounds, clock, log
from headrace_worker.backoff import restart_s
from headrace_worker.frames import Down, Order, Splitter, Up, keys_of, pack_down, tickets, unpack_up
from headrace_worker.hands import AppFailed, Hands, Listener
from headrace_worker.outcome import Outcome, describe_status, died


class ProcessHands(Hands):
    """A child process, replaced whenever it dies."""

    def __init__(self, app: str, slots: int, *, log_level: str = "info") -> None:
        self._app = app
        self._slots = slots
        self._log_level = log_level
        self._tasks: Mapping[str, str] = {}
        self._life: _Life | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._crashes: list[float] = []

    @property
    def tasks(self) -> Mapping[str, str]:
        """See Hands."""
        return self._tasks

    @property
    def slots(self) -> int:
        """See Hands."""
        return self._slots if self._life is not None and not self._life.is_stuck else 0

    @property
    def pid(self) -> int | None:
        """The child's process id; None while there is none."""
        return self._life.pid if self._life is not None else None

    async def start(self, listener: Listener) -> None:
        """See Hands."""
        self._listener = listener
        await self._begin()
        self._keeper = asyncio.create_task(self._keep())

    def run(self, orders: Sequence[Order]) -> None:
        """See Hands."""
        if self._life is not None:
            self._life.run(orders)

    def extend(self, deadlines: Sequence[tuple[int, float]]) -> None:
        """See Hands."""
        self._say(Down.EXTENDED, list(deadlines))

    def lose(self, keys: Sequence[int]) -> None:
        """See Hands."""
        self._say(Down.LOST, list(keys))

    def check(self) -> bool:
        """See Hands: take back the jobs that a child which does not react has not started."""
        if self._life is None:
            return False
        keys = self._life.overdue()
        if keys:
            log.warning("child does not react, a task may hold the GIL", pid=self.pid, taken_back=len(keys))
            self._listener.taken_back(keys)
            self._listener.changed()
        return self._life.has_unread

    async def end(self) -> None:
        """See Hands."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        life, self._life = self._life, None
        if life is not None:
            life.say(Down.CANCEL, [])
            await life.end(bounds.CHILD_LAST_WORDS_S)

    def _say(self, kind: Down, content: object) -> None:
        if self._life is not None:
            self._life.say(kind, content)

    async def _begin(self) -> None:
        life = _Life(self._app, self._slots, self._listener, self._log_level)
        try:
            self._tasks = await life.begin()
        except BaseException:
            await life.end(0)
            raise
        self._life = life
        log.info("child started", pid=life.pid, tasks=len(self._tasks))

    async def _keep(self) -> None:
        """Replace the child whenever it dies, more slowly when it dies often."""
        while True:
            life = self._life
            if life is not None:
                status = await life.wait()
                self._life = None
                log.error("child died", pid=life.pid, status=describe_status(status))
                self._mourn(life, status)
            await asyncio.sleep(restart_s(self._count_crash(), random.random()))
            try:
                await self._begin()
            except AppFailed as error:
                log.error("child cannot start", why=str(error))
            else:
                self._listener.changed()

    def _mourn(self, life: "_Life", status: int) -> None:
        self._listener.taken_back(life.close())
        self._listener.died(died(status))
        self._listener.changed()

    def _count_crash(self) -> int:
        now = clock.now()
        self._crashes = [*(at for at in self._crashes if now - at < bounds.RESTART_CALM_S), now]
        return len(self._crashes)


class _Life(asyncio.Protocol):
    """One child from its start to its end."""

    def __init__(self, app: str, slots: int, listener: Listener, log_level: str) -> None:
        self._app = app
        self._log_level = log_level
        self._slots = slots
        self._listener = listener
        self._splitter = Splitter()
        self._hello: asyncio.Future[Mapping[str, str]] = asyncio.get_running_loop().create_future()
        self._process: asyncio.subprocess.Process | None = None
        self._transport: asyncio.Transport | None = None
        self._tickets_out, self._tickets_in = os.pipe()  # we keep both ends, to read tickets back
        self._unread_since: float | None = None
        self._running: set[int] = set()
        self._ended: list[tuple[int, Outcome]] = []
        self._quiet = asyncio.Event()  # nothing runs, or nothing will be heard of it
        self._cut = asyncio.Event()  # the pipe has ended
        self.is_stuck = False

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    async def begin(self) -> Mapping[str, str]:
        """Start the process and return its tasks. Raises AppFailed."""
        os.set_blocking(self._tickets_out, False)
        ours, theirs = socket.socketpair()
        with theirs:
            ours.setblocking(False)
            arguments = [theirs.fileno(), self._tickets_out, os.getpid(), self._slots, self._app, self._log_level]
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "headrace_worker.child", *map(str, arguments)),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=(theirs.fileno(), self._tickets_out),
            )
        await asyncio.get_running_loop().create_connection(lambda: self, sock=ours)
        try:
            return await asyncio.wait_for(self._hello, bounds.CHILD_START_S)
        except TimeoutError:
            raise AppFailed(f"importing {self._app} took longer than {bounds.CHILD_START_S:.0f} s") from None
        except ConnectionError:
            status = await self.wait()
            raise AppFailed(f"the process that imports {self._app} ended with {describe_status(status)}") from None

    @property
    def has_unread(self) -> bool:
        """Whether there may be jobs in front of the child that it has not started."""
        return self._unread_since is not None

    def run(self, orders: Sequence[Order]) -> None:
        """Hand over jobs. The tickets go first: when the child reads the frame, they are there or taken back."""
        if self._unread_since is None:
            self._unread_since = clock.now()
        self._running.update(order.key for order in orders)
        self._quiet.clear()
        os.write(self._tickets_in, tickets(order.key for order in orders))
        self.say(Down.RUN, list(orders))

    def say(self, kind: Down, content: object) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(pack_down(kind, content))

    def overdue(self) -> list[int]:
        """Return the keys of the jobs that the child has had in front of it for too long; they are taken back."""
        if self._unread_since is None:
            return []
        if not _unread(self._tickets_out):
            self._unread_since = None
            return []
        if clock.now() - self._unread_since < bounds.WAIT_TO_START_MS / 1000:
            return []
        self.is_stuck = True
        return self._take_back()

    async def wait(self) -> int:
        """Return the exit status once the process has ended, and all that it said before has been heard."""
        assert self._process is not None, "begun before"
        ended = asyncio.ensure_future(self._process.wait())
        cut = asyncio.ensure_future(self._cut.wait())
        try:
            await asyncio.wait({ended, cut}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({ended}, timeout=bounds.CHILD_LAST_WORDS_S)
            self._kill()  # a process without its pipe is of no use
            # a program that a task forked may hold the pipe open: then its end is not worth waiting for
            await asyncio.wait({cut}, timeout=bounds.CHILD_LAST_WORDS_S)
            return await ended
        finally:
            ended.cancel()
            cut.cancel()

    def close(self) -> list[int]:
        """Close the pipes of a dead process; return the keys of the jobs that it had not started."""
        unstarted = self._take_back()
        for fd in (self._tickets_in, self._tickets_out):
            os.close(fd)
        if self._transport is not None:
            self._transport.abort()
        return unstarted

    async def end(self, last_words_s: float) -> None:
        """End the process: after its current jobs have had a moment, by SIGKILL."""
        if self._process is not None and self._process.returncode is None:
            await self._let_finish(last_words_s)
            self._kill()
            await self._process.wait()
        self.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        for body in self._splitter.feed(data):
            self._hear(*unpack_up(body))
        self._pass_on()
        self._unread_since = None if self._unread_since is None else clock.now()
        if self.is_stuck:
            self.is_stuck = False
            self._listener.changed()

    def connection_lost(self, _: Exception | None) -> None:
        self._cut.set()
        self._quiet.set()
        if not self._hello.done():
            self._hello.set_exception(ConnectionError())

    def _hear(self, kind: Up, content: object) -> None:
        match kind, content:
            case Up.READY, dict():
                self._hello.set_result(content)
            case Up.FAILED, str():
                self._hello.set_exception(AppFailed(content))
            case Up.DONE, list():
                self._ended += [(key, Outcome.from_wire(outcome)) for key, *outcome in content]

    def _pass_on(self) -> None:
        """Tell the listener all at once: it answers with the next jobs, and one frame of many is cheaper."""
        ended, self._ended = self._ended, []
        if not ended:
            return
        self._running.difference_update(key for key, _ in ended)
        if not self._running:
            self._quiet.set()
        self._listener.done(ended)

    def _take_back(self) -> list[int]:
        self._unread_since = None
        try:
            keys = keys_of(os.read(self._tickets_out, 1 << 16))
        except BlockingIOError:
            return []
        self._running.difference_update(keys)
        return keys

    def _kill(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def _let_finish(self, seconds: float) -> None:
        if self._running and not self._cut.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._quiet.wait(), seconds)


def _unread(pipe: int) -> int:
    count = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, count)
    return count[0]
