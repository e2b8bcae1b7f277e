"""One connection to the store, on which commands follow each other without waiting; it must not know what they do.

The store answers in order, so the n-th reply is that to the n-th command, whoever has gone away meanwhile. What is sent
in one turn of the event loop goes out in one write: the store then runs all of it in one turn of its own, and syncs its
file once for all of it.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import hiredis
from redis import exceptions
from redis.asyncio.connection import AbstractConnection

from headrace_server.engine import faults

_MORE: Final = object()  # what the parser says when a reply is not there as a whole


class _Sent(NamedTuple):
    commands: int
    replies: "asyncio.Future[list[Any]]"
    at: float  # on the event loop's clock


class Wire(asyncio.Protocol):
    """A connection that redis-py has opened and greeted: from then on its transport is this class's."""

    def __init__(self, connection: AbstractConnection, timeout_s: float) -> None:
        self.run_id: bytes = connection.headrace_run_id  # type: ignore[attr-defined]
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._sent: deque[_Sent] = deque()
        self._replies: list[Any] = []  # to the first of those, as far as they have come
        self._answered: list[tuple[_Sent, list[Any]]] = []  # as a whole, by what is being read
        self._outgoing: list[bytes] = []  # to the last of those, one text for each
        self._parser = hiredis.Reader(replyError=exceptions.ResponseError, notEnoughData=_MORE)
        self._watch: asyncio.TimerHandle | None = None
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._writer = take_over(connection, self)
        self._transport = self._writer.transport

    @property
    def is_open(self) -> bool:
        """Whether commands can be sent, as far as it is known."""
        return not self._transport.is_closing()

    def send(self, commands: Sequence[tuple[Any, ...]]) -> "asyncio.Future[list[Any]]":
        """Send commands at the end of this turn of the event loop; return the future of their replies.

        An error reply is a reply. The future fails with Unknown when the connection breaks or a reply is late, which
        breaks it, and with NotDone when it broke before anything was sent.
        """
        replies: asyncio.Future[list[Any]] = self._loop.create_future()
        if not self.is_open:
            replies.set_exception(faults.not_connected(ConnectionError("closed")))
            return replies
        self._sent.append(_Sent(len(commands), replies, self._loop.time()))
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        # packed in C: with hundreds of arguments the driver's own packing costs more than everything else in a call
        packed = [hiredis.pack_command(command) for command in commands]
        self._outgoing.append(packed[0] if len(packed) == 1 else b"".join(packed))
        if self._watch is None:
            self._watch = self._loop.call_later(self._timeout_s, self._look_at_time)
        return replies

    async def close(self) -> None:
        """Close the connection, in doubt or not, and return when it is closed."""
        self._transport.close()
        await asyncio.shield(self._ended)

    def give_up(self) -> None:
        """Close the connection without waiting for anything."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Hand replies to who asked; of those that came together, the last one first.

        Leases are the end of a surge: so a worker that waits has its job before the job's producer has its answer.
        """
        self._parser.feed(data)
        try:
            while (reply := self._parser.gets()) is not _MORE:
                self._take(reply)
        except (hiredis.ProtocolError, IndexError):  # not the store's language, or an answer that nobody asked for
            self.give_up()
        while self._answered:
            sent, replies = self._answered.pop()
            if not sent.replies.done():
                sent.replies.set_result(replies)

    def connection_lost(self, fault: Exception | None) -> None:
        """Tell everybody who waits; what was never written has not happened."""
        self._fail(fault or ConnectionError("closed"))
        if self._watch is not None:
            self._watch.cancel()
        if not self._ended.done():
            self._ended.set_result(None)

    def _flush(self) -> None:
        if self.is_open:  # else connection_lost comes, and tells that they were not sent
            self._transport.writelines(self._outgoing)
            self._outgoing = []

    def _take(self, reply: Any) -> None:
        sent = self._sent[0]
        self._replies.append(reply)
        if len(self._replies) == sent.commands:
            self._sent.popleft()
            self._answered.append((sent, self._replies))
            self._replies = []

    def _look_at_time(self) -> None:
        """One timer for all: what came later than the first that is late is in doubt with it."""
        self._watch = None
        if not self._sent:
            return
        left_s = self._sent[0].at + self._timeout_s - self._loop.time()
        if left_s > 0:
            self._watch = self._loop.call_later(left_s, self._look_at_time)
        else:
            self._fail(TimeoutError())
            self.give_up()

    def _fail(self, fault: Exception) -> None:
        unsent, self._outgoing = len(self._outgoing), []
        while self._sent:
            sent = self._sent.popleft()
            if not sent.replies.done():
                was_sent = len(self._sent) >= unsent
                sent.replies.set_exception(faults.no_answer(fault) if was_sent else faults.not_connected(fault))


def take_over(connection: AbstractConnection, protocol: asyncio.Protocol) -> asyncio.StreamWriter:
    """Let a protocol of ours have the transport of an open connection; return what holds it.

    It closes the transport when nobody holds it any more. redis-py knows URLs, TLS and log-ins, but has no way to hand
    a connection on; it would close what it still has.
    """
    writer, connection._writer, connection._reader = connection._writer, None, None  # noqa: SLF001
    assert writer is not None, "not connected"
    writer.transport.set_protocol(protocol)
    return writer
