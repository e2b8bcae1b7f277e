"""The ways to one server through httpx: for TLS, for proxies, and for a transport of the caller's own.

Imported where it is needed: httpx takes a fifth of a second and 18 MB, which a worker's child would pay, too.
"""

import ssl
from typing import Any, Final, TypedDict

import httpx

from headrace._links import Asking, Begun
from headrace._pool import KEPT_CONNECTIONS, KEPT_S
from headrace._steps import NoReply, Outcome, Reply, Request
from headrace._transport import Endpoint, connect_s, cut, slow, unsent

# No byte of the request has left: the server cannot have seen it.
_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


class HttpxLink:
    """A way to one server; may be used from any thread."""

    def __init__(self, server: Endpoint, transport: httpx.BaseTransport | None) -> None:
        self._server = server
        self._http = httpx.Client(transport=transport, **_settings(server))

    def ask(self, request: Request, timeout_s: float) -> Outcome:
        """Send a request once and return what came of it."""
        try:
            return _reply_of(self._http.request(**_told(request, timeout_s)))
        except (httpx.TransportError, httpx.DecodingError) as error:
            return _no_reply(self._server, request, error)

    def begin(self, request: Request, timeout_s: float) -> Begun:
        """Send a request once and read its reply, too: httpx does not do one without the other."""
        return Begun(_asked(self.ask(request, timeout_s)))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


class AsyncHttpxLink:
    """A way to one server, of one event loop."""

    def __init__(self, server: Endpoint, transport: httpx.AsyncBaseTransport | None) -> None:
        self._server = server
        self._http = httpx.AsyncClient(transport=transport, **_settings(server))

    async def ask(self, request: Request, timeout_s: float) -> Outcome:
        """Send a request once and return what came of it; cancelled, it closes the connection."""
        try:
            return _reply_of(await self._http.request(**_told(request, timeout_s)))
        except (httpx.TransportError, httpx.DecodingError) as error:
            return _no_reply(self._server, request, error)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()


def _asked(outcome: Outcome) -> Asking:
    yield
    return outcome


class _Settings(TypedDict):
    """What an httpx client is made of, beside its transport."""

    base_url: str
    headers: dict[str, str]
    limits: httpx.Limits
    verify: ssl.SSLContext | bool
    trust_env: bool


def _settings(server: Endpoint) -> _Settings:
    return {
        "base_url": server.url,
        "headers": server.headers(),
        "limits": httpx.Limits(  # no cap on use, since a parked poll holds a connection
            max_connections=None, max_keepalive_connections=KEPT_CONNECTIONS, keepalive_expiry=KEPT_S
        ),
        "verify": _tls(server),
        "trust_env": not server.is_local,
    }


def _tls(server: Endpoint) -> ssl.SSLContext | bool:
    """Return what httpx calls `verify`: the usual certificates, or none where TLS is never spoken.

    Reading the certificates takes longer than a call to a local server; a context without any fails closed.
    """
    plain = server.is_local and server.url.startswith("http://")
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain else True


def _told(request: Request, timeout_s: float) -> dict[str, Any]:
    """Return what httpx is told of a request that may take `timeout_s` after the connection is made."""
    return {
        "method": request.method,
        "url": request.path,
        "params": request.params,
        "headers": request.headers,
        "content": request.content,
        "timeout": httpx.Timeout(timeout_s, connect=connect_s(timeout_s)),
    }


def _reply_of(response: httpx.Response) -> Reply:
    return Reply(status=response.status_code, headers=dict(response.headers), content=response.content)


def _no_reply(server: Endpoint, request: Request, error: httpx.TransportError | httpx.DecodingError) -> NoReply:
    if isinstance(error, _NOT_SENT):
        return unsent(server, error)
    if isinstance(error, httpx.TimeoutException):
        return slow(server, request, error)
    return cut(server, request, error)
