"""The command that watches: state changes of jobs as they happen."""

import argparse
import json
from itertools import islice
from typing import TYPE_CHECKING, Final

from headrace.commands._common import OK, add, say

if TYPE_CHECKING:
    from headrace.cli import Commands
    from headrace.client import Client

_EVENTS: Final = """
examples:
  headrace events                                 from now on, until Ctrl-C
  headrace events --queue mail -o json            one document a line
  headrace events --after CURSOR --max 100        what has happened since, 100 events at most
"""


def register(commands: "Commands") -> None:
    """Add the command."""
    events = add(commands, "events", follow_events, "watch jobs change their states", _EVENTS)
    events.add_argument("--queue", metavar="NAME", help="of this queue only")
    events.add_argument("--after", metavar="CURSOR", help="begin after this event (default: now)")
    events.add_argument("--max", type=int, metavar="N", help="end after so many (default: never)")


def follow_events(client: "Client", args: argparse.Namespace) -> int:
    """Print events as they happen."""
    from headrace import _tables, _text

    for event in islice(client.follow_events(after=args.after, queue=args.queue), args.max):
        line = json.dumps(_text.document(event), ensure_ascii=False) if args.output == "json" else _tables.event(event)
        say(line, now=True)
    return OK
