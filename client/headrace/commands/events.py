"""The command that watches: state changes of jobs as they happen."""

import argparse
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final

from headrace.commands._common import OK, add, say
from headrace.finding import Event

if TYPE_CHECKING:
    from headrace.cli import Commands
    from headrace.client import Client

_EVENTS: Final = """
examples:
  headrace events                                 from now on, until Ctrl-C
  headrace events --queue mail -o json            one document a line
  headrace tail --task mail.send --state dead     the same command, and only what goes wrong there
  headrace events --after CURSOR --max 100        what has happened since, 100 events at most
"""


def register(commands: "Commands") -> None:
    """Add the command."""
    events = add(commands, "events", follow_events, "watch jobs change their states", _EVENTS, aliases=["tail"])
    events.add_argument("--queue", metavar="NAME", help="of this queue only")
    events.add_argument("--task", metavar="NAME", help="of this task only")
    events.add_argument("--job", metavar="ID", help="of this job only")
    events.add_argument("--state", metavar="A,B", help="into these states only")
    events.add_argument("--after", metavar="CURSOR", help="begin after this event (default: now)")
    events.add_argument("--max", type=int, metavar="N", help="end after so many (default: never)")


def follow_events(client: "Client", args: argparse.Namespace) -> int:
    """Print events as they happen."""
    from headrace import _tables, _text

    seen = filter(partial(_is_meant, args), client.follow_events(after=args.after, queue=args.queue))
    for event in islice(seen, args.max):
        say(_tables.event(event) if args.output == "table" else _text.as_line(_text.document(event)), now=True)
    return OK


def _is_meant(args: argparse.Namespace, event: Event) -> bool:
    """Return whether an event is one that was asked for; a gap always is."""
    states = args.state.split(",") if args.state else None
    return event.is_gap or (
        args.task in (None, event.task)
        and args.job in (None, event.job_id)
        and (states is None or (event.state is not None and event.state.value in states))
    )
