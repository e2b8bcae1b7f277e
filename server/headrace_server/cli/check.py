"""`headrace check`: compare every index with the jobs, once, beside whatever runs; exit 1 when something was found."""

import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from headrace_server import app
from headrace_server.cli import checks
from headrace_server.cli.refusals import Refused
from headrace_server.config import Settings
from headrace_server.domain.checks import CheckPage, Disagreement
from headrace_server.domain.ids import format_id
from headrace_server.engine import Engine
from headrace_server.telemetry import configure

NOTHING_FOUND: Final = 0
FOUND: Final = 1


async def run(settings: Settings, *, repair: bool, output: str) -> int:
    """Check the store of these settings, mend it if `repair`, and print what was found; return 0 or 1.

    Raises Refused, StoreRefused and StoreMismatch when the store cannot be used, StoreFault when it goes away.
    """
    found_wrong = list(checks.faults(settings))
    if found_wrong:
        raise Refused("\n".join(found_wrong))
    if settings.redis_url is None and not settings.store_dir().exists():
        raise Refused(
            f"There is no data in {settings.store_dir()}: name the folder with --data-dir, or the store with --redis."
        )
    configure("warning", settings.log_format, checks.secrets(settings))
    found: list[dict[str, Any]] = []  # kept where all of it is one document
    count, looked_at = 0, 0
    async with app.open_store(settings) as store, app.open_engine(settings, store) as engine:
        async for shard, page in _pages(engine, repair=repair):
            facts = [_facts(shard, each) for each in page.found]
            sys.stdout.write("".join(_line(each, output) for each in facts))
            found += facts if output == "json" else []
            count, looked_at = count + len(facts), looked_at + page.looked_at
    summary = {"looked_at": looked_at, "found": count, "repaired": repair}
    sys.stdout.write(_end(summary, found, output) + "\n")
    return FOUND if count else NOTHING_FOUND


async def _pages(engine: Engine, *, repair: bool) -> AsyncIterator[tuple[int, CheckPage]]:
    for shard in range(engine.shards):
        cursor: str | None = None
        while (page := await engine.check(shard, cursor, repair=repair)).cursor is not None:
            yield shard, page
            cursor = page.cursor
        yield shard, page


def _facts(shard: int, each: Disagreement) -> dict[str, Any]:
    job_id = None if each.job_id is None else format_id(each.job_id)
    return {"kind": each.kind.value, "shard": shard, "queue": each.queue, "job_id": job_id, "detail": each.detail}


def _line(facts: Mapping[str, Any], output: str) -> str:
    """Return what is printed of a finding at once: all of it, but where it is a part of one document."""
    if output == "json":
        return ""
    if output == "jsonl":
        return json.dumps(facts) + "\n"
    about = " ".join(f"{name}={value}" for name, value in facts.items() if name != "detail" and value is not None)
    return f"{about}: {facts['detail']}\n"


def _end(summary: Mapping[str, Any], found: Sequence[Mapping[str, Any]], output: str) -> str:
    if output == "json":
        return json.dumps({**summary, "disagreements": found}, indent=2)
    if output == "jsonl":
        return json.dumps(summary)
    looked = f"looked at {summary['looked_at']} keys and members: "
    if not summary["found"]:
        return looked + "everything agrees"
    what_next = " and were mended" if summary["repaired"] else "; mend them with --repair"
    return f"{looked}{summary['found']} disagreed{what_next}"
