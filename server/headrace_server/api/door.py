"""Who may come in: bearer tokens, and browsers only from pages of this server or of allowed origins.

A browser sends what any page on the web tells it to, also to a server on loopback. Origin is checked because a browser
sets it on every request that could do harm, Host because a page can point its own name at 127.0.0.1 (DNS rebinding).
"""

import hashlib
import hmac
from collections.abc import Sequence
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from headrace_server.api.problems import Problem

_LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
OPEN_PATHS: Final = ("/livez", "/readyz", "/docs", "/openapi.", "/problems")  # no token needed below these
_HEADERS_IN: Final = (
    b"authorization, baggage, content-type, idempotency-key, if-none-match, last-event-id, prefer, "
    b"traceparent, tracestate, x-request-id"
)
_CHALLENGE: Final = [(b"www-authenticate", b'Bearer realm="headrace"')]


class Door:
    """Checks each request before anything else sees it."""

    def __init__(self, *, tokens: Sequence[str], allowed_origins: Sequence[str], host: str, any_host: bool) -> None:
        """Take the tokens (none: no authentication) and origins; `any_host`: the Host header is not looked at."""
        self._digests = [_digest(token.encode()) for token in tokens]
        self._origins = frozenset(origin.rstrip("/").lower() for origin in allowed_origins)
        names = {urlsplit(origin).hostname or "" for origin in self._origins}
        self._hosts = None if any_host else _LOOPBACK_NAMES | names | {host.lower()}

    def check(self, path: str, headers: dict[bytes, bytes], *, preflight: bool = False) -> None:
        """Raise Problem for a request that may not come in; a preflight of a browser never carries a token."""
        host = headers.get(b"host")
        # none at all comes from a probe that speaks HTTP/1.0, never from a browser
        if self._hosts is not None and host is not None and _name_of(host) not in self._hosts:
            raise Problem("forbidden_origin", f"This server does not answer to the name {_name_of(host)!r}.")
        origin = headers.get(b"origin")
        if origin is not None and not self._knows(_text(origin), _text(host or b"")):
            raise Problem("forbidden_origin")
        if self._digests and not preflight and not path.startswith(OPEN_PATHS):
            self._check_token(headers.get(b"authorization", b""))

    def cross_origin_headers(self, headers: dict[bytes, bytes]) -> list[tuple[bytes, bytes]]:
        """Return the headers that let a page of an allowed origin read the reply."""
        origin = headers.get(b"origin")
        if origin is None or _text(origin) not in self._origins:
            return []
        return [
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE"),
            (b"access-control-allow-headers", _HEADERS_IN),
            (
                b"access-control-expose-headers",
                b"etag, idempotency-replayed, link, location, preference-applied, retry-after, x-request-id",
            ),
            (b"access-control-max-age", b"600"),
            (b"vary", b"origin"),
        ]

    def _knows(self, origin: str, host: str) -> bool:
        return origin in self._origins or (bool(host) and origin.partition("://")[2] == host)

    def _check_token(self, authorization: bytes) -> None:
        scheme, _, token = authorization.partition(b" ")
        given = _digest(token.strip())
        # all of them, so that the time tells nothing of which one nearly matched
        matches = [hmac.compare_digest(given, digest) for digest in self._digests]
        if scheme.lower() != b"bearer" or not any(matches):
            raise Problem("unauthorized", headers=_CHALLENGE)


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()


def _text(header: bytes) -> str:
    return header.decode("latin-1").lower()


@lru_cache(maxsize=256)  # nearly all requests have the same
def _name_of(header: bytes) -> str:
    """Return the name in a Host header without its port and brackets."""
    host = _text(header)
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
