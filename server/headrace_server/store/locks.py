"""Locks on files, which the kernel drops when their last holder dies, however it dies."""

import fcntl
import os
from pathlib import Path


class FileLock:
    """One lock file, opened anew by each user; closing (or dying) gives the lock back."""

    def __init__(self, path: Path) -> None:
        """Open the file (made if missing, readable for its owner only); nothing is locked yet."""
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def try_exclusive(self) -> bool:
        """Take the lock for this holder alone; False when others have it; a shared lock held before is lost then."""
        return self._try(fcntl.LOCK_EX)

    def try_shared(self) -> bool:
        """Take the lock together with other sharers; False while somebody has it alone."""
        return self._try(fcntl.LOCK_SH)

    def close(self) -> None:
        """Close this file; the lock goes unless a child process was given the file."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def _try(self, kind: int) -> bool:
        try:
            fcntl.flock(self.fd, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def is_locked(path: Path) -> bool:
    """Return whether somebody holds the lock of this file."""
    lock = FileLock(path)
    try:
        return not lock.try_exclusive()
    finally:
        lock.close()
