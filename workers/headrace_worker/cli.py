"""`headrace worker`: the command line of the worker runtime."""

import argparse
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from headrace.cli import Commands


_EPILOG: Final = """\
examples:
  headrace worker shop.tasks:app                      the queues of its tasks, 8 jobs at a time
  headrace worker shop.tasks:app --queues mail,default --threads 32
  headrace worker shop.tasks:app --drain-timeout 600 --health-port 0.0.0.0:9090
  headrace worker headrace_worker.demo:app            demo.add, demo.sleep, demo.steps, ...

SIGTERM or Ctrl-C: no more jobs are leased, running ones may finish within --drain-timeout seconds, the rest goes back
to its queue without counting an attempt. A second signal, or SIGQUIT, skips the wait. The bearer token is read from
HEADRACE_TOKEN.
"""


def register(commands: "Commands") -> None:
    """Add the command to `headrace`."""
    from headrace_worker import flags

    parser = commands.add_parser(
        "worker",
        help="run the tasks of an app",
        description="Lease jobs from a Headrace server and run them with the tasks of an app.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    flags.add(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run a worker until a signal; return its exit code."""
    from headrace_worker import running

    return running.run(args)
