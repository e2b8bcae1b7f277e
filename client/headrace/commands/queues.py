"""Commands about queues: how full they are, what is set, and pause, drain, purge."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from headrace.commands import _settings
from headrace.commands._common import OK, add, add_yes, confirmed, group, in_ms, say, show
from headrace.commands.operations import add_wait, show_started
from headrace.operating import Queue, QueueStats

if TYPE_CHECKING:
    from headrace.cli import Commands
    from headrace.client import Client
    from headrace.commands._common import Run

_QUEUES: Final = """
examples:
  headrace queues
  headrace queues default mail -o json
"""

_QUEUE: Final = """
examples:
  headrace queue show mail
  headrace queue set mail concurrency=8 rate=100/60s retry.max_attempts=5
  headrace queue set mail concurrency=                  take it away
  headrace pause mail --for 600                         the same as headrace queue pause
  headrace queue purge mail --dry-run
"""

_ACT: Final = """
examples:
  headrace {verb} mail                                  the same as headrace queue {verb} mail
"""

_SET: Final = f"""
NAME=VALUE sets, NAME= takes away, what is not named stays. Times: 250ms, 30s, 5m, 2h, 7d.
names:
  {", ".join(_settings.QUEUE_WORDS[:7])},
  {", ".join(_settings.QUEUE_WORDS[7:13])},
  {", ".join(_settings.QUEUE_WORDS[13:18])},
  {", ".join(_settings.QUEUE_WORDS[18:])}
{_QUEUE}"""


def register(commands: "Commands") -> None:
    """Add the commands."""
    queues = add(commands, "queues", show_queues, "show how full the queues are", _QUEUES)
    queues.add_argument("queue", nargs="*", help="names of queues (default: all)")
    _add_acts(commands, _ACT)
    verbs = group(commands, "queue", "look at one queue, set it, pause it", _QUEUE)
    _add(verbs, "show", show_queue, "show a queue and its settings")
    change = add(verbs, "set", set_queue, "change settings of a queue", _SET)
    change.add_argument("queue", metavar="NAME", help="the queue")
    change.add_argument("settings", nargs="+", metavar="NAME=VALUE", help="see below")
    _add_acts(verbs, _QUEUE)
    _add(verbs, "delete", delete_queue, "forget a queue without jobs: its settings and its name")


def _add_acts(commands: "Commands", examples: str) -> None:
    """Add what is done to a queue most often: as verbs of `queue`, and as commands of their own."""
    pause = _add(commands, "pause", pause_queue, "lease no more jobs of a queue", examples)
    pause.add_argument("--for", dest="for_s", type=float, metavar="SECONDS", help="resume by itself after this")
    _add(commands, "resume", resume_queue, "end the pause and the drain of a queue", examples)
    _add(commands, "drain", drain_queue, "take no new jobs into a queue", examples)
    purge = _add(commands, "purge", purge_queue, "remove the waiting jobs of a queue", examples)
    purge.add_argument("--state", metavar="A,B", help="only these: scheduled, ready, retrying")
    purge.add_argument("--dry-run", action="store_true", help="only count")
    add_yes(purge)
    add_wait(purge)


def _add(commands: "Commands", name: str, run: "Run", what: str, examples: str = _QUEUE) -> argparse.ArgumentParser:
    parser = add(commands, name, run, what, examples.format(verb=name))
    parser.add_argument("queue", metavar="NAME", help="the queue")
    return parser


def show_queues(client: "Client", args: argparse.Namespace) -> int:
    """Show how full the queues are."""
    from headrace import _text

    found = [client.queue_stats(name) for name in args.queue] if args.queue else all_queues(client)
    show(args, found, lambda: _text.queue_table(found))
    return OK


def show_queue(client: "Client", args: argparse.Namespace) -> int:
    """Show a queue and its settings."""
    return _show(args, client.queue(args.queue))


def set_queue(client: "Client", args: argparse.Namespace) -> int:
    """Change some settings of a queue; the others stay."""
    settings = _settings.changed(client.queue(args.queue).settings, args.settings)
    return _show(args, client.configure_queue(args.queue, settings))


def pause_queue(client: "Client", args: argparse.Namespace) -> int:
    """Lease no more jobs of a queue."""
    return _show(args, client.pause_queue(args.queue, for_ms=in_ms(args.for_s)))


def resume_queue(client: "Client", args: argparse.Namespace) -> int:
    """End the pause and the drain of a queue."""
    return _show(args, client.resume_queue(args.queue))


def drain_queue(client: "Client", args: argparse.Namespace) -> int:
    """Take no new jobs into a queue."""
    return _show(args, client.drain_queue(args.queue))


def purge_queue(client: "Client", args: argparse.Namespace) -> int:
    """Remove the waiting jobs of a queue."""
    states = args.state.split(",") if args.state else ()
    which = args.state or "waiting"
    if not args.dry_run and not confirmed(args, f"Remove the {which} jobs of {args.queue} for good?"):
        say("nothing was removed")
        return OK
    return show_started(client, args, client.purge_queue(args.queue, states=states, dry_run=args.dry_run))


def delete_queue(client: "Client", args: argparse.Namespace) -> int:
    """Forget a queue."""
    client.delete_queue(args.queue)
    show(args, {"queue": args.queue}, lambda: f"{args.queue} is forgotten")
    return OK


def _show(args: argparse.Namespace, queue: Queue) -> int:
    from headrace import _tables

    show(args, queue, lambda: _tables.queue(queue))
    return OK


def all_queues(client: "Client") -> Sequence[QueueStats]:
    """Return all queues, by name."""
    found: list[QueueStats] = []
    after: str | None = None
    while True:
        page = client.queues(after=after)
        found.extend(page.queues)
        after = page.next_after
        if after is None:
            return found
