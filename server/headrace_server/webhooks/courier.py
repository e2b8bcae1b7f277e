"""Brings messages to receivers, one request each; it must not know what is in them, nor who tries again.

No redirect is followed, no proxy of the environment asked, no connection used twice: each attempt is looked up and
checked anew. Of an answer only the status counts.
"""

import asyncio
import ssl
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

import certifi
import httpcore
import msgspec

from headrace_server.domain.addresses import Network
from headrace_server.domain.limits import KIB, SECOND_MS
from headrace_server.domain.webhooks import Parcel, Receipt
from headrace_server.webhooks.dialing import AddressRefused, Dialing
from headrace_server.webhooks.names import LookUp, NameNotFound, Names

MAX_ANSWER_BYTES: Final = 64 * KIB  # read, and thrown away; a receiver that goes on is cut
MAX_CONNECTIONS: Final = 10_000  # what bounds them are the webhooks
MAX_DIGITS: Final = 9  # of Retry-After


class Courier:
    """Sends parcels; `close` at the end. `look_up` and `tls` are for tests: the system's, and everybody's, else."""

    def __init__(
        self, allowed: Sequence[Network] = (), *, look_up: LookUp | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        look_up = look_up or Names().look_up
        self._tls = tls or _tls()
        self._pools = {
            "https": self._pool(Dialing(look_up, allowed, listed_only=False)),
            "http": self._pool(Dialing(look_up, allowed, listed_only=True)),
        }

    async def close(self) -> None:
        """Close what is open."""
        for pool in self._pools.values():
            await pool.aclose()

    async def send(self, parcel: Parcel) -> Receipt:
        """Make one attempt; whatever becomes of it is told in the receipt."""
        clock = asyncio.get_running_loop().time
        begun = clock()
        try:
            async with asyncio.timeout(parcel.timeout_ms / SECOND_MS):
                status, retry_after_ms = await self._post(parcel)
        except (TimeoutError, httpcore.TimeoutException):
            found = Receipt(error="timeout", detail=f"no whole answer came within {parcel.timeout_ms} ms")
        except (AddressRefused, NameNotFound, httpcore.NetworkError, httpcore.ProtocolError, OSError) as fault:
            found = _failed(fault)
        else:
            found = _answered(status, retry_after_ms)
        return msgspec.structs.replace(found, took_ms=round((clock() - begun) * SECOND_MS))

    async def _post(self, parcel: Parcel) -> tuple[int, int | None]:
        parts = urlsplit(parcel.url)
        headers = {"Host": parts.netloc, **parcel.headers, "Content-Length": str(len(parcel.body))}
        pool = self._pools[parts.scheme]
        async with pool.stream("POST", parcel.url, headers=list(headers.items()), content=parcel.body) as answer:
            size = 0
            async for chunk in answer.aiter_stream():
                size += len(chunk)
                if size > MAX_ANSWER_BYTES:
                    break
            return answer.status, _retry_after_ms(answer.headers)

    def _pool(self, dialing: Dialing) -> httpcore.AsyncConnectionPool:
        return httpcore.AsyncConnectionPool(
            ssl_context=self._tls,
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=0,
            retries=0,
            network_backend=dialing,
        )


def _tls() -> ssl.SSLContext:
    """Return what trusts the system's authorities (SSL_CERT_FILE names others), and Mozilla's where it has none."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _answered(status: int, retry_after_ms: int | None) -> Receipt:
    if 200 <= status < 300:
        return Receipt(status=status)
    detail = f"the receiver answered {status}"
    if 300 <= status < 400:
        detail += ", and redirects are not followed: give the webhook the URL that it leads to"
    return Receipt(status=status, error=f"http_{status}", detail=detail, retry_after_ms=retry_after_ms)


def _failed(fault: Exception) -> Receipt:
    if isinstance(fault, AddressRefused):
        return Receipt(error="address_refused", detail=str(fault))
    if isinstance(fault, NameNotFound):
        return Receipt(error="name_not_found", detail=str(fault))
    tls = _tls_fault(fault)
    if tls is not None:
        why = tls.verify_message if isinstance(tls, ssl.SSLCertVerificationError) else tls.reason
        return Receipt(error="tls_failed", detail=why or "no TLS could be agreed on")
    if isinstance(fault, httpcore.ProtocolError):
        return Receipt(error="no_http", detail="what was answered is not HTTP, or broke off")
    return Receipt(error="connection_failed", detail=str(fault) or type(fault).__name__)


def _tls_fault(fault: BaseException | None) -> ssl.SSLError | None:
    """Return the fault of TLS that another one hides."""
    while fault is not None:
        if isinstance(fault, ssl.SSLError):
            return fault
        fault = fault.__cause__ or fault.__context__
    return None


def _retry_after_ms(headers: Sequence[tuple[bytes, bytes]]) -> int | None:
    """Return how long the receiver wants to be left alone; a date is not understood."""
    for name, value in headers:
        if name.lower() == b"retry-after" and value.isdigit() and len(value) <= MAX_DIGITS:
            return int(value) * SECOND_MS
    return None
