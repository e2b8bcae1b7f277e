"""A child process of a test: output in a file, signals by its own pid, always ended."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

END_S = 15.0
TAIL_BYTES = 8_000


class Child:
    """One process in a session of its own, so that signals of the test run's terminal do not reach it."""

    def __init__(
        self, argv: Sequence[str], log: Path, *, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> None:
        """Start `argv`; both of its outputs go to the end of `log`."""
        self.log = log
        with log.open("ab") as out:
            self._popen = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env, cwd=cwd, start_new_session=True
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def alive(self) -> bool:
        return self._popen.poll() is None

    @property
    def exit_code(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._popen.poll()

    def signal(self, number: int) -> None:
        """Send a signal; nothing when it is gone."""
        self._popen.send_signal(number)

    def kill9(self) -> None:
        """Kill -9 and reap it; its children live on, as after a real one."""
        self._popen.kill()
        self._popen.wait(END_S)

    def wait(self, timeout_s: float = END_S) -> int:
        """Return the exit code; subprocess.TimeoutExpired after `timeout_s` seconds."""
        return self._popen.wait(timeout_s)

    def terminate(self, timeout_s: float = END_S) -> int:
        """SIGTERM and wait; return the exit code."""
        self._popen.terminate()
        return self.wait(timeout_s)

    def end(self) -> None:
        """Make sure that it and what is left of its session's process group are gone."""
        if self.alive:
            self._popen.send_signal(signal.SIGCONT)
            self._popen.terminate()
            try:
                self._popen.wait(END_S)
            except subprocess.TimeoutExpired:
                self.kill9()
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return

    def tail(self) -> str:
        """Return the end of its log."""
        return tail(self.log)


def runs(pid: int) -> bool:
    """Return whether a process runs; one that ended and that nobody reaped (an orphan in a container) does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def tail(log: Path) -> str:
    """Return the end of a log file; empty when there is none."""
    if not log.exists():
        return ""
    return log.read_bytes()[-TAIL_BYTES:].decode(errors="replace")
