"""What a server process counts of itself, in memory that the processes of one `--processes` share; no lock, no copy.

Every series that there can be is known at the start: routes, verbs and duties are in tables. So each process has a row
of numbers that it alone writes, at the same places, and whichever of them is asked adds up all rows. A row outlives its
process: what takes its place goes on counting.
"""

import mmap
import os
import sys
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from headrace_server.domain.webhooks import Outcome
from headrace_server.telemetry.catalogue import BY_NAME, Kind, Metric
from headrace_server.telemetry.exposition import Family, Labels, Sample, Spread

NO_ROUTE: Final = "(none)"  # of a path that there is not, or that was not let in
STATUSES: Final = ("1xx", "2xx", "3xx", "4xx", "5xx", "gone")  # gone: the client left before it had an answer
OTHER: Final = "(other)"  # what is in no table
_CELL_BYTES: Final = 8
_PID: Final = "pid"
_GAUGES: Final = ("headrace_http_requests_open", "headrace_open_polls")
_PROC: Final = Path("/proc")
_SECONDS: Final = BY_NAME["headrace_http_request_seconds"].bounds
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

_Key = tuple[str, Labels]


class Layout:
    """Where each series lies in a row."""

    def __init__(self, routes: Iterable[tuple[str, str]], verbs: Iterable[str], loops: Iterable[str]) -> None:
        """Take (path, method) of all routes, and the names of scripts and of background duties."""
        self.places: dict[_Key, int] = {}
        self.asked: dict[tuple[str, str], int] = {}  # where those of requests begin, by route and method
        self.cells = 1  # the first one: the process id
        asked = [*sorted(set(routes)), *((NO_ROUTE, method) for method in (*_METHODS, OTHER))]
        for route, method in asked:
            self.asked[route, method] = self.cells
            for status in STATUSES:
                self._add("headrace_http_requests_total", route, method, status)
            self._add("headrace_http_request_seconds", route, method)
        for verb in (*verbs, OTHER):
            self._add("headrace_store_call_seconds", verb)
            self._add("headrace_store_call_errors_total", verb)
        for loop in (*loops, OTHER):
            self._add("headrace_loop_faults_total", loop)
        for outcome in Outcome:
            self._add("headrace_webhook_attempts_total", outcome)
        for name in ("headrace_loop_lag_seconds", "headrace_batch_items", *_GAUGES):
            self._add(name)

    def _add(self, name: str, *labels: str) -> None:
        self.places[name, labels] = self.cells
        self.cells += _width(BY_NAME[name])

    def place(self, name: str, *labels: str) -> int:
        """Return where a series lies; what has none shares one."""
        found = self.places.get((name, labels))
        return self.places[name, (OTHER,)] if found is None else found


