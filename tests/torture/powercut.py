"""A power cut: the store is killed, and every file keeps only what had been fsynced."""

import os
from pathlib import Path

from tests.support.shims import shim
from tests.support.stores import StoreProcess


def env_with_fsync_log(log: Path) -> dict[str, str]:
    """Return the environment for a store whose fsyncs are to be known at the power cut."""
    return {**os.environ, "LD_PRELOAD": str(shim("fsyncshim")), "FSYNC_LOG": str(log)}


def cut_power(store: StoreProcess, log: Path) -> int:
    """Kill the store and cut its append-only files to what was fsynced; return the number of bytes that were lost."""
    store.kill9()
    synced = synced_sizes(log)
    lost = 0
    for path in sorted((store.folder / "appendonlydir").iterdir()):
        found = path.stat()
        # by inode, not by the logged name: the store renames its files when it rewrites them
        kept = min(synced.get((found.st_dev, found.st_ino), 0), found.st_size)
        lost += found.st_size - kept
        os.truncate(path, kept)
    return lost


def synced_sizes(log: Path) -> dict[tuple[int, int], int]:
    """Return the size of each file (device, inode) at its last fsync."""
    sizes: dict[tuple[int, int], int] = {}
    for line in log.read_text().splitlines():
        file, size, _ = line.split(" ", 2)
        device, inode = file.split(":")
        sizes[int(device), int(inode)] = int(size)
    return sizes
