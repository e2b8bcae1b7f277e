"""What operators say about limit keys: concurrency, rate, back-off; it holds on every shard by itself."""

import asyncio
from collections.abc import Sequence
from typing import Any

from headrace_server.domain.errors import StoreFault
from headrace_server.domain.queues import LimitPage, LimitSettings, LimitView, Rate
from headrace_server.engine.routing import Routing, partly
from headrace_server.engine.steering import rate_words


class Limiting(Routing):
    """The calls about limits; a view is the sum over the shards, and the latest of their back-offs."""

    async def limits(self, after: str | None, limit: int) -> LimitPage:
        """Return limits that have settings or are held back, from behind `after`. Raises StoreFault."""
        found = await asyncio.gather(*(shard.ask("limits", [limit + 1, after or ""]) for shard in self._shards))
        names = sorted({answer[0].decode() for _, answers in found for answer in answers})
        page = names[:limit]
        views = await self._views(page) if page else []
        return LimitPage(limits=views, next_after=page[-1] if len(names) > limit else None)

    async def limit(self, name: str) -> LimitView:
        """Return a limit as it is now; one that nobody has spoken of has no settings. Raises StoreFault."""
        return (await self._views([name]))[0]

    async def set_limit(self, name: str, settings: LimitSettings) -> LimitView:
        """Let these settings hold for the keys of a name, from now on; a back-off stays. Raises StoreFault."""
        rate = None if settings.rate is None else rate_words(settings.rate)
        concurrency = "-" if settings.concurrency is None else settings.concurrency
        return await self._change(name, "set", concurrency, *(rate.values() if rate else "----"))

    async def unset_limit(self, name: str) -> LimitView:
        """Let no settings hold under this name; a back-off stays. Raises StoreFault."""
        return await self._change(name, "unset")

    async def back_off(self, name: str, for_ms: int) -> LimitView:
        """Lease none of the jobs with a key of this name for a time; 0 ends that. Raises StoreFault."""
        return await self._change(name, "hold", for_ms)

    async def _change(self, name: str, what: str, *words: str | int) -> LimitView:
        parts: list[LimitView] = []
        for shard in self._shards:
            try:
                now_ms, answer = await shard.ask("limit", [name, what, *words])
            except StoreFault as error:
                raise partly(error, len(parts)) from error
            parts.append(_view(answer, now_ms))
        return _joined(parts)

    async def _views(self, names: Sequence[str]) -> list[LimitView]:
        found = await asyncio.gather(*(shard.ask("limits", [0, *names]) for shard in self._shards))
        of_shards = [[_view(answer, now_ms) for answer in answers] for now_ms, answers in found]
        return [_joined(parts) for parts in zip(*of_shards, strict=True)]


def _view(answer: Sequence[Any], now_ms: int) -> LimitView:
    name, packed, leased = answer
    words = packed.decode().split() if packed else ["-"] * 6
    concurrency, _interval_us, burst, held, count, per = (None if word == "-" else int(word) for word in words)
    rate = None
    if count is not None and per is not None and burst is not None:
        rate = Rate(count=count, per_ms=per, burst=burst)
    settings = None if concurrency is None and rate is None else LimitSettings(concurrency=concurrency, rate=rate)
    held_until_ms = held if held is not None and held > now_ms else None
    return LimitView(
        name=name.decode(), settings=settings, leased=int(leased), held_until_ms=held_until_ms, now_ms=now_ms
    )


def _joined(parts: Sequence[LimitView]) -> LimitView:
    held = [part.held_until_ms for part in parts if part.held_until_ms is not None]
    return LimitView(
        name=parts[0].name,
        settings=next((part.settings for part in parts if part.settings is not None), None),
        leased=sum(part.leased for part in parts),
        held_until_ms=max(held, default=None),
        now_ms=max(part.now_ms for part in parts),
    )
