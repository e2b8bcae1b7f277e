"""Commands of those who want work done: enqueue, get, wait, cancel."""

import argparse
from typing import TYPE_CHECKING, Final

from headrace.commands._common import (
    JOB_FAILED,
    OK,
    TIMED_OUT,
    UsageError,
    add,
    add_job_id,
    add_job_ids,
    for_each,
    in_ms,
    show,
)
from headrace.commands._payload import payload_of
from headrace.models import Job, RetryPolicy, Unique
from headrace.words import State

if TYPE_CHECKING:
    from headrace.cli import Commands
    from headrace.client import Client

_ENQUEUE: Final = """
examples:
  headrace enqueue demo.add '[2, 3]' --wait 10          positional arguments, and wait for the result
  headrace enqueue mail.send '{"to": "ann@example.org"}' --queue mail --priority 200
  headrace enqueue report.build @report.json --delay 60 payload from a file, not before a minute from now
  headrace enqueue sync.user '[7]' --unique user-7 --on-conflict replace --delay 5
  headrace enqueue pay.charge '[4711]' --limit stripe:tenant-7 --fairness-key tenant-7 --tag tenant=7
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

_CANCEL: Final = """
examples:
  headrace cancel 01909c5e-6a52-7000-8a3f-0b6f1d2c3e4f --reason 'not needed'
  headrace cancel 01909c5e-6a52-7000-8a3f-0b6f1d2c3e4f --hard   end the lease of a worker that holds it, now
"""


def register(commands: "Commands") -> None:
    """Add the commands."""
    _add_enqueue(commands)
    get = add(commands, "get", get_job, "show a job", _GET)
    add_job_id(get)
    wait = add(commands, "wait", wait_job, "wait until a job has ended, and show it", _WAIT)
    add_job_id(wait)
    wait.add_argument("--timeout", type=float, metavar="SECONDS", help="wait this long at most (default: no limit)")
    cancel = add(commands, "cancel", cancel_job, "cancel a job, or ask the worker that holds it to end it", _CANCEL)
    add_job_ids(cancel)
    cancel.add_argument("--reason", metavar="TEXT", help="kept on the job")
    cancel.add_argument("--hard", action="store_true", help="do not ask: end the lease at once")


def _add_enqueue(commands: "Commands") -> None:
    parser = add(commands, "enqueue", enqueue, "put a job into a queue", _ENQUEUE)
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
    parser.add_argument("--max-runtime", type=float, metavar="SECONDS", help="a longer run is a failed attempt")
    parser.add_argument("--result-ttl", type=float, metavar="SECONDS", help="keep the result so long; 0: not at all")
    parser.add_argument("--idempotency-key", metavar="KEY", help="the same key again gives the same job, for 24 h")
    parser.add_argument("--wait", type=float, metavar="SECONDS", help="wait so long for the job to end")
    _add_lanes(parser.add_argument_group("in company of other jobs"))


def _add_lanes(parser: "argparse._ArgumentGroup") -> None:
    parser.add_argument("--tag", action="append", metavar="NAME=VALUE", help="to find the job by; may be repeated")
    parser.add_argument("--limit", action="append", metavar="KEY", help="a limit that it counts under; may be repeated")
    parser.add_argument("--fairness-key", metavar="KEY", help="the jobs of a queue go by turns of this key")
    parser.add_argument("--weight", type=int, metavar="1..100", help="turns of the fairness key (default: 1)")
    parser.add_argument("--ordering-key", metavar="KEY", help="one job of this key at a time, first in first out")
    parser.add_argument("--on-dead", choices=("next", "hold"), help="what the next of its ordering key do when it dies")
    parser.add_argument("--unique", metavar="KEY", help="at most one job of this key")
    parser.add_argument("--unique-by", metavar="A,B", help="... of these fields instead: queue, task, payload")
    parser.add_argument("--unique-until", choices=("start", "finish"), help="how long (default: finish)")
    parser.add_argument("--unique-ttl", type=float, metavar="SECONDS", help="how long, instead of --unique-until")
    parser.add_argument(
        "--on-conflict",
        choices=("reject", "return", "replace"),
        help="what is done with a second one (default: return)",
    )


def enqueue(client: "Client", args: argparse.Namespace) -> int:
    """Put a job into a queue; with --wait, wait for its end."""
    job = client.enqueue(
        args.task,
        payload_of(args.payload),
        queue=args.queue,
        priority=args.priority,
        delay_ms=in_ms(args.delay),
        expires_in_ms=in_ms(args.expires),
        max_runtime_ms=in_ms(args.max_runtime),
        result_ttl_ms=in_ms(args.result_ttl),
        retry=None if args.max_attempts is None else RetryPolicy(max_attempts=args.max_attempts),
        unique=_unique(args),
        tags=None if args.tag is None else dict(_pair(text) for text in args.tag),
        limits=args.limit,
        fairness_key=args.fairness_key,
        weight=args.weight,
        ordering_key=args.ordering_key,
        on_dead=args.on_dead,
        idempotency_key=args.idempotency_key,
    )
    if args.wait is None:
        show_job(args, job)
        return OK
    return _waited(args, client.wait(job.id, timeout=args.wait))


def get_job(client: "Client", args: argparse.Namespace) -> int:
    """Show a job."""
    show_job(args, client.get(args.id))
    return OK


def wait_job(client: "Client", args: argparse.Namespace) -> int:
    """Wait until a job has ended, and show it."""
    return _waited(args, client.wait(args.id, timeout=args.timeout))


def cancel_job(client: "Client", args: argparse.Namespace) -> int:
    """Cancel jobs, or ask for it, and show them."""

    def cancel(job_id: str) -> None:
        show_job(args, client.cancel(job_id, reason=args.reason, mode="hard" if args.hard else None))

    return for_each(args, cancel)


def show_job(args: argparse.Namespace, job: Job) -> None:
    """Print a job."""
    from headrace import _text

    show(args, job, lambda: _text.job_table(job))


def _waited(args: argparse.Namespace, job: Job) -> int:
    show_job(args, job)
    if not job.state.is_final:
        return TIMED_OUT
    return OK if job.state is State.SUCCEEDED else JOB_FAILED


def _unique(args: argparse.Namespace) -> Unique | None:
    if args.unique is None and args.unique_by is None:
        if args.unique_until or args.unique_ttl is not None or args.on_conflict:
            raise UsageError("say what is unique, too: --unique KEY or --unique-by task,payload")
        return None
    return Unique(
        key=args.unique,
        by=None if args.unique_by is None else args.unique_by.split(","),
        until="ttl" if args.unique_ttl is not None else args.unique_until,
        ttl_ms=in_ms(args.unique_ttl),
        on_conflict=args.on_conflict,
    )


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise UsageError(f"--tag {text}: write NAME=VALUE")
    return name, value
