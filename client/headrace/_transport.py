"""Between httpx and the wire: addresses, credentials, time-outs, and what each httpx error says about the request."""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final

import httpx

from headrace._steps import Loss, NoReply, Reply, Request
from headrace._version import __version__

DEFAULT_URL: Final = "http://127.0.0.1:8080"
_CONNECT_S: Final = 3.0  # a server that is there answers a handshake in milliseconds, across the world in half a second
_KEPT_CONNECTIONS: Final = 20
_KEPT_S: Final = 30.0  # shorter than a Headrace server keeps an idle connection (75 s): the client should close first

# No byte of the request has left: the server cannot have seen it.
_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


@dataclass(frozen=True)
class Endpoint:
    """Where the server is and who we are."""

    url: str
    token: str | None = field(default=None, repr=False)

    @classmethod
    def find(cls, url: str | None, token: str | None, environ: Mapping[str, str] = os.environ) -> "Endpoint":
        """Return what was given, else HEADRACE_URL and HEADRACE_TOKEN, else the loopback default without a token.

        Raises ValueError for an address that is no http or https URL, or that carries credentials, and for a token
        that no header can carry.
        """
        text = url or environ.get("HEADRACE_URL") or DEFAULT_URL
        try:
            parsed = httpx.URL(text)
        except httpx.InvalidURL as error:
            raise ValueError(f"the server's URL cannot be read: {error}") from None
        if parsed.userinfo:
            raise ValueError("the server's URL must not carry credentials; put the bearer token into HEADRACE_TOKEN")
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise ValueError(f"the server's URL must begin with http:// or https://, not {text!r}")
        return cls(text.rstrip("/"), _usable(token or environ.get("HEADRACE_TOKEN") or ""))

    def headers(self) -> dict[str, str]:
        """Return the headers that every request carries."""
        headers = {"User-Agent": f"headrace-python/{__version__}"}
        return headers if self.token is None else {**headers, "Authorization": f"Bearer {self.token}"}

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine: then proxies from the environment are none of our business."""
        host = httpx.URL(self.url).host
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    def tls(self) -> ssl.SSLContext | bool:
        """Return what httpx calls `verify`: the usual certificates, or none where TLS is never spoken.

        Reading the certificates takes longer than a call to a local server; a context without any fails closed.
        """
        plain = self.is_local and self.url.startswith("http://")
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain else True

    def limits(self) -> httpx.Limits:
        """Return the bounds of the connection pool: no cap on use, since a parked poll holds a connection."""
        return httpx.Limits(max_connections=None, max_keepalive_connections=_KEPT_CONNECTIONS, keepalive_expiry=_KEPT_S)


def _usable(token: str) -> str | None:
    """Return a token as a header can carry it, without the newline of the file it came from; None for an empty one.

    Refused here, because an error of the HTTP library would show it.
    """
    token = token.strip()
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError("the token (HEADRACE_TOKEN) holds spaces or other characters that no header can carry")
    return token or None


def timeout(seconds: float) -> httpx.Timeout:
    """Return the time-outs of one try that may take `seconds` after the connection is made."""
    return httpx.Timeout(seconds, connect=min(seconds, _CONNECT_S))


def reply_of(response: httpx.Response) -> Reply:
    """Return what the wire needs of a response."""
    return Reply(status=response.status_code, headers=dict(response.headers), content=response.content)


def no_reply(endpoint: Endpoint, request: Request, error: httpx.TransportError | httpx.DecodingError) -> NoReply:
    """Return what an httpx error says about a request; the text names no header and thus no token."""
    what = f"{request.method} {endpoint.url}{request.path}"
    why = str(error) or type(error).__name__
    if isinstance(error, _NOT_SENT):
        return NoReply(Loss.NOT_SENT, f"No connection to {endpoint.url} ({why}); is the server running?")
    if isinstance(error, httpx.TimeoutException):
        return NoReply(Loss.SLOW, f"{what}: no reply in time ({type(error).__name__})")
    return NoReply(Loss.CUT, f"{what}: the connection broke ({why})")
