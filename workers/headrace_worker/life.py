"""One child process from its start to its end, as the supervisor sees it; it must not know what comes after."""

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from headrace_worker import bounds
from headrace_worker.frames import Down, Order, Splitter, Up, pack_down, unpack_up
from headrace_worker.hands import AppFailed, Ended, Listener, Said
from headrace_worker.news import Topic
from headrace_worker.outcome import Outcome, describe_status
from headrace_worker.tickets import PipeTickets


class Life(asyncio.Protocol):
    """One child."""

    def __init__(self, app: str, slots: int, log_level: str, listener: Listener) -> None:
        self._app = app
        self._slots = slots
        self._log_level = log_level
        self._listener = listener
        self._splitter = Splitter()
        self._hello: asyncio.Future[Mapping[str, str]] = asyncio.get_running_loop().create_future()
        self._process: asyncio.subprocess.Process | None = None
        self._transport: asyncio.Transport | None = None
        self._tickets = PipeTickets.make()
        self._handed: set[int] = set()
        self._ended: list[Ended] = []
        self._quiet = asyncio.Event()  # while it is being ended: nothing runs, or nothing will be heard of it
        self._cut = asyncio.Event()  # the pipe has ended
        self.is_doubted = False  # it has not reacted for too long

    @property
    def pid(self) -> int | None:
        """Its process id."""
        return self._process.pid if self._process is not None else None

    @property
    def unstarted(self) -> int:
        """How many jobs are in front of it that it has not started."""
        return self._tickets.count()

    async def begin(self) -> Mapping[str, str]:
        """Start the process and return its tasks. Raises AppFailed."""
        ours, theirs = socket.socketpair()
        with theirs:
            ours.setblocking(False)
            fds = (theirs.fileno(), self._tickets.out)
            arguments = [*fds, os.getpid(), self._slots, self._app, self._log_level]
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "headrace_worker.child", *map(str, arguments)),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=fds,
            )
        await asyncio.get_running_loop().create_connection(lambda: self, sock=ours)
        try:
            return await asyncio.wait_for(self._hello, bounds.CHILD_START_S)
        except TimeoutError:
            raise AppFailed(f"importing {self._app} took longer than {bounds.CHILD_START_S:.0f} s") from None
        except ConnectionError:
            status = await self.wait()
            raise AppFailed(f"the process that imports {self._app} ended with {describe_status(status)}") from None

    def run(self, orders: Sequence[Order]) -> None:
        """Hand over jobs. The tickets go first: when the child looks at the jobs, they are there or taken back."""
        keys = [order.key for order in orders]
        self._handed.update(keys)
        self._tickets.put(keys)
        self.say(Down.RUN, list(orders))

    def take_back(self) -> list[int]:
        """Take back what has not started; return the keys."""
        keys = self._tickets.take_all()
        if keys:
            self._handed.difference_update(keys)
            self.say(Down.FORGET, keys)
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
            self._kill()  # a process without its pipe is of no use
            # a program that a task forked may hold the pipe open: then its end is not worth waiting for
            await asyncio.wait({cut}, timeout=bounds.CHILD_LAST_WORDS_S)
            return await ended
        finally:
            ended.cancel()
            cut.cancel()

    async def end(self) -> None:
        """End the process: cancel, let its jobs have a moment, SIGKILL."""
        self.take_back()
        self.say(Down.CANCEL, None)
        if self._process is not None and self._process.returncode is None:
            if self._handed and not self._cut.is_set():
                self._quiet.clear()  # it was quiet at the latest before its first job
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._quiet.wait(), bounds.CHILD_LAST_WORDS_S)
            self._kill()
            await self._process.wait()
        self.close()

    def close(self) -> list[int]:
        """Close the pipes of a dead process; return the keys of the jobs that it had not started."""
        unstarted = self._tickets.take_all()
        self._tickets.close()
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
        self._handed.difference_update(each.key for each in ended)
        if not self._handed:
            self._quiet.set()
        if ended:
            self._listener.done(ended)
        if self.is_doubted:
            self.is_doubted = False
            self._listener.changed()

    def _hear(self, kind: Up, content: Any) -> None:
        match kind:
            case Up.READY:
                self._hello.set_result(content)
            case Up.FAILED:
                self._hello.set_exception(AppFailed(content))
            case Up.SAID:
                self._listener.said([Said(key, Topic(topic), data) for key, topic, data in content])
            case Up.DONE:
                self._ended += [Ended(key, took_ms, Outcome.from_wire(rest)) for key, took_ms, *rest in content]

    def _kill(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
