"""What operators say about queues: settings, pause, resume, drain."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from headrace_server.domain.queues import QueueSettings, QueueView, Rate
from headrace_server.domain.requests import QueuePage
from headrace_server.domain.retry import Backoff, OnExhausted, RetryPolicy
from headrace_server.engine import decode, encode
from headrace_server.engine.routing import Routing

_SEPARATOR: Final = "\x1f"
_NUMBERS: Final = (
    "lease_ms",
    "max_runtime_ms",
    "priority",
    "max_crashes",
    "succeeded_retention_ms",
    "dead_retention_ms",
    "cancelled_retention_ms",
    "result_ttl_ms",
    "max_depth",
    "max_bytes",
    "concurrency",
)
_RETRY_NUMBERS: Final = ("max_attempts", "initial_ms", "max_ms", "max_elapsed_ms")


class Steering(Routing):
    """The calls about one queue."""

    async def queue(self, name: str) -> QueueView:
        """Return a queue as it is now; one that nobody has spoken of is empty. Raises StoreFault."""
        now_ms, answer = await self._home_of(name).ask("queue", [name])
        return view(name, answer, now_ms)

    async def queues(self, *, after: str | None, limit: int) -> QueuePage:
        """Return names of queues in alphabetical order, from behind `after`. Raises StoreFault."""
        found = await asyncio.gather(*(shard.ask("queues", [after or "", limit + 1]) for shard in self._shards))
        names = sorted(name.decode() for _, part in found for name in part)
        page = names[:limit]
        return QueuePage(queues=page, next_after=page[-1] if len(names) > limit else None)

    async def configure(self, name: str, settings: QueueSettings) -> QueueView:
        """Replace all settings of a queue, from now on; pause and drain stay. Raises StoreFault."""
        return await self._configure(name, "set", *_words(settings))

    async def pause(self, name: str, for_ms: int | None) -> QueueView:
        """Give none of a queue's jobs, for a time or until `resume`. Raises StoreFault."""
        return await self._configure(name, "pause", "" if for_ms is None else for_ms)

    async def resume(self, name: str) -> QueueView:
        """End pause and drain. Raises StoreFault."""
        return await self._configure(name, "resume")

    async def drain_queue(self, name: str) -> QueueView:
        """Take no new jobs for a queue, serve those that are there. Raises StoreFault."""
        return await self._configure(name, "drain")

    async def forget(self, name: str) -> QueueView | None:
        """Remove a queue's settings, and its name with its last record; return None when that is done.

        A queue with jobs that have not ended is left as it is, and returned. Raises StoreFault.
        """
        now_ms, answer = await self._home_of(name).ask("forget", [name])
        return view(name, answer, now_ms) if answer else None

    async def _configure(self, name: str, what: str, *words: bytes | str | int) -> QueueView:
        now_ms, answer = await self._home_of(name).ask("configure", [name, what, *words])
        return view(name, answer, now_ms)


def view(name: str, answer: Sequence[Any], now_ms: int) -> QueueView:
    """Return a queue from what the scripts say of it."""
    words, flat = answer
    *_, pause_ms, draining = words.split(b" ")
    found = {name.decode(): value.decode() for name, value in zip(flat[::2], flat[1::2], strict=True)}
    return QueueView(
        stats=decode.stats(name, words, now_ms),
        settings=_settings(found),
        paused=bool(pause_ms),
        paused_until_ms=int(pause_ms) if pause_ms not in (b"", b"-1") else None,
        draining=bool(draining),
    )


def _words(settings: QueueSettings) -> encode.Args:
    """Return names and values as the scripts look them up."""
    return [word for name, value in _named(settings) if value is not None for word in (name, value)]


def _named(settings: QueueSettings) -> Iterator[tuple[str, str | int | None]]:
    yield from ((name, getattr(settings, name)) for name in _NUMBERS)
    retry = settings.retry or RetryPolicy()
    yield from ((name, getattr(retry, name)) for name in _RETRY_NUMBERS)
    yield from (("backoff", retry.backoff), ("on_exhausted", retry.on_exhausted))
    yield "factor", None if retry.factor is None else repr(retry.factor)
    yield "jitter", None if retry.jitter is None else int(retry.jitter)
    if retry.non_retryable is not None:  # the first separator keeps scripts from taking a pattern for a number
        yield "non_retryable", "".join(_SEPARATOR + pattern for pattern in retry.non_retryable) or _SEPARATOR
    if settings.rate is not None:
        yield from rate_words(settings.rate).items()


def _settings(found: Mapping[str, str]) -> QueueSettings:
    def number(name: str) -> int | None:
        return int(found[name]) if name in found else None

    patterns = found.get("non_retryable")
    retry = RetryPolicy(
        **{name: number(name) for name in _RETRY_NUMBERS},
        backoff=Backoff(found["backoff"]) if "backoff" in found else None,
        factor=float(found["factor"]) if "factor" in found else None,
        jitter=found["jitter"] == "1" if "jitter" in found else None,
        non_retryable=None if patterns is None else tuple(filter(None, patterns.split(_SEPARATOR))),
        on_exhausted=OnExhausted(found["on_exhausted"]) if "on_exhausted" in found else None,
    )
    rate = None
    if "rate_count" in found:
        rate = Rate(count=int(found["rate_count"]), per_ms=int(found["rate_per_ms"]), burst=int(found["burst"]))
    numbers = {name: number(name) for name in _NUMBERS}
    return QueueSettings(**numbers, retry=None if retry == RetryPolicy() else retry, rate=rate)


def rate_words(rate: Rate) -> dict[str, int]:
    """Return a rate as the scripts use it: the time that brings one token, in us rounded up, beside what was said."""
    interval_us = -(-rate.per_ms * 1000 // rate.count)
    return {"interval_us": interval_us, "burst": rate.burst, "rate_count": rate.count, "rate_per_ms": rate.per_ms}
