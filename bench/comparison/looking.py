"""Looks at running processes from outside: py-spy for Python, perf for the store; it must not know what they do."""

import contextlib
import shutil
import subprocess
from collections import Counter
from pathlib import Path

from comparison.installing import Environment
from comparison.processes import Ended, Service

PYTHON_HZ, NATIVE_HZ = 100, 499
START_S = 60.0
UNREADABLE = "(no name)"  # a symbol that was stripped


class Spy:
    """Samples one Python process: the innermost function of whichever thread has the interpreter."""

    def __init__(self, environment: Environment, folder: Path, name: str, pid: int) -> None:
        """Begin, and return when samples are taken."""
        self._raw = folder / f"spy-{name}.raw"
        argv = ("py-spy", "record", "--gil", "-f", "raw", "-r", str(PYTHON_HZ), "-p", str(pid), "-o", str(self._raw))
        self._service = Service(environment.command(argv), folder / f"spy-{name}.log")
        self._service.wait_for_line("Sampling process", START_S)

    def end(self) -> Counter[str]:
        """End it and return the samples by function."""
        self._service.interrupt()
        found: Counter[str] = Counter()
        with contextlib.suppress(FileNotFoundError):
            for line in self._raw.read_text().splitlines():  # frames from outside in, by semicolons, and a number
                stack, _, count = line.rpartition(" ")
                found[stack.rpartition(";")[2]] += int(count)
        return found


class Perf:
    """Samples one native process; sees nothing where perf is missing or not allowed."""

    def __init__(self, folder: Path, pid: int) -> None:
        self._data = folder / "perf.data"
        self._service: Service | None = None
        if shutil.which("perf"):
            argv = ["perf", "record", "-F", str(NATIVE_HZ), "-o", str(self._data), "-p", str(pid)]
            self._service = Service(argv, folder / "perf.log")

    def end(self) -> Counter[str]:
        """End it and return the samples by library and function."""
        found: Counter[str] = Counter()
        if self._service is None:
            return found
        with contextlib.suppress(Ended, ProcessLookupError):
            self._service.check()
            self._service.interrupt()
        shown = subprocess.run(
            ["perf", "report", "-i", str(self._data), "--stdio", "-q", "-F", "sample,dso,sym", "-t", ";"],
            capture_output=True,
            text=True,
            check=False,
        )
        for line in shown.stdout.splitlines():
            parts = [part.strip() for part in line.split(";")]
            if len(parts) >= 3 and parts[0].isdigit():
                symbol = parts[2].rpartition("] ")[2]
                found[f"{parts[1]}: {UNREADABLE if symbol.startswith('0x') else symbol}"] += int(parts[0])
        return found
