"""Connects to hosts whose addresses may be connected to; the check and the connection are about the same address.

Whoever checks a name and then lets somebody else look it up again has checked nothing: the answer may be another one.
"""

from collections.abc import Iterable, Sequence

import httpcore

from headrace_server.domain.addresses import Network, is_allowed, is_listed
from headrace_server.webhooks.names import LookUp, NameNotFound


class AddressRefused(Exception):
    """A name leads to an address that the server does not send to."""


class Dialing(httpcore.AsyncNetworkBackend):
    """Opens connections by name. TLS names and checks the host all the same: that is the pool's business.

    `allowed`: the operator's networks; `listed_only`: no other will do, for what is sent can be read on its way.
    """

    def __init__(self, look_up: LookUp, allowed: Sequence[Network], *, listed_only: bool) -> None:
        self._look_up = look_up
        self._allowed = allowed
        self._may_go = is_listed if listed_only else is_allowed
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface of httpcore
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Return a connection to the first address that takes one.

        Raises AddressRefused if any of the host's addresses is none to send to, NameNotFound, httpcore.ConnectError.
        """
        addresses = await self._look_up(host)
        if not all(self._may_go(address, self._allowed) for address in addresses):
            raise AddressRefused("its name leads to an address that the server may not send to")
        fault: Exception = NameNotFound("the name has no address")
        for address in addresses:
            try:
                return await self._inner.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                fault = error
        raise fault

    async def sleep(self, seconds: float) -> None:
        """Wait, between two attempts to connect."""
        await self._inner.sleep(seconds)
