"""What the embedded store runs with; every option that is not the program's default has its reason here."""

from pathlib import Path
from typing import Final

# relaxed is the only mode that lets a second of acknowledged jobs go
FSYNC_OF: Final = {"relaxed": "everysec"}
FSYNC_ALWAYS: Final = "always"


def appendfsync_for(durability: str) -> str:
    """Return the store's `appendfsync` for a durability mode."""
    return FSYNC_OF.get(durability, FSYNC_ALWAYS)


def command(binary: Path, data_dir: Path, socket: Path, log: Path, *, appendfsync: str) -> list[str]:
    """Return the command line of the store; no secret is in it."""
    options = {
        "dir": data_dir,
        "logfile": log,
        "loglevel": "notice",
        "daemonize": "no",
        "port": 0,  # nobody but this user on this machine: a unix socket in a closed folder
        "unixsocket": socket,
        "unixsocketperm": 700,
        "databases": 1,
        "appendonly": "yes",
        "appendfsync": appendfsync,
        "no-appendfsync-on-rewrite": "no",  # `yes` would acknowledge without fsync while a rewrite runs
        "aof-load-truncated": "yes",  # a write cut off by a crash was never acknowledged
        "save": "",  # the append-only file is the truth; snapshots beside it only cost
        "maxmemory-policy": "noeviction",  # an evicted job is a lost job
        "hash-max-listpack-value": 1024,  # a job with a payload up to this size takes half the memory
        "hash-max-listpack-entries": 512,  # more than the fields of any job
        "zset-max-listpack-entries": 32,  # a longer list (128 by default) takes a sixth of a script to go through
    }
    return [str(binary), *(word for name, value in options.items() for word in (f"--{name}", str(value)))]
