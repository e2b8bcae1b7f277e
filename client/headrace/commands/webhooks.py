"""Commands about webhooks: who is told of what happens to jobs."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from headrace.commands._common import JOB_FAILED, OK, TIMED_OUT, UsageError, add, group, show, span_ms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.cli import Commands
    from headrace.client import Client
    from headrace.webhooks import WebhookRecord
    from headrace.words import WebhookEvent

_WEBHOOKS: Final = """
examples:
  headrace webhooks put audit https://example.com/headrace
  headrace webhooks put failures https://example.com/failed --event job.dead --queue mail --queue reports
  headrace webhooks test audit                 send a ping, and see what the receiver says
  headrace webhooks show audit                 and how its deliveries are
  headrace jobs --queue headrace.webhooks.audit --state dead
  headrace webhooks rotate audit               another secret; the old one signs beside it for a day
"""
_TURNS: Final = {
    "pause": "tell it nothing until it is resumed",
    "resume": "tell it what happens again",
    "delete": "remove it and what waits to be delivered; its dead letters stay",
}
_PING_S: Final = 45.0  # an attempt takes 30 s at most


def register(commands: "Commands") -> None:
    """Add the commands."""
    verbs = group(commands, "webhooks", "look after webhooks: who is told of what happens to jobs", _WEBHOOKS)
    add(verbs, "list", list_webhooks, "list webhooks", _WEBHOOKS)
    add(verbs, "show", show_webhook, "show a webhook", _WEBHOOKS).add_argument("webhook")
    _add_put(add(verbs, "put", put_webhook, "make a webhook, or let it be as given", _WEBHOOKS))
    for verb, what in _TURNS.items():
        add(verbs, verb, turn_webhook, what, _WEBHOOKS).add_argument("webhook")
        verbs.choices[verb].set_defaults(verb=verb)
    rotate = add(verbs, "rotate", rotate_webhook, "let another secret sign", _WEBHOOKS)
    rotate.add_argument("webhook")
    _add_secret(rotate)
    add(verbs, "test", ping_webhook, "send it a message for a try", _WEBHOOKS).add_argument("webhook")


def _add_put(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("webhook", metavar="NAME", help="the webhook's name")
    parser.add_argument("target", metavar="URL", help="https://, where the receiver is")
    what = parser.add_argument_group("what it is told (each may be given several times)")
    what.add_argument("--event", action="append", metavar="TYPE", help="job.dead, job.leased, ... (what jobs end as)")
    what.add_argument("--queue", action="append", metavar="NAME", help="of jobs of this queue (all)")
    what.add_argument("--task", action="append", metavar="NAME", help="of jobs of this task (all)")
    how = parser.add_argument_group("how")
    how.add_argument("--timeout", metavar="TIME", help="for one attempt (10s)")
    how.add_argument("--concurrency", type=int, metavar="N", help="attempts at a time (5)")
    how.add_argument("--max-waiting", type=int, metavar="N", help="deliveries that have not ended (10000)")
    how.add_argument("--max-attempts", type=int, metavar="N", help="until a delivery is given up (12)")
    how.add_argument("--description", metavar="TEXT")
    how.add_argument("--paused", action="store_true", default=None, help="tell it nothing yet")
    _add_secret(how)


def _add_secret(parser: Any) -> None:
    parser.add_argument(
        "--secret-file",
        metavar="FILE",
        help="where the secret stands, whsec_... (-: standard input); else the server makes one up, and shows it once",
    )


def list_webhooks(client: "Client", args: argparse.Namespace) -> int:
    """List webhooks."""
    from headrace._text import table

    found = list(client.iter_webhooks())
    head = ("WEBHOOK", "STATE", "WAITING", "DEAD", "EVENTS", "URL")
    rows = [(each.name, _state(each), *_deliveries(each), _words(each.events), each.url) for each in found]
    show(args, found, lambda: table(head, rows, numbers=(2, 3)))
    return OK


def show_webhook(client: "Client", args: argparse.Namespace) -> int:
    """Show a webhook."""
    return _show(args, client.webhook(args.webhook))


def put_webhook(client: "Client", args: argparse.Namespace) -> int:
    """Make a webhook."""
    from headrace.models import RetryPolicy
    from headrace.webhooks import Webhook

    wanted = Webhook(
        url=args.target,
        events=args.event,
        queues=args.queue,
        tasks=args.task,
        timeout_ms=None if args.timeout is None else span_ms(args.timeout),
        concurrency=args.concurrency,
        max_waiting=args.max_waiting,
        retry=None if args.max_attempts is None else RetryPolicy(max_attempts=args.max_attempts),
        description=args.description,
        paused=args.paused,
        secret=_secret(args),
    )
    return _show(args, client.put_webhook(args.webhook, wanted))


def turn_webhook(client: "Client", args: argparse.Namespace) -> int:
    """Pause, resume or delete a webhook."""
    name = args.webhook
    if args.verb == "delete":
        client.delete_webhook(name)
        show(args, {"name": name, "state": "gone"}, lambda: f"{name} is deleted")
        return OK
    return _show(args, client.pause_webhook(name) if args.verb == "pause" else client.resume_webhook(name))


def rotate_webhook(client: "Client", args: argparse.Namespace) -> int:
    """Let another secret sign."""
    return _show(args, client.rotate_webhook(args.webhook, secret=_secret(args)))


def ping_webhook(client: "Client", args: argparse.Namespace) -> int:
    """Send a message for a try; say what the receiver said."""
    from headrace.words import State

    sent = client.ping_webhook(args.webhook)
    job = client.wait(sent.job_id, timeout=_PING_S)
    if job.state is State.SUCCEEDED:
        told = job.result
        show(args, job, lambda: f"{args.webhook} answered {told['status']} after {told['took_ms']} ms")
        return OK
    why = f"{job.error.type}: {job.error.message}" if job.error else job.reason or ""
    words = f"{args.webhook} was not told: {job.state.value} {why}".rstrip()
    show(args, job, lambda: words)
    return JOB_FAILED if job.state.is_final else TIMED_OUT


def _secret(args: argparse.Namespace) -> str | None:
    """Return the secret that somebody brought: never on the command line, which everybody on the machine can read."""
    if args.secret_file is None:
        return None
    try:
        text = sys.stdin.read() if args.secret_file == "-" else Path(args.secret_file).read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"the secret cannot be read: {error}") from None
    return text.strip()


def _show(args: argparse.Namespace, record: "WebhookRecord") -> int:
    from headrace._text import field_table

    waiting, dead = _deliveries(record)
    rows = {
        "name": record.name,
        "is": _state(record),
        "url": record.url,
        "events": _words(record.events),
        "queues": ", ".join(record.queues) or "all",
        "tasks": ", ".join(record.tasks) or "all",
        "attempts": record.retry.max_attempts,
        "deliveries": f"{waiting} waiting, {dead} dead, in {record.queue}",
        "missed": record.missed,
    }
    if record.secret is not None:
        rows["secret"] = f"{record.secret} (keep it: it is not shown again)"
    show(args, record, lambda: field_table(rows))
    return OK


def _state(record: "WebhookRecord") -> str:
    reason = record.paused_reason
    return record.state.value if reason is None else f"{record.state.value} ({reason.value})"


def _words(events: "Sequence[WebhookEvent]") -> str:
    return ", ".join(event.value for event in events)


def _deliveries(record: "WebhookRecord") -> tuple[str, str]:
    """Return how many deliveries have not ended, and how many were given up."""
    waiting = sum(count for state, count in record.counts.items() if not state.is_final)
    return str(waiting), str(sum(count for state, count in record.counts.items() if state.value == "dead"))
