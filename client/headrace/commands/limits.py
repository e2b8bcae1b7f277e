"""Commands about limits: concurrency and rate of what jobs share, and back-off."""

import argparse
from typing import TYPE_CHECKING, Final

from headrace.commands import _settings
from headrace.commands._common import OK, UsageError, add, group, in_ms, show
from headrace.operating import Limit

if TYPE_CHECKING:
    from headrace.cli import Commands
    from headrace.client import Client

_LIMITS: Final = """
examples:
  headrace limits
"""

_LIMIT: Final = """
examples:
  headrace limit set stripe concurrency=5 rate=100/60s   for each key that is stripe or begins with stripe:
  headrace limit set stripe:tenant-7 concurrency=1       the longest name that fits a key counts
  headrace limit show stripe:tenant-7
  headrace limit backoff stripe:tenant-7 --for 30        it said 429: lease nothing of it for 30 seconds
  headrace limit unset stripe
"""


def register(commands: "Commands") -> None:
    """Add the commands."""
    add(commands, "limits", show_limits, "list the limits that have settings or are held back", _LIMITS)
    verbs = group(commands, "limit", "look at one limit, set it, hold it back", _LIMIT)
    add(verbs, "show", show_limit, "show a limit", _LIMIT)
    change = add(verbs, "set", set_limit, "change settings of a limit", _LIMIT)
    add(verbs, "unset", unset_limit, "remove the settings of a limit", _LIMIT)
    back_off = add(verbs, "backoff", back_off_limit, "hold back the jobs of a limit for a while", _LIMIT)
    back_off.add_argument("--for", dest="for_s", type=float, required=True, metavar="SECONDS", help="0 lifts it")
    for parser in verbs.choices.values():
        parser.add_argument("limit", metavar="NAME", help="the limit's key, or what it begins with before a `:`")
    change.add_argument(
        "settings",
        nargs="+",
        metavar="NAME=VALUE",
        help="concurrency=5, rate=100/60s, burst=20; NAME= takes one away, what is not named stays",
    )


def show_limits(client: "Client", args: argparse.Namespace) -> int:
    """List limits."""
    from headrace import _tables

    found: list[Limit] = []
    after: str | None = None
    while True:
        page = client.limits(after=after)
        found.extend(page.limits)
        after = page.next_after
        if after is None:
            break
    show(args, found, lambda: _tables.limits(found))
    return OK


def show_limit(client: "Client", args: argparse.Namespace) -> int:
    """Show a limit."""
    return _show(args, client.limit(args.limit))


def set_limit(client: "Client", args: argparse.Namespace) -> int:
    """Change some settings of a limit; the others stay."""
    known = client.limit(args.limit)
    concurrency, rate = _settings.limit(known.concurrency, known.rate, args.settings)
    if concurrency is None and rate is None:
        raise UsageError(f"nothing would be left: headrace limit unset {args.limit}")
    return _show(args, client.set_limit(args.limit, concurrency=concurrency, rate=rate))


def unset_limit(client: "Client", args: argparse.Namespace) -> int:
    """Remove the settings of a limit."""
    return _show(args, client.unset_limit(args.limit))


def back_off_limit(client: "Client", args: argparse.Namespace) -> int:
    """Hold back the jobs of a limit."""
    return _show(args, client.back_off(args.limit, for_ms=in_ms(args.for_s) or 0))


def _show(args: argparse.Namespace, limit: Limit) -> int:
    from headrace import _tables

    show(args, limit, lambda: _tables.limits([limit]))
    return OK
