"""The janitor: every shard is gone through now and then, in small steps; what disagrees is mended and logged."""

import asyncio
import logging
import random
from typing import Final

from headrace_server.domain.ids import format_id
from headrace_server.engine import Engine

BETWEEN_S: Final = 0.2  # pages: the check may take its time, and nobody should notice it

_log = logging.getLogger(__name__)


class Janitor:
    """The janitor of one shard; every process has one, and they do not mind each other."""

    def __init__(self, engine: Engine, shard: int, interval_ms: int) -> None:
        self._engine = engine
        self._shard = shard
        self._interval_ms = interval_ms
        self._cursor: str | None = None
        self._is_new = True  # a server that just started has other things to do

    async def step(self) -> int:
        """Look at one page; return how many disagreements were mended."""
        if self._is_new:
            return 0
        page = await self._engine.check(self._shard, self._cursor, repair=True)
        self._cursor = page.cursor
        for each in page.found:
            job_id = None if each.job_id is None else format_id(each.job_id)
            facts = {"shard": self._shard, "kind": each.kind.value, "queue": each.queue, "job_id": job_id}
            _log.warning("the check found and mended: %s", each.detail, extra=facts)
        return len(page.found)

    async def pause(self) -> None:
        """Return after a moment in the middle of a round, after the interval at its end."""
        ended, self._is_new = self._cursor is None, False
        await asyncio.sleep(random.uniform(0.5, 1.5) * (self._interval_ms / 1000 if ended else BETWEEN_S))
