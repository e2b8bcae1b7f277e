"""Commands about schedules: what comes by itself, and when."""

import argparse
from typing import TYPE_CHECKING, Any, Final

from headrace.commands._common import OK, UsageError, add, group, instant, show, span_ms
from headrace.commands._payload import payload_of
from headrace.commands.beat import register_apply

if TYPE_CHECKING:
    from headrace.cli import Commands
    from headrace.client import Client
    from headrace.schedules import ScheduleRecord

_SCHEDULES: Final = """
examples:
  headrace schedules list
  headrace schedules put report report.send --cron '0 9 * * 1-5' --timezone Europe/Berlin --overlap skip
  headrace schedules put warm cache.warm '{"size": 5}' --every 10m
  headrace schedules apply -A shop.tasks:app   let them be those of an app, at each deploy
  headrace schedules show report               its next slot, and what became of the last ones
  headrace schedules trigger report            once more, now
  headrace schedules preview --cron @monthly   when it would come, without a schedule
"""
_TURNS: Final = {
    "pause": "fire nothing until it is resumed",
    "resume": "fire again, from the next slot on",
    "trigger": "fire it now, off its grid",
    "delete": "remove it; the jobs that it has made stay",
}


def register(commands: "Commands") -> None:
    """Add the commands."""
    verbs = group(commands, "schedules", "look after schedules: jobs that come by themselves", _SCHEDULES)
    listing = add(verbs, "list", list_schedules, "list schedules", _SCHEDULES)
    listing.add_argument("--owner", metavar="NAME", help="those that this owner looks after")
    add(verbs, "show", show_schedule, "show a schedule and its newest runs", _SCHEDULES).add_argument("schedule")
    register_apply(verbs)
    _add_put(add(verbs, "put", put_schedule, "make a schedule, or let it be as given", _SCHEDULES))
    for verb, what in _TURNS.items():
        add(verbs, verb, turn_schedule, what, _SCHEDULES).add_argument("schedule")
        verbs.choices[verb].set_defaults(verb=verb)
    preview = add(verbs, "preview", preview_schedule, "show the next slots of a schedule, or of a timing", _SCHEDULES)
    preview.add_argument("schedule", nargs="?", help="one that is there; or give a timing")
    preview.add_argument("-n", type=int, default=10, help="how many slots (10)")
    _add_timing(preview)


def _add_timing(parser: argparse.ArgumentParser) -> None:
    when = parser.add_argument_group("when (one of the first three)")
    when.add_argument("--cron", metavar="FIELDS", help="five fields, six (seconds first), or @daily and its kind")
    when.add_argument("--every", metavar="TIME", help="30s, 10m, 2h, 7d: on a grid that nothing moves")
    when.add_argument("--at", metavar="INSTANT", help="once: 2026-01-02T03:04:05Z")
    when.add_argument("--timezone", metavar="NAME", help="of --cron (UTC)")


def _add_put(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("schedule", metavar="NAME", help="the schedule's name")
    parser.add_argument("task", help="the name of the task that each slot runs")
    parser.add_argument("payload", nargs="?", help="JSON, @FILE or - (standard input); null if left out")
    _add_timing(parser)
    how = parser.add_argument_group("how")
    how.add_argument("--queue", metavar="NAME", help="where its jobs wait (default)")
    how.add_argument("--priority", type=int, help="0 to 255, higher first")
    how.add_argument("--overlap", choices=("allow", "skip", "buffer_one", "cancel_previous"))
    how.add_argument("--catch-up", choices=("none", "last", "all"), help="after a time without servers (last)")
    how.add_argument("--jitter", metavar="TIME", help="each job is due up to this much after its slot")
    how.add_argument("--owner", metavar="NAME", help="who looks after it")
    how.add_argument("--description", metavar="TEXT")
    how.add_argument("--paused", action="store_true", default=None, help="fire nothing yet")


def list_schedules(client: "Client", args: argparse.Namespace) -> int:
    """List schedules."""
    from headrace import _tables

    found = list(client.iter_schedules(owner=args.owner))
    show(args, found, lambda: _tables.schedules(found))
    return OK


def show_schedule(client: "Client", args: argparse.Namespace) -> int:
    """Show a schedule."""
    return _show(args, client.schedule(args.schedule))


def put_schedule(client: "Client", args: argparse.Namespace) -> int:
    """Make a schedule."""
    from headrace.models import NewJob
    from headrace.schedules import Schedule

    job = NewJob(task=args.task, payload=payload_of(args.payload), queue=args.queue, priority=args.priority)
    wanted = Schedule(
        job=job,
        **_timing(client, args),
        overlap=args.overlap,
        catch_up=args.catch_up,
        jitter_ms=None if args.jitter is None else span_ms(args.jitter),
        owner=args.owner,
        description=args.description,
        paused=args.paused,
    )
    return _show(args, client.put_schedule(args.schedule, wanted))


def turn_schedule(client: "Client", args: argparse.Namespace) -> int:
    """Pause, resume, trigger or delete a schedule."""
    name = args.schedule
    if args.verb == "trigger":
        told = client.trigger_schedule(name)
        text = f"{told.outcome.value} {told.job_id or ''}".rstrip()
        show(args, told, lambda: text)
    elif args.verb == "delete":
        client.delete_schedule(name)
        show(args, {"name": name, "state": "gone"}, lambda: f"{name} is deleted")
    else:
        return _show(args, client.pause_schedule(name) if args.verb == "pause" else client.resume_schedule(name))
    return OK


def preview_schedule(client: "Client", args: argparse.Namespace) -> int:
    """Show slots to come."""
    when = _timing(client, args)
    if (args.schedule is None) != bool(when):
        raise UsageError("name a schedule, or give a timing: headrace schedules preview --cron '0 9 * * 1-5'")
    if args.schedule is not None:
        found = client.preview_schedule(args.schedule, n=args.n)
    else:
        found = client.preview_timing(**when, n=args.n)
    lines = [found.explanation, *(slot.strftime("%Y-%m-%d %H:%M:%SZ %a") for slot in found.slots)]
    show(args, found, lambda: "\n".join(lines))
    return OK


def _timing(client: "Client", args: argparse.Namespace) -> dict[str, Any]:
    given: dict[str, Any] = {"cron": args.cron, "timezone": args.timezone}
    given["every_ms"] = None if args.every is None else span_ms(args.every)
    given["at"] = None if args.at is None else instant(client, args.at)
    return {name: value for name, value in given.items() if value is not None}


def _show(args: argparse.Namespace, record: "ScheduleRecord") -> int:
    from headrace import _tables

    show(args, record, lambda: _tables.schedule(record))
    return OK
