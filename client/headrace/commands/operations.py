"""Commands about bulk operations: one action for all jobs of a filter."""

import argparse
import time
from typing import TYPE_CHECKING, Final

from headrace.commands._common import OK, TIMED_OUT, UsageError, add, group, show
from headrace.commands._progress import Progress
from headrace.commands.jobs import add_filter, filter_of
from headrace.operating import Operation

if TYPE_CHECKING:
    from headrace.cli import Commands
    from headrace.client import Client

_LOOK_S: Final = 1.0  # between two lines on how far an operation is

_OPERATIONS: Final = """
examples:
  headrace operations
"""

_OPERATION: Final = """
examples:
  headrace operation start retry --queue mail --error-type TimeoutError --dry-run
  headrace operation start retry --queue mail --error-type TimeoutError --rate 50 --wait 600
  headrace operation start cancel --tag tenant=7
  headrace operation start move --queue mail --target-queue mail.slow
  headrace operation show 01909c5e-6a52-7000-8a3f-0b6f1d2c3e4f
  headrace operation stop 01909c5e-6a52-7000-8a3f-0b6f1d2c3e4f
"""


def register(commands: "Commands") -> None:
    """Add the commands."""
    add(commands, "operations", show_operations, "list the newest bulk operations", _OPERATIONS)
    verbs = group(commands, "operation", "act on many jobs at once: retry, cancel, delete, move", _OPERATION)
    start = add(verbs, "start", start_operation, "act on all jobs of a filter", _OPERATION)
    start.add_argument("action", choices=("retry", "cancel", "delete", "move"), help="what is done to each job")
    start.add_argument("--dry-run", action="store_true", help="only count, and show some")
    start.add_argument("--rate", type=int, metavar="N", help="jobs a second at most (default: as fast as it goes)")
    start.add_argument("--target-queue", metavar="NAME", help="where to move them, or to retry them in")
    add_wait(start)
    add_filter(start)
    for name, run, what in (
        ("show", show_operation, "show how far an operation is"),
        ("stop", stop_operation, "stop an operation; what it has done stays done"),
    ):
        parser = add(verbs, name, run, what, _OPERATION)
        parser.add_argument("id", help="the operation's id, as `headrace operation start` printed it")
        if name == "show":
            add_wait(parser)


def add_wait(parser: argparse.ArgumentParser) -> None:
    """Add the option that waits for the end of an operation."""
    parser.add_argument("--wait", type=float, metavar="SECONDS", help="wait so long for its end")


def show_operations(client: "Client", args: argparse.Namespace) -> int:
    """List the newest operations."""
    from headrace import _tables

    found = client.operations()
    show(args, found, lambda: _tables.operations(found))
    return OK


def start_operation(client: "Client", args: argparse.Namespace) -> int:
    """Act on all jobs of a filter."""
    which = filter_of(client, args)
    if not which:
        raise UsageError("say which jobs are meant, for instance --queue NAME")
    started = client.start_operation(
        args.action, dry_run=args.dry_run, rate_per_s=args.rate, target_queue=args.target_queue, **which
    )
    return show_started(client, args, started)


def show_operation(client: "Client", args: argparse.Namespace) -> int:
    """Show how far an operation is."""
    return show_started(client, args, client.operation(args.id))


def stop_operation(client: "Client", args: argparse.Namespace) -> int:
    """Stop an operation."""
    return _show(args, client.stop_operation(args.id))


def show_started(client: "Client", args: argparse.Namespace, started: Operation) -> int:
    """Show an operation; with --wait, as it is when it has ended."""
    if args.wait is None:
        return _show(args, started)
    ended = _watched(client, started, args.wait)
    _show(args, ended)
    return TIMED_OUT if ended.is_running else OK


def _watched(client: "Client", operation: Operation, timeout_s: float) -> Operation:
    """Wait for the end of an operation, with a line that says how far it is."""
    end = time.monotonic() + timeout_s
    with Progress(operation.action) as progress:
        while operation.is_running and (left_s := end - time.monotonic()) > 0:
            operation = client.wait_operation(operation.id, timeout=min(_LOOK_S, left_s))
            progress.reached(operation.matched if operation.dry_run else operation.done)
    return operation


def _show(args: argparse.Namespace, operation: Operation) -> int:
    from headrace import _tables

    show(args, operation, lambda: _tables.operation(operation))
    return OK
