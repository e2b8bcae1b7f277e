"""The command that shows what is going on, again and again: queues, workers, how much gets done."""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from headrace.commands._common import OK, UsageError, add, say

if TYPE_CHECKING:
    from headrace.cli import Commands
    from headrace.client import Client
    from headrace.operating import QueueStats

_HOME: Final = "\x1b[H\x1b[2J"  # to the corner, and nothing on the screen
_ENDS: Final = ("succeeded", "dead", "cancelled")

_TOP: Final = """
examples:
  headrace top                          every 2 seconds, until Ctrl-C
  headrace top -n 1                     once
  headrace top -i 10 -n 6 -o jsonl      a minute as six documents

DONE/S counts the jobs that have ended since the picture before. Off a terminal there is one picture, unless -n says so.
"""


def register(commands: "Commands") -> None:
    """Add the command."""
    top = add(commands, "top", show_top, "show queues and workers, again and again", _TOP)
    top.add_argument("-i", "--interval", type=float, default=2.0, metavar="S", help="seconds (default: 2)")
    top.add_argument("-n", "--count", type=int, metavar="N", help="pictures (default: until Ctrl-C)")


def show_top(client: "Client", args: argparse.Namespace) -> int:
    """Show pictures."""
    from headrace import _text

    if args.interval <= 0:
        raise UsageError("--interval must be positive")
    live = sys.stdout.isatty() and args.output == "table"
    left = args.count or (None if sys.stdout.isatty() else 1)
    before: dict[str, tuple[int, float]] = {}
    while left is None or left > 0:
        picture = _picture(client, before)
        if args.output == "table":
            say((_HOME if live else "") + _drawn(picture), now=True)
        else:
            say(_text.as_json(picture) if args.output == "json" else _text.as_line(picture), now=True)
        left = None if left is None else left - 1
        if left != 0:
            time.sleep(args.interval)
    return OK


def _picture(client: "Client", before: dict[str, tuple[int, float]]) -> dict[str, Any]:
    """Return what is going on as a document; `before`: the ended jobs of each queue, and when they were counted."""
    from headrace import _text
    from headrace.commands.queues import all_queues

    info, workers = client.server_info(), list(client.iter_workers())
    now = time.monotonic()
    up = [worker for worker in workers if worker.state == "up"]
    queues = [_queue(each, before, now) for each in all_queues(client)]
    return {
        "server": {"url": client.url, "version": info.version, "durability": info.durability},
        "server_time": _text.document(info.server_time),
        "workers": {
            "up": len(up),
            "lost": len(workers) - len(up),
            "slots": sum(worker.info.slots or 0 for worker in up),
            "busy": sum(worker.info.busy or 0 for worker in up),
        },
        "queues": sorted(queues, key=lambda queue: (-queue["backlog"], queue["queue"])),
    }


def _queue(stats: "QueueStats", before: dict[str, tuple[int, float]], now: float) -> dict[str, Any]:
    counts = {state.value: n for state, n in stats.counts.items()}
    ended = sum(counts.get(state, 0) for state in _ENDS)
    was, at = before.get(stats.queue, (ended, now))
    before[stats.queue] = ended, now
    done_per_s = max(0, ended - was) / (now - at) if now > at else None  # pruned ones make it less
    return {
        "queue": stats.queue,
        "paused": getattr(stats, "paused", False),
        "backlog": stats.backlog,
        "counts": counts,
        "oldest_ready_age_ms": stats.oldest_ready_age_ms,
        "done_per_s": None if done_per_s is None else round(done_per_s, 1),
    }


def _drawn(picture: Mapping[str, Any]) -> str:
    from headrace import _text

    server, workers, queues = picture["server"], picture["workers"], picture["queues"]
    lost = f", {workers['lost']} lost" if workers["lost"] else ""
    head = (
        f"{server['url']}  headrace {server['version']}  {server['durability']}  {picture['server_time']}\n"
        f"workers: {workers['up']} up{lost}, {workers['busy']} of {workers['slots']} slots busy\n"
    )
    titles = ("QUEUE", "BACKLOG", "READY", "LEASED", "SCHEDULED", "RETRYING", "DEAD", "OLDEST READY", "DONE/S")
    return head + "\n" + _text.table(titles, [_row(queue) for queue in queues], numbers=range(1, len(titles)))


def _row(queue: Mapping[str, Any]) -> Sequence[str]:
    from headrace import _text

    name = f"{queue['queue']} (paused)" if queue["paused"] else queue["queue"]
    counts = [str(queue["counts"].get(state, 0)) for state in ("ready", "leased", "scheduled", "retrying", "dead")]
    done = "-" if queue["done_per_s"] is None else str(queue["done_per_s"])
    return [name, str(queue["backlog"]), *counts, _text.age(queue["oldest_ready_age_ms"]), done]
