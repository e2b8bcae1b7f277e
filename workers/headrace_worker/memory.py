"""How much memory processes take, and whether the kernel ended one for lack of it; Linux tells, others give no answer.

It must not know what is done about it.
"""

import math
import os
import resource
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_CGROUPS: Final = Path("/sys/fs/cgroup")
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
_MAXRSS_BYTES: Final = 1 if sys.platform == "darwin" else 1024  # the unit of ru_maxrss
_TOGETHER_S: Final = 1.0  # between the first and the last of the processes that fall to one lack of memory
_NEAR: Final = 0.9  # of the limit: nobody else can have used it up


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process; 0 where it is gone or the system does not tell."""
    try:
        return int((_PROC / str(pid) / "statm").read_bytes().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError, ValueError):
        return 0


class Peak:
    """The largest memory that one of our ended children ever had; the system keeps one number for all of them."""

    def __init__(self) -> None:
        self._largest = _largest_child_bytes()

    def of_last(self) -> int:
        """Return the peak of the child that was reaped last, 0 where an earlier one had more."""
        before, self._largest = self._largest, _largest_child_bytes()
        return self._largest if self._largest > before else 0


class OomKills:
    """The kernel's count of processes that it killed for lack of memory, in our control group or else at all."""

    def __init__(self, proc: Path = _PROC, cgroups: Path = _CGROUPS) -> None:
        self._files = _counters(proc / "self/cgroup", cgroups) or [proc / "vmstat"]
        self._limits = [path.parent / name for path in self._files for name in ("memory.max", "memory.limit_in_bytes")]
        self._seen = self._counts()
        self._rose_at = -math.inf

    def rose(self, now: float) -> bool:
        """Return whether it was seen to grow since it was asked last, or moments ago: several may go together."""
        before, self._seen = self._seen, self._counts()
        if any(count > then for count, then in zip(self._seen, before, strict=True)):
            self._rose_at = now
        return now - self._rose_at < _TOGETHER_S

    def is_near_limit(self, rss_bytes: int) -> bool:
        """Return whether a process had nearly all the memory that its control group allows."""
        limits = [int(text) for path in self._limits if (text := _read(path).strip()).isdecimal()]
        return any(rss_bytes >= limit * _NEAR for limit in limits)

    def _counts(self) -> list[int]:
        return [_counted(_read(path).splitlines()) for path in self._files]


def _counters(membership: Path, cgroups: Path) -> list[Path]:
    """Return the files in which our control group counts, of either version; the path in a container may differ."""
    found = []
    for line in _read(membership).splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            found += [cgroups / path.lstrip("/") / "memory.events", cgroups / "memory.events"]
        elif "memory" in controllers.split(","):
            own = cgroups / "memory"
            found += [own / path.lstrip("/") / "memory.oom_control", own / "memory.oom_control"]
    return [path for path in found if _counted(_read(path).splitlines(), -1) >= 0][:1]


def _counted(lines: Iterable[str], default: int = 0) -> int:
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), default)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _largest_child_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * _MAXRSS_BYTES
