"""Commands for those who keep their schedules with their code, and for those who look for `celery beat`."""

import argparse
import sys
from typing import TYPE_CHECKING, Final

from headrace.commands._common import OK, REFUSED, USAGE, UsageError, add, say, show

if TYPE_CHECKING:
    from headrace.cli import Commands
    from headrace.client import Client
    from headrace.schedules import ScheduleChange

_EXAMPLES: Final = """
examples:
  headrace schedules apply -A shop.tasks:app --dry-run   what would be done; and whether the server takes it
  headrace schedules apply -A shop.tasks:app             at each deploy; the same again changes nothing
"""
_BEAT: Final = """\
headrace: there is no beat to run. The servers keep schedules and fire them, each slot once, however many servers there
are. Take this line out of your Procfile, unit or manifest: what the app says is periodic (app.conf.beat_schedule,
@app.periodic_task) is told to the server by every worker at its start, or by
  headrace schedules apply -A module:app    at each deploy
and looked at by
  headrace schedules list
"""


def register(commands: "Commands") -> None:
    """Add `headrace beat`, which is there to say that it is not."""
    beat = commands.add_parser(
        "beat",
        help="not needed: the servers fire schedules",
        description=_BEAT,
        prefix_chars="\0",  # whatever follows, as `-A proj -l info -S ...` does, is nothing to it
        add_help=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    beat.add_argument("words", nargs="*", help=argparse.SUPPRESS)
    beat.set_defaults(run=explain_beat)


def explain_beat(args: argparse.Namespace) -> int:
    """Say that nothing has to run; a failure, so that whoever keeps processes alive notices."""
    del args
    sys.stderr.write(_BEAT)
    return USAGE


def register_apply(verbs: "Commands") -> None:
    """Add `headrace schedules apply`."""
    parser = add(verbs, "apply", apply_schedules, "let the schedules be those of an app", _EXAMPLES)
    parser.add_argument(
        "-A", "--app", required=True, metavar="MODULE:APP", help="a headrace.App, also in the current folder"
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would be done, and do nothing")
    parser.add_argument("--owner", metavar="NAME", help="whose they are (default: app.conf.beat_owner, else its name)")
    parser.add_argument(
        "--prune",
        action=argparse.BooleanOptionalAction,
        help="remove what the owner has and the app has not (default: yes, where there is an owner)",
    )


def apply_schedules(client: "Client", args: argparse.Namespace) -> int:
    """Let the schedules be those of an app."""
    from headrace import _tables, loading

    try:
        app = loading.load(args.app)
        wanted = app.schedules()
    except loading.AppNotFound as error:
        raise UsageError(str(error)) from None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the module raised
        raise UsageError(f"{args.app} cannot be imported:\n{loading.import_error(error)}") from None
    owner = args.owner or app.schedule_owner
    changes = client.apply_schedules(wanted, owner=owner, prune=args.prune, dry_run=args.dry_run)
    show(args, changes, lambda: _tables.schedule_changes(changes))
    if owner is None and args.output == "table":
        say("Nothing is removed, because nobody owns these: App(name=...), app.conf.beat_owner or --owner says who.")
    return REFUSED if any(_is_left_undone(change) for change in changes) else OK


def _is_left_undone(change: "ScheduleChange") -> bool:
    return change.change in ("foreign", "refused")
