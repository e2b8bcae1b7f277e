"""Where a command listens: `9464`, `0.0.0.0:9464`, `[::1]:9464`."""

import argparse
from ipaddress import ip_address
from typing import Final, NamedTuple

_LOOPBACK: Final = "127.0.0.1"


class Address(NamedTuple):
    """Where to listen."""

    host: str
    port: int  # 0: a free one

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it; a name counts as one that others reach."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def address(text: str) -> Address:
    """Return the address in an argument; without a host it is this machine's own. Raises ArgumentTypeError."""
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) <= 65_535):
        raise argparse.ArgumentTypeError(f"{text!r}: a port, or host:port")
    return Address(host.strip("[]") or _LOOPBACK, int(port))
