"""To which addresses the server may send what somebody else asked for; pure.

A webhook's URL is an offer to let the server knock at doors that its author cannot reach: this machine, the network
behind it, the metadata service of a cloud. So only public addresses will do, and the networks that the operator names.
"""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias
from urllib.parse import urlsplit

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network
MAX_PORT: Final = 65_535
_NAT64: Final = ip_network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
_COMPATIBLE: Final = ip_network("::/96")  # RFC 4291, 2.5.5.1: the same, long out of use
_UNICAST: Final = ip_network("2000::/3")  # RFC 4291, 2.4: all that is public today
_PROTOCOLS: Final = ip_network("192.0.0.0/24")  # RFC 6890: some versions of Python take parts of it for public


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Return networks as settings write them. Raises ValueError for a text that is none."""
    return tuple(ip_network(text) for text in texts)


def is_allowed(address: Address, allowed: Sequence[Network]) -> bool:
    """Return whether the server may connect to an address: a public one, or one of the operator's networks."""
    return is_listed(address, allowed) or all(map(_is_public, _meant_by(address)))


def is_listed(address: Address, allowed: Sequence[Network]) -> bool:
    """Return whether an address lies in one of the operator's networks: what it stands for, not how it is put."""
    return all(any(each in network for network in allowed) for each in _meant_by(address))


def fault_of_url(url: str, allowed: Sequence[Network]) -> str | None:
    """Return why a URL cannot be that of a webhook, or None: as far as it can be told without looking up its name."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "is no URL"
    if parts.scheme not in ("https", "http"):
        return "must begin with https://"
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return "must be ASCII without spaces: write other characters percent-encoded, and names of hosts in Punycode"
    if not parts.hostname or port == 0:
        return "has no host that could be asked"
    if "@" in parts.netloc or parts.fragment:
        return "must have no user, password or fragment: whoever receives knows you by the signature"
    if parts.scheme == "http" and not allowed:
        return "must begin with https://: http is for networks that the operator allows, in HEADRACE_WEBHOOK_NETWORKS"
    return _fault_of_host(parts.hostname, allowed, needs_listed=parts.scheme == "http")


def _fault_of_host(host: str, allowed: Sequence[Network], *, needs_listed: bool) -> str | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None  # a name: it is looked at whenever it is looked up
    if not is_allowed(address, allowed):
        return "leads to an address that is not public: the operator may allow its network, HEADRACE_WEBHOOK_NETWORKS"
    if needs_listed and not is_listed(address, allowed):
        return "must begin with https://: http is for networks that the operator allows"
    return None


def _meant_by(address: Address) -> list[Address]:
    """Return the addresses that one leads to: IPv4 addresses travel inside of IPv6 ones in five ways."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:  # the same address in other clothes
        return [address.ipv4_mapped]
    inner: list[Address] = [address]
    if address.sixtofour is not None:
        inner.append(address.sixtofour)
    if address.teredo is not None:
        inner += address.teredo
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        inner.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return inner


def _is_public(address: Address) -> bool:
    if address in _NAT64:
        return True  # what it stands for is looked at, too
    if isinstance(address, IPv6Address) and address not in _UNICAST:
        return False
    return address.is_global and not address.is_multicast and address not in _PROTOCOLS
