"""What all commands of the client share: how they are added, run, and end; it must not know any of them."""

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from headrace.errors import ConnectionFailed, HeadraceError, NotDone, NotFound, OutcomeUnknown

if TYPE_CHECKING:
    from headrace.cli import Commands
    from headrace.client import Client

    Run: TypeAlias = Callable[[Client, argparse.Namespace], int]

OK: Final = 0
JOB_FAILED: Final = 1
USAGE: Final = 2
NOT_FOUND: Final = 3
REFUSED: Final = 4
UNREACHABLE: Final = 69  # EX_UNAVAILABLE of sysexits.h
TIMED_OUT: Final = 75  # EX_TEMPFAIL

_RETRY_S: Final = 2.0  # a person is waiting: long enough for a restart of the store, short enough to be told

EXIT_CODES: Final = """
exit codes:
  0   done
  1   the job is dead or cancelled (where the command waits for it)
  2   wrong usage
  3   no such job or operation
  4   the server refused it: the message says why
  69  the server cannot be reached, or cannot do it now; nothing was done
  75  not in time: what was waited for has not ended, or no answer came and it may have been done
"""

_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNIT_MS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


class UsageError(Exception):
    """What was typed cannot be used; the text says what to type instead."""


def add(
    commands: "Commands", name: str, run: "Run", what: str, examples: str, *, aliases: Sequence[str] = ()
) -> argparse.ArgumentParser:
    """Add a command that talks to the server."""
    parser = commands.add_parser(
        name,
        aliases=aliases,
        help=what,
        description=what[0].upper() + what[1:] + ".",
        epilog=examples + EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "-o",
        "--output",
        choices=("table", "json", "jsonl"),
        default="table",
        help="for people; for programs; for programs that read line by line",
    )
    parser.add_argument("--json", dest="output", action="store_const", const="json", help="the same as -o json")
    parser.add_argument("--url", help="the server (default: HEADRACE_URL, else http://127.0.0.1:8080)")
    parser.set_defaults(run=partial(_with_client, run))
    return parser


def group(commands: "Commands", name: str, what: str, examples: str) -> "Commands":
    """Add a command that has commands of its own, and return these."""
    parser = commands.add_parser(
        name,
        help=what,
        description=what[0].upper() + what[1:] + ".",
        epilog=examples + EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser.add_subparsers(metavar="VERB", title="verbs", required=True)


def add_job_id(parser: argparse.ArgumentParser) -> None:
    """Add the argument that names a job."""
    parser.add_argument("id", help="the job's id, as `headrace enqueue` printed it")


def add_job_ids(parser: argparse.ArgumentParser) -> None:
    """Add the argument that names one or more jobs; `for_each` goes through them."""
    parser.add_argument(
        "ids", nargs="+", metavar="ID", help="the job's id, as `headrace enqueue` printed it; or several"
    )


def for_each(args: argparse.Namespace, act: Callable[[str], None]) -> int:
    """Act on each job that was named; what fails is told and does not stop the others. Return the worst exit code."""
    worst = OK
    for job_id in args.ids:
        try:
            act(job_id)
        except HeadraceError as error:
            worst = max(worst, _complain(error, exit_code_of(error)))
    return worst


def _with_client(run: "Run", args: argparse.Namespace) -> int:
    """Run a command with a client, and turn its errors into a message and an exit code."""
    from headrace._retry import Patience
    from headrace.client import Client

    try:
        with Client(args.url, retry=Patience(total_s=_RETRY_S)) as client:
            return run(client, args)
    except (UsageError, ValueError, TypeError) as error:
        return _complain(error, USAGE)
    except HeadraceError as error:
        return _complain(error, exit_code_of(error))


def exit_code_of(error: HeadraceError) -> int:
    """Return the exit code that an error stands for."""
    match error:
        case NotFound():
            return NOT_FOUND
        case ConnectionFailed() | NotDone():
            return UNREACHABLE
        case OutcomeUnknown():
            return TIMED_OUT
        case _:
            return REFUSED


def show(args: argparse.Namespace, answer: Any, text: Callable[[], str]) -> None:
    """Print an answer as it was asked for: its document, its parts line by line, or the text for people."""
    from headrace import _text

    if args.output == "table":
        say(text())
    elif args.output == "json":
        say(_text.as_json(_text.document(answer)))
    else:
        for part in answer if isinstance(answer, list | tuple) else [answer]:
            say(_text.as_line(_text.document(part)))


def confirmed(args: argparse.Namespace, question: str) -> bool:
    """Return whether what cannot be undone may be done: --yes says so, else somebody at the terminal.

    Off a terminal nobody is asked: a script knows what it does.
    """
    if args.yes or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def add_yes(parser: argparse.ArgumentParser) -> None:
    """Add the option that answers the question of `confirmed`."""
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")


def say(text: str, *, now: bool = False) -> None:
    """Print; `now`: somebody watches."""
    sys.stdout.write(text + "\n")
    if now:
        sys.stdout.flush()


def in_ms(seconds: float | None) -> int | None:
    """Return seconds in milliseconds."""
    return None if seconds is None else round(seconds * 1000)


def span_ms(text: str) -> int:
    """Return the milliseconds of 250ms, 30s, 5m, 2h or 7d; a bare number is milliseconds. Raises UsageError."""
    if text.isdecimal():
        return int(text)
    found = _SPAN.fullmatch(text)
    if found is None:
        raise UsageError(f"{text!r} is no time: write 250ms, 30s, 5m, 2h or 7d")
    return round(float(found[1]) * _UNIT_MS[found[2]])


def instant(client: "Client", text: str) -> datetime:
    """Return the instant of 2026-01-02T03:04:05Z, or of 2h: so long ago, by the server's clock. Raises UsageError."""
    if _SPAN.fullmatch(text):
        now = client.server_info().server_time
        if now is None:
            raise UsageError(f"this server does not tell its time: write an instant instead of {text!r}")
        return now - timedelta(milliseconds=span_ms(text))
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no instant: write 2026-01-02T03:04:05Z, or 2h for two hours ago") from None
    return found if found.tzinfo else found.astimezone()


def _complain(error: Exception, code: int) -> int:
    text = "".join(c if c.isprintable() or c == "\n" else " " for c in str(error))  # words of others: no escapes
    sys.stderr.write(f"headrace: {text}\n")
    return code
