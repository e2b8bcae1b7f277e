"""`headrace check`: compare every index with the jobs, once, beside whatever runs; exit 1 when something was found."""

import json
import sys
from typing import Final

from headrace_server import app
from headrace_server.cli import checks
from headrace_server.cli.refusals import Refused
from headrace_server.config import Settings
from headrace_server.domain.checks import Disagreement
from headrace_server.domain.ids import format_id
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
    found, looked_at = 0, 0
    async with app.open_store(settings) as store, app.open_engine(settings, store) as engine:
        for shard in range(engine.shards):
            cursor: str | None = None
            while True:
                page = await engine.check(shard, cursor, repair=repair)
                for each in page.found:
                    sys.stdout.write(_line(shard, each, output))
                found, looked_at, cursor = found + len(page.found), looked_at + page.looked_at, page.cursor
                if cursor is None:
                    break
    sys.stdout.write(_summary(found, looked_at, repair=repair, output=output))
    return FOUND if found else NOTHING_FOUND


def _line(shard: int, each: Disagreement, output: str) -> str:
    job_id = None if each.job_id is None else format_id(each.job_id)
    facts = {"kind": each.kind.value, "shard": shard, "queue": each.queue, "job_id": job_id}
    if output == "json":
        return json.dumps({**facts, "detail": each.detail}) + "\n"
    about = " ".join(f"{name}={value}" for name, value in facts.items() if value is not None)
    return f"{about}: {each.detail}\n"


def _summary(found: int, looked_at: int, *, repair: bool, output: str) -> str:
    if output == "json":
        return json.dumps({"looked_at": looked_at, "found": found, "repaired": repair}) + "\n"
    looked = f"looked at {looked_at} keys and members: "
    if not found:
        return looked + "everything agrees\n"
    return looked + f"{found} disagreed" + (" and were mended\n" if repair else "; mend them with --repair\n")
