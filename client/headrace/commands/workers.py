"""Commands about workers: which there are, and quiet, stop, resume."""

import argparse
from typing import TYPE_CHECKING, Final

from headrace.commands._common import OK, add, show

if TYPE_CHECKING:
    from headrace.cli import Commands
    from headrace.client import Client

_WORKERS: Final = """
examples:
  headrace workers                             which there are, and what they do
  headrace workers --state lost
  headrace workers show WORKER -o json         all that a worker says of itself, and the jobs it holds
  headrace workers quiet WORKER                no new jobs; what runs goes on
  headrace workers stop WORKER WORKER          as at SIGTERM
"""


def register(commands: "Commands") -> None:
    """Add the command."""
    workers = add(commands, "workers", act, "list workers, or tell them to be quiet or to stop", _WORKERS)
    workers.add_argument(
        "verb",
        nargs="?",
        default="list",
        choices=("list", "show", "quiet", "stop", "resume", "forget"),
        help="list them (the default), or show, quiet, stop, resume or forget some",
    )
    workers.add_argument("ids", nargs="*", metavar="WORKER", help="ids of workers; forget takes lost ones only")
    which = workers.add_argument_group("which workers to list (all of these)")
    which.add_argument("--state", choices=("up", "lost"))
    which.add_argument("--queue", metavar="NAME", help="that serve this queue")
    which.add_argument("--task", metavar="NAME", help="that know this task")


def act(client: "Client", args: argparse.Namespace) -> int:
    """List workers, or do something to some of them."""
    from headrace import _tables, _text
    from headrace.commands._common import UsageError, for_each

    if (args.verb == "list") != (not args.ids):
        raise UsageError("name the workers after a verb: headrace workers stop WORKER; without a verb all are listed")
    if args.verb == "list":
        found = list(client.iter_workers(state=args.state, queue=args.queue, task=args.task))
        show(args, found, lambda: _tables.workers(found))
        return OK
    calls = {
        "show": client.worker,
        "quiet": client.quiet_worker,
        "stop": client.stop_worker,
        "resume": client.resume_worker,
    }

    def one(worker: str) -> None:
        if args.verb == "forget":
            client.delete_worker(worker)
            show(args, {"id": worker, "state": "gone"}, lambda: f"{worker} is forgotten")
        else:
            record = calls[args.verb](worker)
            show(args, record, lambda: _text.field_table(_tables.worker(record)))

    return for_each(args, one)
