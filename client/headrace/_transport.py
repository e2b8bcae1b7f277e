"""Where servers are and who we are; time-outs, and what each error of a connection says about the request."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final, NamedTuple
from urllib.parse import quote, urlsplit

from headrace._steps import Loss, NoReply, Request
from headrace._version import __version__

DEFAULT_URL: Final = "http://127.0.0.1:8080"
_CONNECT_S: Final = 3.0  # a server that is there answers a handshake in milliseconds, across the world in half a second

_HTTP_PORT: Final = 80
_IN_A_PATH: Final = "/%!$&'()*+,;=:@~"  # what stays as it is (RFC 3986, 3.3)
_HOST: Final = re.compile(r"[A-Za-z0-9.:_~%-]+")


def find_servers(
    url: str | Sequence[str] | None, token: str | None, environ: Mapping[str, str] = os.environ
) -> "tuple[Endpoint, ...]":
    """Return where the servers are: what was given, else HEADRACE_URL, else the loopback default.

    A text may name several, with commas between them. The token: what was given, else HEADRACE_TOKEN, else none.
    Raises ValueError for an address that is no http or https URL, or that carries credentials, and for a token that no
    header can carry.
    """
    given = url or environ.get("HEADRACE_URL") or DEFAULT_URL
    texts = given.split(",") if isinstance(given, str) else given
    urls = dict.fromkeys(_checked(text.strip()) for text in texts if text.strip())
    usable = _usable(token or environ.get("HEADRACE_TOKEN") or "")
    return tuple(Endpoint(each, usable) for each in urls or {DEFAULT_URL: None})


def _checked(text: str) -> str:
    try:
        parsed = urlsplit(text)
        host, _ = parsed.hostname, parsed.port  # each may find fault with it
    except ValueError as error:
        raise ValueError(f"the server's URL cannot be read: {error}") from None
    if "@" in parsed.netloc:
        raise ValueError("the server's URL must not carry credentials; put the bearer token into HEADRACE_TOKEN")
    if parsed.scheme not in ("http", "https") or not host:
        raise ValueError(f"the server's URL must begin with http:// or https://, not {text!r}")
    if host.isascii() and not _HOST.fullmatch(host):
        raise ValueError(f"the server's URL cannot be read: {host!r} is no name of a host")
    return text.rstrip("/")


class Place(NamedTuple):
    """What a plain connection needs of an endpoint."""

    host: str
    port: int
    base: str  # of its paths
    headers: tuple[str, ...]  # lines that every request has


@dataclass(frozen=True)
class Endpoint:
    """Where one server is and who we are."""

    url: str
    token: str | None = field(default=None, repr=False)

    def headers(self) -> dict[str, str]:
        """Return the headers that every request carries."""
        headers = {"User-Agent": f"headrace-python/{__version__}"}
        return headers if self.token is None else {**headers, "Authorization": f"Bearer {self.token}"}

    def place(self) -> Place:
        """Return where a plain connection goes, and what each of its requests says."""
        url = urlsplit(self.url)
        lines = {"Host": url.netloc, "Accept-Encoding": "identity", **self.headers()}
        return Place(
            host=url.hostname or "",
            port=url.port or _HTTP_PORT,
            base=quote(url.path.rstrip("/"), safe=_IN_A_PATH),
            headers=tuple(f"{name}: {value}" for name, value in lines.items()),
        )

    @property
    def is_plain(self) -> bool:
        """Whether a socket to it is all that is needed: no TLS, no proxy, and no name in letters that DNS has not."""
        url = urlsplit(self.url)
        return url.scheme == "http" and url.netloc.isascii() and (self.is_local or not _has_proxy())

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine: then proxies from the environment are none of our business."""
        host = urlsplit(self.url).hostname or ""
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"


def _has_proxy() -> bool:
    """Return whether the environment, or the system, names a proxy for http: httpx would ask the same."""
    from urllib.request import getproxies  # brings http.client and email along, which nobody else here needs

    return not {"http", "all"}.isdisjoint(getproxies())


def _usable(token: str) -> str | None:
    """Return a token as a header can carry it, without the newline of the file it came from; None for an empty one.

    Refused here, because an error of the HTTP library would show it.
    """
    token = token.strip()
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError("the token (HEADRACE_TOKEN) holds spaces or other characters that no header can carry")
    return token or None


def connect_s(seconds: float) -> float:
    """Return how long the connection for a try of `seconds` may take to be made."""
    return min(seconds, _CONNECT_S)


def none_there(tried: Sequence[NoReply]) -> NoReply:
    """Return what stands for one request that could be sent to none of several servers."""
    return tried[0] if len(tried) == 1 else NoReply(Loss.NOT_SENT, " ".join(each.detail for each in tried))


# The texts name no header, and thus no token.


def unsent(endpoint: Endpoint, error: Exception) -> NoReply:
    """Return what stands for a request that found no connection."""
    return NoReply(Loss.NOT_SENT, f"No connection to {endpoint.url} ({_why(error)}); is the server running?")


def slow(endpoint: Endpoint, request: Request, error: Exception) -> NoReply:
    """Return what stands for a request without a reply in time."""
    return NoReply(Loss.SLOW, f"{_what(endpoint, request)}: no reply in time ({type(error).__name__})")


def cut(endpoint: Endpoint, request: Request, error: Exception) -> NoReply:
    """Return what stands for a request whose connection broke."""
    return NoReply(Loss.CUT, f"{_what(endpoint, request)}: the connection broke ({_why(error)})")


def _what(endpoint: Endpoint, request: Request) -> str:
    return f"{request.method} {endpoint.url}{request.path}"


def _why(error: Exception) -> str:
    return str(error) or type(error).__name__
