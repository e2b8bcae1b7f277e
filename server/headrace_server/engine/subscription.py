"""What the store publishes on some channels, over a connection of its own; it must not know what messages mean.

redis-py could listen as well, but takes a message through a reader, a deadline and four coroutines. That would stand
between the store's answers, which come in the same moment, and those who wait for them.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import hiredis
from redis import exceptions
from redis.asyncio.connection import AbstractConnection

from headrace_server.engine.wire import take_over

_MORE: Final = object()  # what the parser says when a message is not there as a whole


class Subscription(asyncio.Protocol):
    """A connection that redis-py has opened and greeted, subscribed to some channels of shards.

    `hear` is called with each message as the store words it: what it is, the channel, and what was said.
    """

    def __init__(
        self, connection: AbstractConnection, channels: Sequence[bytes], hear: Callable[[Sequence[Any]], None]
    ) -> None:
        self._hear = hear
        self._parser = hiredis.Reader(replyError=exceptions.ResponseError, notEnoughData=_MORE)
        self._why = ""  # it is to end, where that is known before the connection is gone
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._writer = take_over(connection, self)
        subscribe: tuple[Any, ...] = (b"SSUBSCRIBE", *channels)
        self._writer.transport.write(hiredis.pack_command(subscribe))

    async def until_ended(self) -> str:
        """Return when the connection is closed, whoever closed it, and why."""
        return await asyncio.shield(self._ended)

    def give_up(self) -> None:
        """Close the connection without waiting for anything."""
        self._writer.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Hand on messages."""
        self._parser.feed(data)
        try:
            while (message := self._parser.gets()) is not _MORE:
                if isinstance(message, Exception):  # the store does not let us listen, or not yet
                    self._end(message)
                else:
                    self._hear(message)
        except hiredis.ProtocolError as fault:  # not the store's language
            self._end(fault)

    def _end(self, fault: Exception) -> None:
        self._why = str(fault)
        self.give_up()

    def connection_lost(self, fault: Exception | None) -> None:
        """Tell who waits for the end."""
        if not self._ended.done():
            self._ended.set_result(self._why or str(fault or "the store closed the connection"))
