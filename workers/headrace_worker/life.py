"""One child process from its start to its end, as the supervisor sees it; it must not know what comes after."""

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from headrace_worker import bounds, clock
from headrace_worker.blackbox import BlackBox
from headrace_worker.fates import Sentence, describe_status
from headrace_worker.frames import Down, Order, Setup, Splitter, Up, pack_down, unpack_up
from headrace_worker.hands import AppFailed, ChildFacts, Ended, Imported, Said
from headrace_worker.limits import Stopwatch
from headrace_worker.memory import resident_bytes
from headrace_worker.news import Topic
from headrace_worker.outcome import Outcome
from headrace_worker.parent import Parent
from headrace_worker.tickets import PipeTickets


class Life(asyncio.Protocol):
    """One child."""

    def __init__(self, setup: Setup, parent: Parent) -> None:
        self._setup = setup
        self._parent = parent
        self._loop = asyncio.get_running_loop()
        self._splitter = Splitter()
        self._hello: asyncio.Future[Imported] = self._loop.create_future()
        self._process: asyncio.subprocess.Process | None = None
        self._transport: asyncio.Transport | None = None
        self._tickets = PipeTickets.make()
        self._blackbox = BlackBox()
        self._handed: dict[int, None] = {}  # in the order in which they start
        self._stopwatch = Stopwatch(self.unstarted_keys, lambda keys: parent.overtime(self, keys))
        self._doubt: asyncio.TimerHandle | None = None
        self._is_stalled = self._is_silent = self._is_closed = False
        self._ended: list[Ended] = []
        self._quiet = asyncio.Event()  # while it is being ended: nothing runs, or nothing will be heard of it
        self._cut = asyncio.Event()  # the pipe has ended
        self.started = clock.now()
        self.jobs_done = 0
        self.jobs_given = 0  # and not taken back
        self.rss_bytes = 0  # when it was looked at last
        self.sentence: Sentence | None = None  # it has to be killed
        self.is_ready = False  # it has imported the app
        self.is_leaving = False  # it gets no more jobs
        self.is_ending = False  # it was told to exit, or is being killed by us

    @property
    def pid(self) -> int:
        """Its process id; 0 before it has one."""
        return self._process.pid if self._process is not None else 0

    @property
    def handed(self) -> int:
        """How many jobs it has, running or not."""
        return len(self._handed)

    @property
    def slots(self) -> int:
        """How many jobs it can run at a time as things stand."""
        return 0 if self.is_leaving or self._is_silent or self._is_stalled else self._setup.slots

    @property
    def unstarted(self) -> int:
        """How many jobs are in front of it that it has not started."""
        return self._tickets.count() if self._handed else 0

    def unstarted_keys(self) -> list[int]:
        """Return which these are, last in line first."""
        return list(islice(reversed(self._handed), self.unstarted))

    def running_keys(self) -> list[int]:
        """Return the jobs that it has and that are not in front of it."""
        return list(islice(self._handed, len(self._handed) - self.unstarted))

    def facts(self) -> ChildFacts:
        """Return how it is now."""
        self.look_at_memory()
        return ChildFacts(
            pid=self.pid,
            slots=self.slots,
            busy=self.handed - self.unstarted,
            rss_bytes=self.rss_bytes,
            started=self.started,
            jobs_done=self.jobs_done,
        )

    def look_at_memory(self) -> int:
        """Return its memory in bytes; what it had when it was seen last, where there is no telling any more."""
        self.rss_bytes = resident_bytes(self.pid) or self.rss_bytes
        return self.rss_bytes

    async def begin(self) -> Imported:
        """Start the process and return what it imported. Raises AppFailed."""
        app = self._setup.app
        try:
            await self._spawn()
            return await asyncio.wait_for(self._hello, bounds.CHILD_START_S)
        except TimeoutError:
            raise AppFailed(f"importing {app} took longer than {bounds.CHILD_START_S:.0f} s") from None
        except ConnectionError:
            status = await self.wait()
            raise AppFailed(f"the process that imports {app} ended with {describe_status(status)}") from None
        except OSError as error:  # no more processes, files or memory
            raise AppFailed(f"no process can be started for {app}: {error}") from error

    async def _spawn(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            ours.setblocking(False)
            fds = theirs.fileno(), self._tickets.out, self._blackbox.fd
            setup = self._setup._replace(fd=fds[0], tickets=fds[1], blackbox=fds[2], parent=os.getpid())
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "headrace_worker.child", setup.to_text()),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=fds,
            )
        await self._loop.create_connection(lambda: self, sock=ours)

    def run(self, orders: Sequence[Order], limits: Mapping[int, float]) -> None:
        """Hand over jobs, and how many seconds some of them may run.

        The tickets go first: when the child looks at the jobs, they are there or taken back.
        """
        keys = [order.key for order in orders]
        self._handed.update(dict.fromkeys(keys))
        self.jobs_given += len(keys)
        self._tickets.put(keys)
        self.say(Down.RUN, list(orders))
        self._stopwatch.add(limits)

    def take_back(self) -> list[int]:
        """Take back what has not started; return the keys. The child answers, as a sign of life."""
        keys = self._tickets.take_all()
        if keys:
            self._forget(keys)
            self.jobs_given -= len(keys)
            self.say(Down.FORGET, keys)
            self._doubt = self._doubt or self._loop.call_later(bounds.DOUBT_S, self._fall_silent)
        return keys

    def say(self, kind: Down, content: Any) -> None:
        """Send one message."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(pack_down(kind, content))

    async def wait(self) -> int:
        """Return the exit status once the process has ended, and all that it said before has been heard."""
        assert self._process is not None, "begun before"
        ended = asyncio.ensure_future(self._process.wait())
        cut = asyncio.ensure_future(self._cut.wait())
        try:
            await asyncio.wait({ended, cut}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({ended}, timeout=bounds.CHILD_LAST_WORDS_S)
            self.kill()  # a process without its pipe is of no use
            # a program that a task forked may hold the pipe open: then its end is not worth waiting for
            await asyncio.wait({cut}, timeout=bounds.CHILD_LAST_WORDS_S)
            return await ended
        finally:
            ended.cancel()
            cut.cancel()

    async def end(self, *, is_last: bool) -> None:
        """Cancel, let its jobs have a moment, let it say goodbye where nothing runs, kill. Cancelled: kill at once."""
        self.is_ending = True
        self._hello.cancel()  # where it is yet to come, nobody waits for it any more
        self.take_back()
        self.say(Down.CANCEL, None)
        try:
            if self._process is not None and self._process.returncode is None:
                await self._end_gently(is_last=is_last)
                self.kill()
                await self._process.wait()
        finally:
            self.close()

    async def _end_gently(self, *, is_last: bool) -> None:
        if self._handed and not self._cut.is_set():
            self._quiet.clear()  # it was quiet at the latest before its first job
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._quiet.wait(), bounds.CHILD_LAST_WORDS_S)
        if self.is_ready and not self._handed:
            await self.finish(is_last=is_last)

    async def finish(self, *, is_last: bool = False) -> None:
        """Have a process in which nothing runs say goodbye and exit; return when it has, or took too long."""
        assert self._process is not None, "begun before"
        self.is_ending = True
        self.say(Down.END, is_last)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), bounds.CHILD_STOP_S)
        self.kill()

    async def execute(self) -> None:
        """Have it write where it is, and kill it."""
        self.is_ending = True
        await self._blackbox.ask(self.pid)
        self.kill()

    def stack(self) -> str | None:
        """Return where it was when it crashed or was killed."""
        return self._blackbox.read()

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    def close(self) -> list[int]:
        """Kill what still lives and close its pipes; return the keys of the jobs it had not started. Again: nothing."""
        if self._is_closed:
            return []
        self._is_closed = True
        self.kill()
        unstarted = self._tickets.take_all()
        self._tickets.close()
        self._blackbox.close()
        self._forget(unstarted)
        self._stopwatch.stop()
        if self._doubt is not None:
            self._doubt.cancel()
        if self._transport is not None:
            self._transport.abort()
        return unstarted

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, _: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._cut.set()
        self._quiet.set()
        if not self._hello.done():
            self._hello.set_exception(ConnectionError())

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol. All that came at once is told at once: the answer is one frame of new jobs."""
        for body in self._splitter.feed(data):
            self._hear(*unpack_up(body))
        ended, self._ended = self._ended, []
        if self.is_ending:
            ended = [each for each in ended if self._counts(each.key)]
        self._forget([each.key for each in ended])
        self.jobs_done += len(ended)
        if not self._handed:
            self._quiet.set()
        self._stopwatch.look()
        if ended:
            self._parent.done(self, ended)
        self._react()

    def _hear(self, kind: Up, content: Any) -> None:
        match kind:
            case Up.READY | Up.FAILED if self._hello.done():
                pass  # it is being ended before it was of use
            case Up.READY:
                self.is_ready = True
                self._hello.set_result(Imported.from_wire(*content))
            case Up.FAILED:
                self._hello.set_exception(AppFailed(content))
            case Up.SAID:
                self._parent.said([Said(key, Topic(topic), data) for key, topic, data in content])
            case Up.DONE:
                self._ended += [Ended(key, took_ms, Outcome.from_wire(told)) for key, took_ms, told in content]
            case Up.STALLED:
                self._is_stalled = content
                self._parent.doubted(self)
            case Up.CHANGED:
                self._parent.files_changed(self, content)

    def _counts(self, key: int) -> bool:
        """Return whether the end of a run is one: asked where it is, a culprit may come out of a call that was cut."""
        return self.sentence is None or not self.sentence.is_culprit(key)

    def _forget(self, keys: Sequence[int]) -> None:
        for key in keys:
            self._handed.pop(key, None)
        self._stopwatch.drop(keys)

    def _react(self) -> None:
        """Take in a sign of life."""
        if self._doubt is not None:
            self._doubt.cancel()
            self._doubt = None
        if self._is_silent:
            self._is_silent = False
            self._parent.doubted(self)

    def _fall_silent(self) -> None:
        self._is_silent = True
        self._parent.doubted(self)
