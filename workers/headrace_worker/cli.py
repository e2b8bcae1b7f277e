"""`headrace worker`: the command line of the worker runtime."""

import argparse
import re
from typing import TYPE_CHECKING, Final

from headrace_worker import bounds

if TYPE_CHECKING:
    from headrace.cli import Commands


_NAME: Final = re.compile(r"[A-Za-z0-9_.\-]{1,128}")
_EPILOG: Final = """\
examples:
  headrace worker shop.tasks:app                      the queues of its tasks, 8 jobs at a time
  headrace worker shop.tasks:app --queues mail,default --threads 32
  headrace worker headrace_worker.demo:app            demo.add, demo.sleep, demo.steps, ...

SIGTERM or Ctrl-C: no more jobs are leased, running ones may finish within --grace seconds, the rest goes back to its
queue without counting an attempt. A second signal skips the wait. The bearer token is read from HEADRACE_TOKEN.
"""


def register(commands: "Commands") -> None:
    """Add the command to `headrace`."""
    parser = commands.add_parser(
        "worker",
        help="run the tasks of an app",
        description="Lease jobs from a Headrace server and run them with the tasks of an app.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run a worker until a signal; return its exit code."""
    from headrace_worker import running

    return running.run(args)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("app", metavar="MODULE:APP", help="a headrace.App in a module, also one in the current folder")
    parser.add_argument(
        "--queues",
        type=_queues,
        default=(),
        metavar="A,B",
        help="queues to lease from, the first before the others (default: those of the app's tasks)",
    )
    parser.add_argument(
        "--threads",
        type=_slots,
        default=bounds.DEFAULT_THREADS,
        metavar="N",
        help="jobs at a time: plain tasks on threads, async ones on one event loop (default: %(default)s)",
    )
    parser.add_argument(
        "--processes",
        type=int,
        choices=(0, 1),
        default=1,
        help="1: tasks run in a child process and cannot stop the heartbeats; 0: in this one (default: %(default)s)",
    )
    parser.add_argument(
        "--name", type=_name, help="the worker's id, unique among running workers (default: host-pid-random)"
    )
    parser.add_argument(
        "--grace",
        type=_seconds,
        default=bounds.DEFAULT_GRACE_S,
        metavar="S",
        help="seconds for running jobs to finish at a stop (default: %(default)g)",
    )
    parser.add_argument("--url", help="the server (default: HEADRACE_URL, else http://127.0.0.1:8080)")
    parser.add_argument(
        "--log-level", default="info", choices=("debug", "info", "warning", "error"), help="(default: %(default)s)"
    )


def _queues(text: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    for name in names:
        _name(name)
    if not 1 <= len(names) <= bounds.LEASE_QUEUES:
        raise argparse.ArgumentTypeError(f"give 1 to {bounds.LEASE_QUEUES} names, separated by commas")
    return names


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r}: 1 to 128 letters, digits, '_', '.' and '-'")
    return text


def _slots(text: str) -> int:
    number = int(text)
    if not 1 <= number <= bounds.MAX_THREADS:
        raise argparse.ArgumentTypeError(f"from 1 to {bounds.MAX_THREADS}, not {number}")
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"a number of seconds, not {text}")
    return number
