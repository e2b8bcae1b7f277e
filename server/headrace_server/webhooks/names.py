"""Looks up names of hosts in threads that nobody has to wait for; it must not know what is done with the addresses."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from threading import Thread
from typing import Final, TypeAlias

from headrace_server.domain.addresses import Address

AT_ONCE: Final = 32  # look-ups; the system's one blocks, for half a minute if its servers are silent

LookUp: TypeAlias = Callable[[str], Awaitable[list[Address]]]


class NameNotFound(Exception):
    """A name has no address, or nobody could be asked; the text says which."""


class Names:
    """The system's look-up: /etc/hosts, DNS and whatever else it is set up to ask."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(AT_ONCE)

    async def look_up(self, host: str) -> list[Address]:
        """Return the addresses of a host in the order in which to try them. Raises NameNotFound.

        A look-up that is cancelled ends by itself, some time; until then it counts among those AT_ONCE.
        """
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        found: asyncio.Future[list[Address]] = loop.create_future()

        def end(addresses: list[Address], fault: NameNotFound | None) -> None:
            self._free.release()
            if not found.done():  # else nobody waits any more
                found.set_result(addresses) if fault is None else found.set_exception(fault)

        def work() -> None:
            addresses, fault = _ask_system(host)
            with contextlib.suppress(RuntimeError):  # the loop is closed: the server has ended meanwhile
                loop.call_soon_threadsafe(end, addresses, fault)

        Thread(target=work, name="look-up", daemon=True).start()
        return await found


def _ask_system(host: str) -> tuple[list[Address], NameNotFound | None]:
    try:
        answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:  # UnicodeError: a label that is empty or too long
        return [], NameNotFound(f"the name was not found: {error}")
    texts = (str(address[0]).partition("%")[0] for *_, address in answers)  # without the zone of a link-local one
    return [ip_address(text) for text in dict.fromkeys(texts)], None
