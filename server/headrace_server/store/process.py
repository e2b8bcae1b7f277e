"""Runs the store's program; a process gets a signal only when it is proven to be the store of this folder."""

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from headrace_server.store.directory import DataDir
from headrace_server.store.locks import FileLock


def spawn(command: Sequence[str], folder: DataDir) -> subprocess.Popen[bytes] | None:
    """Start the store in a session of its own; None when a store lives in this folder already.

    The child inherits the locked store.lock. So the kernel knows whether a store lives here, whoever started it and
    however that one ended, and two stores can never write the same files.
    """
    lock = FileLock(folder.store_lock)
    try:
        if not lock.try_exclusive():
            return None
        with open(folder.log, "ab", opener=_private) as out:
            return subprocess.Popen(
                command,
                cwd=folder.path,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                pass_fds=(lock.fd,),
                start_new_session=True,  # Ctrl-C of the terminal is for the server, which stops the store last
                umask=0o077,
            )
    finally:
        lock.close()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


class Proven:
    """A handle on a store that was found alive, held against reuse of its process id."""

    def __init__(self, pid: int, pidfd: int) -> None:
        self.pid = pid
        self._pidfd = pidfd

    @classmethod
    def of(cls, pid: int, data_dir: Path) -> "Proven | None":
        """Return a handle when process `pid` runs in `data_dir`; None where that cannot be proven (also: not Linux)."""
        if not hasattr(os, "pidfd_open"):
            return None
        try:
            pidfd = os.pidfd_open(pid)
        except OSError:
            return None
        try:
            same = Path(f"/proc/{pid}/cwd").samefile(data_dir)
        except OSError:
            same = False
        if same:
            return cls(pid, pidfd)
        os.close(pidfd)
        return None

    def send(self, number: signal.Signals) -> None:
        """Send a signal; nothing when the process is gone."""
        try:
            signal.pidfd_send_signal(self._pidfd, number)
        except ProcessLookupError:
            return

    def close(self) -> None:
        """Let the handle go."""
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1
