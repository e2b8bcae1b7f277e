"""The command `headrace`: it finds its sub-commands by entry points and runs one; it must not know what they do.

A distribution adds commands with an entry point in the group `headrace.commands` whose object is

    def register(commands: Commands) -> None      # commands.add_parser(...).set_defaults(run=function)
    def function(args: argparse.Namespace) -> int # returns the exit code

Plugins are loaded until one brings the command, and `register` should import nothing heavy: `headrace version` answers
at once.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Final, TypeAlias

from headrace._version import __version__

if TYPE_CHECKING:
    Commands: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001

GROUP: Final = "headrace.commands"
USAGE: Final = 2
INTERRUPTED: Final = 128 + 2  # as if killed by SIGINT
PIPE_CLOSED: Final = 128 + 13  # as if killed by SIGPIPE

_EPILOG: Final = """\
examples:
  headrace up                                  a server with its own store, and a demo worker
  headrace enqueue demo.add '[2, 3]' --wait 10 put a job in and wait for its result
  headrace queues                              how full the queues are
  headrace jobs --state dead                   what went wrong, and why

`headrace COMMAND --help` tells more. Clients find the server by HEADRACE_URL (http://127.0.0.1:8080 if unset) and
send the bearer token in HEADRACE_TOKEN.
"""


class CommandParser(argparse.ArgumentParser):
    """The parser of one command: options may stand anywhere among its arguments.

    argparse alone fills `TASK [PAYLOAD]` at the first argument that it meets, so that it has no place left for the
    payload in `TASK --queue mail PAYLOAD`.
    """

    _once = False

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """See ArgumentParser."""
        if self._once or self._subparsers is not None:
            return super().parse_known_args(args, namespace)
        self._once = True  # parse_known_intermixed_args comes back here, once for options and once for arguments
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._once = False


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line (sys.argv where None) and return its exit code; wrong usage exits with 2."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _run(words)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # the reader has gone (`| head`): nothing is left to say, not even by the interpreter's last flush
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    return code


def register(commands: "Commands") -> None:
    """Add the commands of the client."""
    from headrace import commands as ours

    ours.register(commands)


def parser_of_all() -> tuple[argparse.ArgumentParser, list[str]]:
    """Return the parser with every command there is, and how to get those that cannot be loaded here."""
    parser, commands = _parser()
    return parser, [_hint(plugin, error) for plugin, error in _load(commands, None)]


def _parser() -> "tuple[argparse.ArgumentParser, Commands]":
    parser = argparse.ArgumentParser(
        prog="headrace",
        description="Headrace, an HTTP task queue: put jobs in, run workers, run the server.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"headrace {__version__}")
    kind: type[argparse.ArgumentParser] = CommandParser
    return parser, parser.add_subparsers(metavar="COMMAND", title="commands", dest="command", parser_class=kind)


def _run(words: list[str]) -> int:
    parser, commands = _parser()
    wanted = next((word for word in words if not word.startswith("-")), None)
    hints = [_hint(plugin, error) for plugin, error in _load(commands, wanted)]
    if wanted is None and hints:
        parser.epilog = "\n".join([_EPILOG, *hints])
    if wanted is not None and wanted not in commands.choices and hints:
        print(f"headrace: no command {wanted!r} here\n" + "\n".join(hints), file=sys.stderr)
        return USAGE
    args = parser.parse_args(words)
    if args.command is None:
        parser.print_help(sys.stderr)
        return USAGE
    code: int = args.run(args)
    return code


def _load(commands: "Commands", wanted: str | None) -> Iterator[tuple[EntryPoint, ImportError]]:
    """Register plugins until one brings `wanted` (None: all of them), and yield those that cannot be imported."""
    for plugin in _plugins():
        try:
            register_commands = plugin.load()
        except ImportError as error:
            yield plugin, error
            continue
        register_commands(commands)
        if wanted in commands.choices:
            return


def _hint(plugin: EntryPoint, error: ImportError) -> str:
    """Return how to get the commands of a plugin that cannot be imported."""
    extras = plugin.dist.metadata.get_all("Provides-Extra") or [] if plugin.dist else []
    remedy = f"; pip install 'headrace[{plugin.name}]'" if plugin.name in extras else ""
    return f"the {plugin.name} commands cannot be loaded ({error}){remedy}"


def _plugins() -> list[EntryPoint]:
    """Return the entry points, the client's first: it is the lightest."""
    found = {plugin.name: plugin for plugin in entry_points(group=GROUP)}
    return sorted(found.values(), key=lambda plugin: (plugin.name != "client", plugin.name))
