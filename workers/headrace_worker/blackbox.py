"""Where a child was when it crashed or was killed: stacks that its interpreter writes even while the GIL is held.

The file has no name: it is handed to the child, and is gone with the last of the two processes.
"""

import asyncio
import contextlib
import faulthandler
import os
import re
import signal
import tempfile
from typing import Final

from headrace_worker import bounds

_ASK: Final = signal.SIGUSR2
_THREAD: Final = re.compile(r"\n\n(?=(?:Current t|T)hread 0x)")
_A_RUN: Final = "headrace_worker/run.py"  # in the stack of a thread that runs a job
_LOOK_S: Final = 0.02


def record(fd: int) -> None:
    """Have this process write where it is: when it crashes, and when it is asked."""
    faulthandler.enable(file=fd, all_threads=False)
    faulthandler.register(_ASK, file=fd, all_threads=True)


class BlackBox:
    """The supervisor's end."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the child

    @property
    def fd(self) -> int:
        """The file descriptor for the child to inherit."""
        return self._file.fileno()

    async def ask(self, pid: int) -> None:
        """Have a process write where it is; return when it has, or takes too long. One that cannot, ends."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, _ASK)
        size = 0
        for _ in range(int(bounds.STACK_S / _LOOK_S)):
            await asyncio.sleep(_LOOK_S)
            before, size = size, os.fstat(self.fd).st_size
            if size == before > 0:
                return

    def read(self) -> str | None:
        """Return the stacks of the threads that ran jobs, or of the one that crashed; None where there are none."""
        written = os.pread(self.fd, bounds.STACK_BYTES, 0).decode(errors="replace")
        head, *threads = _THREAD.split("\n\n" + written.strip())
        if head.strip():  # a crash: what it was, and the one thread it was in
            return written.strip()
        running = [thread for thread in threads if _A_RUN in thread]
        return "\n\n".join(running) or None

    def close(self) -> None:
        """Forget it."""
        self._file.close()
