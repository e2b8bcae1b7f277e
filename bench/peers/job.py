"""The job that every queue runs, and what the harness tells a module: by variables, which workers read too.

Standard library only: it runs in the environments of all peers.
"""

import os
import struct
import time
from functools import cache
from pathlib import Path

URL = os.environ.get("PEER_URL", "")  # of the store, or of the server where the peer has one
WISHES = frozenset(os.environ.get("PEER_WISHES", "").split(","))  # late, results, ...: see the roster
CONCURRENCY = next((int(wish.partition("=")[2]) for wish in WISHES if wish.startswith("concurrency=")), 0)
PAYLOAD_BYTES = 98  # and two quotes in JSON
STAMP_DIGITS = 20


def payload() -> str:
    """Return the argument of a new job: when it was made, and what fills it up."""
    return f"{time.monotonic_ns():0{STAMP_DIGITS}}".ljust(PAYLOAD_BYTES, "x")


def note(stamped: str) -> int:
    """Do what every job does: append to a shared file how many nanoseconds after its stamp it was started.

    Eight bytes at once, which the kernel does not mix with another's: the file's size says how many jobs were started.
    Returns a number, so that there is a result to keep.
    """
    os.write(_tally(), struct.pack("<q", time.monotonic_ns() - int(stamped[:STAMP_DIGITS])))
    return len(stamped)


@cache
def _tally() -> int:
    return os.open(Path(os.environ["PEER_TALLY"]), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
