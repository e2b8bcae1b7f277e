"""Watches the free space under the append-only file; it must not know what is refused when there is too little.

With `appendfsync always` a store that cannot write ends itself, so the server stops taking jobs before that.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

GIB: Final = 1024**3
FLOOR_BYTES: Final = 1 * GIB
AOF_FACTOR: Final = 2  # a rewrite needs room for a second copy, while the first one goes on growing
RECOVERY: Final = 1.1  # room above the limit before jobs are taken again, so that the answer does not flap


@dataclass(frozen=True)
class DiskState:
    """The room of the store at one moment."""

    free_bytes: int
    needed_bytes: int  # below this much room no job is taken
    low: bool


def judge_disk(free_bytes: int, aof_bytes: int, *, was_low: bool = False) -> DiskState:
    """Return whether `free_bytes` are enough beside an append-only file of `aof_bytes`."""
    needed = max(FLOOR_BYTES, AOF_FACTOR * aof_bytes)
    limit = int(needed * RECOVERY) if was_low else needed
    return DiskState(free_bytes, needed, low=free_bytes < limit)


class DiskGuard:
    """Remembers the last look at one data directory."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._low = False

    def look(self) -> DiskState:
        """Look at the file system now (system calls that may block: call it from a thread)."""
        space = os.statvfs(self._data_dir)
        state = judge_disk(space.f_bavail * space.f_frsize, aof_bytes(self._data_dir), was_low=self._low)
        self._low = state.low
        return state


def aof_bytes(data_dir: Path) -> int:
    """Return the size of the append-only files of a data directory; a file that vanishes meanwhile counts nothing."""
    total = 0
    for path in (data_dir / "appendonlydir").glob("*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue
    return total
