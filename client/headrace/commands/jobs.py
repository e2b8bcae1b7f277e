"""Commands of those who look for jobs and mend them: jobs, attempts, explain, retry, patch, delete."""

import argparse
from itertools import islice
from typing import TYPE_CHECKING, Final

from headrace.commands._common import OK, UsageError, add, add_job_id, add_job_ids, for_each, in_ms, instant, show
from headrace.commands.produce import show_job
from headrace.finding import JobFilter

if TYPE_CHECKING:
    from headrace.cli import Commands
    from headrace.client import Client

_JOBS: Final = """
examples:
  headrace jobs --queue mail --state dead
  headrace jobs --state ready,retrying --tag tenant=7
  headrace jobs --error-type TimeoutError --finished-after 2h -o json | jq -r '.[].id'
"""

_DEAD: Final = """
examples:
  headrace dead --queue mail
  headrace dead --summary --finished-after 1h    what is going wrong just now
  headrace retry $(headrace dead --task mail.send -o jsonl | jq -r .id)
"""

_ATTEMPTS: Final = """
examples:
  headrace attempts 01909c5e-6a52-7000-8a3f-0b6f1d2c3e4f
"""

_EXPLAIN: Final = """
examples:
  headrace explain 01909c5e-6a52-7000-8a3f-0b6f1d2c3e4f   why it is not running, and what to do about it
"""

_RETRY: Final = """
examples:
  headrace retry 01909c5e-6a52-7000-8a3f-0b6f1d2c3e4f
  headrace operation start retry --queue mail --error-type TimeoutError   many at once
"""

_PATCH: Final = """
examples:
  headrace patch 01909c5e-6a52-7000-8a3f-0b6f1d2c3e4f --priority 250 --delay 0   as soon as possible
  headrace patch 01909c5e-6a52-7000-8a3f-0b6f1d2c3e4f --queue mail.slow
"""

_DELETE: Final = """
examples:
  headrace delete 01909c5e-6a52-7000-8a3f-0b6f1d2c3e4f
  headrace operation start delete --state dead --finished-before 30d   many at once
"""


def register(commands: "Commands") -> None:
    """Add the commands."""
    jobs = add(commands, "jobs", list_jobs, "list jobs", _JOBS, aliases=["ls"])
    add_filter(jobs)
    _add_limit(jobs)
    dead = add(commands, "dead", list_dead, "list dead letters, or count what they died of", _DEAD)
    dead.set_defaults(state="dead")
    add_filter(dead, states=False)
    dead.add_argument("--summary", action="store_true", help="count them by queue, task and type of the error")
    _add_limit(dead)
    add_job_id(add(commands, "attempts", show_attempts, "show how the attempts of a job ended", _ATTEMPTS))
    add_job_id(add(commands, "explain", explain, "say why a job is not running", _EXPLAIN))
    retry = add(commands, "retry", retry_job, "give a dead job another run", _RETRY)
    add_job_ids(retry)
    retry.add_argument("--queue", metavar="NAME", help="another queue of the same group")
    patch = add(commands, "patch", patch_job, "change a job that nobody holds", _PATCH)
    add_job_id(patch)
    patch.add_argument("--priority", type=int, metavar="0..255", help="higher goes first")
    patch.add_argument("--delay", type=float, metavar="SECONDS", help="do not start before; 0: as soon as possible")
    patch.add_argument("--run-at", metavar="INSTANT", help="do not start before, for instance 2026-01-02T03:04:05Z")
    patch.add_argument("--queue", metavar="NAME", help="another queue of the same group")
    add_job_ids(add(commands, "delete", delete_job, "remove the record of a job that has ended", _DELETE))


def _add_limit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--limit", type=int, default=100, metavar="N", help="show so many; 0: all (default: 100)")


def add_filter(parser: argparse.ArgumentParser, *, states: bool = True) -> None:
    """Add the options that say which jobs are meant."""
    which = parser.add_argument_group("which jobs (all of these)")
    which.add_argument("--queue", metavar="NAME")
    if states:
        which.add_argument("--state", metavar="A,B", help="one of these states")
    which.add_argument("--task", metavar="NAME")
    which.add_argument("--error-type", metavar="TYPE", help="of the last failed attempt")
    which.add_argument("--tag", metavar="NAME=VALUE")
    for what in ("enqueued", "finished"):
        for side in ("after", "before"):
            which.add_argument(
                f"--{what}-{side}", metavar="INSTANT", help="2026-01-02T03:04:05Z, or 2h for two hours ago"
            )


def filter_of(client: "Client", args: argparse.Namespace) -> JobFilter:
    """Return what the options of `add_filter` say."""
    which = JobFilter()
    for name in ("queue", "task", "error_type"):
        if getattr(args, name) is not None:
            which[name] = getattr(args, name)
    for bound in ("enqueued_after", "enqueued_before", "finished_after", "finished_before"):
        if getattr(args, bound) is not None:
            which[bound] = instant(client, getattr(args, bound))
    if args.state is not None:
        which["state"] = args.state.split(",")
    if args.tag is not None:
        name, sign, value = args.tag.partition("=")
        if not sign:
            raise UsageError(f"--tag {args.tag}: write NAME=VALUE")
        which["tag"] = (name, value)
    return which


def list_jobs(client: "Client", args: argparse.Namespace) -> int:
    """List jobs."""
    from headrace import _tables

    found = list(islice(client.iter_jobs(**filter_of(client, args)), args.limit + 1 if args.limit else None))
    more = bool(args.limit) and len(found) > args.limit
    found = found[: args.limit] if more else found
    show(args, found, lambda: _tables.jobs(found) + ("\nand more: --limit 0 shows all" if more else ""))
    return OK


def list_dead(client: "Client", args: argparse.Namespace) -> int:
    """List dead jobs, or count them by what they died of."""
    if not args.summary:
        return list_jobs(client, args)
    from headrace import _tables

    found = _tables.causes(client.iter_jobs(**filter_of(client, args)))
    show(args, found, lambda: _tables.cause_table(found))
    return OK


def show_attempts(client: "Client", args: argparse.Namespace) -> int:
    """Show the attempts of a job."""
    from headrace import _tables

    found = client.attempts(args.id)
    show(args, found, lambda: _tables.attempts(found))
    return OK


def explain(client: "Client", args: argparse.Namespace) -> int:
    """Say why a job is not running."""
    from headrace import _tables

    told = client.explain(args.id)
    show(args, told, lambda: _tables.explanation(told))
    return OK


def retry_job(client: "Client", args: argparse.Namespace) -> int:
    """Give dead jobs another run, and show them."""
    return for_each(args, lambda job_id: show_job(args, client.retry(job_id, queue=args.queue)))


def patch_job(client: "Client", args: argparse.Namespace) -> int:
    """Change a job, and show it."""
    if args.priority is None and args.delay is None and args.run_at is None and args.queue is None:
        raise UsageError("nothing to change: give --priority, --delay, --run-at or --queue")
    run_at = None if args.run_at is None else instant(client, args.run_at)
    job = client.patch(args.id, priority=args.priority, run_at=run_at, delay_ms=in_ms(args.delay), queue=args.queue)
    show_job(args, job)
    return OK


def delete_job(client: "Client", args: argparse.Namespace) -> int:
    """Remove the records of jobs."""

    def delete(job_id: str) -> None:
        client.delete(job_id)
        show(args, {"id": job_id, "state": "gone"}, lambda: f"{job_id} is gone")

    return for_each(args, delete)
