"""The flags of `headrace worker` about its child processes: how many, how long, how large."""

import argparse
import os
import re
from typing import Final

from headrace_worker import bounds

_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([kmg]?)i?b?", re.IGNORECASE)
_UNITS: Final = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30}


def add(parser: argparse.ArgumentParser) -> None:
    """Add all of them."""
    number = parser.add_mutually_exclusive_group()
    number.add_argument(
        "--processes",
        type=_processes,
        default=default_processes(),
        metavar="P",
        help="child processes that run the tasks, each --threads at a time; 0: none, tasks run in the worker's own "
        f"process (default: one for each core, at most {bounds.DEFAULT_PROCESSES_MAX}; here %(default)s)",
    )
    number.add_argument(
        "--autoscale",
        type=_range,
        metavar="MIN,MAX",
        help="as many child processes as are busy, at least MIN and at most MAX",
    )
    parser.add_argument(
        "--max-tasks-per-child", type=_count, metavar="N", help="replace a child after so many jobs (default: never)"
    )
    parser.add_argument(
        "--max-memory-per-child",
        type=_size,
        metavar="SIZE",
        help="replace a child that takes more memory when its jobs have ended, and kill one that takes "
        f"{bounds.MEMORY_KILL_FACTOR} times as much; for instance 500M or 2G (default: any)",
    )
    parser.add_argument(
        "--reload", action="store_true", help="replace the children when files of the app change: for development"
    )


def default_processes() -> int:
    """Return one for each core that this process may use, within a bound."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, bounds.DEFAULT_PROCESSES_MAX)


def whole(text: str) -> int:
    """Return a whole number. Raises ArgumentTypeError."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None


def in_vain(args: argparse.Namespace) -> tuple[str, ...]:
    """Return the flags about child processes that were given where `--processes 0` leaves none."""
    flags = ("--max-tasks-per-child", "--max-memory-per-child", "--reload")
    given = (flag for flag in flags if getattr(args, flag.lstrip("-").replace("-", "_")))
    return tuple(given) if args.processes == 0 else ()


def _processes(text: str) -> int:
    number = whole(text)
    if not 0 <= number <= bounds.MAX_PROCESSES:
        raise argparse.ArgumentTypeError(f"from 0 to {bounds.MAX_PROCESSES}, not {number}")
    return number


def _range(text: str) -> tuple[int, int]:
    parts = [whole(part) for part in text.split(",")]
    if len(parts) != 2 or not 1 <= parts[0] <= parts[1] <= bounds.MAX_PROCESSES:
        raise argparse.ArgumentTypeError(f"{text!r}: two numbers, from 1 to {bounds.MAX_PROCESSES}, the smaller first")
    return parts[0], parts[1]


def _count(text: str) -> int:
    number = whole(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"a number of jobs above 0, not {number}")
    return number


def _size(text: str) -> int:
    found = _SIZE.fullmatch(text.strip())
    size = int(float(found[1]) * _UNITS[found[2].lower()]) if found else 0
    if size < 2**20:
        raise argparse.ArgumentTypeError(f"{text!r}: a size of at least 1M, written as 300M or 2G")
    return size
