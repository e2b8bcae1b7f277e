"""The janitor: every shard is gone through now and then, in small steps; what disagrees is mended and logged."""

import asyncio
import logging
import random
from typing import Final

from headrace_server.domain.ids import format_id
from headrace_server.engine import Engine

SHARE: Final = 0.05  # of the time is spent on checks: they may take theirs, and nobody should notice them
LEAST_S: Final = 0.05  # between two pages

_log = logging.getLogger(__name__)


class Janitor:
    """The janitor of one shard; every process has one, and one of them takes the next round."""

    def __init__(self, engine: Engine, shard: int, interval_ms: int) -> None:
        self._engine = engine
        self._shard = shard
        self._interval_ms = interval_ms
        self._cursor: str | None = None
        self._in_round = False
        self._is_new = True  # a server that just started has other things to do
        self._took_s = 0.0

    async def step(self) -> int:
        """Look at one page; log what it mended."""
        if self._is_new:
            return 0
        self._in_round = self._in_round or await self._engine.begin_check(self._shard, self._interval_ms)
        if not self._in_round:
            return 0
        started = asyncio.get_running_loop().time()
        page = await self._engine.check(self._shard, self._cursor, repair=True)
        self._cursor, self._in_round = page.cursor, page.cursor is not None
        self._took_s = asyncio.get_running_loop().time() - started
        for each in page.found:
            job_id = None if each.job_id is None else format_id(each.job_id)
            facts = {"shard": self._shard, "kind": each.kind.value, "queue": each.queue, "job_id": job_id}
            _log.warning("the check found and mended: %s", each.detail, extra=facts)
        return 0  # also one that found something is followed by a pause

    async def pause(self) -> None:
        """Return after a moment in the middle of a round, after the interval at its end."""
        self._is_new = False
        if self._in_round:
            await asyncio.sleep(max(LEAST_S, self._took_s / SHARE))
        else:
            await asyncio.sleep(self._interval_ms / 1000 * random.uniform(1.0, 1.2))
