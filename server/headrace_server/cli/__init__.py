"""The commands `headrace server`, `up`, `doctor` and `check`: their flags. What they do is imported when they run."""

import argparse
import os
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

from headrace_server.config import Durability, Settings, SettingsError, env_name

_SERVER = """Run the server until SIGTERM or Ctrl-C. Without --redis it keeps its jobs in a store of its own, in
--data-dir. It prints one line `listening on http://...` to stderr when it is ready. Every flag is also a variable."""
_UP = """Run the server and one worker with a few demo tasks, to try things: the printed curl line gives a result."""
_DOCTOR = """Say which store would be used and why, what a 2xx stands for, all settings and where they come from, and
what is wrong, with remedies."""
_CHECK = """Compare every index in the store with the jobs, beside the servers that run on it. Exit code 1 when
something disagrees; with --repair it is mended by the jobs' records."""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the server's commands to `headrace`."""
    server = subparsers.add_parser("server", help="run the server", description=_SERVER)
    up = subparsers.add_parser("up", help="run the server and a demo worker", description=_UP)
    doctor = subparsers.add_parser("doctor", help="look at settings and store, say what is wrong", description=_DOCTOR)
    check = subparsers.add_parser("check", help="compare the store's indexes with its jobs", description=_CHECK)
    for parser in (server, up, doctor, check):
        _add_flags(parser)
    check.add_argument("--repair", action="store_true", help="mend what disagrees")
    for parser in (doctor, check):
        parser.add_argument(
            "-o", "--output", choices=("table", "json", "jsonl"), default="table", help="how to print (table)"
        )
    server.set_defaults(run=_run_server)
    up.set_defaults(run=_run_up)
    doctor.set_defaults(run=_run_doctor)
    check.set_defaults(run=_run_check)


def _add_flags(parser: argparse.ArgumentParser) -> None:
    hints = get_type_hints(Settings)
    for f in fields(Settings):
        flag = f.metadata["flag"]
        if flag is None:
            continue
        shown = "" if f.default in (None, False) else f" (default {f.default})"
        text = f"{f.metadata['meaning']} [{env_name(f.name)}]{shown}"
        parser.add_argument(flag, dest=f.name, help=text.replace("%", "%%"), default=None, **_kind(hints[f.name]))


def _kind(hint: Any) -> dict[str, Any]:
    if hint is bool:
        return {"action": "store_true"}
    if hint is int:
        return {"type": int, "metavar": "N"}
    if hint is Durability:
        return {"type": Durability, "choices": list(Durability)}
    return {"type": Path, "metavar": "DIR"} if hint == (Path | None) else {"metavar": "TEXT"}


def _settings(args: argparse.Namespace) -> Settings:
    flags = {f.name: getattr(args, f.name, None) for f in fields(Settings)}
    return Settings.read(os.environ, **flags)


def _run_server(args: argparse.Namespace) -> int:
    from headrace_server.cli.serve import guarded, run

    return guarded(lambda: run(_settings(args)))


def _run_up(args: argparse.Namespace) -> int:
    from headrace_server.cli.serve import guarded
    from headrace_server.cli.up import run

    return guarded(lambda: run(_settings(args)))


def _run_doctor(args: argparse.Namespace) -> int:
    from headrace_server.cli.doctor import print_unreadable, run

    try:
        settings = _settings(args)
    except SettingsError as error:
        return print_unreadable(str(error), args.output)
    given = frozenset(f.name for f in fields(Settings) if getattr(args, f.name, None) is not None)
    return run(settings, given, args.output)


def _run_check(args: argparse.Namespace) -> int:
    import asyncio

    from headrace_server.cli.check import run
    from headrace_server.cli.serve import guarded

    return guarded(lambda: asyncio.run(run(_settings(args), repair=args.repair, output=args.output)))
