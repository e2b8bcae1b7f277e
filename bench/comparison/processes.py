"""A process with all that it started: its log, its processor time, its memory, its end. Reads /proc; Linux only."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

POLL_S = 0.01
END_S = 5.0
TICKS = os.sysconf("SC_CLK_TCK")


class Ended(Exception):
    """A process is gone that should be there, or silent: the end of its log tells more."""


class Service:
    """One process in a session of its own."""

    def __init__(self, argv: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> None:
        """Start `argv`; its outputs go to `log`."""
        self.log = log
        self._argv = argv
        with log.open("wb") as out:
            self._popen = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=log.parent,
                env={**os.environ, **(env or {})},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    def wait_for_line(self, pattern: str, timeout_s: float = 30.0) -> re.Match[str]:
        """Return the match of what the process said; raises Ended."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            if found := re.search(pattern, self.log.read_text(errors="replace")):
                return found
            self.check()
            time.sleep(POLL_S)
        raise Ended(f"{self._argv[0]} did not say {pattern!r} within {timeout_s:.0f} s: {log_tail(self.log)}")

    def check(self) -> None:
        """Raise Ended if it is gone."""
        if self._popen.poll() is not None:
            raise Ended(f"{' '.join(self._argv)} ended with {self._popen.returncode}: {log_tail(self.log)}")

    def cpu_s(self) -> float:
        """Return the processor time so far of it, and of what it started and still has or has waited for."""
        return sum(cpu_of(pid) for pid in self._tree())

    def memory(self) -> int:
        """Return the bytes that it and what it started take; pages that they share count once (PSS)."""
        return sum(_pss(pid) for pid in self._tree())

    def bind(self, cores: set[int]) -> None:
        """Let it run on some cores only, with all its threads."""
        for pid in self._tree():
            for task in _names(Path(f"/proc/{pid}/task")):
                with suppress(ProcessLookupError):
                    os.sched_setaffinity(int(task), cores)

    def interrupt(self) -> None:
        """Ask it to finish what it does, as Ctrl-C would, and wait."""
        self._popen.send_signal(signal.SIGINT)
        self._popen.wait(END_S)

    def end(self) -> None:
        """End it and what it started, kindly first."""
        tree = list(self._tree())
        self._popen.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(END_S)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait()
        for pid in tree[1:]:  # those in sessions of their own
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _tree(self) -> Iterator[int]:
        todo = [self.pid]
        while todo:
            pid = todo.pop()
            yield pid
            todo += children_of(pid)


def children_of(pid: int) -> list[int]:
    """Return the processes that a process started and that are still there."""
    found: list[int] = []
    for task in _names(Path(f"/proc/{pid}/task")):
        with suppress(OSError):
            found += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
    return found


def _names(folder: Path) -> list[str]:
    with suppress(OSError):
        return [path.name for path in folder.iterdir()]
    return []


def cpu_of(pid: int) -> float:
    """Return the seconds of a processor that a process and those it has waited for took; 0 when it is gone."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / TICKS
    return 0.0


def _pss(pid: int) -> int:
    with suppress(OSError):
        if found := re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE):
            return int(found[1]) * 1024
    return 0


def log_tail(log: Path, size: int = 2_000) -> str:
    """Return the end of a log."""
    return log.read_bytes()[-size:].decode(errors="replace").strip() if log.exists() else ""