class Meters:
    """The numbers of one process, and of its siblings."""

    def __init__(self, layout: Layout, *, rows: int = 1, row: int = 0, file: int = -1) -> None:
        """Take the row of this process; `file`: an open file that all of them were handed, -1: there are no others."""
        size = rows * layout.cells * _CELL_BYTES
        if file >= 0 and os.fstat(file).st_size < size:
            os.ftruncate(file, size)
        self._layout = layout
        self._rows = rows
        self._all = memoryview(mmap.mmap(file, size)).cast("d")
        self._row = self._all[row * layout.cells : (row + 1) * layout.cells]
        self._row[0] = os.getpid()
        for name in _GAUGES:  # of the process that had this row before
            self._row[layout.place(name)] = 0.0
        self._open = layout.place("headrace_http_requests_open")

    # -- counting -------------------------------------------------------------------------------------

    def opened(self) -> None:
        """Count a request that begins."""
        self._row[self._open] += 1.0

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request that has ended; status 0: without an answer."""
        self._row[self._open] -= 1.0
        place = self._layout.asked.get((route, method))
        if place is None:
            place = self._layout.asked[NO_ROUTE, method if method in _METHODS else OTHER]
        self._row[place + (status // 100 if status else len(STATUSES)) - 1] += 1.0
        self._note(seconds, place + len(STATUSES), _SECONDS)

    def called(self, verb: str, seconds: float, *, failed: bool) -> None:
        """Count a call of a script."""
        self._observe(seconds, "headrace_store_call_seconds", verb)
        if failed:
            self._add(1.0, "headrace_store_call_errors_total", verb)

    def batched(self, items: int) -> None:
        """Count a call that several items shared."""
        self._observe(items, "headrace_batch_items")

    def lagged(self, seconds: float) -> None:
        """Count a look at how late the event loop is."""
        self._observe(seconds, "headrace_loop_lag_seconds")

    def faulted(self, loop: str) -> None:
        """Count a step of a background duty that failed."""
        self._add(1.0, "headrace_loop_faults_total", loop)

    def delivered(self, outcome: Outcome) -> None:
        """Count an attempt to tell a webhook something."""
        self._add(1.0, "headrace_webhook_attempts_total", outcome)

    def parked(self, polls: int) -> None:
        """Say how many requests for jobs wait now."""
        self._row[self._layout.place("headrace_open_polls")] = polls

    def _add(self, n: float, name: str, *labels: str) -> None:
        self._row[self._layout.place(name, *labels)] += n

    def _observe(self, value: float, name: str, *labels: str) -> None:
        self._note(value, self._layout.place(name, *labels), BY_NAME[name].bounds)

    def _note(self, value: float, place: int, bounds: Sequence[float]) -> None:
        self._row[place + bisect_left(bounds, value)] += 1.0
        self._row[place + len(bounds) + 1] += value

    # -- telling --------------------------------------------------------------------------------------

    def families(self) -> list[Family]:
        """Return what all processes have counted, summed up, and how each is; what never happened is left out."""
        samples: dict[str, list[Sample]] = {}
        for (name, labels), place in self._layout.places.items():
            value = self._total(BY_NAME[name], place)
            if value is not None or name in _GAUGES:
                samples.setdefault(name, []).append((labels, value or 0))
        counted = [Family(BY_NAME[name], found) for name, found in samples.items()]
        return [*counted, Family(BY_NAME["headrace_processes"], [((), self._rows)]), *_of_processes(self._pids())]

    def _total(self, metric: Metric, place: int) -> float | Spread | None:
        cells = [sum(column) for column in zip(*self._of_rows(place, _width(metric)), strict=True)]
        if not any(cells):
            return None
        if metric.kind is Kind.HISTOGRAM:
            return Spread([int(count) for count in cells[:-1]], cells[-1])
        return int(cells[0])

    def _of_rows(self, place: int, width: int) -> Iterator[Sequence[float]]:
        for start in range(place, len(self._all), self._layout.cells):
            yield self._all[start : start + width].tolist()

    def _pids(self) -> list[int]:
        return [int(self._all[start]) for start in range(0, len(self._all), self._layout.cells)]


def _width(metric: Metric) -> int:
    return len(metric.bounds) + 2 if metric.kind is Kind.HISTOGRAM else 1


def _of_processes(pids: Sequence[int]) -> list[Family]:
    """Return what the system knows of each process; nothing of one that is just being started again."""
    found: dict[str, list[Sample]] = {}
    for number, pid in enumerate(pids):
        try:
            facts = _facts_of(pid)
        except (OSError, ValueError):
            continue
        for name, value in facts.items():
            found.setdefault(name, []).append(((str(number + 1),), value))
    return [Family(BY_NAME[name], samples) for name, samples in found.items()]


def _facts_of(pid: int) -> dict[str, float]:
    folder, ticks = _PROC / str(pid), os.sysconf("SC_CLK_TCK")
    # the name of the program, in brackets, may hold anything: what follows it is told by place
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    booted = next(line for line in (_PROC / "stat").read_text().splitlines() if line.startswith("btime"))
    return {
        "process_cpu_seconds_total": (int(fields[11]) + int(fields[12])) / ticks,
        "process_resident_memory_bytes": int(fields[21]) * os.sysconf("SC_PAGE_SIZE"),
        "process_start_time_seconds": int(booted.split()[1]) + int(fields[19]) / ticks,
        "process_open_fds": len(list((folder / "fd").iterdir())),
    }


def python_version() -> str:
    """Return the version of the interpreter."""
    return ".".join(map(str, sys.version_info[:3]))
