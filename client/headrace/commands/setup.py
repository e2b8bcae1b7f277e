"""Commands about the command itself: where it goes, and how a shell completes it."""

import argparse
import os
import sys
from typing import TYPE_CHECKING, Final

from headrace._version import __version__
from headrace.commands._common import OK, add, say, show

if TYPE_CHECKING:
    from headrace.cli import Commands
    from headrace.client import Client

_CONFIG: Final = """
examples:
  headrace config                  which server commands go to, and what it allows
  headrace config -o json | jq .server.limits
"""

_COMPLETION: Final = """
examples:
  eval "$(headrace completion bash)"                       in ~/.bashrc
  headrace completion zsh > ~/.zfunc/_headrace             with ~/.zfunc in $fpath before compinit
"""


def register(commands: "Commands") -> None:
    """Add the commands."""
    add(commands, "config", show_config, "show where commands go, and what the server there allows", _CONFIG)
    completion = commands.add_parser(
        "completion",
        help="print what completes this command in a shell",
        description="Print what completes this command in a shell.",
        epilog=_COMPLETION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    completion.add_argument("shell", choices=("bash", "zsh"))
    completion.set_defaults(run=print_completion)


def show_config(client: "Client", args: argparse.Namespace) -> int:
    """Show the client's settings, and what the server says about itself."""
    from headrace import _text

    url_from = "--url" if args.url else "HEADRACE_URL" if os.environ.get("HEADRACE_URL") else "default"
    info = client.server_info()
    mine = {
        "version": __version__,
        "url": client.url,
        "url_from": url_from,
        "token": "HEADRACE_TOKEN" if os.environ.get("HEADRACE_TOKEN") else "none",
    }
    server = _text.document(info)
    rows = {**mine, **{f"server: {name}": value for name, value in server.items() if name != "limits"}}
    limits = {f"limit: {name}": value for name, value in server.get("limits", {}).items()}
    show(args, {**mine, "server": server}, lambda: _text.field_table({**rows, **limits}))
    return OK


def print_completion(args: argparse.Namespace) -> int:
    """Print a completion script for all commands that are installed here."""
    import shtab

    from headrace import cli

    parser, broken = cli.parser_of_all()
    for hint in broken:
        sys.stderr.write(f"headrace: {hint}\n")
    say(shtab.complete(parser, args.shell))
    return OK
