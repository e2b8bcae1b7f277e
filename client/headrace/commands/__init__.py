"""The client's commands: words into calls, answers into text; one module for each noun."""

from typing import TYPE_CHECKING

from headrace._version import __version__
from headrace.commands import (
    alert_relay,
    beat,
    bench,
    events,
    jobs,
    limits,
    operations,
    produce,
    queues,
    schedules,
    setup,
    top,
    transfer,
    webhooks,
    workers,
)
from headrace.commands._common import OK, say

if TYPE_CHECKING:
    import argparse

    from headrace.cli import Commands


def register(commands: "Commands") -> None:
    """Add the client's commands."""
    for noun in (
        produce,
        jobs,
        queues,
        limits,
        schedules,
        beat,
        operations,
        events,
        webhooks,
        workers,
        top,
        transfer,
        bench,
        setup,
        alert_relay,
    ):
        noun.register(commands)
    version = commands.add_parser("version", help="show the version", description="Show the version.")
    version.set_defaults(run=show_version)


def show_version(args: "argparse.Namespace") -> int:
    """Show the version."""
    del args
    say(f"headrace {__version__}")
    return OK
