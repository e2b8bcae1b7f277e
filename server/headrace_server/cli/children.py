"""Child processes that are kept alive, and that do not outlive their parent; it must not know what they do."""

import asyncio
import ctypes
import logging
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Final

FIRST_WAIT_S: Final = 0.2
LONGEST_WAIT_S: Final = 10.0
STEADY_S: Final = 30.0  # a child that lived that long died of something new
_PR_SET_PDEATHSIG: Final = 1

_log = logging.getLogger(__name__)


class Child:
    """A program that is started again whenever it ends, until `stop`."""

    def __init__(self, name: str, argv: Sequence[str], env: Mapping[str, str], *, pass_fds: Sequence[int] = ()) -> None:
        self.name = name
        self._argv = argv
        self._env = dict(env)
        self._pass_fds = pass_fds
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """The process id of the current life."""
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Start it now, so that `keep` finds it running."""
        self._process = await asyncio.create_subprocess_exec(
            *self._argv,
            env=self._env,
            pass_fds=self._pass_fds,
            stdin=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C reaches the parent alone, which stops its children in order
            preexec_fn=end_with_parent(),
        )

    async def wait(self) -> int:
        """Return the exit code of the current life."""
        assert self._process is not None, "not started"
        return await self._process.wait()

    async def keep(self) -> None:
        """Start it again whenever it ends, sooner or later by how long it lived; returns after `stop`."""
        wait_s = FIRST_WAIT_S
        while True:
            begun = asyncio.get_running_loop().time()
            code = await self.wait()
            if self._stopping.is_set():
                return
            lived_s = asyncio.get_running_loop().time() - begun
            wait_s = FIRST_WAIT_S if lived_s > STEADY_S else wait_s
            _log.warning("child ended", extra={"child": self.name, "exit_code": code, "restart_in_s": wait_s})
            if await self._stops_within(wait_s):
                return
            wait_s = min(wait_s * 2, LONGEST_WAIT_S)
            try:
                await self.start()
            except OSError as fault:  # out of processes or memory, say: the old life ends once more, and we wait longer
                _log.warning("child not started", extra={"child": self.name, "detail": str(fault)})
            if self._stopping.is_set():  # while it was being started, so that `stop` did not see it
                self.signal(signal.SIGTERM)

    async def _stops_within(self, seconds: float) -> bool:
        try:
            return await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return False

    def signal(self, number: int) -> None:
        """Pass on a signal; nothing when it is not running."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def stop(self, *, grace_s: float) -> None:
        """SIGTERM, and SIGKILL after the grace period; returns when it has ended."""
        self._stopping.set()
        if self._process is None or self._process.returncode is not None:
            return
        self.signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), grace_s)
        except TimeoutError:
            _log.warning("child killed", extra={"child": self.name, "after_s": grace_s})
            self.signal(signal.SIGKILL)
            await self._process.wait()


class _EndWithParent:
    """Asks the kernel, in the child before its program starts, for a SIGTERM once the parent has ended, in any way."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None)  # loaded here: between fork and exec nothing may be loaded
        self._parent = os.getpid()

    def __call__(self) -> None:
        self._libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != self._parent:  # it died before we asked
            os._exit(os.EX_UNAVAILABLE)


def end_with_parent() -> _EndWithParent | None:
    """Return what ties a child to this process; None where the kernel does not offer it."""
    return _EndWithParent() if sys.platform == "linux" else None
