"""The client's commands: enqueue, get, wait, queues, version. Words into calls, answers into text."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from headrace._version import __version__
from headrace.errors import ConnectionFailed, HeadraceError, NotDone, NotFound, OutcomeUnknown
from headrace.models import Job, QueueStats, RetryPolicy
from headrace.words import ABSENT, State

if TYPE_CHECKING:
    from headrace.cli import Commands
    from headrace.client import Client

OK: Final = 0
JOB_FAILED: Final = 1
USAGE: Final = 2
NOT_FOUND: Final = 3
REFUSED: Final = 4
UNREACHABLE: Final = 69  # EX_UNAVAILABLE of sysexits.h
TIMED_OUT: Final = 75  # EX_TEMPFAIL

_RETRY_S: Final = 2.0  # a person is waiting: long enough for a restart of the store, short enough to be told

_EXIT_CODES: Final = """
exit codes:
  0   done
  1   the job is dead or cancelled (where the command waits for it)
  2   wrong usage
  3   no such job
  4   the server refused it: the message says why
  69  the server cannot be reached, or cannot do it now; nothing was done
  75  not in time: the job has not ended, or no answer came and it may have been done
"""

_ENQUEUE: Final = """
examples:
  headrace enqueue demo.add '[2, 3]' --wait 10          positional arguments, and wait for the result
  headrace enqueue mail.send '{"to": "ann@example.org"}' --queue mail --priority 200
  headrace enqueue report.build @report.json --delay 60 payload from a file, not before a minute from now
  echo '"hello"' | headrace enqueue demo.echo -         payload from standard input
  id=$(headrace enqueue demo.add '[2, 3]' -o json | jq -r .id)
"""

_GET: Final = """
examples:
  headrace get 01909c5e-6a52-7000-8a3f-0b6f1d2c3e4f
  headrace get 01909c5e-6a52-7000-8a3f-0b6f1d2c3e4f -o json | jq .result
"""

_WAIT: Final = """
examples:
  headrace wait 01909c5e-6a52-7000-8a3f-0b6f1d2c3e4f --timeout 60 && echo done
"""

_QUEUES: Final = """
examples:
  headrace queues
  headrace queues default mail -o json
"""


class UsageError(Exception):
    """What was typed cannot be used; the text says what to type instead."""


def register(commands: "Commands") -> None:
    """Add the client's commands."""
    _add_enqueue(commands)
    get = _add(commands, "get", get_job, "show a job", _GET)
    get.add_argument("id", help="the job's id, as `headrace enqueue` printed it")
    wait = _add(commands, "wait", wait_job, "wait until a job has ended, and show it", _WAIT)
    wait.add_argument("id", help="the job's id, as `headrace enqueue` printed it")
    wait.add_argument("--timeout", type=float, metavar="SECONDS", help="wait this long at most (default: no limit)")
    queues = _add(commands, "queues", show_queues, "show how full the queues are", _QUEUES)
    queues.add_argument("queue", nargs="*", help="names of queues (default: all)")
    version = commands.add_parser("version", help="show the version", description="Show the version.")
    version.set_defaults(run=show_version)


def _add_enqueue(commands: "Commands") -> None:
    parser = _add(commands, "enqueue", enqueue, "put a job into a queue", _ENQUEUE)
    parser.add_argument("task", help="name of the task, for instance demo.add")
    parser.add_argument(
        "payload",
        nargs="?",
        help="JSON: an object is keyword arguments, an array positional ones, anything else one argument; "
        "- reads standard input, @FILE a file (default: no arguments)",
    )
    parser.add_argument("--queue", metavar="NAME", help="the queue (default: default)")
    parser.add_argument("--priority", type=int, metavar="0..255", help="higher goes first (default: 100)")
    parser.add_argument("--delay", type=float, metavar="SECONDS", help="do not start before this has passed")
    parser.add_argument("--expires", type=float, metavar="SECONDS", help="cancel it if it has not started by then")
    parser.add_argument("--max-attempts", type=int, metavar="N", help="runs in all before it is dead (default: 3)")
    parser.add_argument("--idempotency-key", metavar="KEY", help="the same key again gives the same job, for 24 h")
    parser.add_argument("--wait", type=float, metavar="SECONDS", help="wait so long for the job to end")


def _add(
    commands: "Commands", name: str, run: Callable[["Client", argparse.Namespace], int], what: str, examples: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=what,
        description=what[0].upper() + what[1:] + ".",
        epilog=examples + _EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "-o", "--output", choices=("table", "json"), default="table", help="for people, or for programs"
    )
    parser.add_argument("--url", help="the server (default: HEADRACE_URL, else http://127.0.0.1:8080)")
    parser.set_defaults(run=partial(_with_client, run))
    return parser


def _with_client(run: Callable[["Client", argparse.Namespace], int], args: argparse.Namespace) -> int:
    """Run a command with a client, and turn its errors into a message and an exit code."""
    from headrace._retry import Retry
    from headrace.client import Client

    try:
        with Client(args.url, retry=Retry(total_s=_RETRY_S)) as client:
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


def enqueue(client: "Client", args: argparse.Namespace) -> int:
    """Put a job into a queue; with --wait, wait for its end."""
    job = client.enqueue(
        args.task,
        _payload(args.payload),
        queue=args.queue,
        priority=args.priority,
        delay_ms=_ms(args.delay),
        expires_in_ms=_ms(args.expires),
        retry=None if args.max_attempts is None else RetryPolicy(max_attempts=args.max_attempts),
        idempotency_key=args.idempotency_key,
    )
    if args.wait is None:
        _show_job(job, args.output)
        return OK
    return _waited(client.wait(job.id, timeout=args.wait), args.output)


def get_job(client: "Client", args: argparse.Namespace) -> int:
    """Show a job."""
    _show_job(client.get(args.id), args.output)
    return OK


def wait_job(client: "Client", args: argparse.Namespace) -> int:
    """Wait until a job has ended, and show it."""
    return _waited(client.wait(args.id, timeout=args.timeout), args.output)


def show_queues(client: "Client", args: argparse.Namespace) -> int:
    """Show how full the queues are."""
    from headrace import _text

    found = [client.queue_stats(name) for name in args.queue] if args.queue else list(_all_queues(client))
    _say(_text.as_json([_text.document(q) for q in found]) if args.output == "json" else _text.queue_table(found))
    return OK


def show_version(args: argparse.Namespace) -> int:
    """Show the version."""
    del args
    _say(f"headrace {__version__}")
    return OK


def _waited(job: Job, output: str) -> int:
    _show_job(job, output)
    if not job.state.is_final:
        return TIMED_OUT
    return OK if job.state is State.SUCCEEDED else JOB_FAILED


def _show_job(job: Job, output: str) -> None:
    from headrace import _text

    _say(_text.as_json(_text.document(job)) if output == "json" else _text.job_table(job))


def _all_queues(client: "Client") -> Sequence[QueueStats]:
    found: list[QueueStats] = []
    after: str | None = None
    while True:
        page = client.queues(after=after)
        found.extend(page.queues)
        after = page.next_after
        if after is None:
            return found


def _payload(text: str | None) -> Any:
    if text is None:
        return ABSENT
    source = "the payload"
    if text == "-":
        source, text = "standard input", sys.stdin.read()
    elif text.startswith("@"):
        source, text = text[1:], _file(text[1:])
    try:
        return json.loads(text, parse_constant=_no_constant)
    except ValueError as error:
        hint = "; a text needs quotes of its own: '\"text\"'" if source == "the payload" else ""
        raise UsageError(f"{source} is not JSON ({error}){hint}") from None


def _file(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} has no place in JSON")


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _complain(error: Exception, code: int) -> int:
    text = "".join(c if c.isprintable() or c == "\n" else " " for c in str(error))  # words of others: no escapes
    sys.stderr.write(f"headrace: {text}\n")
    return code
